"""Documents that were entered and are not counted yet: whoever enters one waits for nobody.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Small integers add up faster.
_CANDIDATES = """
CREATE OR REPLACE FUNCTION search_candidates (
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
$$
"""

_Plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "search_uncounted",
        sa.Column("agency", _Plain, nullable=False),
        sa.Column("collection", _Plain, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "collection", "number", name="pk_search_uncounted"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_CANDIDATES)
