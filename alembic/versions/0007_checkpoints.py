"""Checkpoints over all ledgers, and the journal of who saw what.

Revision ID: 0007
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("checkpoints", "anchors", "reads")


def upgrade() -> None:
    _checkpoints()
    _reads()
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _big(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("agency", *columns, name=f"pk_{table}")


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        _text("agency"),
        _integer("n"),
        _text("made_at"),
        _text("actor"),
        _flag("rehearsal"),
        _integer("cases"),
        _big("size"),
        _text("root"),
        _text("prev"),
        _text("key"),
        _text("signature"),
        _key("checkpoints", "n"),
    )
    op.create_table(
        "anchors",
        _text("agency"),
        _big("leaf"),
        _integer("checkpoint"),
        _text("number"),
        _big("seq"),
        _text("hash"),
        _key("anchors", "leaf"),
    )
    op.create_index("ix_anchors_agency_number_leaf", "anchors", ["agency", "number", "leaf"], unique=False)


def _reads() -> None:
    op.create_table(
        "reads",
        _text("agency"),
        _big("n"),
        _text("at"),
        _text("actor"),
        _text("act"),
        _text("number"),
        _text("detail"),
        _flag("rehearsal"),
        _text("prev"),
        _text("hash"),
        _key("reads", "n"),
    )
    op.create_index("ix_reads_agency_number_n", "reads", ["agency", "number", "n"], unique=False)


def _forbid_changes(table: str) -> None:
    """What was seen and signed is only ever added to; the database itself refuses to rewrite it."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
