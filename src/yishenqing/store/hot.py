"""The statements of every act, compiled once and handed to the driver as text.

SQLAlchemy's own execution costs an act more than its statements do (measured: three times the driver's). What these
statements say is still written, and compiled for each database, by SQLAlchemy; only the running is short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, CursorResult, Insert, Table, bindparam, insert
from sqlalchemy.sql.elements import ClauseElement


class Hot:
    """One statement with named parameters; dates go in and come out as the driver keeps them (see ``day``)."""

    def __init__(self, statement: ClauseElement) -> None:
        """Remember the statement; it is compiled when a database first runs it."""
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Run it once."""
        text, order = self._for(connection)
        return connection.exec_driver_sql(text, _given(values, order))

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        """Run it for each row in one call of the driver."""
        text, order = self._for(connection)
        return connection.exec_driver_sql(text, [_given(row, order) for row in rows])

    def _for(self, connection: Connection) -> tuple[str, tuple[str, ...] | None]:
        name = connection.dialect.name
        known = self._compiled.get(name)
        if known is None:
            compiled: Any = self._statement.compile(dialect=connection.dialect)
            order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
            known = self._compiled[name] = (str(compiled), order)
        return known


def _given(values: Mapping[str, Any], order: tuple[str, ...] | None) -> Any:
    """By position where the driver counts (SQLite, which also keeps dates as text), by name elsewhere."""
    if order is None:
        return dict(values)
    return tuple(v.isoformat() if type(v := values[name]) is date else v for name in order)


def day(value: Any) -> date:
    """Return a date as the driver gave it: text from SQLite, a date from PostgreSQL."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def insertion(table: Table) -> Insert:
    """Return an INSERT of every column of ``table`` by name."""
    return insert(table).values({c.name: bindparam(c.name) for c in table.columns})
