"""Many new cases at once: the rows of each table in one call of the driver, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

from yishenqing.hot import Hot, insertion
from yishenqing.store.tables import cases, deadlines, entries, sealed

# In the order in which one table refers to another.
ORDER: tuple[Table, ...] = (cases, entries, sealed, deadlines)
Rows = dict[str, list[Mapping[str, Any]]]


def empty(further: Sequence[Table] = ()) -> Rows:
    """Return no rows of any table, nor of the ``further`` ones."""
    return {table.name: [] for table in (*ORDER, *further)}


def insert_all(connection: Connection, rows: Rows, further: Sequence[Table] = ()) -> None:
    """Insert the rows of each table, those of ``further`` tables last."""
    for table in (*ORDER, *further):
        if rows[table.name]:
            _statement(table).run_many(connection, rows[table.name])


@lru_cache(maxsize=16)
def _statement(table: Table) -> Hot:
    return Hot(insertion(table))
