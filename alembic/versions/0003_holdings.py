"""The register of holdings with its re-assessments; what requests and persons are recognised by; proposals.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = ("holding_versions", "assessments", "proposals", "proposal_requests", "proposal_decisions")


def upgrade() -> None:
    _register()
    _reviews()
    _recognition()
    _proposals()
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _big(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _date(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("agency", *columns, name=f"pk_{table}")


def _register() -> None:
    op.create_table(
        "holding_totals", _text("agency"), _integer("last_id"), _integer("documents"), _key("holding_totals")
    )
    op.create_table(
        "holdings",
        _text("agency"),
        _integer("id"),
        _text("number_key"),
        _text("title_key"),
        _text("attribute"),
        _integer("version"),
        _text("record"),
        _text("imported"),
        _key("holdings", "id"),
    )
    op.create_index("ix_holdings_agency_number_key", "holdings", ["agency", "number_key"], unique=False)
    op.create_index("ix_holdings_agency_title_key", "holdings", ["agency", "title_key"], unique=False)
    op.create_table(
        "holding_versions",
        _text("agency"),
        _integer("id"),
        _integer("version"),
        _text("source"),
        _text("record"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("holding_versions", "id", "version"),
        sa.ForeignKeyConstraint(
            ["agency", "id"], ["holdings.agency", "holdings.id"], name="fk_holding_versions_holdings"
        ),
    )
    op.create_table(
        "holding_grams",
        _text("agency"),
        _big("gram"),
        _integer("id"),
        _key("holding_grams", "gram", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holding_frequencies",
        _text("agency"),
        _big("gram"),
        _integer("documents"),
        _key("holding_frequencies", "gram"),
        sqlite_with_rowid=False,
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        _text("agency"),
        _text("kind"),
        _text("subject"),
        _date("due_on"),
        _date("reminded_on", nullable=True),
        _key("reviews", "kind", "subject"),
    )
    op.create_index("ix_reviews_agency_due_on", "reviews", ["agency", "due_on"], unique=False)
    op.create_table(
        "assessments",
        _text("agency"),
        _text("kind"),
        _text("subject"),
        _integer("n"),
        _date("on"),
        _text("decision"),
        _text("attribute"),
        _text("reason"),
        _date("next_on", nullable=True),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("assessments", "kind", "subject", "n"),
    )


def _recognition() -> None:
    op.create_table("request_keys", _text("agency"), _text("key"), _key("request_keys", "key"))
    op.create_table(
        "request_counters", _text("agency"), _big("last_text"), _integer("last_proposal"), _key("request_counters")
    )
    op.create_table(
        "request_persons",
        _text("agency"),
        _text("person"),
        _text("number"),
        _text("kind"),
        _date("on"),
        _text("key"),
        _key("request_persons", "person", "number"),
    )
    op.create_index("ix_request_persons_agency_number", "request_persons", ["agency", "number"], unique=False)
    op.create_index(
        "ix_request_persons_agency_person_on", "request_persons", ["agency", "person", "on"], unique=False
    )
    op.create_table(
        "request_texts",
        _text("agency"),
        _big("id"),
        _text("number"),
        _integer("item"),
        _date("on"),
        _text("key"),
        _key("request_texts", "id"),
    )
    op.create_index("ix_request_texts_agency_number", "request_texts", ["agency", "number"], unique=False)
    op.create_table(
        "request_bands",
        _text("agency"),
        _big("band"),
        _big("id"),
        _key("request_bands", "band", "id"),
        sqlite_with_rowid=False,
    )


def _proposals() -> None:
    op.create_table(
        "proposals", _text("agency"), _integer("id"), _date("on"), _text("recorded_at"), _key("proposals", "id")
    )
    op.create_table(
        "proposal_requests",
        _text("agency"),
        _text("number"),
        _integer("item"),
        _integer("proposal"),
        _key("proposal_requests", "number", "item", "proposal"),
        sa.ForeignKeyConstraint(
            ["agency", "proposal"], ["proposals.agency", "proposals.id"], name="fk_proposal_requests_proposals"
        ),
    )
    op.create_index("ix_proposal_requests_agency_proposal", "proposal_requests", ["agency", "proposal"], unique=False)
    op.create_table(
        "proposal_decisions",
        _text("agency"),
        _integer("proposal"),
        _integer("n"),
        _date("on"),
        _text("decision"),
        _text("scope"),
        _text("reason"),
        _text("actor"),
        _text("recorded_at"),
        _flag("rehearsal"),
        _key("proposal_decisions", "proposal", "n"),
        sa.ForeignKeyConstraint(
            ["agency", "proposal"], ["proposals.agency", "proposals.id"], name="fk_proposal_decisions_proposals"
        ),
    )


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
