"""Write a letter as a Word file: locked text, the officer's islands as open content controls (ISO/IEC 29500 17.5.2).

Two locks hold the rest: the document is protected for filling in forms, and each locked piece is a control whose
content is locked, for programs that know only one of them. Neither is a seal: what counts is that a file read back
gives its islands and nothing else (see ``wordread``). Each island stands between bookmarks besides.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from itertools import count
from typing import TYPE_CHECKING, Any

from yishenqing.letters.compose import SIZE
from yishenqing.letters.context import is_blank
from yishenqing.letters.sheet import MM, PAGE_NUMBER, ROW, TITLE
from yishenqing.letters.wordtext import Paragraph, Piece, Stamp, bookmark

if TYPE_CHECKING:
    from docx.document import Document
    from docx.section import Section

DRAFT = "草稿　未经签发，不得发出"
_LATIN = "Times New Roman"
_MARGINS = {"top_margin": 37, "left_margin": 28, "right_margin": 26, "bottom_margin": 35}  # mm, GB/T 9704 5.2.1
# Style of each role: name, font as Chinese offices have it installed, size (points), first line indent in characters,
# alignment. GB/T 9704-2012 7.2, 7.3, 10.1.
_STYLES: Mapping[str, tuple[str, str, float, int, str]] = {
    "mark": ("发文机关标志", "方正小标宋简体", 36.0, 0, "center"),
    "organ": ("发文机关", "仿宋_GB2312", SIZE, 0, "left"),
    "number": ("发文字号", "仿宋_GB2312", SIZE, 0, "right"),
    "title": ("公文标题", "方正小标宋简体", TITLE, 0, "center"),
    "to": ("主送", "仿宋_GB2312", SIZE, 0, "left"),
    "p": ("公文正文", "仿宋_GB2312", SIZE, 2, "both"),
    "h1": ("一级标题", "黑体", SIZE, 2, "both"),
    "h2": ("二级标题", "楷体_GB2312", SIZE, 2, "both"),
    "enclosure": ("附件说明", "仿宋_GB2312", SIZE, 2, "both"),
    "sign": ("发文机关署名", "仿宋_GB2312", SIZE, 0, "right"),
    "date": ("成文日期", "仿宋_GB2312", SIZE, 0, "right"),
}
_RED = "FF0000"
_ON_THE_RIGHT = {"sign": 4, "date": 4}  # characters left empty (7.3.5.1)


def written(
    paragraphs: Sequence[Paragraph], stamp: Stamp, titles: Mapping[str, str], organ: str, title: str
) -> bytes:
    """Return the letter as a Word file.

    Args:
        paragraphs: the letter; none of it may hold control characters.
        stamp: what its islands bear.
        titles: what officers call each island.
        organ: the authority, as the file's author.
        title: the title of the file.
    """
    from docx import Document

    document = Document()
    for old in list(document.element.body.iterchildren("{*}p")):
        document.element.body.remove(old)
    _set_page(document.sections[0])
    for role in dict.fromkeys(p.role for p in paragraphs):
        _add_style(document, role)
    ids = count(1)
    for paragraph in paragraphs:
        placed = document.add_paragraph(style=_STYLES[paragraph.role][0])
        for piece in paragraph.pieces:
            parts = _marked(piece, stamp, titles, next(ids)) if piece.island else [_lock(piece)]
            placed._p.extend(parts)  # noqa: SLF001 - the library has no content controls
    first = document.paragraphs[0]
    first._p.extend(_bookmark(stamp.bookmark, next(ids)))  # noqa: SLF001 - the library has no bookmarks
    _protect(document)
    properties, day = document.core_properties, datetime.combine(stamp.day, time(), UTC)
    properties.author, properties.title, properties.comments = organ, title, ""
    properties.last_modified_by, properties.created, properties.modified = organ, day, day
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _element(name: str, /, *children: Any, **attributes: str) -> Any:
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    made = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    for child in children:
        made.append(child)
    return made


def _set_page(section: Section) -> None:
    from docx.shared import Mm, Pt

    section.page_width, section.page_height = Mm(210), Mm(297)
    for name, wide in _MARGINS.items():
        setattr(section, name, Mm(wide))
    section.header_distance, section.footer_distance = (
        Mm(15),
        Pt(_MARGINS["bottom_margin"] * MM - 7 * MM - PAGE_NUMBER),
    )
    header = section.header.paragraphs[0]
    _font(header.add_run(DRAFT).font, "黑体", 18.0)
    footer = section.footer.paragraphs[0]
    footer.alignment = 1
    for text in ("— ", None, " —"):
        run = footer.add_run(text or "")
        _font(run.font, "宋体", PAGE_NUMBER)
        if text is None:
            footer._p.remove(run._r)  # noqa: SLF001 - the library has no fields
            footer._p.append(_element("fldSimple", run._r, instr="PAGE"))  # noqa: SLF001 - as above


def _font(font: Any, name: str, size: float) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    font.size, font.name = Pt(size), _LATIN
    fonts = font.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), name)
    fonts.set(qn("w:hAnsi"), _LATIN)


def _add_style(document: Document, role: str) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
    from docx.shared import Pt, RGBColor

    name, font, size, indent, align = _STYLES[role]
    style: Any = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    _font(style.font, font, size)
    form = style.paragraph_format
    form.space_before, form.space_after = Pt(0), Pt(0)
    form.alignment = WD_ALIGN_PARAGRAPH.from_xml(align)
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(max(ROW, size * 1.25))
    form.first_line_indent, form.right_indent = Pt(indent * SIZE), Pt(_ON_THE_RIGHT.get(role, 0) * SIZE)
    form.widow_control = False
    if role == "title":
        form.space_before, form.space_after = Pt(2 * ROW), Pt(ROW)
    if role == "sign":
        form.space_before, form.keep_with_next = Pt(2 * ROW), True
    if role == "mark":
        style.font.color.rgb = RGBColor.from_string(_RED)
        rule = _element("bottom", val="thickThinSmallGap", sz="24", space="11", color=_RED)
        style.element.get_or_add_pPr().insert_element_before(
            _element("pBdr", rule), "w:spacing", "w:ind", "w:jc", "w:outlineLvl"
        )


def _run(text: str, *properties: Any) -> Any:
    """A run whose line ends are breaks."""
    from docx.oxml.ns import qn

    run = _element("r", *([_element("rPr", *properties)] if properties else []))
    for n, line in enumerate(text.split("\n")):
        if n:
            run.append(_element("br"))
        told = _element("t")
        told.text = line
        told.set(qn("xml:space"), "preserve")
        run.append(told)
    return run


def _lock(piece: Piece) -> Any:
    """A locked piece: its control can be neither removed nor written into."""
    properties = _element("sdtPr", _element("lock", val="sdtContentLocked"))
    return _element("sdt", properties, _element("sdtContent", _run(piece.text)))


def _marked(piece: Piece, stamp: Stamp, titles: Mapping[str, str], number: int) -> list[Any]:
    """An island between bookmarks, which outlive the programs that drop the tag of its control."""
    begin, end = _bookmark(bookmark(piece.island), number)
    return [begin, _island(piece, stamp, titles), end]


def _bookmark(name: str, number: int) -> tuple[Any, Any]:
    return _element("bookmarkStart", id=str(number), name=name), _element("bookmarkEnd", id=str(number))


def _island(piece: Piece, stamp: Stamp, titles: Mapping[str, str]) -> Any:
    """An island: its control cannot be removed, what is in it is the officer's. A gap is shown as a hint.

    It is no control for plain text: LibreOffice 7.4 makes a field of that one and saves its words several times over.
    """
    title = titles.get(piece.island, piece.island)
    gap = not piece.text or is_blank(piece.text)
    told = [_element("showingPlcHdr")] if gap else []
    properties = _element(
        "sdtPr",
        _element("alias", val=title),
        _element("tag", val=stamp.tag(piece.island)),
        _element("lock", val="sdtLocked"),
        *told,
    )
    shown = hint(title) if gap else piece.text
    grey = [_element("color", val="7F7F7F")] if gap else [_element("shd", val="clear", color="auto", fill="E2EFDA")]
    return _element("sdt", properties, _element("sdtContent", _run(shown, *grey)))


def hint(title: str) -> str:
    """Return what an empty island shows; it is never taken as the officer's words."""
    return f"【可在此填写：{title}】"


def _protect(document: Document) -> None:
    """Protect for filling in forms, without a password: content controls stay open, nothing else does."""
    document.settings.element.insert_element_before(
        _element("documentProtection", edit="forms", enforcement="1"),
        "w:autoFormatOverride",
        "w:styleLockTheme",
        "w:defaultTabStop",
    )
