"""What each running deadline counts stands beside it: a new notice is reckoned without folding the ledger.

Rows of before hold nothing; they are folded anew once, and then hold it.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deadlines", sa.Column("recipe", sa.Text(), nullable=True))
