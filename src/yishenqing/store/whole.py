"""What is asked of the whole database at once: which cases anything speaks of, and whether its pages are sound."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

from yishenqing.core.errors import Fault
from yishenqing.store.tables import cases, deadlines, entries, files, letters, sealed

_TABLES = {t.name: t for t in (cases, entries, sealed, files, letters, deadlines)}
NUMBERED = tuple(_TABLES)
_PAGES_NAMED = 20


def page_faults(connection: Connection) -> list[Fault]:
    """Return what the database itself finds damaged (SQLite; PostgreSQL checks pages as it reads them)."""
    if connection.dialect.name != "sqlite":
        return []
    found = connection.execute(text(f"PRAGMA integrity_check({_PAGES_NAMED})")).scalars().all()
    return [Fault(f"数据库文件的结构已损坏：{line}") for line in found if line != "ok"]


def numbers_in(connection: Connection, agency: str, table: str) -> set[str]:
    """Return the cases that a table speaks of."""
    column = _TABLES[table].c.number
    return set(connection.execute(select(column).where(_TABLES[table].c.agency == agency).distinct()).scalars())


def in_state(connection: Connection, agency: str, state: str) -> int:
    """Return how many cases are in a state."""
    query = select(func.count()).select_from(cases).where(cases.c.agency == agency, cases.c.state == state)
    return int(connection.execute(query).scalar_one())


def hashes_of(connection: Connection, agency: str, number: str) -> list[tuple[str, str]]:
    """Return hash and recording time of each entry of a case, in order."""
    query = (
        select(entries.c.hash, entries.c.recorded_at)
        .where(entries.c.agency == agency, entries.c.number == number)
        .order_by(entries.c.seq)
    )
    return [(row.hash, row.recorded_at) for row in connection.execute(query)]
