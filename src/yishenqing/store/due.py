"""Deadlines as rows, and the reminders given for them; both derived, both rebuilt from the ledger at will."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from yishenqing.store.ledger import insert_of, keep
from yishenqing.store.tables import cases, deadlines, reminders

_KEY = ("agency", "number", "clock")
_REST = ("title", "due", "state", "provisional", "owed_by", "remind_on", "listed")


@dataclass(frozen=True, slots=True)
class DueRow:
    """One deadline of one case, with the state the case stands in."""

    number: str
    clock: str
    title: str
    due: date
    state: str
    provisional: bool
    owed_by: str
    remind_on: date | None
    listed: bool
    case_state: str
    rulebook: str


@lru_cache(maxsize=2)
def _upsert(dialect: str) -> Any:
    statement = insert_of(dialect)(deadlines)
    return statement.on_conflict_do_update(
        index_elements=list(_KEY), set_={name: statement.excluded[name] for name in _REST}
    )


def put_deadlines(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write the case's deadlines over the earlier ones."""
    if rows:
        connection.execute(_upsert(connection.dialect.name), rows)


_DUE_COLUMNS = (
    deadlines.c.number,
    deadlines.c.clock,
    deadlines.c.title,
    deadlines.c.due,
    deadlines.c.state,
    deadlines.c.provisional,
    deadlines.c.owed_by,
    deadlines.c.remind_on,
    deadlines.c.listed,
    cases.c.state,
    cases.c.rulebook,
)
_JOINED = deadlines.join(cases, (cases.c.agency == deadlines.c.agency) & (cases.c.number == deadlines.c.number))


def _rows(found: Iterable[Any]) -> list[DueRow]:
    return [DueRow(*row) for row in found]


def open_deadlines(connection: Connection, agency: str) -> list[DueRow]:
    """Return what the office still has to watch, the earliest first."""
    query = (
        select(*_DUE_COLUMNS)
        .select_from(_JOINED)
        .where(deadlines.c.agency == agency, deadlines.c.listed.is_(True))
        .order_by(deadlines.c.due, deadlines.c.number, deadlines.c.clock)
    )
    return _rows(connection.execute(query))


def deadlines_of(connection: Connection, agency: str, number: str) -> list[DueRow]:
    """Return the stored deadlines of one case."""
    query = (
        select(*_DUE_COLUMNS)
        .select_from(_JOINED)
        .where(deadlines.c.agency == agency, deadlines.c.number == number)
        .order_by(deadlines.c.clock)
    )
    return _rows(connection.execute(query))


def deadlines_by_case(connection: Connection, agency: str, numbers: Sequence[str]) -> dict[str, dict[str, DueRow]]:
    """Return the stored deadlines of these cases, by case and clock."""
    query = (
        select(*_DUE_COLUMNS)
        .select_from(_JOINED)
        .where(deadlines.c.agency == agency, deadlines.c.number.in_(numbers))
    )
    found: dict[str, dict[str, DueRow]] = {}
    for row in _rows(connection.execute(query)):
        found.setdefault(row.number, {})[row.clock] = row
    return found


def cases_due_since(connection: Connection, agency: str, since: date) -> list[str]:
    """Return the cases with a deadline on or after ``since``."""
    query = (
        select(deadlines.c.number)
        .distinct()
        .where(deadlines.c.agency == agency, deadlines.c.due >= since)
        .order_by(deadlines.c.number)
    )
    return list(connection.execute(query).scalars())


def to_remind(connection: Connection, agency: str, today: date) -> list[str]:
    """Return the cases of which somebody should be told something by ``today``, the longest waiting first."""
    earliest = func.min(deadlines.c.remind_on)
    query = (
        select(deadlines.c.number)
        .where(deadlines.c.agency == agency, deadlines.c.remind_on <= today)
        .group_by(deadlines.c.number)
        .order_by(earliest, deadlines.c.number)
    )
    return list(connection.execute(query).scalars())


def provisional(connection: Connection, agency: str) -> list[tuple[str, date]]:
    """Return the cases with a day that rested on a year not announced yet, each with that day."""
    query = (
        select(deadlines.c.number, deadlines.c.due)
        .where(
            deadlines.c.agency == agency,
            deadlines.c.provisional.is_(True),
            deadlines.c.state != "stopped",
            deadlines.c.listed.is_(True),
        )
        .order_by(deadlines.c.number)
    )
    return [(number, due) for number, due in connection.execute(query)]


def remind(connection: Connection, row: dict[str, Any]) -> bool:
    """Record one reminder; tell whether it is new."""
    return keep(connection, reminders, [row]) == 1


_NEXT = (
    update(deadlines)
    .where(
        deadlines.c.agency == bindparam("a"),
        deadlines.c.number == bindparam("n"),
        deadlines.c.clock == bindparam("c"),
    )
    .values(remind_on=bindparam("next"))
)


def put_next_reminder(connection: Connection, agency: str, row: DueRow, when: date | None) -> None:
    """Note the next day on which somebody should be told; None when there is none left."""
    connection.execute(_NEXT, {"a": agency, "n": row.number, "c": row.clock, "next": when})
