"""The sentences with figures for the narrative part: every figure is one of the tables'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from yishenqing.reporting.counting import Table
from yishenqing.reporting.form import TOTAL, Form

_PLACE = re.compile(r"\{([^{}]+)\}")


def sentences(form: Form, year: int, as_of: date, three: Table, four: Table, fees: tuple[int, int]) -> list[str]:
    """Return the sentences of the form, filled."""
    known = _figures(form, year, as_of, three, four, fees)
    return [_PLACE.sub(lambda m: known.get(m[1], m[0]), text) for text in form.sentences]


def _figures(
    form: Form, year: int, as_of: date, three: Table, four: Table, fees: tuple[int, int]
) -> Mapping[str, str]:
    found = {"year": str(year), "as_of": as_of.isoformat(), "fees": str(fees[0]), "fee_amount": str(fees[1])}
    for table in (_grouped(form, three), _lawsuits(form, four)):
        found |= {f"{row}.{column}": str(n) for row, cells in table.items() for column, n in cells.items()}
    decided = three[form.table3.row("decided")][TOTAL]
    for row in form.table3.outcomes:
        found[f"share.{row}"] = f"{three[row][TOTAL] / decided:.1%}" if decided else "0%"
    found["disputes"] = str(sum(cells[TOTAL] for cells in four.values()))
    return found


def _grouped(form: Form, three: Table) -> Table:
    """Add the sums that sentences speak of: the organisations of a row, the rows of a family (不予公开 …)."""
    table = {row: dict(cells) for row, cells in three.items()}
    for row in form.table3.outcomes:
        family = row.partition("_")[0]
        if family != row:
            sums = table.setdefault(family, dict.fromkeys(form.table3.columns, 0))
            for column, number in three[row].items():
                sums[column] += number
    for cells in table.values():
        cells["organisations"] = sum(cells[c] for c in form.table3.organisations.columns)
    return table


def _lawsuits(form: Form, four: Table) -> Table:
    table = {kind: dict(cells) for kind, cells in four.items()}
    suits = [k.id for k in form.table4.kinds if k.group]
    table["litigation"] = {result: sum(four[k][result] for k in suits) for result in form.table4.results}
    return table
