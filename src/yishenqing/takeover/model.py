"""One case of an older ledger, and by which customs (data) its columns and words are understood."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from yishenqing.core.errors import DataFault
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "import.yaml"


class Remedy(Struct, frozen=True):
    """A reconsideration or lawsuit that the ledger tells of; without ``decided_on`` it is not decided."""

    kind: str
    filed_on: date
    decided_on: date | None
    result: str


class Earlier(Struct, frozen=True):
    """One case; without ``outcome`` it is still open."""

    line: int
    file: str
    number: str
    received_on: date
    kind: str
    applicant: Mapping[str, str] = field(default_factory=dict)
    request: str = ""
    outcome: str | None = None
    replied_on: date | None = None
    due_on: date | None = None
    remedies: tuple[Remedy, ...] = ()


class RemedyColumns(Written, frozen=True):
    """How the columns of remedies are headed: the groups by kind, the parts within a group."""

    groups: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, tuple[str, ...]]


class Customs(Written, frozen=True, dict=True):
    """How offices head their columns, and in how many ways they say the same."""

    title: str
    law: str
    workflow: str
    headings: Mapping[str, tuple[str, ...]]
    remedies: RemedyColumns
    kinds: Mapping[str, tuple[str, ...]]
    results: Mapping[str, tuple[str, ...]]
    outcomes: Mapping[str, tuple[str, ...]]

    @cached_property
    def columns(self) -> dict[str, tuple[str, str]]:
        """Return what each heading means: a field, or (kind of remedy, part of it)."""
        found = {plain(h): (name, "") for name, said in self.headings.items() for h in (name, *said)}
        for kind, groups in self.remedies.groups.items():
            for part, said in self.remedies.parts.items():
                for group in (kind, *groups):
                    for word in (part, *said):
                        found[plain(f"{group}{word}")] = (kind, part)
        return found

    @cached_property
    def words(self) -> dict[str, dict[str, str]]:
        """Return the code of each word, by what it is a word of."""
        return {
            name: {w: code for code, said in table.items() for word in (code, *said) for w in (word, plain(word))}
            for name, table in (("kind", self.kinds), ("result", self.results), ("outcome", self.outcomes))
        }


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return letters and figures alone, full and half width alike."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def read_customs(home: Path | None) -> Customs:
    """Return the office's customs, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Customs, path, home, _read)


def _read(path: Path) -> Customs:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    customs = validated(TypeAdapter(Customs), document)
    faults = [
        document.fault(f"“{word}”既是{first}又是{code}", (place, code))
        for place in ("kinds", "results", "outcomes")
        for word, first, code in _twice(getattr(customs, place))
    ]
    missing = {"number", "received_on", "kind"} - customs.headings.keys()
    faults += [document.fault(f"缺少“{name}”", ("headings",)) for name in sorted(missing)]
    if faults:
        raise DataFault.of(faults)
    return customs


def _twice(table: Mapping[str, tuple[str, ...]]) -> Iterable[tuple[str, str, Any]]:
    seen: dict[str, str] = {}
    for code, said in table.items():
        for word in dict.fromkeys((plain(code), *map(plain, said))):
            if word in seen:
                yield word, seen[word], code
            seen[word] = code
