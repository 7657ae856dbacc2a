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
