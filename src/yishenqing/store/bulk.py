"""Many new cases at once: the rows of each table in one call of the driver, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from yishenqing.store.hot import Hot, insertion
from yishenqing.store.tables import cases, deadlines, entries, sealed

# In the order in which one table refers to another.
_ORDER: tuple[Table, ...] = (cases, entries, sealed, deadlines)
_INSERTS = {table.name: Hot(insertion(table)) for table in _ORDER}
Rows = dict[str, list[Mapping[str, Any]]]


def empty() -> Rows:
    """Return no rows of any table."""
    return {table.name: [] for table in _ORDER}


def insert_all(connection: Connection, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Insert the rows of each table."""
    for name, statement in _INSERTS.items():
        if rows.get(name):
            statement.run_many(connection, rows[name])
