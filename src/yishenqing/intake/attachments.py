"""Take in what an officer attaches: a plain file, not too large, that is what its name says. It is never opened.

Links are not followed and pipes not waited for; whether the content fits the name is told by its first bytes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field

from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "attachments.yaml"
_MEGABYTE = 1_000_000
_ENCODINGS = ("utf-8-sig", "gb18030")
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Kind(Written, frozen=True):
    """How one kind of file is known: its first bytes (hexadecimal), or that it is text."""

    title: str
    begins: tuple[str, ...] = ()
    at: int = 0
    within: int = 0
    text: bool = False

    def fits(self, content: bytes) -> bool:
        """Tell whether a content is of this kind."""
        if self.text:
            return _is_text(content)
        head = content[self.at : self.at + self.within + _LONGEST_HEAD]
        marks = [bytes.fromhex(mark) for mark in self.begins]
        return any(0 <= head.find(mark) <= self.within for mark in marks)


_LONGEST_HEAD = 16


class Attachments(Written, frozen=True):
    """What is taken: up to how many megabytes, and which kinds by the ending of their names."""

    megabytes: int
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def narrowed(self, megabytes: int | None, kinds: Sequence[str] | None) -> Attachments:
        """Return what an office takes that has limits of its own.

        Raises:
            DataFault: it wants kinds that nobody could tell.
        """
        unknown = [kind for kind in kinds or () if kind not in self.kinds]
        if unknown:
            text = f"没有“{'、'.join(unknown)}”的认定办法；请先写入 workflows/{FILE}"
            raise DataFault.of([Fault(text, "office.yaml", field="attachments.kinds")])
        chosen = self.kinds if kinds is None else {kind: self.kinds[kind] for kind in kinds}
        return Attachments(megabytes or self.megabytes, chosen)

    def content(self, path: Path) -> bytes:
        """Return the content of the file at ``path``.

        Raises:
            DataFault: it is no plain file, too large, empty, of a kind that is not taken, or another than it says.
        """
        content = _read(path, self.megabytes)
        ending = path.suffix.lower().lstrip(".")
        kind = self.kinds.get(ending)
        if kind is None:
            known = "、".join(f".{k}" for k in self.kinds)
            raise _fault(path, f"不收“.{ending}”文件；可以是 {known}" if ending else f"没有扩展名；可以是 {known}")
        if not content:
            raise _fault(path, "是空文件，不能作为附件")
        if not kind.fits(content):
            raise _fault(path, f"内容不是{kind.title}，与扩展名“.{ending}”不符；请核对后改名或者另存")
        return content


def read_attachments(home: Path | None) -> Attachments:
    """Return what the program, or the office in ``home``, takes as attachments.

    Raises:
        DataFault: the file is malformed; with line.
    """
    path = next(folder / FILE for folder in layered("workflows", home) if (folder / FILE).is_file())
    return remembered(Attachments, path, home, _validated)


def _validated(path: Path) -> Attachments:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    found = validated(TypeAdapter(Attachments), document)
    faults = [
        document.fault("应写明 text: true，或者 begins（十六进制）", ("kinds", name))
        for name, kind in found.kinds.items()
        if kind.text == bool(kind.begins) or not all(_is_mark(mark) for mark in kind.begins)
    ]
    if found.megabytes < 1:
        faults.append(document.fault("不能小于1", ("megabytes",)))
    if faults:
        raise DataFault.of(faults)
    return found


def _is_mark(text: str) -> bool:
    try:
        return 0 < len(bytes.fromhex(text)) <= _LONGEST_HEAD
    except ValueError:
        return False


def _read(path: Path, megabytes: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINKS)
    except OSError as error:
        text = "是符号链接，请写明文件本身" if path.is_symlink() else f"无法读取（{why(error)}）"
        raise _fault(path, text) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a folder, a pipe, or a device that never ends
        os.close(descriptor)
        raise _fault(path, "不是文件，不能作为附件")
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(megabytes * _MEGABYTE + 1)
    if len(content) > megabytes * _MEGABYTE:
        text = f"超过{megabytes}兆字节；请分成几个文件，上限可在 office.yaml 的 attachments 修改"
        raise _fault(path, text)
    return content


def _is_text(content: bytes) -> bool:
    if content.startswith(_WIDE):
        return len(content) % 2 == 0
    return b"\0" not in content and any(_decodes(content, encoding) for encoding in _ENCODINGS)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fault(path: Path, text: str) -> DataFault:
    return DataFault.of([Fault(text, str(path))])
