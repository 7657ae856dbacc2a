"""The one way a package is laid out: every byte of every tag file follows from the payload and bag-info.txt.

BagIt readers forgive much (spaces, order, line ends). Here a tag file has exactly one right text, so that any
changed byte shows.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yishenqing.core.errors import Fault

DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
PAYLOAD = "data"
TAG_FILES = (DECLARATION, INFO, MANIFEST, TAG_MANIFEST)
DECLARATION_BYTES = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its SHA-256 and its size in bytes."""

    sha256: str
    size: int


def content_of(data: bytes) -> Content:
    """Return the hash and size of ``data``."""
    return Content(hashlib.sha256(data).hexdigest(), len(data))


@dataclass(slots=True)
class Tree:
    """What lies in a package, read without following links; paths are relative, with ``/``."""

    root: Path
    files: dict[str, Content] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def payload(self) -> dict[str, Content]:
        """Return the payload files."""
        return {name: c for name, c in self.files.items() if name.startswith(f"{PAYLOAD}/")}

    def tag(self, name: str) -> bytes | None:
        """Return the bytes of a tag file, or None where it is missing."""
        return (self.root / name).read_bytes() if name in self.files else None


def read_tree(root: Path) -> Tree:
    """Hash every file below ``root``, in blocks; links, devices, odd names and extra folders become faults."""
    tree = Tree(root)
    _walk(tree, root, "")
    tree.faults += [Fault("封存包缺少该文件", name) for name in TAG_FILES if name not in tree.files]
    return tree


def _walk(tree: Tree, folder: Path, prefix: str) -> None:
    with os.scandir(folder) as found:
        for item in sorted(found, key=lambda i: i.name):
            name = prefix + item.name
            if not _encodable(name):
                shown = name.encode("utf-8", "backslashreplace").decode()
                tree.faults.append(Fault("文件名不是 UTF-8 编码，不是封存时的文件", shown))
            elif item.is_symlink():
                tree.faults.append(Fault("是链接，不是文件；封存包内不允许链接", name))
            elif item.is_dir(follow_symlinks=False):
                if name != PAYLOAD:
                    tree.faults.append(Fault("多出的文件夹，封存时没有", name))
                _walk(tree, Path(item.path), f"{name}/")
            elif item.is_file(follow_symlinks=False):
                _hash(tree, Path(item.path), name)
            else:
                tree.faults.append(Fault("不是普通文件", name))


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hash(tree: Tree, path: Path, name: str) -> None:
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            tree.files[name] = Content(sha256, stream.tell())
    except OSError as error:
        tree.faults.append(Fault(f"无法读取（{error.strerror}）", name))


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


def oxum(payload: Mapping[str, Content]) -> str:
    """Return size in bytes and number of the payload files, the quick check of BagIt."""
    return f"{sum(c.size for c in payload.values())}.{len(payload)}"


def seal_faults(tree: Tree) -> list[Fault]:
    """Return where the files and the manifests disagree, each fault at the file that was changed.

    Which of two disagreeing files is at fault is decided by a third: a manifest that its tag manifest vouches
    for outweighs a payload file, and payload files that give the manifest's vouched hash outweigh the manifest.
    """
    expected = manifest(tree.payload())
    tags = {name: tree.tag(name) for name in TAG_FILES}
    extra = [Fault("多出的文件，封存时没有", n) for n in tree.files if "/" not in n and n not in TAG_FILES]
    faults = [*tree.faults, *extra]
    if tags[DECLARATION] not in (None, DECLARATION_BYTES):
        faults.append(Fault("内容已被改动（应为 BagIt 1.0 的固定两行）", DECLARATION))
    vouched = _listed(tags[TAG_MANIFEST] or b"")
    if (actual := tags[MANIFEST]) is not None and actual != expected:
        faults += _manifest_faults(tree, actual, expected, vouched.get(MANIFEST))
    if tags[TAG_MANIFEST] is not None:
        faults += _tag_manifest_faults(tree, tags, expected, vouched)
    return faults


def _listed(data: bytes) -> dict[str, str]:
    """Return the hashes that a manifest lists by name; lines of another form are left out."""
    matches = (_LINE.fullmatch(line) for line in data.decode("utf-8", "replace").split("\n"))
    return {m[2]: m[1] for m in matches if m}


def _manifest_faults(tree: Tree, actual: bytes, expected: bytes, vouched: str | None) -> list[Fault]:
    line = _first_difference(actual, expected)
    altered = Fault(f"清单已被改动，与{TAG_MANIFEST}登记的不符", MANIFEST, line)
    if vouched == content_of(expected).sha256:
        return [altered]
    faults = [altered] if vouched != content_of(actual).sha256 else []
    listed, payload = _listed(actual), tree.payload()
    for name in sorted(listed.keys() | payload.keys()):
        if name not in payload:
            faults.append(Fault("清单上有，封存包中缺少该文件", name))
        elif name not in listed:
            faults.append(Fault("多出的文件，清单上没有", name))
        elif listed[name] != payload[name].sha256:
            faults.append(Fault("内容已被改动，与清单登记的 SHA-256 不符", name))
    return faults or [Fault("清单的写法不规范（顺序、空格或者换行被改动）", MANIFEST, line)]


def _tag_manifest_faults(
    tree: Tree, tags: Mapping[str, bytes | None], expected: bytes, vouched: Mapping[str, str]
) -> list[Fault]:
    present = {name: tree.files[name] for name in TAG_FILES[:-1] if name in tree.files}
    actual, right = tags[TAG_MANIFEST] or b"", manifest(present)
    if actual == right:
        return []
    itself = Fault("清单已被改动，与所列文件的实际内容不符", TAG_MANIFEST, _first_difference(actual, right))
    sound = {DECLARATION: DECLARATION_BYTES, MANIFEST: expected}
    differing = [name for name in present if vouched.get(name) != present[name].sha256]
    faults = []
    if INFO in differing and INFO in vouched:
        faults.append(Fault(f"与{TAG_MANIFEST}登记的 SHA-256 不符，二者之一已被改动", INFO))
    # A tag file whose right text is known from elsewhere is cleared by it; then the list itself is at fault.
    cleared = [n for n in differing if n == INFO or n not in vouched or tags[n] == sound[n]]
    if cleared or not (differing or len(present) < len(TAG_FILES) - 1):
        faults.append(itself)
    return faults


def _first_difference(actual: bytes, expected: bytes) -> int:
    """Return the number of the first line that differs, from 1."""
    pairs = zip(actual.split(b"\n"), expected.split(b"\n"), strict=False)
    common = min(actual.count(b"\n"), expected.count(b"\n")) + 1
    return next((n for n, (a, b) in enumerate(pairs, 1) if a != b), common)
