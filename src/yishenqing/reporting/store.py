"""The derived rows of the report, written in the transaction of the act; what the office enters and publishes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select

from yishenqing.core.counted import Counted, Dispute
from yishenqing.hot import insert_of
from yishenqing.reporting.tables import applications, disputes, entered, published


def row_of(agency: str, number: str, found: Counted) -> dict[str, Any]:
    """Return the row of an application."""
    return {"agency": agency, "number": number, **found._asdict()}


def dispute_rows(agency: str, source: str, number: str, found: Iterable[Dispute]) -> list[dict[str, Any]]:
    """Return the rows of what the ledger of ``source`` tells of reconsiderations and lawsuits about ``number``."""
    return [{"agency": agency, "source": source, "number": number, **d._asdict()} for d in found]


def stored(connection: Connection, agency: str, number: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what is written of a case: the row of the application, what its ledger tells of disputes."""
    a, d = applications.c, disputes.c
    row = connection.execute(select(applications).where(a.agency == agency, a.number == number)).mappings()
    told = select(disputes).where(d.agency == agency, d.source == number).order_by(d.key)
    return [dict(r) for r in row], [dict(r) for r in connection.execute(told).mappings()]


def put_application(connection: Connection, row: Mapping[str, Any]) -> None:
    """Write the row of one application over the earlier one."""
    connection.execute(_upsert(connection.dialect.name), dict(row))


def put_disputes(connection: Connection, agency: str, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what the ledger of ``source`` tells, over what it told before."""
    connection.execute(_FORGET, {"a": agency, "s": source})
    if rows:
        connection.execute(insert(disputes), [dict(r) for r in rows])


def add_all(connection: Connection, rows: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of new cases, many at once."""
    if rows:
        connection.execute(insert(applications), [dict(r) for r in rows])
    if told:
        connection.execute(insert(disputes), [dict(r) for r in told])


def forget(connection: Connection, agency: str, numbers: Sequence[str]) -> None:
    """Drop the derived rows of these cases, to be written anew."""
    for table, case in ((applications, applications.c.number), (disputes, disputes.c.source)):
        connection.execute(delete(table).where(table.c.agency == agency, case.in_(numbers)))


def forget_others(connection: Connection, agency: str, numbers: Select[tuple[str]]) -> None:
    """Drop the derived rows of what is none of the cases that ``numbers`` selects."""
    for table, case in ((applications, applications.c.number), (disputes, disputes.c.source)):
        connection.execute(delete(table).where(table.c.agency == agency, case.not_in(numbers)))


def count(connection: Connection, agencies: Sequence[str] = ()) -> int:
    """Return how many applications have their row; none named: of every agency."""
    query = select(func.count()).select_from(applications)
    if agencies:
        query = query.where(applications.c.agency.in_(agencies))
    return int(connection.execute(query).scalar_one())


def hanging(connection: Connection, agencies: Sequence[str] = ()) -> int:
    """Return how many cases hang on an application (复议、诉讼、投诉): each has told of itself once."""
    d = disputes.c
    query = select(func.count()).select_from(disputes).where(d.source != d.number)
    if agencies:
        query = query.where(d.agency.in_(agencies))
    return int(connection.execute(query).scalar_one())


def enter(connection: Connection, row: Mapping[str, Any], cells: Mapping[str, str]) -> None:
    """Keep what the office enters: each cell as a new version; ``row`` says year, who, when."""
    for cell, value in cells.items():
        here = (entered.c.agency == row["agency"]) & (entered.c.year == row["year"]) & (entered.c.cell == cell)
        last = connection.execute(select(func.max(entered.c.n)).where(here)).scalar() or 0
        connection.execute(insert(entered).values({**row, "cell": cell, "n": last + 1, "value": value}))


def entered_of(connection: Connection, agencies: Sequence[str], year: int) -> dict[str, dict[str, str]]:
    """Return what was last entered for ``year``: by agency, by cell."""
    query = (
        select(entered.c.agency, entered.c.cell, entered.c.value)
        .where(entered.c.agency.in_(agencies), entered.c.year == year)
        .order_by(entered.c.n)
    )
    found: dict[str, dict[str, str]] = {agency: {} for agency in agencies}
    for agency, cell, value in connection.execute(query):
        found[agency][cell] = value
    return found


def publish(connection: Connection, row: Mapping[str, Any], tables: Mapping[str, Any]) -> int:
    """Keep the tables of a year as published; return the how-manieth version it is."""
    here = (published.c.agency == row["agency"]) & (published.c.year == row["year"])
    n = int(connection.execute(select(func.max(published.c.n)).where(here)).scalar() or 0) + 1
    text = json.dumps(tables, ensure_ascii=False, sort_keys=True)
    connection.execute(insert(published).values({**row, "n": n, "tables": text}))
    return n


def published_of(connection: Connection, agencies: Sequence[str], year: int) -> dict[str, dict[str, Any]]:
    """Return the tables last published for ``year``, by agency; agencies that published none are left out."""
    query = (
        select(published.c.agency, published.c.tables)
        .where(published.c.agency.in_(agencies), published.c.year == year)
        .order_by(published.c.n)
    )
    return {agency: json.loads(text) for agency, text in connection.execute(query)}


def days(value: Any) -> date | None:
    """Return a date that an aggregate gave back: SQLite gives text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


_FORGET = delete(disputes).where(disputes.c.agency == bindparam("a"), disputes.c.source == bindparam("s"))


@lru_cache(maxsize=2)
def _upsert(dialect: str) -> Any:
    statement = insert_of(dialect)(applications)
    changed = {c.name: statement.excluded[c.name] for c in applications.columns if not c.primary_key}
    return statement.on_conflict_do_update(index_elements=["agency", "number"], set_=changed)
