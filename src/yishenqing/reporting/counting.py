"""Tables three and four of a year, by one aggregate each; and the cases behind a cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select, true

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.reporting.form import TOTAL, Form
from yishenqing.reporting.tables import applications, disputes

Table = dict[str, dict[str, int]]
PENDING = "pending"
_AT_ONCE = 500  # numbers that one query asks for


class Span(Struct, frozen=True):
    """What is counted: whose cases, from the first day to the last (of a year, or of a month)."""

    agencies: tuple[str, ...]
    first: date
    last: date

    @classmethod
    def of_year(cls, agencies: Sequence[str], year: int, as_of: date) -> Span:
        """Return the year as seen on ``as_of``.

        Raises:
            DataFault: the year had not begun by then.
        """
        first, last = date(year, 1, 1), date(year, 12, 31)
        if as_of < first:
            text = f"{year}年在{as_of}尚未开始，没有可以统计的数"
            raise DataFault.of([Fault(text, field="as_of")])
        return cls(tuple(agencies), first, min(last, as_of))


def table3(connection: Connection, form: Form, span: Span) -> Table:
    """Return table three: every row, every column."""
    rows, kinds = form.table3.rows, form.table3.kinds
    found: Table = {r.id: dict.fromkeys(form.table3.columns, 0) for r in rows}
    by = {r.counts: r.id for r in rows if r.counts != "outcome"}
    for kind, outcome, old, decided, number in _groups(connection, span):
        places = [by["carried"] if old else by["new"], by["decided"] if decided else by["open"]]
        if decided and outcome in found:
            places.append(outcome)
        for place in places:
            found[place][TOTAL] += number
            if kind in kinds:
                found[place][kind] += number
    return found


def forwarded(connection: Connection, form: Form, agencies: Sequence[str], day: date) -> dict[str, int]:
    """Return what was still open at the end of ``day``, by column."""
    a = applications.c
    found = dict.fromkeys(form.table3.columns, 0)
    for still in (a.decided_on.is_(None), a.decided_on > day):  # apart: each is a stretch of the index
        here = and_(a.agency.in_(agencies), a.received_on <= day, still)
        query = select(a.applicant_kind, func.count()).where(here).group_by(a.applicant_kind)
        for kind, number in connection.execute(query):
            found[TOTAL] += number
            if kind in found:
                found[kind] += number
    return found


def table4(connection: Connection, form: Form, span: Span) -> Table:
    """Return table four: every kind, every result."""
    found: Table = {k.id: dict.fromkeys(form.table4.results, 0) for k in form.table4.kinds}
    d = disputes.c
    result = case((d.decided_on <= span.last, d.result), else_=literal(PENDING))
    query = select(d.kind, result, func.count()).where(_disputed(form, span)).group_by(d.kind, result)
    for kind, name, number in connection.execute(query):
        if kind in found:
            found[kind][TOTAL] += number
            if name in found[kind]:
                found[kind][name] += number
    return found


def fees(connection: Connection, span: Span) -> tuple[int, int]:
    """Return in how many cases decided within the span a fee was taken, and how much in all."""
    a = applications.c
    here = and_(a.agency.in_(span.agencies), a.decided_on.between(span.first, span.last), a.fee > 0)
    row = connection.execute(select(func.count(), func.sum(a.fee)).where(here)).one()
    return int(row[0]), int(row[1] or 0)


def cell(connection: Connection, form: Form, span: Span, name: str) -> list[dict[str, Any]]:
    """Return the cases behind the cell ``row.column`` of table three or four.

    Raises:
        NotFound: there is no such cell.
    """
    row, _, column = name.partition(".")
    line = next((r for r in form.table3.rows if r.id == row), None)
    if line is not None and column in form.table3.columns:
        return list(_applications(connection, _counts(line.counts, row, span), span, column))
    if any(k.id == row for k in form.table4.kinds) and column in form.table4.results:
        return list(_disputes(connection, form, span, row, column))
    rows = "、".join((*(r.id for r in form.table3.rows), *(k.id for k in form.table4.kinds)))
    columns = f"表三 {'、'.join(form.table3.columns)}；表四 {'、'.join(form.table4.results)}"
    raise NotFound(f"没有单元格“{name}”，应写作 行.栏，如 granted.natural。行：{rows}。栏：{columns}。")


def direct_after(connection: Connection, span: Span, kind: str, outcomes: Sequence[str], since: date) -> list[str]:
    """Return the cases decided with ``outcomes`` since a day about which a dispute of ``kind`` was filed."""
    a, d = applications.c, disputes.c
    filed = select(d.agency, d.number).where(
        d.agency.in_(span.agencies), d.kind == kind, d.filed_on.between(span.first, span.last)
    )
    about = sorted({(row.agency, row.number) for row in connection.execute(filed)})
    found: list[str] = []
    for start in range(0, len(about), _AT_ONCE):
        some = about[start : start + _AT_ONCE]
        here = and_(a.agency.in_({x for x, _ in some}), a.number.in_([x for _, x in some]), a.decided_on >= since)
        query = select(a.agency, a.number).where(here, a.outcome.in_(outcomes))
        found += [row.number for row in connection.execute(query) if (row.agency, row.number) in some]
    return sorted(found)


def _groups(connection: Connection, span: Span) -> Iterator[tuple[str, str | None, bool, bool, int]]:
    """Yield what was open at the beginning or came since: kind, outcome, received before, decided, how many.

    Everything in table three is a sum of these. Each query reads one stretch of the index and nothing else.
    """
    a = applications.c
    old = case((a.received_on < span.first, 1), else_=0)
    here = a.agency.in_(span.agencies)
    decided = select(a.applicant_kind, a.outcome, old, func.count()).where(
        here, a.decided_on.between(span.first, span.last)
    )
    for kind, outcome, before, number in connection.execute(decided.group_by(a.applicant_kind, a.outcome, old)):
        yield kind, outcome, bool(before), True, number
    for still in (a.decided_on.is_(None), a.decided_on > span.last):
        left = select(a.applicant_kind, old, func.count()).where(here, still, a.received_on <= span.last)
        for kind, before, number in connection.execute(left.group_by(a.applicant_kind, old)):
            yield kind, None, bool(before), False, number


def _counts(counts: str, outcome: str, span: Span) -> ColumnElement[bool]:
    a = applications.c
    decided = a.decided_on.between(span.first, span.last)
    if counts == "new":
        return a.received_on.between(span.first, span.last)
    if counts == "carried":
        return and_(a.received_on < span.first, or_(a.decided_on.is_(None), a.decided_on >= span.first))
    if counts == "open":
        return and_(a.received_on <= span.last, or_(a.decided_on.is_(None), a.decided_on > span.last))
    return decided if counts == "decided" else and_(decided, a.outcome == outcome)


def _applications(
    connection: Connection, here: ColumnElement[bool], span: Span, column: str
) -> Iterator[dict[str, Any]]:
    a = applications.c
    kind = true() if column == TOTAL else a.applicant_kind == column
    query = (
        select(a.agency, a.number, a.received_on, a.applicant_kind, a.outcome, a.decided_on)
        .where(a.agency.in_(span.agencies), here, kind)
        .order_by(a.agency, a.received_on, a.number)
    )
    for row in connection.execute(query):
        open_still = row.decided_on is None or row.decided_on > span.last
        yield {
            "agency": row.agency,
            "number": row.number,
            "received_on": row.received_on.isoformat(),
            "applicant_kind": row.applicant_kind,
            "outcome": None if open_still else row.outcome,
            "decided_on": None if open_still else row.decided_on.isoformat(),
        }


def _disputed(form: Form, span: Span) -> ColumnElement[bool]:
    d = disputes.c
    pending = and_(d.filed_on <= span.last, or_(d.decided_on.is_(None), d.decided_on > span.last))
    if form.table4.pending == "filed_in_year":
        pending = and_(pending, d.filed_on >= span.first)
    return and_(d.agency.in_(span.agencies), or_(d.decided_on.between(span.first, span.last), pending))


def _disputes(connection: Connection, form: Form, span: Span, kind: str, column: str) -> Iterator[dict[str, Any]]:
    d = disputes.c
    query = (
        select(d.agency, d.number, d.source, d.filed_on, d.decided_on, d.result)
        .where(_disputed(form, span), d.kind == kind)
        .order_by(d.agency, d.filed_on, d.number)
    )
    for row in connection.execute(query):
        pends = row.decided_on is None or row.decided_on > span.last
        result = PENDING if pends else row.result
        if column in (TOTAL, result):
            yield {
                "agency": row.agency,
                "number": row.number,
                "linked": row.source if row.source != row.number else None,
                "filed_on": row.filed_on.isoformat(),
                "decided_on": None if pends else row.decided_on.isoformat(),
                "result": result,
            }
