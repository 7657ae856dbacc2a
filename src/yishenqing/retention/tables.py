"""The tables of retention inside the office's own database; the agency leads every key."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

# A case must not be destroyed while its last row says ``placed``. Triggers refuse UPDATE and DELETE.
holds = Table(
    "retention_holds",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("placed", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "number", "n", name="pk_retention_holds"),
)

# 销毁清册: what was proposed, case by case as it stood then, and what was decided. Triggers refuse UPDATE and DELETE.
lists = Table(
    "disposal_lists",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("opinion", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_disposal_lists"),
)
items = Table(
    "disposal_items",
    metadata,
    Column("agency", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("filed_on", Date, nullable=False),
    Column("kept_until", Date, nullable=False),
    Column("head_seq", Integer, nullable=False),
    Column("head_hash", Text, nullable=False),
    PrimaryKeyConstraint("agency", "list", "number", name="pk_disposal_items"),
    ForeignKeyConstraint(
        ["agency", "list"], ["disposal_lists.agency", "disposal_lists.id"], name="fk_disposal_items_disposal_lists"
    ),
    Index("ix_disposal_items_agency_number", "agency", "number"),
)
decisions = Table(
    "disposal_decisions",
    metadata,
    Column("agency", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("certificate", Text, nullable=False),  # SHA-256 of its content; empty where the list was refused
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "list", name="pk_disposal_decisions"),  # decided once
    ForeignKeyConstraint(
        ["agency", "list"],
        ["disposal_lists.agency", "disposal_lists.id"],
        name="fk_disposal_decisions_disposal_lists",
    ),
)

# What still lies on the disk of a destroyed case: written with its destruction, done when the file is gone. An empty
# ``sha256`` stands for the folders of readable copies.
removals = Table(
    "disposal_removals",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("done_at", Text),
    PrimaryKeyConstraint("agency", "number", "sha256", name="pk_disposal_removals"),
    Index("ix_disposal_removals_agency_done_at", "agency", "done_at"),
)

APPEND_ONLY = ("retention_holds", "disposal_lists", "disposal_items", "disposal_decisions")
