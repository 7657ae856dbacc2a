"""The ledger as a list for people (台账): workbook or CSV, row by row, no cell ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from yishenqing.reporting.workbook import for_lists, listed, saved

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def workbook(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the rows as a workbook; its cells are written one by one, so a long ledger needs little memory."""
    book = for_lists(write_only=True)
    listed(book, title, headings, rows)
    return saved(book)


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
