"""The data keys with which an agency's side store is encrypted, each sealed with a master key that lies elsewhere.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    names = ("agency", "id", "algorithm", "master", "wrapped", "made_at")
    op.create_table(
        "data_keys",
        *(sa.Column(name, sa.Text(), nullable=False) for name in names),
        sa.Column("retired_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("agency", "id", name="pk_data_keys"),
    )
