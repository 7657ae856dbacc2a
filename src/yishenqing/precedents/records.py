"""The tables of what happens to precedents: their versions, who did what, proposals, and what they were of use for.

The agency leads every key. What was done is only added to; the text of a version may be erased, never rewritten, so
that a name which was overlooked does not stay for ever.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

versions = Table(
    "precedent_versions",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("record", Text, nullable=True),  # None: erased
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "id", "version", name="pk_precedent_versions"),
)

# What people did with a precedent: proposed, returned, published, withdrawn; ``detail`` is JSON.
acts = Table(
    "precedent_acts",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("act", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", "n", name="pk_precedent_acts"),
)

# Which case a precedent was made of. Seen in the agency alone: a record never says it.
origins = Table(
    "precedent_origins",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("seq", Integer, nullable=False),  # the last entry when it was proposed: which reply it tells of
    PrimaryKeyConstraint("agency", "id", name="pk_precedent_origins"),
    Index("ix_precedent_origins_agency_number", "agency", "number", unique=True),
)

# Masked texts that wait for their review; gone when they are reviewed.
proposals = Table(
    "precedent_proposals",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("found", Text, nullable=False),  # what was masked, by kind, as JSON
    Column("on", Date, nullable=False),
    Column("actor", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_precedent_proposals"),
)

# What is shared by an agency with all others in this database.
shared = Table(
    "precedent_shared",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_precedent_shared"),
)

# How often, on which day, a precedent was shown or opened, or used in the draft of a case (``number``).
uses = Table(
    "precedent_uses",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("times", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "id", "kind", "number", "on", name="pk_precedent_uses"),
)

APPEND_ONLY = ("precedent_acts", "precedent_versions")
ERASABLE = {"precedent_versions": "record"}  # of a version the text may go; it may not be replaced
