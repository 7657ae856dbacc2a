"""The ledger as a list for people (台账): workbook or CSV, row by row, no cell ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from yishenqing.reporting.workbook import put

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def workbook(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the rows as a workbook; it is written as it is read, so a long ledger needs little memory."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in _with(headings, rows):
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet)
            put(cell, value)
            cells.append(cell)
        sheet.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def text(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the rows as CSV for spreadsheets: UTF-8 with its mark, an apostrophe before what seems a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    for row in _with(headings, rows):
        writer.writerow([_plain(value) for value in row])
    return stream.getvalue().encode("utf-8-sig")


def _with(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    yield headings
    yield from rows


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    said = str(value)
    return f"'{said}" if said.startswith(_RISKY) else said
