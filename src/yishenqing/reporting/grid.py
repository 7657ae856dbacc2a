"""The tables of the report laid out as the official form has them: cells, and how far each reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct, field

from yishenqing.reporting.counting import Table
from yishenqing.reporting.form import Form, Line

_MISSING = "（待填报）"


class Cell(Struct, frozen=True):
    """One cell: where it begins, how many rows and columns it covers, what stands in it."""

    row: int
    column: int
    value: str | int | float
    rows: int = 1
    columns: int = 1
    head: bool = False
    left: bool = False  # read from the left, as titles of rows are


class Grid(Struct):
    """One table; ``widths`` are those of its columns, in characters."""

    title: str
    cells: list[Cell]
    widths: Sequence[int]
    notes: list[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Return the number of rows."""
        return max(c.row + c.rows for c in self.cells)


def grids(form: Form, found: Mapping[str, Any]) -> list[Grid]:
    """Return tables two, three and four of a report."""
    return [
        Grid(form.table2.title, list(_two(form, found["table2"])), (26, 16, 16, 16)),
        Grid(form.table3.title, list(_three(form, found["table3"])), (10, 12, 44, 8, 8, 8, 8, 8, 8, 8)),
        Grid(form.table4.title, list(_four(form, found["table4"])), (7,) * 15),
    ]


def _two(form: Form, cells: Mapping[str, float | None]) -> Iterator[Cell]:
    row, wide = 0, 3
    for part in form.table2.parts:
        yield Cell(row, 0, part.title, 1, 1 + wide, head=True)
        yield Cell(row + 1, 0, "信息内容", head=True)
        each, rest = divmod(wide, len(part.columns))
        place = 1
        spans = []
        for n, (name, title) in enumerate(part.columns.items()):
            span = each + (n < rest)
            spans.append((name, place, span))
            yield Cell(row + 1, place, title, 1, span, head=True)
            place += span
        row += 2
        for name, title in part.rows.items():
            yield Cell(row, 0, title, left=True)
            for column, at, span in spans:
                yield Cell(row, at, _entered(cells.get(f"{name}.{column}"), money=part.money), 1, span)
            row += 1


def _entered(value: float | None, *, money: bool) -> str | int | float:
    if value is None:
        return _MISSING
    return value if money and value != int(value) else int(value)


def _three(form: Form, table: Table) -> Iterator[Cell]:
    yield from _three_head(form)
    first, width = 3, 3
    for group, rows in groupby(enumerate(form.table3.rows, first), key=lambda x: x[1].group):
        lines = list(rows)
        if group:
            yield Cell(lines[0][0], 0, group, len(lines), 1, left=True)
        for under, some in groupby(lines, key=lambda x: x[1].under):
            yield from _titles(list(some), under, 1 if group else 0, width)
    for at, line in enumerate(form.table3.rows, first):
        for place, column in enumerate(form.table3.columns, width):
            yield Cell(at, place, table[line.id][column])


def _titles(lines: Sequence[tuple[int, Line]], under: str, place: int, width: int) -> Iterator[Cell]:
    if under:
        yield Cell(lines[0][0], place, under, len(lines), 1, left=True)
        place += 1
    for at, line in lines:
        yield Cell(at, place, line.title, 1, width - place, left=True)


def _three_head(form: Form) -> Iterator[Cell]:
    columns, inside = form.table3.columns, form.table3.organisations.columns
    yield Cell(0, 0, form.table3.note, 3, 3, head=True)
    yield Cell(0, 3, form.table3.heading, 1, len(columns), head=True)
    for at, (name, title) in enumerate(columns.items(), 3):
        if name not in inside:
            yield Cell(1, at, title, 2, 1, head=True)
            continue
        if name == inside[0]:
            yield Cell(1, at, form.table3.organisations.title, 1, len(inside), head=True)
        yield Cell(2, at, title, head=True)


def _four(form: Form, table: Table) -> Iterator[Cell]:
    results = form.table4.results
    wide, place = len(results), 0
    for group, kinds in groupby(form.table4.kinds, key=lambda k: k.group):
        some = list(kinds)
        if group:
            yield Cell(0, place, group, 1, wide * len(some), head=True)
        for kind in some:
            yield Cell(1 if group else 0, place, kind.title, 1 if group else 2, wide, head=True)
            for at, (name, title) in enumerate(results.items(), place):
                yield Cell(2, at, title, head=True)
                yield Cell(3, at, table[kind.id][name])
            place += wide
