"""What each case counts as in the annual report; what the office enters itself, and what it published.

Revision ID: 0008
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

APPEND_ONLY = ("report_entered", "report_published")


def upgrade() -> None:
    _derived()
    _kept()
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _date(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _derived() -> None:
    op.create_table(
        "report_applications",
        _text("agency"),
        _text("number"),
        _date("received_on", nullable=True),
        _text("applicant_kind"),
        _text("outcome", nullable=True),
        _date("decided_on", nullable=True),
        _flag("extended"),
        _integer("supplements"),
        _integer("fee"),
        sa.PrimaryKeyConstraint("agency", "number", name="pk_report_applications"),
    )
    op.create_index(
        "ix_report_applications_agency_decided_on",
        "report_applications",
        ["agency", "decided_on", "received_on", "applicant_kind", "outcome", "fee"],
        unique=False,
    )
    op.create_table(
        "report_disputes",
        _text("agency"),
        _text("source"),
        _text("key"),
        _text("number"),
        _text("kind"),
        _date("filed_on"),
        _date("decided_on", nullable=True),
        _text("result", nullable=True),
        sa.PrimaryKeyConstraint("agency", "source", "key", name="pk_report_disputes"),
    )
    op.create_index("ix_report_disputes_agency_number", "report_disputes", ["agency", "number"], unique=False)


def _kept() -> None:
    op.create_table(
        "report_entered",
        _text("agency"),
        _integer("year"),
        _text("cell"),
        _integer("n"),
        _text("value"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        sa.PrimaryKeyConstraint("agency", "year", "cell", "n", name="pk_report_entered"),
    )
    op.create_table(
        "report_published",
        _text("agency"),
        _integer("year"),
        _integer("n"),
        _text("tables"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        sa.PrimaryKeyConstraint("agency", "year", "n", name="pk_report_published"),
    )


def _forbid_changes(table: str) -> None:
    """What was entered or published is only ever added to; the database itself refuses to rewrite it."""
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
