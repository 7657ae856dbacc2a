"""Keys under which something was done once, and what leaves for other systems.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "given_keys",
        *(_text(name) for name in ("agency", "key", "digest", "said", "actor", "number", "answer")),
        _text("given_at"),
        _text("kept_until"),
        sa.PrimaryKeyConstraint("agency", "key", name="pk_given_keys"),
    )
    op.create_index("ix_given_keys_agency_kept_until", "given_keys", ["agency", "kept_until"], unique=False)
    op.create_table(
        "exchange_events",
        *(_text(name) for name in ("agency", "receiver", "number")),
        _integer("seq"),
        _integer("revision"),
        _text("content"),
        _text("created_at"),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("agency", "receiver", "number", "seq", name="pk_exchange_events"),
    )
    op.create_table(
        "exchange_cases",
        *(_text(name) for name in ("agency", "receiver", "number")),
        _integer("last"),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        _integer("attempts"),
        *(_text(name) for name in ("next_try", "lease", "last_error")),
        sa.Column("given_up_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("agency", "receiver", "number", name="pk_exchange_cases"),
    )
    op.create_index(
        "ix_exchange_cases_agency_receiver_waiting_next_try",
        "exchange_cases",
        ["agency", "receiver", "waiting", "next_try"],
        unique=False,
    )


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)
