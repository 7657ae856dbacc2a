"""The tables of the library inside the office's own database, and the index of each dialect beside them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from yishenqing.core.errors import DataFault, Fault

metadata = MetaData()

# PostgreSQL would sort text by the locale of the server; ties must fall alike on both databases.
_Plain = Text().with_variant(Text(collation="C"), "postgresql")

precedents = Table(
    "precedents",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("id", _Plain, nullable=False),
    Column("record", Text, nullable=False),  # the precedent as JSON
    Column("length", BigInteger, nullable=False),  # the sum of its counts
    Column("vector", LargeBinary, nullable=False),  # terms.Vector
    PrimaryKeyConstraint("agency", "id", name="pk_precedents"),
)

frequencies = Table(
    "precedent_frequencies",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("documents", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "term", name="pk_precedent_frequencies"),
    sqlite_with_rowid=False,
)

totals = Table(
    "precedent_totals",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    PrimaryKeyConstraint("agency", name="pk_precedent_totals"),
)

_INDEX = {
    "sqlite": (
        # FTS5 knows documents by an integer that must survive VACUUM.
        """CREATE TABLE IF NOT EXISTS precedent_rows (
            number INTEGER NOT NULL CONSTRAINT pk_precedent_rows PRIMARY KEY,
            agency TEXT NOT NULL,
            id TEXT NOT NULL,
            CONSTRAINT uq_precedent_rows_agency_id UNIQUE (agency, id),
            CONSTRAINT fk_precedent_rows_precedents FOREIGN KEY (agency, id)
                REFERENCES precedents (agency, id)
        )""",
        """CREATE VIRTUAL TABLE IF NOT EXISTS precedent_grams
            USING fts5(grams, content='', columnsize=0, detail=none, tokenize='ascii')""",
    ),
    "postgresql": (
        # An array, not a tsvector: a tsvector holds 1 MB of lexemes, which a record of 1 MB overflows.
        """CREATE TABLE IF NOT EXISTS precedent_grams (
            agency TEXT COLLATE "C" NOT NULL,
            id TEXT COLLATE "C" NOT NULL,
            grams BIGINT[] NOT NULL,
            CONSTRAINT pk_precedent_grams PRIMARY KEY (agency, id),
            CONSTRAINT fk_precedent_grams_precedents FOREIGN KEY (agency, id)
                REFERENCES precedents (agency, id)
        )""",
        # Without fastupdate no pending list has to be read through by every search after an import.
        """CREATE INDEX IF NOT EXISTS ix_precedent_grams_grams
            ON precedent_grams USING gin (grams) WITH (fastupdate = off)""",
        # The planner does not count the fetching of long arrays and would compare every one with every term: two
        # seconds instead of forty milliseconds. Settings of a function leave the caller's session as it was. The
        # empty text keeps it from walking the primary key through an agency for the same reason.
        """CREATE OR REPLACE FUNCTION precedent_candidates (
            owner text, wanted bigint[], worth bigint[], most bigint
        ) RETURNS TABLE (id text, weight numeric) LANGUAGE sql STABLE
        SET enable_seqscan = off SET enable_material = off SET jit = off
        AS $$
            SELECT g.id, sum(q.weight)
            FROM unnest(wanted, worth) AS q (term, weight)
            JOIN precedent_grams g ON g.grams @> ARRAY[q.term]
            WHERE g.agency || '' = owner
            GROUP BY g.id
            ORDER BY sum(q.weight) DESC, g.id
            LIMIT most
        $$""",
    ),
}


def install(connection: Connection) -> None:
    """Create the tables and the index where they are missing, in the transaction of ``connection``.

    Raises:
        DataFault: the database is neither SQLite nor PostgreSQL.
    """
    metadata.create_all(connection)
    for statement in _INDEX[supported(connection)]:
        connection.execute(text(statement))


def supported(connection: Connection) -> str:
    """Return the dialect of ``connection``.

    Raises:
        DataFault: the database is neither SQLite nor PostgreSQL.
    """
    name = connection.dialect.name
    if name not in _INDEX:
        raise DataFault.of([Fault(f"案例库只支持 SQLite 和 PostgreSQL，不支持“{name}”")])
    return name
