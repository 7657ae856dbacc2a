"""The side store: personal data and papers, of which the ledger holds only salted digests.

Where the agency has a data key (``keyring``), values, salts, papers' names and contents are kept encrypted. What was
kept before that is read as it is, until ``rekeying`` has passed over it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Table, bindparam, insert, select

from yishenqing.core.errors import DataFault, Fault, IntegrityFault, NotFound
from yishenqing.core.ledger import Sealed, digest, opened, placeholder, placeholders, seal
from yishenqing.core.workflow import Step
from yishenqing.hot import Hot, insertion
from yishenqing.store.cipher import DataKey, Unreadable, key_of_content, key_of_file, key_of_text
from yishenqing.store.keyring import Keyring, OneEncrypted, ring_of
from yishenqing.store.tables import files, sealed

_SALT_BYTES = 16
_NO_UNNAMED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})
_APART = "\n"  # between a salt, which is hexadecimal, and what was salted
_CHANGED = "（登记已被改动）"
_UNSEEN = '"（已加密，由办理机关保管密钥）"'
_INSERT_SEALED, _SEAL_ONE = Hot(insertion(sealed)), OneEncrypted(sealed)


def _of_case(table: Table, *names: str) -> Hot:
    where = (table.c.agency == bindparam("a"), table.c.number == bindparam("n"))
    return Hot(select(*(table.c[name] for name in names)).where(*where))


_SEALED_OF = _of_case(sealed, "digest", "salt", "value")
_PAPERS_OF = _of_case(files, "digest", "salt", "sha256", "size", "name")


class Paper(Struct, frozen=True):
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
    """Contents by SHA-256 in a folder of the office: written whole, then named, never changed.

    The name is the SHA-256 of the content itself, whether it is kept encrypted or not.
    """

    def __init__(self, folder: Path, ring: Keyring | None = None) -> None:
        """Keep contents below ``folder``, encrypted with the keys of ``ring``."""
        self.folder, self._ring = folder, ring

    def path(self, sha256: str) -> Path:
        """Return where the content lies."""
        return self.folder / sha256[:2] / sha256

    def keep(self, content: bytes, name: str) -> Paper:
        """Write ``content`` (unless it lies there whole) and return the paper with a fresh salt."""
        sha256 = hashlib.sha256(content).hexdigest()
        if not self._lies_whole(sha256):
            self.write(sha256, content)
        salt = secrets.token_hex(_SALT_BYTES)
        return Paper(digest("file", salt, sha256, name), salt, sha256, len(content), name)

    def _lies_whole(self, sha256: str) -> bool:
        try:
            return self.fault(sha256) is None
        except IntegrityFault:  # sealed with a key of another database; what it says is at hand, and written anew
            return False

    def write(self, sha256: str, content: bytes) -> None:
        """Write the content of that name whole, as contents are kept now."""
        key = self._ring.current_for_files() if self._ring is not None else None
        write_whole(self.path(sha256), content if key is None else key.content(content, sha256))

    def read(self, sha256: str) -> bytes:
        """Return the content.

        Raises:
            NotFound: it is missing.
            IntegrityFault: it is not what was kept.
            DataFault: the key is not at hand.
        """
        try:
            content = self._opened(self.path(sha256).read_bytes(), sha256)
        except FileNotFoundError:
            raise NotFound(f"文件内容缺失：{self.path(sha256)}") from None
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise IntegrityFault.of([Fault("文件内容已被改动", str(self.path(sha256)))])
        return content

    def fault(self, sha256: str) -> str | None:
        """Return what is wrong with the content of that name: missing, changed, or nothing (None)."""
        path = self.path(sha256)
        if not path.is_file():
            return "的内容缺失"
        if key_of_file(path) is None:
            return None if is_content(path, sha256) else "的内容已被改动"
        content = self._opened(path.read_bytes(), sha256)
        whole = content is not None and hashlib.sha256(content).hexdigest() == sha256
        return None if whole else "的内容已被改动"

    def _opened(self, kept: bytes, sha256: str) -> bytes | None:
        """Return a content as it was given; None where it was changed."""
        key = key_of_content(kept)
        if key is None or hashlib.sha256(kept).hexdigest() == sha256:  # or it merely begins like a sealed one
            return kept
        try:
            return _ring(self._ring).for_files(key).plain_content(kept, sha256)
        except Unreadable:
            return None


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
    if not _written_unnamed(path, content):
        _written_beside(path, content)
    for folder in (path.parent, *(made.parent for made in missing)):
        settled_folder(folder)


def _written_unnamed(path: Path, content: bytes) -> bool:
    """Write a file that has no name before it is whole: a kill leaves nothing of it, which could tell of a person.

    False where the file is there already, or the system knows no such files.
    """
    if not hasattr(os, "O_TMPFILE") or path.exists():
        return False
    try:
        descriptor = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return False
        raise
    with os.fdopen(descriptor, "wb") as stream:
        _settled(stream, content)
        try:  # with a descriptor the link to the file is followed; the path being absolute, it is not used otherwise
            os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
        except OSError:  # somebody was faster, or there is no /proc: named while it is written, then
            return False
    return True


def _written_beside(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _settled(stream, content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _settled(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)
    stream.flush()
    os.fsync(stream.fileno())


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
    if len(values) == 1:
        _SEAL_ONE.enter(connection, agency, lambda key: sealed_row(key, agency, number, values[0]))
    elif values:
        _INSERT_SEALED.run_many(connection, sealed_rows(connection, agency, number, values))


def sealed_rows(connection: Connection, agency: str, number: str, values: Sequence[Sealed]) -> list[dict[str, str]]:
    """Return sealed values as rows of the side store, encrypted where the agency has a key."""
    key = _current(connection, agency)
    return [sealed_row(key, agency, number, value) for value in values]


def sealed_row(key: DataKey | None, agency: str, number: str, value: Sealed) -> dict[str, str]:
    """Return a value as a row of the side store, encrypted with ``key``.

    The salt goes inside: with it in hand a name or a telephone number could be found by trying.
    """
    salt, text = value.salt, value.value
    if key is not None:
        salt, text = "", key.text(f"{salt}{_APART}{text}", _about(agency, number, value.digest))
    return {"agency": agency, "number": number, "digest": value.digest, "salt": salt, "value": text}


class SealedValues(Mapping[str, Sealed]):
    """The sealed values of a case by digest; each is decrypted when it is looked at."""

    def __init__(self, connection: Connection, agency: str, number: str, rows: Iterable[Sequence[str]]) -> None:
        """Keep the rows (digest, salt, value) as they lie in the database."""
        self._connection, self._ring = connection, ring_of(connection, agency)
        self._agency, self._number = agency, number
        self._rows = {row[0]: Sealed(*row) for row in rows}
        # A transaction may be over when somebody looks: what is needed to open the values is fetched now.
        sealed_with = {key_of_text(row.value) for row in self._rows.values()}
        self._keys = {name: self._key(name) for name in sealed_with if name is not None}

    def __getitem__(self, name: str) -> Sealed:
        """Return a value; one that was changed has neither salt nor text, and does not hold."""
        kept = self._rows[name]
        key_name = key_of_text(kept.value)
        if key_name is None:
            return kept
        key = self._keys[key_name]
        if key is None:
            return Sealed(name, "", _UNSEEN)
        try:
            salt, _, value = key.plain(kept.value, _about(self._agency, self._number, name)).partition(_APART)
        except Unreadable:
            return Sealed(name, "", "")
        return Sealed(name, "", "") if kept.salt else Sealed(name, salt, value)  # its salt is inside, nowhere else

    def __iter__(self) -> Iterator[str]:
        """Yield the digests."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._rows)

    def _key(self, name: str) -> DataKey | None:
        ring = _ring(self._ring)
        try:
            return ring.key(self._connection, name)
        except DataFault:
            if ring.from_above:  # each agency may keep its own key; whoever supervises sees the rest of the case
                return None
            raise


def sealed_of(connection: Connection, agency: str, number: str) -> SealedValues:
    """Return the sealed values of a case by digest.

    Raises:
        DataFault: they are encrypted, and the key is not at hand.
    """
    rows = _SEALED_OF.run(connection, {"a": agency, "n": number}).fetchall()
    return SealedValues(connection, agency, number, rows)


def sealed_of_many(
    connection: Connection, agency: str, facts: Mapping[str, Mapping[str, Any]]
) -> dict[str, SealedValues]:
    """Return, by case, the sealed values that these facts (by case) hold placeholders of.

    Raises:
        DataFault: they are encrypted, and the key is not at hand.
    """
    wanted = sorted({digest for found in facts.values() for digest in placeholders(found)})
    query = select(sealed.c.number, sealed.c.digest, sealed.c.salt, sealed.c.value).where(
        sealed.c.agency == agency, sealed.c.number.in_(sorted(facts)), sealed.c.digest.in_(wanted)
    )
    found: dict[str, list[Sequence[str]]] = {number: [] for number in facts}
    for number, *value in connection.execute(query) if wanted else ():
        found[number].append(value)
    return {number: SealedValues(connection, agency, number, rows) for number, rows in found.items()}


def opener(values: Mapping[str, Sealed]) -> Callable[[Any], Any]:
    """Return a function that opens the sealed parts of facts; what was destroyed reads “（已销毁）”.

    The function raises IntegrityFault where a value was changed in the database.
    """

    def look_up(name: str) -> Any:
        if name not in values:
            return "（已销毁）"
        text = values[name].value
        if not text:
            raise IntegrityFault.of([Fault("个人信息在数据库中已被改动，无法读出", field=f"sealed.{name[:12]}")])
        return json.loads(text)

    return lambda facts: opened(facts, look_up)


def put_papers(connection: Connection, agency: str, number: str, papers: Iterable[Paper]) -> None:
    """Store which papers belong to the case."""
    given = list(papers)
    key = _current(connection, agency) if given else None
    rows = [paper_row(key, agency, number, paper) for paper in given]
    if rows:
        connection.execute(insert(files), rows)


def paper_row(key: DataKey | None, agency: str, number: str, paper: Paper) -> dict[str, Any]:
    """Return a paper as a row of the side store; its name may be a person's, so it is encrypted too."""
    p, salt, name = paper, paper.salt, paper.name
    if key is not None:
        salt, name = "", key.text(f"{salt}{_APART}{name}", _about(agency, number, p.digest))
    known = {"agency": agency, "number": number, "digest": p.digest, "sha256": p.sha256, "size": p.size}
    return {**known, "salt": salt, "name": name}


def having_papers(connection: Connection, agency: str, numbers: Sequence[str]) -> set[str]:
    """Return which of these cases have a paper."""
    query = select(files.c.number).where(files.c.agency == agency, files.c.number.in_(numbers)).distinct()
    return set(connection.scalars(query))


def papers_of(connection: Connection, agency: str, number: str) -> dict[str, Paper]:
    """Return the papers of a case by digest.

    Raises:
        DataFault: their names are encrypted, and the key is not at hand.
    """
    papers = [Paper(*row) for row in _PAPERS_OF.run(connection, {"a": agency, "n": number}).fetchall()]
    return {paper.digest: paper_in(connection, agency, number, paper) for paper in papers}


def paper_in(connection: Connection, agency: str, number: str, kept: Paper) -> Paper:
    """Return a paper as it was given, out of its row; one that was changed does not hold."""
    key_name = key_of_text(kept.name)
    if key_name is None:
        return kept
    key = _ring(ring_of(connection, agency)).key(connection, key_name)
    try:
        salt, _, name = key.plain(kept.name, _about(agency, number, kept.digest)).partition(_APART)
    except Unreadable:
        return replace(kept, name=_CHANGED)
    return replace(kept, name=_CHANGED) if kept.salt else replace(kept, salt=salt, name=name)


def _current(connection: Connection, agency: str) -> DataKey | None:
    ring = ring_of(connection, agency)
    return ring.current(connection) if ring is not None else None


def _ring(ring: Keyring | None) -> Keyring:
    """Return the ring that is needed now.

    Raises:
        DataFault: there is none, since no office was opened.
    """
    if ring is None:
        raise DataFault.of([Fault("内容已加密，须经机关的密钥才能读出")])
    return ring


def _about(*place: str) -> str:
    return "\0".join(place)
