"""Retention: holds, lists of destruction, what they removed; jobs of the tick; finds in released papers.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APPEND_ONLY = ("retention_holds", "disposal_lists", "disposal_items", "disposal_decisions", "released_decisions")


def upgrade() -> None:
    _holds()
    _lists()
    _released()
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _day(name: str) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=False)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("agency", *columns, name=f"pk_{table}")


def _holds() -> None:
    op.create_table(
        "retention_holds",
        _text("agency"),
        _text("number"),
        _integer("n"),
        _day("on"),
        _flag("placed"),
        _text("reason"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("retention_holds", "number", "n"),
    )
    op.create_table(
        "disposal_removals",
        _text("agency"),
        _text("number"),
        _text("sha256"),
        sa.Column("done_at", sa.Text(), nullable=True),
        _key("disposal_removals", "number", "sha256"),
    )
    op.create_index("ix_disposal_removals_agency_done_at", "disposal_removals", ["agency", "done_at"], unique=False)


def _of_list(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["agency", "list"], ["disposal_lists.agency", "disposal_lists.id"], name=f"fk_{table}_disposal_lists"
    )


def _lists() -> None:
    op.create_table(
        "disposal_lists",
        _text("agency"),
        _text("id"),
        _day("on"),
        _text("opinion"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("disposal_lists", "id"),
    )
    op.create_table(
        "disposal_items",
        _text("agency"),
        _text("list"),
        _text("number"),
        _text("code"),
        _text("period"),
        _day("filed_on"),
        _day("kept_until"),
        _integer("head_seq"),
        _text("head_hash"),
        _key("disposal_items", "list", "number"),
        _of_list("disposal_items"),
    )
    op.create_index("ix_disposal_items_agency_number", "disposal_items", ["agency", "number"], unique=False)
    op.create_table(
        "disposal_decisions",
        _text("agency"),
        _text("list"),
        _day("on"),
        _flag("approved"),
        _text("reason"),
        _text("certificate"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("disposal_decisions", "list"),
        _of_list("disposal_decisions"),
    )


def _released() -> None:
    op.create_table("released_jobs", _text("agency"), _text("job"), _day("done_on"), _key("released_jobs", "job"))
    op.create_table(
        "released_scans",
        _text("agency"),
        _text("quarter"),
        _text("begun_at"),
        _text("last"),
        _integer("papers"),
        _integer("unread"),
        sa.Column("finished_at", sa.Text(), nullable=True),
        _key("released_scans", "quarter"),
    )
    op.create_table(
        "released_finds",
        _text("agency"),
        _integer("id"),
        _text("quarter"),
        _text("source"),
        _text("ref"),
        _text("title"),
        _text("place"),
        _text("kind"),
        _text("excerpt"),
        _text("found_at"),
        _key("released_finds", "id"),
        sa.UniqueConstraint("agency", "place", name="uq_released_finds_agency_place"),
    )
    op.create_table(
        "released_decisions",
        _text("agency"),
        _integer("find"),
        _integer("n"),
        _day("on"),
        _text("decision"),
        _text("reason"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("released_decisions", "find", "n"),
        sa.ForeignKeyConstraint(
            ["agency", "find"],
            ["released_finds.agency", "released_finds.id"],
            name="fk_released_decisions_released_finds",
        ),
    )


def _forbid_changes(table: str) -> None:
    """What was held, proposed and decided is only ever added to; the database itself refuses to rewrite it."""
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
