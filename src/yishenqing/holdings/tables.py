"""The tables of the register inside the office's own database; the agency leads every key."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

# One row an agency: its lock while a list is taken in, the last number given, how many documents there are.
totals = Table(
    "holding_totals",
    metadata,
    Column("agency", Text, nullable=False),
    Column("last_id", Integer, nullable=False),
    Column("documents", Integer, nullable=False),
    PrimaryKeyConstraint("agency", name="pk_holding_totals"),
)

# What the register says now; every earlier state stands in holding_versions. ``imported`` is what the last list said
# of the document, so that a list that has nothing new to say does not undo a re-assessment.
holdings = Table(
    "holdings",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Integer, nullable=False),
    Column("number_key", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("record", Text, nullable=False),
    Column("imported", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_holdings"),
    Index("ix_holdings_agency_number_key", "agency", "number_key"),
    Index("ix_holdings_agency_title_key", "agency", "title_key"),
)

# Triggers refuse UPDATE and DELETE (see the migration).
versions = Table(
    "holding_versions",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "id", "version", name="pk_holding_versions"),
    ForeignKeyConstraint(["agency", "id"], ["holdings.agency", "holdings.id"], name="fk_holding_versions_holdings"),
)

# Pairs of neighbouring characters of the titles, and how many titles have each.
grams = Table(
    "holding_grams",
    metadata,
    Column("agency", Text, nullable=False),
    Column("gram", BigInteger, nullable=False),
    Column("id", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "gram", "id", name="pk_holding_grams"),
    sqlite_with_rowid=False,
)
frequencies = Table(
    "holding_frequencies",
    metadata,
    Column("agency", Text, nullable=False),
    Column("gram", BigInteger, nullable=False),
    Column("documents", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "gram", name="pk_holding_frequencies"),
    sqlite_with_rowid=False,
)

# When a refusal is to be assessed again: a document of the register (its id) or a closed case (its number).
# ``reminded_on`` is empty until somebody was told of this very day.
reviews = Table(
    "reviews",
    metadata,
    Column("agency", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("reminded_on", Date),
    PrimaryKeyConstraint("agency", "kind", "subject", name="pk_reviews"),
    Index("ix_reviews_agency_due_on", "agency", "due_on"),
)

# What was found when it was assessed again. Triggers refuse UPDATE and DELETE.
assessments = Table(
    "assessments",
    metadata,
    Column("agency", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("decision", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_on", Date),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "kind", "subject", "n", name="pk_assessments"),
)

APPEND_ONLY = ("holding_versions", "assessments")
