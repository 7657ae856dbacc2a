"""Read a Word file that came back: the text of its paragraphs and islands, and nothing else of it.

The file may come from anybody. One part of it is read, as a stream, within bounds; no reference in it is followed, no
part is unpacked, nothing is run. What cannot be the letter with its islands filled in is refused.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from msgspec import Struct, field

from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.letters.wordtext import HERE, Stamp, read_bookmark, read_tag

LARGEST_FILE = 5_000_000  # bytes; a letter of 20,000 characters takes a tenth of that
LARGEST_PART = 8_000_000
MOST_PARTS = 500
DEEPEST = 200
MOST_PARAGRAPHS, MOST_TEXT = 2_000, 100_000
_BODY, _TYPES = "word/document.xml", "[Content_Types].xml"
_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_MACROS = (b"macroenabled", b"vbaproject")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OPAQUE = {
    "tbl": "表格", "drawing": "图片或者文本框", "pict": "图片或者文本框", "object": "嵌入的对象",
    "txbxContent": "文本框", "sym": "特殊符号", "footnoteReference": "脚注", "endnoteReference": "尾注",
    "altChunk": "嵌入的文件", "subDoc": "子文档", "oMath": "公式", "control": "控件", "ptab": "对齐制表位",
}  # fmt: skip
_MOVED_AWAY = frozenset({"moveFrom", "del"})
_BREAKS = frozenset({"br", "cr"})
_OFF = frozenset({"0", "false", "off"})


class Returned(Struct):
    """What a file says: each paragraph with its islands marked, the islands, and the stamps they bear."""

    locked: list[str] = field(default_factory=list)
    islands: dict[str, str] = field(default_factory=dict)
    stamps: set[Stamp] = field(default_factory=set)


def read(path: Path) -> Returned:
    """Return what the Word file at ``path`` says.

    Raises:
        DataFault: it cannot be read, is no Word file, is too large, has macros, or holds what a letter never does.
    """
    body = _body(_content(path), path)
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    reader = _Reader(path)
    parser = DefusedXMLParser(target=reader, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(body)
        parser.close()
    except DefusedXmlException:
        raise _fault(path, "文件中有实体或者文档类型声明，不能读取") from None
    except (ParseError, ValueError, LookupError):
        raise _fault(path, "文件内容已损坏") from None
    return reader.found


def _fault(path: Path, text: str, place: str = "") -> DataFault:
    return DataFault.of([Fault(text, str(path), field=place)])


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise _fault(path, "没有这个文件" if not path.exists() else "不是文件")
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _fault(path, f"无法读取（{why(error)}）") from None
    if len(content) > LARGEST_FILE:
        raise _fault(path, f"文件超过{LARGEST_FILE // 1_000_000}兆字节，不是由本程序导出的文书")
    return content


def _body(content: bytes, path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            names = package.namelist()
            if len(names) > MOST_PARTS or len(set(names)) != len(names):
                raise _fault(path, "文件的结构不合规范（部件过多或者重名）")
            types = _part(package, _TYPES, path).lower()
            named = "\n".join(names).lower().encode()
            if any(word in types or word in named for word in _MACROS):
                raise _fault(path, "文件带有宏，不能读取；请另存为不带宏的 .docx")
            if _MAIN not in types:
                raise _fault(path, "不是 Word 文件（.docx）")
            return _part(package, _BODY, path)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise _fault(path, "不是 Word 文件（.docx），或者已加密、已损坏") from None


def _part(package: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """Read one part, stopping at the bound whatever the package says of its size."""
    if name not in package.namelist():
        raise _fault(path, "不是 Word 文件（.docx）：缺少正文部件")
    with package.open(name) as stream:
        content = stream.read(LARGEST_PART + 1)
    if len(content) > LARGEST_PART:
        raise _fault(path, f"文件解压后超过{LARGEST_PART // 1_000_000}兆字节，不能读取")
    return content


class _Control(Struct):
    """A content control that is open: its island, and whether it shows a hint."""

    island: str = ""
    shows_hint: bool = False


class _Region(Struct):
    """An island that is open between bookmarks: what stands before it in its paragraph, and its words so far."""

    number: str
    island: str
    before: str
    text: str = ""
    controls: int = 0
    tags: list[str] = field(default_factory=list)


class _Reader:
    """Takes the parser's events; keeps no tree."""

    def __init__(self, path: Path) -> None:
        self.found = Returned()
        self._path = path
        self._open: list[str] = []
        self._controls: list[_Control] = []
        self._region: _Region | None = None
        self._paragraph: str | None = None
        self._away = 0
        self._length = 0

    def start(self, tag: str, attributes: Mapping[str, Any]) -> None:
        name = tag.rsplit("}", 1)[-1]
        self._open.append(name)
        if len(self._open) > DEEPEST:
            raise _fault(self._path, "文件的结构嵌套过深，不能读取")
        if name in _OPAQUE:
            text = f"文书中不能有{_OPAQUE[name]}；请只在可改的位置填写文字"
            raise _fault(self._path, text, f"第{len(self.found.locked) + 1}段")
        if name == "sdt":
            self._controls.append(_Control())
            if self._region is not None:
                self._region.controls += 1
        elif self._controls and self._open[-2] == "sdtPr":
            self._describe(name, attributes.get(f"{_W}val", ""))
        elif name == "p" and tag == f"{_W}p":
            self._paragraph = "" if self._region is None else self._paragraph
        else:
            self._inline(name, attributes)

    def _inline(self, name: str, attributes: Mapping[str, Any]) -> None:
        if name in _MOVED_AWAY:
            self._away += 1
        elif name in _BREAKS:
            self._take("\n")
        elif name == "bookmarkStart":
            self._begin(attributes.get(f"{_W}id", ""), read_bookmark(attributes.get(f"{_W}name", "")))
        elif name == "bookmarkEnd":
            self._end_region(attributes.get(f"{_W}id", ""))
        elif name in ("tab", "noBreakHyphen") and self._open[-2] == "r":
            self._take(" " if name == "tab" else "-")

    def _describe(self, name: str, value: str) -> None:
        control = self._controls[-1]
        if name == "showingPlcHdr":
            control.shows_hint = value not in _OFF
        read = read_tag(value) if name == "tag" else None
        if read is None:
            return
        control.island, stamp = read
        self.found.stamps.add(stamp)
        if self._region is None:
            self._add(control.island, "")
            return
        self._region.tags.append(control.island)
        if self._region.tags != [self._region.island]:
            raise self._twice()

    def _twice(self) -> DataFault:
        return _fault(self._path, "同一处可改的内容出现了两次；请用导出的原文件重新填写")

    def _add(self, island: str, text: str) -> None:
        if island in self.found.islands:
            raise self._twice()
        self.found.islands[island] = text

    def _begin(self, number: str, read: str | Stamp | None) -> None:
        """What stands from here to the end of the bookmark is an island, over several paragraphs if need be."""
        if isinstance(read, Stamp):
            self.found.stamps.add(read)
        elif read is not None:
            if self._region is not None or self._paragraph is None:
                raise _fault(self._path, "可改位置的标记已被移动；请用导出的原文件重新填写")
            self._region = _Region(number, read, self._paragraph)

    def _end_region(self, number: str) -> None:
        region = self._region
        if region is None or region.number != number:
            return
        self._paragraph, self._region = region.before + region.text, None
        if region.controls:  # bookmarks whose control is gone are no island
            self._paragraph = region.before + HERE
            self._add(region.island, region.text)

    def end(self, tag: str) -> None:
        name = self._open.pop()
        if name == "sdt":
            if self._controls.pop().island and self._region is None:
                self._paragraph = (self._paragraph or "") + HERE
        elif name == "p" and tag == f"{_W}p" and self._region is not None:
            self._take("\n")
        elif name == "p" and tag == f"{_W}p":
            self.found.locked.append(self._paragraph or "")
            self._paragraph = None
            if len(self.found.locked) > MOST_PARAGRAPHS:
                raise _fault(self._path, f"超过{MOST_PARAGRAPHS}段，不是由本程序导出的文书")
        elif name in _MOVED_AWAY:
            self._away -= 1

    def data(self, text: str) -> None:
        if self._open and self._open[-1] == "t":
            self._take(text)

    def _take(self, text: str) -> None:
        if self._away or self._paragraph is None:
            return
        self._length += len(text)
        if self._length > MOST_TEXT:
            raise _fault(self._path, f"文字超过{MOST_TEXT}字，不是由本程序导出的文书")
        control = next((c for c in reversed(self._controls) if c.island), None)
        if self._region is not None:
            self._region.text += "" if control and control.shows_hint else text
        elif control is None:
            self._paragraph += text
        elif not control.shows_hint:
            self.found.islands[control.island] += text

    def close(self) -> Returned:
        return self.found
