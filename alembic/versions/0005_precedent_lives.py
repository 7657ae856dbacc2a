"""What happens to precedents: versions, acts, proposals of closed cases, sharing, and how they are used.

Revision ID: 0005
Revises: 0003
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEPT = {
    "precedent_versions": "agency, id, version, sha256, source, actor, recorded_at, rehearsal",  # the text may go
    "precedent_acts": "",
}


def upgrade() -> None:
    _versions()
    op.create_table(
        "precedent_origins",
        _text("agency"),
        _text("id"),
        _text("number"),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "id", name="pk_precedent_origins"),
    )
    op.create_index("ix_precedent_origins_agency_number", "precedent_origins", ["agency", "number"], unique=True)
    op.create_table(
        "precedent_proposals",
        _text("agency"),
        _text("id"),
        _text("record"),
        _text("found"),
        _date("on"),
        _text("actor"),
        sa.PrimaryKeyConstraint("agency", "id", name="pk_precedent_proposals"),
    )
    op.create_table(
        "precedent_shared",
        _text("agency"),
        _text("id"),
        sa.PrimaryKeyConstraint("agency", "id", name="pk_precedent_shared"),
    )
    op.create_table(
        "precedent_uses",
        _text("agency"),
        _text("id"),
        _text("kind"),
        _text("number"),
        _date("on"),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "id", "kind", "number", "on", name="pk_precedent_uses"),
    )
    _first_versions()
    for table, columns in KEPT.items():
        _forbid_changes(table, columns)


def _versions() -> None:
    op.create_table(
        "precedent_versions",
        _text("agency"),
        _text("id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("sha256"),
        sa.Column("record", sa.Text(), nullable=True),
        _text("source"),
        _text("actor"),
        _text("recorded_at"),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "id", "version", name="pk_precedent_versions"),
    )
    op.create_table(
        "precedent_acts",
        _text("agency"),
        _text("id"),
        sa.Column("n", sa.Integer(), nullable=False),
        _text("act"),
        _date("on"),
        _text("actor"),
        _text("recorded_at"),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        _text("detail"),
        sa.PrimaryKeyConstraint("agency", "id", "n", name="pk_precedent_acts"),
    )


def _first_versions() -> None:
    """What a library holds already becomes each record's first version."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT agency, id, record FROM precedents")).all()
    for agency, identifier, record in rows:
        connection.execute(
            sa.text(
                "INSERT INTO precedent_versions (agency, id, version, sha256, record, source, actor, recorded_at, "
                "rehearsal) VALUES (:agency, :id, 1, :sha256, :record, '升级前已有', '', '', :rehearsal)"
            ),
            {
                "agency": agency,
                "id": identifier,
                "sha256": hashlib.sha256(record.encode()).hexdigest(),
                "record": record,
                "rehearsal": False,
            },
        )


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _date(name: str) -> sa.Column:
    return sa.Column(name, sa.Date(), nullable=False)


def _forbid_changes(table: str, columns: str) -> None:
    """History is only ever added to; of a version only the text may go, and it may not be replaced."""
    of = f"UPDATE OF {columns}" if columns else "UPDATE"
    if op.get_bind().dialect.name == "sqlite":
        for name, when in ((f"{table}_no_update", of), (f"{table}_no_delete", "DELETE")):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {when} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        if columns:
            op.execute(
                f"CREATE TRIGGER {table}_no_rewriting BEFORE UPDATE OF record ON {table} "
                f"WHEN NEW.record IS NOT NULL BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE {of} OR DELETE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
    if columns:
        op.execute(
            f"CREATE TRIGGER {table}_no_rewriting BEFORE UPDATE OF record ON {table} "
            f"FOR EACH ROW WHEN (NEW.record IS NOT NULL) EXECUTE FUNCTION {table}_append_only()"
        )
