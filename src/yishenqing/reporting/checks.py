"""The rules of arithmetic of the form, each with whether it holds and, where it does not, in which cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from yishenqing.reporting.counting import Table
from yishenqing.reporting.form import TOTAL, Form, Rule


class Figures(Struct, frozen=True):
    """Everything that the rules compare."""

    table2: Mapping[str, Decimal | None]  # cell to value; None where nothing was entered
    before2: Mapping[str, Decimal | None]  # of the year before
    table3: Table
    table4: Table
    forwarded: Mapping[str, int]  # what the year before left, by column: as published, else as counted
    published: bool  # whether it was published
    rows: int  # applications in the derived rows
    ledger: int  # applications in the ledger


def checks(form: Form, figures: Figures) -> list[dict[str, Any]]:
    """Return every rule: ``rule`` (its text), ``holds``, and ``where`` it does not.

    ``entered`` is False where there was nothing to compare yet: then it says nothing that the rule holds.
    """
    found = []
    for rule in form.rules:
        where = list(_KINDS[rule.kind](form, rule, figures))
        text, entered = rule.text, True
        if rule.kind == "published":
            text += "（上一年度定稿）" if figures.published else "（上一年度没有定稿，按台账推算）"
        elif rule.kind == "stock" and not _stocked(form, figures):
            text += "（尚未填报，没有核对）"
            entered = bool(where)  # what does not hold among the cells that were entered is told all the same
        found.append({"id": rule.id, "rule": text, "holds": not where, "entered": entered, "where": where})
    return found


def _columns(form: Form, rule: Rule, figures: Figures) -> Iterator[str]:
    for column, title in form.table3.columns.items():
        left = _sum(form, figures.table3, rule.left, column)
        right = _sum(form, figures.table3, rule.right, column)
        if left != right:
            yield f"“{title}”栏：{left}≠{right}"


def _sum(form: Form, table: Table, rows: Sequence[str], column: str) -> int:
    names = [n for row in rows for n in (form.table3.outcomes if row == "outcomes" else (row,))]
    return sum(table[name][column] for name in names)


def _rows(form: Form, _rule: Rule, figures: Figures) -> Iterator[str]:
    for row in form.table3.rows:
        cells = figures.table3[row.id]
        parts = sum(cells[kind] for kind in form.table3.kinds)
        if parts != cells[TOTAL]:
            yield f"“{row.title}”行：各栏之和{parts}≠总计{cells[TOTAL]}"


def _published(form: Form, rule: Rule, figures: Figures) -> Iterator[str]:
    for column, title in form.table3.columns.items():
        here, there = _sum(form, figures.table3, rule.left, column), figures.forwarded.get(column, 0)
        if here != there:
            yield f"“{title}”栏：本年上年结转{here}≠上一年度结转{there}"


def _once(_form: Form, _rule: Rule, figures: Figures) -> Iterator[str]:
    if figures.rows != figures.ledger:
        yield f"统计行{figures.rows}件，台账{figures.ledger}件；请运行 ysq report rebuild"


def _disputes(form: Form, _rule: Rule, figures: Figures) -> Iterator[str]:
    for kind in form.table4.kinds:
        cells = figures.table4[kind.id]
        parts = sum(number for name, number in cells.items() if name != TOTAL)
        if parts != cells[TOTAL]:
            yield f"“{kind.title}”：各项之和{parts}≠总计{cells[TOTAL]}"


def _stocked(form: Form, figures: Figures) -> bool:
    """Tell whether everything was entered that the rule about stocks compares."""
    stock = form.table2.stock
    cells = [f"{row}.{column}" for row in stock.rows for column in (stock.plus, stock.minus, stock.equals)]
    before = [f"{row}.{stock.equals}" for row in stock.rows]
    return None not in [*map(figures.table2.get, cells), *map(figures.before2.get, before)]


def _stock(form: Form, _rule: Rule, figures: Figures) -> Iterator[str]:
    """Speak only where everything was entered: what is missing is asked for elsewhere."""
    stock = form.table2.stock
    for row in stock.rows:
        last, now = figures.before2.get(f"{row}.{stock.equals}"), figures.table2.get(f"{row}.{stock.equals}")
        made, gone = figures.table2.get(f"{row}.{stock.plus}"), figures.table2.get(f"{row}.{stock.minus}")
        if last is None or now is None or made is None or gone is None:
            continue
        if last + made - gone != now:
            title = next(part.rows[row] for part in form.table2.parts if row in part.rows)
            yield f"{title}：{last}＋{made}－{gone}≠{now}"


_KINDS = {
    "columns": _columns,
    "rows": _rows,
    "published": _published,
    "once": _once,
    "disputes": _disputes,
    "stock": _stock,
}
