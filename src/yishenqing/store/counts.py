"""How much there is of everything, counted by the database: for monitors, which look often and must cost little."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Select, func, inspect, select, table
from sqlalchemy import column as col

from yishenqing.store.tables import cases, deadlines, entries, failures, letters, messages

# The queue of the exchange, which the store does not know otherwise; its rows are done when ``sent_at`` is there.
OUTBOX = "exchange_events"


def cases_by_state(connection: Connection, agency: str) -> dict[str, int]:
    """Return how many cases stand in each state."""
    query = select(cases.c.state, func.count()).where(cases.c.agency == agency).group_by(cases.c.state)
    return _by_name(connection, query)


def overdue(connection: Connection, agency: str, today: date) -> dict[str, int]:
    """Return how many watched deadlines lie before ``today``, by clock."""
    query = (
        select(deadlines.c.clock, func.count())
        .where(deadlines.c.agency == agency, deadlines.c.listed.is_(True), deadlines.c.due < today)
        .group_by(deadlines.c.clock)
    )
    return _by_name(connection, query)


def timers_due(connection: Connection, agency: str, today: date) -> int:
    """Return how many reminders wait for the next tick."""
    query = select(func.count()).where(deadlines.c.agency == agency, deadlines.c.remind_on <= today)
    return int(connection.execute(query).scalar_one())


def letters_by_kind(connection: Connection, agency: str) -> dict[str, int]:
    """Return how many letters were ever issued, by kind."""
    query = select(letters.c.kind, func.count()).where(letters.c.agency == agency).group_by(letters.c.kind)
    return _by_name(connection, query)


def entries_recorded(connection: Connection, agency: str) -> int:
    """Return how many entries were ever recorded: the sum of what the cases' heads say."""
    query = select(func.coalesce(func.sum(cases.c.head_seq), 0)).where(cases.c.agency == agency)
    return int(connection.execute(query).scalar_one())


def failing(connection: Connection, agency: str) -> int:
    """Return how many cases the clock cannot look at."""
    query = select(func.count()).where(failures.c.agency == agency, failures.c.over_at.is_(None))
    return int(connection.execute(query).scalar_one())


def waiting(connection: Connection, agency: str) -> dict[str, int]:
    """Return how much waits to leave: messages to persons, and events for other systems where there are any."""
    query = select(func.count()).where(messages.c.agency == agency, messages.c.sent_at.is_(None))
    found = {"messages": int(connection.execute(query).scalar_one())}
    known = inspect(connection)
    if known.has_table(OUTBOX) and {"agency", "sent_at"} <= {c["name"] for c in known.get_columns(OUTBOX)}:
        events = table(OUTBOX, col("agency"), col("sent_at"))
        query = select(func.count()).where(events.c.agency == agency, events.c.sent_at.is_(None))
        found["events"] = int(connection.execute(query).scalar_one())
    return found


def _by_name(connection: Connection, query: Select[str, int]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def headless(connection: Connection, agency: str) -> list[str]:
    """Return the cases whose last entry is not the one that their row names: a tail was cut off, or put on."""
    last = (
        select(entries.c.number, func.max(entries.c.seq).label("seq"))
        .where(entries.c.agency == agency)
        .group_by(entries.c.number)
        .subquery()
    )
    both = cases.outerjoin(last, last.c.number == cases.c.number).outerjoin(
        entries,
        (entries.c.agency == cases.c.agency) & (entries.c.number == cases.c.number) & (entries.c.seq == last.c.seq),
    )
    differs = last.c.seq.is_(None) | (last.c.seq != cases.c.head_seq) | (entries.c.hash != cases.c.head_hash)
    query = select(cases.c.number).select_from(both).where(cases.c.agency == agency, differs)
    return [str(n) for n in connection.execute(query.order_by(cases.c.number)).scalars()]
