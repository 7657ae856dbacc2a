"""The statements of every act and every search, compiled once and handed to the driver as text.

SQLAlchemy's own execution costs an act more than its statements do (measured: three times the driver's). What these
statements say is still written, and compiled for each database, by SQLAlchemy; only the running is short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Table, Text, bindparam, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ClauseElement


class Hot:
    """One statement with named parameters; dates go in and come out as the driver keeps them (see ``day``)."""

    def __init__(self, statement: ClauseElement) -> None:
        """Remember the statement; it is compiled when a database first runs it."""
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it once; return the driver's cursor.

        Raises:
            DBAPIError: as SQLAlchemy raises it.
        """
        text, order = self._for(connection)
        _within(connection)
        return execute(connection, text, _given(values, order))

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Run it for each row in one call of the driver; return the driver's cursor."""
        if len(rows) == 1:  # psycopg takes a pipeline to many, and three ways to the server for it
            return self.run(connection, rows[0])
        text, order = self._for(connection)
        _within(connection)
        return execute(connection, text, [_given(row, order) for row in rows], method="executemany")

    def _for(self, connection: Connection) -> tuple[str, tuple[str, ...] | None]:
        name = connection.dialect.name
        known = self._compiled.get(name)
        if known is None:
            compiled: Any = self._statement.compile(dialect=connection.dialect)
            order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
            known = self._compiled[name] = (str(compiled), order)
        return known


class HotBatch:
    """One statement about several names (``IN``), as of cases; compiled once for 1, 2, 4, 8, … of them."""

    def __init__(self, statement: Callable[[Sequence[ColumnElement[str]]], ClauseElement]) -> None:
        """Remember how the statement is made of the names it speaks of."""
        self._statement = statement
        self._by_size: dict[int, Hot] = {}

    def run(self, connection: Connection, names: Sequence[str], values: Mapping[str, Any]) -> Any:
        """Run it for these names, at least one; return the driver's cursor.

        Raises:
            DBAPIError: as SQLAlchemy raises it.
        """
        size = 1 << (len(names) - 1).bit_length()
        hot = self._by_size.get(size)
        if hot is None:
            wanted = [bindparam(f"n{i}", type_=Text) for i in range(size)]
            hot = self._by_size[size] = Hot(self._statement(wanted))
        named = {f"n{i}": name for i, name in enumerate(names)}
        for i in range(len(names), size):  # one named twice is found once
            named[f"n{i}"] = names[-1]
        return hot.run(connection, {**values, **named})


def execute(connection: Connection, text: str, given: Any, method: str = "execute") -> Any:
    """Run ``text`` on the connection's own cursor, inside its transaction; return the driver's cursor.

    Raises:
        DBAPIError: the driver's error, as SQLAlchemy raises it.
    """
    cursor = connection.connection.cursor()
    try:
        getattr(cursor, method)(text, given)
    except Exception as error:
        errors = connection.dialect.loaded_dbapi.Error
        if not isinstance(error, errors):
            raise
        raise DBAPIError.instance(text, given, error, errors, dialect=connection.dialect) from error
    return cursor


def _within(connection: Connection) -> None:
    """Begin the transaction that SQLAlchemy would begin by itself, had it seen the statement."""
    if not connection.in_transaction():
        connection.begin()


def _given(values: Mapping[str, Any], order: tuple[str, ...] | None) -> Any:
    """By position where the driver counts (SQLite, which also keeps dates as text), by name elsewhere."""
    if order is None:
        return dict(values)
    return tuple([v.isoformat() if type(v := values[name]) is date else v for name in order])


def as_kept(connection: Connection, row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Return these columns of a row as the driver gives them back: SQLite keeps dates as text."""
    if connection.dialect.name == "sqlite":
        return tuple([v.isoformat() if type(v := row[name]) is date else v for name in names])
    return tuple([row[name] for name in names])


def day(value: Any) -> date:
    """Return a date as the driver gave it: text from SQLite, a date from PostgreSQL."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def reader_of_days(connection: Connection) -> Callable[[Any], date]:
    """Return what makes a date of what this driver gives, for whoever reads many."""
    return date.fromisoformat if connection.dialect.name == "sqlite" else day


def insertion(table: Table) -> Insert:
    """Return an INSERT of every column of ``table`` by name."""
    return insert(table).values({c.name: bindparam(c.name) for c in table.columns})
