"""The tables of the index inside the office's own database, and what each dialect needs beside them.

Everything here is derived from the records that the capabilities keep, and may be rebuilt from them.
"""

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
# Made anew from precedents and cases wherever they come from another database.
DERIVED = True

# PostgreSQL would sort text by the locale of the server; ties must fall alike on both databases.
_Plain = Text().with_variant(Text(collation="C"), "postgresql")

documents = Table(
    "search_documents",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("collection", _Plain, nullable=False),
    Column("ref", _Plain, nullable=False),
    Column("length", BigInteger, nullable=False),  # the sum of its counts
    Column("vector", LargeBinary, nullable=False),  # terms.Vector
    PrimaryKeyConstraint("agency", "collection", "ref", name="pk_search_documents"),
)

frequencies = Table(
    "search_frequencies",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("collection", _Plain, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("documents", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "collection", "term", name="pk_search_frequencies"),
    sqlite_with_rowid=False,
)

# ``analysis`` says how texts were split when they were entered: another way asks for entering them anew.
totals = Table(
    "search_totals",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("collection", _Plain, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("analysis", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "collection", name="pk_search_totals"),
)

# What was entered (sign 1) or taken out (-1) and is not counted above yet. ``number`` is drawn.
uncounted = Table(
    "search_uncounted",
    metadata,
    Column("agency", _Plain, nullable=False),
    Column("collection", _Plain, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("sign", Integer, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    PrimaryKeyConstraint("agency", "collection", "number", name="pk_search_uncounted"),
)

# ``number`` grows with every entering, on both databases: of equals the newest come first.
INDEX = {
    "sqlite": (
        # FTS5 knows documents by an integer that must survive VACUUM.
        """CREATE TABLE IF NOT EXISTS search_rows (
            number INTEGER NOT NULL CONSTRAINT pk_search_rows PRIMARY KEY,
            agency TEXT NOT NULL,
            collection TEXT NOT NULL,
            ref TEXT NOT NULL,
            CONSTRAINT uq_search_rows_agency_collection_ref UNIQUE (agency, collection, ref),
            CONSTRAINT fk_search_rows_search_documents FOREIGN KEY (agency, collection, ref)
                REFERENCES search_documents (agency, collection, ref)
        )""",
        """CREATE VIRTUAL TABLE IF NOT EXISTS search_grams
            USING fts5(grams, content='', columnsize=0, detail=none, tokenize='ascii')""",
    ),
    "postgresql": (
        # An array, not a tsvector: a tsvector holds 1 MB of lexemes, which a record of 1 MB overflows.
        """CREATE TABLE IF NOT EXISTS search_grams (
            agency TEXT COLLATE "C" NOT NULL,
            collection TEXT COLLATE "C" NOT NULL,
            ref TEXT COLLATE "C" NOT NULL,
            number BIGINT GENERATED ALWAYS AS IDENTITY,
            grams BIGINT[] NOT NULL,
            CONSTRAINT pk_search_grams PRIMARY KEY (agency, collection, ref),
            CONSTRAINT fk_search_grams_search_documents FOREIGN KEY (agency, collection, ref)
                REFERENCES search_documents (agency, collection, ref)
        ) WITH (toast_tuple_target = 128)""",  # the arrays lie apart: who looks for rows reads short ones
        # Without fastupdate no pending list has to be read through by every search after an import.
        """CREATE INDEX IF NOT EXISTS ix_search_grams_grams
            ON search_grams USING gin (grams) WITH (fastupdate = off)""",
        # The planner does not count the fetching of long arrays and would compare every one with every term: two
        # seconds instead of forty milliseconds. Settings of a function leave the caller's session as it was. Terms
        # are shifted for each agency and collection (index.py), so that none of another's is met.
        """CREATE OR REPLACE FUNCTION search_candidates (
            wanted bigint[], worth bigint[], must bigint[], one_of bigint[], most bigint
        ) RETURNS TABLE (ref text, number bigint, weight numeric) LANGUAGE sql STABLE
        SET enable_seqscan = off SET enable_material = off SET jit = off
        AS $$
            SELECT min(g.ref), g.number, sum(q.weight::int)::numeric  -- small integers add up faster
            FROM unnest(wanted, worth) AS q (term, weight)
            CROSS JOIN unnest(one_of) AS o (term)
            JOIN search_grams g
                ON g.grams @> (ARRAY[q.term, CASE WHEN o.term = 0 THEN q.term ELSE o.term END] || must)
            GROUP BY g.number
            ORDER BY sum(q.weight::int) DESC, g.number DESC
            LIMIT most
        $$""",
        """CREATE OR REPLACE FUNCTION search_newest (must bigint[], one_of bigint[], most bigint)
        RETURNS TABLE (ref text, number bigint) LANGUAGE sql STABLE
        SET enable_seqscan = off SET enable_material = off SET jit = off
        AS $$
            SELECT g.ref, g.number
            FROM unnest(one_of) AS o (term)
            JOIN search_grams g ON g.grams @> (CASE WHEN o.term = 0 THEN must ELSE must || o.term END)
            ORDER BY g.number DESC
            LIMIT most
        $$""",
    ),
}


def install(connection: Connection) -> None:
    """Create the tables and the index where they are missing, in the transaction of ``connection``.

    Raises:
        DataFault: the database is neither SQLite nor PostgreSQL.
    """
    kind = supported(connection)
    metadata.create_all(connection)
    for statement in INDEX[kind]:
        connection.execute(text(statement))


def supported(connection: Connection) -> str:
    """Return the dialect of ``connection``.

    Raises:
        DataFault: the database is neither SQLite nor PostgreSQL.
    """
    name = connection.dialect.name
    if name not in INDEX:
        raise DataFault.of([Fault(f"检索只支持 SQLite 和 PostgreSQL，不支持“{name}”")])
    return name
