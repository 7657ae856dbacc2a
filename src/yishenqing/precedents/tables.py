"""The table of the library inside the office's own database; what is searched of it lies in ``search``."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, Table, Text

from yishenqing import search

metadata = MetaData()

# PostgreSQL would sort text by the locale of the server; ids must fall alike on both databases.
_Plain = Text().with_variant(Text(collation="C"), "postgresql")

precedents = Table(
    "precedents",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("id", _Plain, nullable=False),
    Column("record", Text, nullable=False),  # the precedent as JSON
    PrimaryKeyConstraint("agency", "id", name="pk_precedents"),
)


def install(connection: Connection) -> None:
    """Create the tables and the index where they are missing, in the transaction of ``connection``.

    Raises:
        DataFault: the database is neither SQLite nor PostgreSQL.
    """
    search.install(connection)
    metadata.create_all(connection)
