"""The one way a package is laid out: every byte of every tag file follows from the payload and bag-info.txt.

BagIt readers forgive much (spaces, order, line ends). Here a tag file has exactly one right text, so that any
changed byte shows.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from yishenqing.core.errors import Fault, why

DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
PAYLOAD = "data"
SM3 = "sm3.txt"
VERIFIER = "verify.py"
CHECKPOINTS = "checkpoints.jsonl"
TAG_FILES = (DECLARATION, INFO, MANIFEST, TAG_MANIFEST, SM3, VERIFIER)
EXTRA_TAG_FILES = (CHECKPOINTS,)  # where the office makes checkpoints
DECLARATION_BYTES = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_NAME_AT = 66  # where the name begins in a line of a manifest


class Content(Struct, frozen=True):
    """What a file holds: its SHA-256 and its size in bytes."""

    sha256: str
    size: int


def content_of(data: bytes) -> Content:
    """Return the hash and size of ``data``."""
    return Content(hashlib.sha256(data).hexdigest(), len(data))


class Walk:
    """What lies in a package, hashed in blocks and told in the order of its manifest; no link is followed.

    Nothing of the payload is kept: a year of cases is walked in the memory of one.
    """

    def __init__(self, root: Path, knows: Callable[[str], bool]) -> None:
        """Walk below ``root``; ``knows`` tells whether a folder of the payload is one that was sealed."""
        self.faults: list[Fault] = []
        self.tags: dict[str, Content] = {}
        self._root, self._knows = root, knows

    def payload(self) -> Iterator[tuple[str, Content]]:
        """Yield name and content of every payload file; tag files go to ``tags``, all else to ``faults``."""
        for name, content in self._below(self._root, ""):
            if "/" in name:
                yield name, content
            else:
                self.tags[name] = content

    def _below(self, folder: Path, prefix: str) -> Iterator[tuple[str, Content]]:
        with os.scandir(folder) as found:
            items = sorted(found, key=lambda i: i.name + "/" * i.is_dir(follow_symlinks=False))
        for item in items:
            name = prefix + item.name
            if not _encodable(name):
                shown = name.encode("utf-8", "backslashreplace").decode()
                self.faults.append(Fault("文件名不是 UTF-8 编码，不是封存时的文件", shown))
            elif item.is_symlink():
                self.faults.append(Fault("是链接，不是文件；封存包内不允许链接", name))
            elif item.is_dir(follow_symlinks=False):
                if name != PAYLOAD and not (name.startswith(f"{PAYLOAD}/") and self._knows(name)):
                    self.faults.append(Fault("多出的文件夹，封存时没有", name))
                yield from self._below(Path(item.path), f"{name}/")
            elif item.is_file(follow_symlinks=False):
                if (content := self._hashed(Path(item.path), name)) is not None:
                    yield name, content
            else:
                self.faults.append(Fault("不是普通文件", name))

    def _hashed(self, path: Path, name: str) -> Content | None:
        try:
            with path.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                return Content(sha256, stream.tell())
        except OSError as error:
            self.faults.append(Fault(f"无法读取（{why(error)}）", name))
            return None


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class Comparison:
    """Holds the payload against the manifest, line by line, as long as they agree; the whole list only then not."""

    def __init__(self, path: Path) -> None:
        """Compare with the manifest at ``path``; a missing one lists nothing."""
        self._path = path
        self._lines = path.open("rb") if path.is_file() and not path.is_symlink() else None
        self._line, self._differs_at = 1, 0
        self._next = self._read()
        self._rest: dict[str, str] = {}
        self._folders: set[str] = set()
        self._faults: list[Fault] = []
        self._right = hashlib.sha256()
        self.size = self.count = 0

    def _read(self) -> bytes:
        return self._lines.readline() if self._lines is not None else b""

    def knows(self, folder: str) -> bool:
        """Tell whether the manifest lists a file below ``folder``."""
        if not self._differs_at and self._next[_NAME_AT:].startswith(f"{folder}/".encode()):
            return True
        self._differ()
        return folder in self._folders

    def feed(self, name: str, content: Content) -> None:
        """Take the next payload file of the walk."""
        line = f"{content.sha256}  {name}\n".encode()
        self._right.update(line)
        self.size, self.count = self.size + content.size, self.count + 1
        if not self._differs_at and line == self._next:
            self._next, self._line = self._read(), self._line + 1
            return
        self._differ()
        listed = self._rest.pop(name, None)
        if listed is None:
            self._faults.append(Fault("多出的文件，清单上没有", name))
        elif listed != content.sha256:
            self._faults.append(Fault("内容已被改动，与清单登记的 SHA-256 不符", name))

    def _differ(self) -> None:
        """Keep what the manifest still lists from here on."""
        if self._differs_at:
            return
        self._differs_at = self._line
        listed = _listed(self._next)
        while line := self._read():
            listed |= _listed(line)
        self._rest = listed
        for name in listed:
            parts = name.split("/")
            self._folders |= {"/".join(parts[:n]) for n in range(1, len(parts))}

    def right(self) -> str:
        """Return the SHA-256 that the manifest of this payload has."""
        return self._right.hexdigest()

    def finished(self, actual: str | None, vouched: str | None) -> list[Fault]:
        """Return where payload and manifest disagree; ``actual`` is the manifest's own hash (None: no such file).

        Which of the two is at fault is decided by a third: a manifest that its tag manifest vouches for outweighs a
        payload file, and payload files that give the manifest's vouched hash outweigh the manifest.
        """
        if self._next:  # it goes on where the payload has ended
            self._differ()
        if self._lines is not None:
            self._lines.close()
        if actual is None or actual == self.right():
            return []
        altered = Fault(f"清单已被改动，与{TAG_MANIFEST}登记的不符", MANIFEST, self._differs_at or self._line)
        if vouched == self.right():
            return [altered]
        faults = [altered] if vouched != actual else []
        self._faults += [Fault("清单上有，封存包中缺少该文件", name) for name in self._rest]
        faults += sorted(self._faults, key=lambda fault: fault.file)
        where = self._differs_at or self._line
        return faults or [Fault("清单的写法不规范（顺序、空格或者换行被改动）", MANIFEST, where)]


def manifest(files: Mapping[str, Content]) -> bytes:
    """Return the manifest of ``files``: one line each, sorted, as ``sha256sum`` writes and reads it."""
    return "".join(f"{files[name].sha256}  {name}\n" for name in sorted(files)).encode()


def info_text(fields: Mapping[str, str]) -> bytes:
    """Return bag-info.txt: one line a field; values are put on one line, which is all that BagIt can carry."""
    return "".join(f"{key}: {' '.join(value.split())}\n" for key, value in fields.items()).encode()


def read_info(data: bytes) -> dict[str, str]:
    """Return the fields of bag-info.txt as ``info_text`` wrote them; lines of another form are left out."""
    lines = data.decode("utf-8", "replace").split("\n")
    return {key: value for line in lines if ": " in line for key, value in [line.split(": ", 1)]}


def tag_faults(root: Path, walk: Walk, comparison: Comparison) -> list[Fault]:
    """Return where tag files, manifest and payload disagree, each fault at the file that was changed."""
    present = walk.tags
    faults = [Fault("多出的文件，封存时没有", name) for name in present if name not in (*TAG_FILES, *EXTRA_TAG_FILES)]
    faults += [Fault("封存包缺少该文件", name) for name in TAG_FILES if name not in present]
    if DECLARATION in present and (root / DECLARATION).read_bytes() != DECLARATION_BYTES:
        faults.append(Fault("内容已被改动（应为 BagIt 1.0 的固定两行）", DECLARATION))
    listed = (root / TAG_MANIFEST).read_bytes() if TAG_MANIFEST in present else b""
    vouched = _listed(listed)
    faults += comparison.finished(present[MANIFEST].sha256 if MANIFEST in present else None, vouched.get(MANIFEST))
    faults += [Fault("清单上有，封存包中缺少该文件", n) for n in EXTRA_TAG_FILES if n in vouched and n not in present]
    if TAG_MANIFEST in present:
        faults += _tag_manifest_faults(present, listed, comparison.right(), vouched)
    return faults


def _listed(data: bytes) -> dict[str, str]:
    """Return the hashes that a manifest lists by name; lines of another form are left out."""
    matches = (_LINE.fullmatch(line) for line in data.decode("utf-8", "replace").split("\n"))
    return {m[2]: m[1] for m in matches if m}


def _tag_manifest_faults(
    found: Mapping[str, Content], listed: bytes, manifest_hash: str, vouched: Mapping[str, str]
) -> list[Fault]:
    tags = (*TAG_FILES, *EXTRA_TAG_FILES)
    present = {name: c for name, c in found.items() if name in tags and name != TAG_MANIFEST}
    right = manifest(present)
    if listed == right:
        return []
    itself = Fault("清单已被改动，与所列文件的实际内容不符", TAG_MANIFEST, _first_difference(listed, right))
    # A tag file whose right text is known from elsewhere is cleared by it; then the list itself is at fault.
    sound = {DECLARATION: content_of(DECLARATION_BYTES).sha256, MANIFEST: manifest_hash}
    differing = [name for name in present if vouched.get(name) != present[name].sha256]
    either = [name for name in differing if name not in sound and name in vouched]
    faults = [Fault(f"与{TAG_MANIFEST}登记的 SHA-256 不符，二者之一已被改动", name) for name in either]
    cleared = [n for n in differing if n in either or n not in vouched or present[n].sha256 == sound[n]]
    lost = [name for name in tags if name != TAG_MANIFEST and name not in present and (name in vouched)]
    if cleared or not (differing or lost or len(present) < len(TAG_FILES) - 1):
        faults.append(itself)
    return faults


def _first_difference(actual: bytes, expected: bytes) -> int:
    """Return the number of the first line that differs, from 1."""
    pairs = zip(actual.split(b"\n"), expected.split(b"\n"), strict=False)
    common = min(actual.count(b"\n"), expected.count(b"\n")) + 1
    return next((n for n, (a, b) in enumerate(pairs, 1) if a != b), common)
