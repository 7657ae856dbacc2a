"""The tables of what the office does by itself from time to time, and of what a scan of released papers has found."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# When each job of the tick was done last; its row is locked while it is done, so that two ticks do not do it twice.
jobs = Table(
    "released_jobs",
    metadata,
    Column("agency", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("done_on", Date, nullable=False),
    PrimaryKeyConstraint("agency", "job", name="pk_released_jobs"),
)

# One scan of everything released a quarter; ``last`` is the place of the paper that was read last.
scans = Table(
    "released_scans",
    metadata,
    Column("agency", Text, nullable=False),
    Column("quarter", Text, nullable=False),
    Column("begun_at", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("papers", Integer, nullable=False),
    Column("unread", Integer, nullable=False),
    Column("finished_at", Text),
    PrimaryKeyConstraint("agency", "quarter", name="pk_released_scans"),
)

# What was found, masked; ``place`` names paper and position, so that nothing is listed twice.
finds = Table(
    "released_finds",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Integer, nullable=False),
    Column("quarter", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("found_at", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_released_finds"),
    UniqueConstraint("agency", "place", name="uq_released_finds_agency_place"),
)

# What a person decided of a find. Triggers refuse UPDATE and DELETE.
decisions = Table(
    "released_decisions",
    metadata,
    Column("agency", Text, nullable=False),
    Column("find", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "find", "n", name="pk_released_decisions"),
    ForeignKeyConstraint(
        ["agency", "find"],
        ["released_finds.agency", "released_finds.id"],
        name="fk_released_decisions_released_finds",
    ),
)

APPEND_ONLY = ("released_decisions",)
