"""The tables of checkpoints and reads inside the office's own database; agency first, rows only grow."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("agency", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    Column("cases", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", Text, nullable=False),
    PrimaryKeyConstraint("agency", "n", name="pk_checkpoints"),
)

# The leaves of the tree: which entry a ledger ended with when a checkpoint first saw it. No number: the journal.
anchors = Table(
    "anchors",
    metadata,
    Column("agency", Text, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("checkpoint", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("agency", "leaf", name="pk_anchors"),
    Index("ix_anchors_agency_number_leaf", "agency", "number", "leaf"),
)

# Who saw, searched, printed or took out what; each row chained to the one before.
reads = Table(
    "reads",
    metadata,
    Column("agency", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("agency", "n", name="pk_reads"),
    Index("ix_reads_agency_number_n", "agency", "number", "n"),
)

APPEND_ONLY = ("anchors", "checkpoints", "reads")
