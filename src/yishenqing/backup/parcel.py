"""What lies inside a backup: members one after the other, each with its name, its size and its SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from msgspec import Struct

from yishenqing.backup.keys import Secret
from yishenqing.backup.stream import Opening, Sealing
from yishenqing.core.errors import Fault, IntegrityFault

_AT_ONCE = 1 << 20
_LONGEST_NAME = 1 << 16
_END = (0).to_bytes(4, "big")


class Writer:
    """Puts members into a backup."""

    def __init__(self, stream: IO[bytes], secret: Secret) -> None:
        """Begin a new backup."""
        self._sealing = Sealing(stream, secret)
        self.members = 0

    def put(self, name: str, content: bytes) -> None:
        """Put in what is at hand."""
        self._name(name, len(content))
        self._sealing.write(content)
        self._sealing.write(hashlib.sha256(content).digest())

    def put_json(self, name: str, value: Any) -> None:
        """Put in a value as JSON."""
        self.put(name, json.dumps(value, ensure_ascii=False).encode())

    def put_file(self, name: str, path: Path) -> str:
        """Put in a file, piece by piece; return its SHA-256. A file that grows meanwhile is taken as it began.

        Raises:
            IntegrityFault: it became shorter meanwhile.
        """
        with path.open("rb") as stream:
            left = stream.seek(0, 2)
            stream.seek(0)
            self._name(name, left)
            digest = hashlib.sha256()
            while left:
                part = stream.read(min(left, _AT_ONCE))
                if not part:
                    raise IntegrityFault.of([Fault("备份期间文件变短了，请重新备份", str(path))])
                digest.update(part)
                self._sealing.write(part)
                left -= len(part)
        self._sealing.write(digest.digest())
        return digest.hexdigest()

    def finish(self) -> None:
        """Write the end."""
        self._sealing.write(_END)
        self._sealing.finish()

    def _name(self, name: str, size: int) -> None:
        head = json.dumps([name, size], ensure_ascii=False).encode("utf-8", "surrogatepass")
        self._sealing.write(len(head).to_bytes(4, "big") + head)
        self.members += 1


class Member(Struct):
    """One member while it is read."""

    name: str
    size: int
    opening: Opening
    file: str
    sha256: str = ""

    @property
    def path(self) -> PurePosixPath:
        """Return the name as a path that leads nowhere but down.

        Raises:
            IntegrityFault: it would lead elsewhere.
        """
        found = PurePosixPath(self.name)
        if found.is_absolute() or not found.parts or ".." in found.parts or "\0" in self.name or "\\" in self.name:
            raise IntegrityFault.of([Fault(f"备份中的名称“{self.name}”不可用", self.file)])
        return found

    def parts(self) -> Iterator[bytes]:
        """Yield the content piece by piece; at the end it has been held against its SHA-256.

        Raises:
            IntegrityFault: it is not what was put in.
        """
        left, digest = self.size, hashlib.sha256()
        while left:
            part = self.opening.read(min(left, _AT_ONCE))
            digest.update(part)
            left -= len(part)
            yield part
        self.sha256 = digest.hexdigest()
        if self.opening.read(digest.digest_size) != digest.digest():
            raise IntegrityFault.of([Fault(f"备份中的“{self.name}”与其散列不符", self.file)])

    def content(self) -> bytes:
        """Return the whole content: of members that are small by their nature."""
        return b"".join(self.parts())

    def value(self) -> Any:
        """Return the JSON value.

        Raises:
            IntegrityFault: it is none.
        """
        try:
            return json.loads(self.content())
        except ValueError:
            raise IntegrityFault.of([Fault(f"备份中的“{self.name}”无法读取", self.file)]) from None


class Reader:
    """Gives the members of a backup in their order; each must be read before the next is asked for."""

    def __init__(self, stream: IO[bytes], file: str, secret: Secret) -> None:
        """Begin to read a backup.

        Raises:
            DataFault: it is no backup, or of a newer program; or the secret is another.
        """
        self._opening, self._file = Opening(stream, file, secret), file
        self.members = 0

    def __iter__(self) -> Iterator[Member]:
        """Yield the members; when the last is through, the end was there too.

        Raises:
            IntegrityFault: the file was changed or cut off.
        """
        while length := int.from_bytes(self._opening.read(4), "big"):
            yield self._member(length)
            self.members += 1
        self._opening.finish()

    def _member(self, length: int) -> Member:
        try:
            name, size = json.loads(self._opening.read(min(length, _LONGEST_NAME)).decode("utf-8", "surrogatepass"))
            return Member(str(name), int(size), self._opening, self._file)
        except (ValueError, TypeError):
            raise IntegrityFault.of([Fault("备份文件的内容无法读取", self._file)]) from None
