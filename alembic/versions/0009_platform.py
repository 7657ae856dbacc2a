"""Several agencies in one database, who signs in, what failed, and which database was moved here.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _agencies()
    _access()
    op.create_table(
        "failures",
        _text("agency"),
        _text("kind"),
        _text("subject"),
        _text("code"),
        _text("text"),
        _text("first_at"),
        _text("last_at"),
        _integer("times"),
        sa.Column("over_at", sa.Text(), nullable=True),
        _key("failures", "kind", "subject"),
    )
    op.create_table(
        "moves",
        _text("agency"),
        _text("source"),
        _text("begun_at"),
        sa.Column("finished_at", sa.Text(), nullable=True),
        _key("moves"),
    )
    _forbid_changes("access_log")


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("agency", *columns, name=f"pk_{table}")


def _agencies() -> None:
    op.create_table(
        "agencies",
        _text("agency"),
        _text("name"),
        _text("superior"),
        _text("practice"),
        _text("added_at"),
        _key("agencies"),
    )
    op.create_table(
        "users",
        _text("agency"),
        _text("login"),
        _text("hash"),
        _integer("failed"),
        _text("locked_until"),
        _text("changed_at"),
        sa.Column("closed", sa.Boolean(), nullable=False),
        _key("users", "login"),
    )


def _access() -> None:
    op.create_table(
        "sessions",
        _text("agency"),
        _text("digest"),
        _text("login"),
        _text("begun_at"),
        _text("used_at"),
        _text("ends_at"),
        _key("sessions", "digest"),
        sa.ForeignKeyConstraint(["agency", "login"], ["users.agency", "users.login"], name="fk_sessions_users"),
    )
    op.create_index("ix_sessions_agency_login", "sessions", ["agency", "login"], unique=False)
    op.create_table(
        "access_log",
        _text("agency"),
        _text("id"),
        _text("at"),
        _text("login"),
        _text("event"),
        _text("detail"),
        _key("access_log", "id"),
    )
    op.create_index("ix_access_log_agency_at", "access_log", ["agency", "at"], unique=False)


def _forbid_changes(table: str) -> None:
    """History is only ever added to; the database itself refuses to rewrite it."""
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
