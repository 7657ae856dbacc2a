"""The statements of every act and every search, compiled once and handed to the driver as text.

SQLAlchemy's own execution costs an act more than its statements do (measured: three times the driver's). What these
statements say is still written, and compiled for each database, by SQLAlchemy; only the running is short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Insert, Table, Text, bindparam, func, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine


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


Among = Callable[[ColumnElement[Any]], ColumnElement[bool]]


class HotBatch:
    """One statement about several names, as of cases: with an array, or compiled once for 1, 2, 4, 8, … of them."""

    def __init__(self, statement: Callable[[Among], ClauseElement], kind: type[TypeEngine[Any]] = Text) -> None:
        """Remember how the statement is made of what tells that a column is among the names (or numbers)."""
        self._statement, self._kind = statement, kind
        self._by_size: dict[int, Hot] = {}

    def run(self, connection: Connection, names: Sequence[str] | Sequence[int], values: Mapping[str, Any]) -> Any:
        """Run it for these names, at least one; return the driver's cursor.

        Raises:
            DBAPIError: as SQLAlchemy raises it.
        """
        if connection.dialect.name == "postgresql":  # psycopg takes a statement of many parameters apart every time
            return self._for(0, self._in_array).run(connection, {**values, "names": list(names)})
        size = 1 << (len(names) - 1).bit_length()
        given = [f"n{i}" for i in range(size)]
        named = dict(zip(given, [*names, *[names[-1]] * (size - len(names))], strict=True))  # twice is found once
        one_of = [bindparam(name, type_=self._kind) for name in given]
        return self._for(size, lambda column: column.in_(one_of)).run(connection, {**values, **named})

    def _for(self, size: int, among: Among) -> Hot:
        hot = self._by_size.get(size)
        if hot is None:
            hot = self._by_size[size] = Hot(self._statement(among))
        return hot

    def _in_array(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column == func.any(bindparam("names", type_=ARRAY(self._kind)))


class HotRows:
    """Rows entered into a table: as arrays in one way to the server, or row by row where the database is here."""

    def __init__(self, table: Table) -> None:
        """Remember the table; every row says something of every column."""
        self._table, self._one = table, Hot(insertion(table))

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Enter rows, at least one; return the driver's cursor.

        Raises:
            DBAPIError: as SQLAlchemy raises it.
        """
        if len(rows) == 1 or connection.dialect.name != "postgresql":
            return self._one.run_many(connection, rows)
        return self._many.run(connection, {c.name: [row[c.name] for row in rows] for c in self._table.columns})

    @cached_property
    def _many(self) -> Hot:
        names = [column.name for column in self._table.columns]
        arrays = [bindparam(column.name, type_=ARRAY(column.type)) for column in self._table.columns]
        return Hot(insert(self._table).from_select(names, select("*").select_from(func.unnest(*arrays))))


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


def insert_of(dialect: str) -> Callable[[Table], Any]:
    """Return the dialect's own INSERT, which knows ON CONFLICT; only the one in use is imported."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as build  # noqa: PLC0415 - the dialect in use alone
    else:
        from sqlalchemy.dialects.sqlite import insert as build  # type: ignore[assignment]  # noqa: PLC0415 - another class, used alike
    return build
