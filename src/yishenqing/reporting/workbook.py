"""Workbooks that open alike in WPS and Excel: the official form with its merged headings, lists, charts.

A text is always written as a text: what begins with ``=`` is no formula (an applicant may write anything).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yishenqing.reporting.grid import Grid

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell, MergedCell
    from openpyxl.worksheet.worksheet import Worksheet

_FONT = "宋体"
_WIDEST = 45
_PAGE = 76  # widths of a page that stands upright
_WIDE = 8  # columns from which on a list lies across its page
_TALL = 20  # rows from which on a table stands upright on its page
_LINE = 16  # the height of a line, in points
_LEAST = 10.5  # a column in which 三、本年度办理结果 can be read
_HEADING = 6  # characters of a heading in one line, where nothing below it is longer
_DATE = 6  # a day such as 2026-11-22, in Chinese characters
_HEAD, _TEXT, _FIGURE = "表头", "文字", "数字"  # how the cells of a list look
_UNITS = 2.1  # widths of a workbook are of Latin characters


def annual(grids: Sequence[Grid], found: Mapping[str, Any]) -> bytes:
    """Return the report as a workbook: one sheet a table, one for the rules, one for the sentences."""
    book = for_lists()
    heading = f"{found['name']}{found['year']}年{found['title']}"
    for grid, name in zip(grids, ("表二", "表三", "表四"), strict=True):
        _sheet(book.create_sheet(name), grid, f"{heading}　{grid.title}")
    rules = [[c["rule"], _said(c), "；".join(c["where"])] for c in found["checks"]]
    rules += [[w["text"], "请核对", "、".join(w["cases"])] for w in found["warnings"]]
    listed(book, "勾稽关系", ["规则", "结果", "何处"], rules)
    listed(book, "正文数字", ["句子"], [[s] for s in found["sentences"]])
    return saved(book)


def saved(book: Workbook) -> bytes:
    """Return the workbook's bytes."""
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def put(cell: Cell | MergedCell, value: Any) -> None:
    """Write a value; a text stays a text, whatever it begins with."""
    if isinstance(value, str):
        cell.value = value
        cell.data_type = "s"  # openpyxl takes a leading “=” for a formula
        if value[:1] in ("=", "+", "-", "@", "\t", "\r"):
            cell.quotePrefix = True  # so that editing the cell makes no formula of it either
    else:
        cell.value = value
        if isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"


def listed(book: Workbook, name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Worksheet:
    """Add a sheet with a row of headings and rows below it, all columns on one page; for a book of ``for_lists``.

    It is written as it is read where the book is write-only; then nothing of the sheet can be changed afterwards.
    """
    from openpyxl.cell import WriteOnlyCell

    sheet: Worksheet = book.create_sheet(name)
    rows = [*rows]
    wide = _widths(headings, rows)
    for column, width in enumerate(wide, 1):
        sheet.column_dimensions[_letter(column)].width = width
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    on_paper(sheet, upright=len(headings) < _WIDE)
    for n, values in enumerate((headings, *rows), 1):
        cells = []
        for value in values:
            cell: Any = WriteOnlyCell(sheet)
            cell.style = _HEAD if n == 1 else _TEXT if isinstance(value, str) else _FIGURE
            put(cell, value)
            cells.append(cell)
        # Not every program heightens a row by itself where a text is broken.
        sheet.row_dimensions[n].height = _lines(values, wide) * _LINE
        sheet.append(cells)
    return sheet


def for_lists(*, write_only: bool = False) -> Workbook:
    """Return a book without sheets that knows how cells of lists look."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, Side

    book = Workbook(write_only=write_only)
    for sheet in book.worksheets:
        book.remove(sheet)
    thin = Side(style="thin")
    for name, side in ((_HEAD, "center"), (_TEXT, "left"), (_FIGURE, "center")):
        style = NamedStyle(name)
        style.font = Font(name=_FONT, bold=name == _HEAD)
        style.alignment = Alignment(wrap_text=True, vertical="center", horizontal=side)
        style.border = Border(left=thin, right=thin, top=thin, bottom=thin)
        book.add_named_style(style)
    return book


def _widths(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[float]:
    """Return the widths that the texts need, in the units of a workbook, up to what can still be read in lines."""
    longest = [min(len(h), _HEADING) for h in headings]
    for values in rows:
        for column, value in enumerate(values):
            longest[column] = max(longest[column], _DATE if isinstance(value, date) else len(str(value or "")))
    return [min(max(8, min(width, _WIDEST) * _UNITS), _PAGE) for width in longest]


def _lines(values: Sequence[Any], wide: Sequence[float]) -> int:
    texts = (value if isinstance(value, str) else "" for value in values)
    return int(max(1, *(-(-len(text) * _UNITS // width) for text, width in zip(texts, wide, strict=True))))


def on_paper(sheet: Worksheet, *, upright: bool, whole: bool = False) -> None:
    """Let all columns stand on one page of A4, and with ``whole`` all rows too."""
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.page_setup.orientation = "portrait" if upright else "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 1 if whole else 0
    sheet.print_options.horizontalCentered = True
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _letter(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(column)


def _sheet(sheet: Worksheet, grid: Grid, heading: str) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side

    thin = Side(style="thin")
    box = Border(left=thin, right=thin, top=thin, bottom=thin)
    put(sheet.cell(1, 1), heading)
    sheet.cell(1, 1).font = Font(name=_FONT, size=14, bold=True)
    sheet.cell(1, 1).alignment = Alignment(horizontal="center", vertical="center")
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(grid.widths))
    sheet.row_dimensions[1].height = 30
    for item in grid.cells:
        row, column = item.row + 2, item.column + 1
        last = (row + item.rows - 1, column + item.columns - 1)
        for r in range(row, last[0] + 1):
            for c in range(column, last[1] + 1):
                sheet.cell(r, c).border = box
        cell = sheet.cell(row, column)
        put(cell, item.value)
        cell.font = Font(name=_FONT, size=10, bold=item.head)
        side = "left" if item.left else "center"
        cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=True)
        if item.rows > 1 or item.columns > 1:
            sheet.merge_cells(start_row=row, start_column=column, end_row=last[0], end_column=last[1])
    for column, width in enumerate(grid.widths, 1):
        sheet.column_dimensions[_letter(column)].width = max(_LEAST, width * _UNITS * 0.6)
    for row in range(2, grid.height + 2):
        sheet.row_dimensions[row].height = 28
    on_paper(sheet, upright=grid.height > _TALL, whole=True)


def _said(check: Mapping[str, Any]) -> str:
    """Return whether a rule holds, or that what it compares was not entered."""
    if not check["entered"]:
        return "未填"
    return "成立" if check["holds"] else "不成立"
