"""Deadlines as rows, and the reminders given for them; both derived, both rebuilt from the ledger at will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Result, and_, bindparam, delete, func, select, update

from yishenqing.hot import Hot, HotBatch, HotRows, as_kept, insert_of, reader_of_days
from yishenqing.store.tables import bases, cases, deadlines, entries, reminders

_KEY = ("agency", "number", "clock")
_REST = ("title", "due", "state", "provisional", "owed_by", "remind_on", "listed", "recipe")
_SHOWN = ("clock", *_REST)


class DueRow(NamedTuple):
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
def _upsert(dialect: str) -> Hot:
    statement = insert_of(dialect)(deadlines).values({name: bindparam(name) for name in (*_KEY, *_REST)})
    return Hot(
        statement.on_conflict_do_update(
            index_elements=list(_KEY), set_={name: statement.excluded[name] for name in _REST}
        )
    )


_STORED = Hot(
    select(*(deadlines.c[name] for name in _SHOWN)).where(
        deadlines.c.agency == bindparam("a"), deadlines.c.number == bindparam("n")
    )
)


def changed(
    connection: Connection, agency: str, number: str, rows: Sequence[dict[str, Any]]
) -> Sequence[dict[str, Any]]:
    """Return those of the case's rows that do not stand in the database so: most acts move no deadline."""
    stored = _STORED.run(connection, {"a": agency, "n": number}).fetchall()
    return [row for row in rows if as_kept(connection, row, _SHOWN) not in stored]


def put_deadlines(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write the case's deadlines over the earlier ones."""
    if rows:
        _upsert(connection.dialect.name).run_many(connection, rows)


def drop_deadlines(connection: Connection, agency: str, number: str) -> None:
    """Forget the stored deadlines of a case: under other rules it has other clocks."""
    connection.execute(delete(deadlines).where(deadlines.c.agency == agency, deadlines.c.number == number))


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


def _rows(found: Result[Any]) -> list[DueRow]:
    rows: Sequence[Any] = found.all()  # at once: row by row costs a reminder more than its arithmetic
    return [DueRow._make(row) for row in rows]


def open_deadlines(connection: Connection, agency: str, limit: int | None = None) -> list[DueRow]:
    """Return what the office still has to watch, the earliest first; all of it, or ``limit`` of it."""
    query = (
        select(*_DUE_COLUMNS)
        .select_from(_JOINED)
        .where(deadlines.c.agency == agency, deadlines.c.listed.is_(True))
        .order_by(deadlines.c.due, deadlines.c.number, deadlines.c.clock)
        .limit(limit)
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


class Stored(NamedTuple):
    """What is stored of one deadline and may differ from what its ledger gives."""

    clock: str
    due: date
    provisional: bool
    state: str
    remind_on: date | None
    recipe: str | None
    title: str
    owed_by: str
    listed: bool


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


_STORED_OF_MANY = HotBatch(
    lambda among: select(deadlines.c.number, *(deadlines.c[name] for name in Stored._fields)).where(
        deadlines.c.agency == bindparam("a"), among(deadlines.c.number)
    )
)


def stored_by_case(connection: Connection, agency: str, numbers: Sequence[str]) -> dict[str, dict[str, Stored]]:
    """Return what is stored of the deadlines of these cases alone, by case and clock."""
    read, make = reader_of_days(connection), Stored._make
    rows = _STORED_OF_MANY.run(connection, numbers, {"a": agency}).fetchall() if numbers else []
    found: dict[str, dict[str, Stored]] = {}
    for number, clock, due, open_, state, told, recipe, title, owed, listed in rows:
        remind_on = None if told is None else read(told)
        stored = make((clock, read(due), bool(open_), state, remind_on, recipe, title, owed, bool(listed)))
        found.setdefault(number, {})[clock] = stored
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


def open_cases(connection: Connection, agency: str) -> list[str]:
    """Return the cases in which the office still has something to watch."""
    query = (
        select(deadlines.c.number)
        .distinct()
        .where(deadlines.c.agency == agency, deadlines.c.listed.is_(True))
        .order_by(deadlines.c.number)
    )
    return list(connection.execute(query).scalars())


_TO_REMIND_OF = HotBatch(
    lambda among: (
        select(*_DUE_COLUMNS)
        .select_from(_JOINED)
        .where(
            deadlines.c.agency == bindparam("a"),
            among(deadlines.c.number),
            deadlines.c.remind_on <= bindparam("today"),
        )
        .order_by(deadlines.c.number, deadlines.c.clock)
    )
)
_GIVEN = HotBatch(
    lambda among: select(reminders.c.number, reminders.c.clock, reminders.c.mark, reminders.c.due).where(
        reminders.c.agency == bindparam("a"), among(reminders.c.number)
    )
)


def to_remind_of(connection: Connection, agency: str, numbers: Sequence[str], today: date) -> list[DueRow]:
    """Return those deadlines of these cases of which somebody should be told something by ``today``."""
    if not numbers:
        return []
    found = _TO_REMIND_OF.run(connection, numbers, {"a": agency, "today": today}).fetchall()
    read, make = reader_of_days(connection), DueRow._make
    return [
        make((n, clock, title, read(due), state, bool(open_), owed, read(told), bool(listed), case_state, rules))
        for n, clock, title, due, state, open_, owed, told, listed, case_state, rules in found
    ]


def given(connection: Connection, agency: str, numbers: Sequence[str]) -> set[tuple[str, str, str, date]]:
    """Return the reminders that were given in these cases: case, clock, mark, last day."""
    read = reader_of_days(connection)
    found = _GIVEN.run(connection, numbers, {"a": agency}).fetchall() if numbers else []
    return {(n, c, m, read(d)) for n, c, m, d in found}


def given_since(connection: Connection, agency: str, since: str) -> list[tuple[str, str, str, date, str, str]]:
    """Return the reminders recorded from an instant on: case, clock, mark, last day, title, when."""
    query = (
        select(
            reminders.c.number,
            reminders.c.clock,
            reminders.c.mark,
            reminders.c.due,
            deadlines.c.title,
            reminders.c.recorded_at,
        )
        .join(
            deadlines,
            and_(
                deadlines.c.agency == reminders.c.agency,
                deadlines.c.number == reminders.c.number,
                deadlines.c.clock == reminders.c.clock,
            ),
        )
        .where(reminders.c.agency == agency, reminders.c.recorded_at >= since)
        .order_by(reminders.c.recorded_at, reminders.c.number, reminders.c.clock)
    )
    return [(n, c, m, d, t, at) for n, c, m, d, t, at in connection.execute(query)]


_REMIND = HotRows(reminders)


def remind(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Record reminders; the key refuses one that was given before."""
    if rows:
        _REMIND.run(connection, rows)


_NEXT = HotBatch(
    lambda among: (
        update(deadlines)
        .where(deadlines.c.agency == bindparam("a"), deadlines.c.clock == bindparam("c"), among(deadlines.c.number))
        .values(remind_on=bindparam("next"))
    )
)


def put_next_reminders(connection: Connection, agency: str, days: Sequence[tuple[DueRow, date | None]]) -> None:
    """Note the next day on which somebody should be told of each deadline; None when there is none left."""
    alike: dict[tuple[str, date | None], list[str]] = {}
    for row, day in days:
        alike.setdefault((row.clock, day), []).append(row.number)
    for (clock, day), numbers in alike.items():
        _NEXT.run(connection, numbers, {"a": agency, "c": clock, "next": day})


def last_actors(connection: Connection, agency: str, numbers: Sequence[str]) -> dict[str, str]:
    """Return who took the latest step in each of these cases."""
    query = (
        select(entries.c.number, entries.c.actor)
        .join(cases, (cases.c.agency == entries.c.agency) & (cases.c.number == entries.c.number))
        .where(entries.c.agency == agency, entries.c.number.in_(numbers), entries.c.seq == cases.c.head_seq)
    )
    return {row.number: row.actor for row in connection.execute(query)}


def basis_of(connection: Connection, agency: str) -> str | None:
    """Return by what the stored deadlines were last reckoned."""
    return connection.execute(select(bases.c.basis).where(bases.c.agency == agency)).scalar()


def put_basis(connection: Connection, agency: str, basis: str) -> None:
    """Note by what the stored deadlines are reckoned now."""
    statement = insert_of(connection.dialect.name)(bases).values(agency=agency, basis=basis)
    connection.execute(statement.on_conflict_do_update(index_elements=["agency"], set_={"basis": basis}))
