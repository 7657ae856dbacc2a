"""The ledger, the side store, deadlines, reminders, letters and precedents.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("entries", "letters", "rulebooks")


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("rulebook", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("head_seq", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "number", name="pk_cases"),
    )
    op.create_index("ix_cases_agency_state", "cases", ["agency", "state"], unique=False)
    op.create_table(
        "counters",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "series", "year", name="pk_counters"),
    )
    op.create_table(
        "rulebooks",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_rulebooks"),
    )
    op.create_table(
        "deadlines",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("owed_by", sa.Text(), nullable=False),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"], name="fk_deadlines_cases"),
        sa.PrimaryKeyConstraint("agency", "number", "clock", name="pk_deadlines"),
    )
    op.create_index("ix_deadlines_agency_remind_on", "deadlines", ["agency", "remind_on"], unique=False)
    op.create_index("ix_deadlines_agency_listed_due", "deadlines", ["agency", "listed", "due"], unique=False)
    op.create_table(
        "entries",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"], name="fk_entries_cases"),
        sa.PrimaryKeyConstraint("agency", "number", "seq", name="pk_entries"),
    )
    op.create_table(
        "files",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"], name="fk_files_cases"),
        sa.PrimaryKeyConstraint("agency", "number", "digest", name="pk_files"),
    )
    op.create_table(
        "reminders",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"], name="fk_reminders_cases"),
        sa.PrimaryKeyConstraint("agency", "number", "clock", "mark", "due", name="pk_reminders"),
    )
    op.create_table(
        "sealed",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"], name="fk_sealed_cases"),
        sa.PrimaryKeyConstraint("agency", "number", "digest", name="pk_sealed"),
    )
    op.create_table(
        "letters",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("letter_number", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency", "number", "seq"],
            ["entries.agency", "entries.number", "entries.seq"],
            name="fk_letters_entries",
        ),
        sa.PrimaryKeyConstraint("agency", "series", "year", "n", name="pk_letters"),
        sa.UniqueConstraint("agency", "letter_number", name="uq_letters_agency_letter_number"),
    )
    op.create_index("ix_letters_agency_number", "letters", ["agency", "number"], unique=False)
    for table in APPEND_ONLY:
        _forbid_changes(table)
    _library()


def _forbid_changes(table: str) -> None:
    """Second line of defence behind the hash chain: the database itself refuses to rewrite history."""
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


def _library() -> None:
    """The library as it was then; 0004 puts its index into tables of its own."""
    plain = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "precedents",
        sa.Column("agency", plain, nullable=False),
        sa.Column("id", plain, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "id", name="pk_precedents"),
    )
