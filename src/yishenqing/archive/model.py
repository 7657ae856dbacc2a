"""What the office hands in to be sealed, and what it gets back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from yishenqing.core.ledger import Entry, Sealed, digest


class FilePaper(Struct, frozen=True):
    """One paper of the file; ``name`` is its wished file name, already numbered in filing order."""

    name: str
    title: str
    content: bytes


class PaperRecord(Struct, frozen=True):
    """A file that an entry refers to by salted digest. ``size`` is in bytes."""

    digest: str
    salt: str
    sha256: str
    size: int
    name: str

    def holds(self) -> bool:
        """Tell whether digest, salt, content hash and name belong together."""
        return digest("file", self.salt, self.sha256, self.name) == self.digest


class CaseFile(Struct, frozen=True):
    """Everything of one case. ``rulebook`` is the digest of ``snapshot``, the text of the rules it was opened under.

    ``later`` are the texts of the rules that it was moved to, in the order of the moves in its ledger.

    ``destroyed`` lists the digests of sealed values and files that were destroyed under the retention rules:
    entries still mention them, nothing can open them. A digest that is neither present nor listed here is a
    fault, so that a loss is never taken for a lawful destruction. ``info`` adds lines to bag-info.txt, and may
    replace Source-Organization (else ``agency``), External-Description and Bagging-Date.

    ``metadata`` are further records: text by file name. ``anchor`` proves that a checkpoint holds the
    ledger (see :mod:`yishenqing.archive.anchor`); ``tags`` are files beside the payload (the checkpoint).
    """

    agency: str
    number: str
    title: str
    rulebook: str
    snapshot: str
    entries: Sequence[Entry]
    sealed: Sequence[Sealed]
    papers: Sequence[PaperRecord]
    deadlines: Sequence[Mapping[str, Any]]
    contents: Sequence[FilePaper]
    info: Mapping[str, str] = field(default_factory=dict)
    destroyed: Sequence[str] = ()
    later: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    anchor: Mapping[str, Any] | None = None
    tags: Mapping[str, bytes] = field(default_factory=dict)


class Package(Struct, frozen=True):
    """A package that lies at ``path``: the numbers of its cases, and its payload files below it, sorted."""

    path: Path
    cases: tuple[str, ...]
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the package in the words of the contract."""
        return {"path": str(self.path), "cases": list(self.cases), "files": list(self.files)}
