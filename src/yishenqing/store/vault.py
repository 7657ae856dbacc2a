"""The side store: personal data and papers, of which the ledger holds only salted digests."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from yishenqing.core.errors import Fault, IntegrityFault, NotFound
from yishenqing.core.ledger import Sealed, digest, opened, placeholder, placeholders, seal
from yishenqing.core.workflow import Step
from yishenqing.store.hot import Hot, insertion
from yishenqing.store.tables import files, sealed

_SALT_BYTES = 16
_INSERT_SEALED = Hot(insertion(sealed))


@dataclass(frozen=True, slots=True)
class Paper:
    """A file of a case: the digest in the entry, its salt, and where its content lies."""

    digest: str
    salt: str
    sha256: str
    size: int
    name: str

    def in_entry(self) -> dict[str, Any]:
        """Return what the entry says of the paper: nothing that its content could be guessed from."""
        return {"file": self.digest, "size": self.size}

    def holds(self) -> bool:
        """Tell whether digest, salt, content and name belong together."""
        return digest("file", self.salt, self.sha256, self.name) == self.digest


class Papers:
    """Contents by SHA-256 in a folder of the office: written whole, then named, never changed."""

    def __init__(self, folder: Path) -> None:
        """Keep contents below ``folder``."""
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Return where the content lies."""
        return self._folder / sha256[:2] / sha256

    def keep(self, content: bytes, name: str) -> Paper:
        """Write ``content`` (unless it lies there whole) and return the paper with a fresh salt."""
        sha256 = hashlib.sha256(content).hexdigest()
        if self.fault(sha256):
            write_whole(self.path(sha256), content)
        salt = secrets.token_hex(_SALT_BYTES)
        return Paper(digest("file", salt, sha256, name), salt, sha256, len(content), name)

    def read(self, sha256: str) -> bytes:
        """Return the content.

        Raises:
            NotFound: it is missing.
            IntegrityFault: it is not what was kept.
        """
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"文件内容缺失：{self.path(sha256)}") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise IntegrityFault.of([Fault("文件内容已被改动", str(self.path(sha256)))])
        return content

    def fault(self, sha256: str) -> str | None:
        """Return what is wrong with the content of that name: missing, changed, or nothing (None)."""
        path = self.path(sha256)
        if not path.is_file():
            return "的内容缺失"
        return None if is_content(path, sha256) else "的内容已被改动"


def is_content(path: Path, sha256: str) -> bool:
    """Tell whether the file at ``path`` is there and is what ``sha256`` names."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a reader sees all of it or nothing, also after a power cut."""
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    for folder in (path.parent, *(made.parent for made in missing)):
        settled_folder(folder)


def settled_folder(folder: Path) -> None:
    """Make the names in ``folder`` outlast a power cut, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal_facts(step: Step, facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[Sealed]]:
    """Return the facts as they stand in the entry, and the sealed values for the side store."""
    inside, outside = {}, []
    for name, value in facts.items():
        known = step.fields.get(name)
        if known is not None and known.personal:
            hidden = seal(value, secrets.token_hex(_SALT_BYTES))
            outside.append(hidden)
            inside[name] = placeholder(hidden)
        else:
            inside[name] = value
    return inside, outside


def put_sealed(connection: Connection, agency: str, number: str, values: Sequence[Sealed]) -> None:
    """Store sealed values."""
    if values:
        rows = [
            {"agency": agency, "number": number, "digest": s.digest, "salt": s.salt, "value": s.value} for s in values
        ]
        _INSERT_SEALED.run_many(connection, rows)


def sealed_of(connection: Connection, agency: str, number: str) -> dict[str, Sealed]:
    """Return the sealed values of a case by digest."""
    query = select(sealed.c.digest, sealed.c.salt, sealed.c.value).where(
        sealed.c.agency == agency, sealed.c.number == number
    )
    return {row.digest: Sealed(*row) for row in connection.execute(query)}


def sealed_of_many(
    connection: Connection, agency: str, facts: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Sealed]]:
    """Return, by case, the sealed values that these facts (by case) hold placeholders of."""
    wanted = sorted({digest for found in facts.values() for digest in placeholders(found)})
    query = select(sealed.c.number, sealed.c.digest, sealed.c.salt, sealed.c.value).where(
        sealed.c.agency == agency, sealed.c.number.in_(sorted(facts)), sealed.c.digest.in_(wanted)
    )
    found: dict[str, dict[str, Sealed]] = {number: {} for number in facts}
    for number, *value in connection.execute(query) if wanted else ():
        found[number][value[0]] = Sealed(*value)
    return found


def opener(values: Mapping[str, Sealed]) -> Callable[[Any], Any]:
    """Return a function that opens the sealed parts of facts; what was destroyed reads “（已销毁）”."""

    def look_up(name: str) -> Any:
        return json.loads(values[name].value) if name in values else "（已销毁）"

    return lambda facts: opened(facts, look_up)


def put_papers(connection: Connection, agency: str, number: str, papers: Iterable[Paper]) -> None:
    """Store which papers belong to the case."""
    rows = [
        {
            "agency": agency,
            "number": number,
            "digest": p.digest,
            "salt": p.salt,
            "sha256": p.sha256,
            "size": p.size,
            "name": p.name,
        }
        for p in papers
    ]
    if rows:
        connection.execute(insert(files), rows)


def papers_of(connection: Connection, agency: str, number: str) -> dict[str, Paper]:
    """Return the papers of a case by digest."""
    query = select(files.c.digest, files.c.salt, files.c.sha256, files.c.size, files.c.name).where(
        files.c.agency == agency, files.c.number == number
    )
    return {row.digest: Paper(*row) for row in connection.execute(query)}
