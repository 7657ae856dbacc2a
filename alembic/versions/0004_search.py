"""The index of the search in tables of its own, for precedents and cases; the library keeps its records alone.

The index is derived: ``Office.upgrade`` enters precedents and cases anew after this.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLD = ("precedent_grams", "precedent_rows", "precedent_frequencies", "precedent_totals")
INDEX = {
    "sqlite": (
        """CREATE TABLE search_rows (
            number INTEGER NOT NULL CONSTRAINT pk_search_rows PRIMARY KEY,
            agency TEXT NOT NULL,
            collection TEXT NOT NULL,
            ref TEXT NOT NULL,
            CONSTRAINT uq_search_rows_agency_collection_ref UNIQUE (agency, collection, ref),
            CONSTRAINT fk_search_rows_search_documents FOREIGN KEY (agency, collection, ref)
                REFERENCES search_documents (agency, collection, ref)
        )""",
        """CREATE VIRTUAL TABLE search_grams
            USING fts5(grams, content='', columnsize=0, detail=none, tokenize='ascii')""",
    ),
    "postgresql": (
        """CREATE TABLE search_grams (
            agency TEXT COLLATE "C" NOT NULL,
            collection TEXT COLLATE "C" NOT NULL,
            ref TEXT COLLATE "C" NOT NULL,
            number BIGINT GENERATED ALWAYS AS IDENTITY,
            grams BIGINT[] NOT NULL,
            CONSTRAINT pk_search_grams PRIMARY KEY (agency, collection, ref),
            CONSTRAINT fk_search_grams_search_documents FOREIGN KEY (agency, collection, ref)
                REFERENCES search_documents (agency, collection, ref)
        ) WITH (toast_tuple_target = 128)""",
        """CREATE INDEX ix_search_grams_grams
            ON search_grams USING gin (grams) WITH (fastupdate = off)""",
        """CREATE FUNCTION search_candidates (
            wanted bigint[], worth bigint[], must bigint[], one_of bigint[], most bigint
        ) RETURNS TABLE (ref text, number bigint, weight numeric) LANGUAGE sql STABLE
        SET enable_seqscan = off SET enable_material = off SET jit = off
        AS $$
            SELECT min(g.ref), g.number, sum(q.weight)
            FROM unnest(wanted, worth) AS q (term, weight)
            CROSS JOIN unnest(one_of) AS o (term)
            JOIN search_grams g
                ON g.grams @> (ARRAY[q.term, CASE WHEN o.term = 0 THEN q.term ELSE o.term END] || must)
            GROUP BY g.number
            ORDER BY sum(q.weight) DESC, g.number DESC
            LIMIT most
        $$""",
        """CREATE FUNCTION search_newest (must bigint[], one_of bigint[], most bigint)
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


def upgrade() -> None:
    _drop_old()
    plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

    def names() -> list[sa.Column]:
        return [sa.Column(name, plain, nullable=False) for name in ("agency", "collection")]

    op.create_table(
        "search_documents",
        *names(),
        sa.Column("ref", plain, nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "collection", "ref", name="pk_search_documents"),
    )
    op.create_table(
        "search_frequencies",
        *names(),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "collection", "term", name="pk_search_frequencies"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_totals",
        *names(),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("analysis", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "collection", name="pk_search_totals"),
    )
    for statement in INDEX[op.get_bind().dialect.name]:
        op.execute(statement)


def _drop_old() -> None:
    """Drop the library's own index; a database made by this program's first step (0001) never had it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS precedent_candidates (text, bigint[], bigint[], bigint)")
    for table in OLD:
        op.execute(f"DROP TABLE IF EXISTS {table}")
    for column in ("length", "vector"):
        op.execute(f"ALTER TABLE precedents DROP COLUMN {column}")
