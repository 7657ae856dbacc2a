"""The tables of the report: one derived row a case, so that a year is one aggregate; what the office enters."""

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

# Derived from the entries, rebuilt from them at will. ``received_on`` is empty until receipt is confirmed.
applications = Table(
    "report_applications",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("received_on", Date),
    Column("applicant_kind", Text, nullable=False),
    Column("outcome", Text),
    Column("decided_on", Date),
    Column("extended", Boolean, nullable=False),
    Column("supplements", Integer, nullable=False),
    Column("fee", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "number", name="pk_report_applications"),
    # The report reads nothing but this index: what is still open, and what was decided since a day.
    Index(
        "ix_report_applications_agency_decided_on",
        "agency",
        "decided_on",
        "received_on",
        "applicant_kind",
        "outcome",
        "fee",
    ),
)

# Derived too: ``source`` is the case whose ledger tells of it, ``number`` the application that it is about.
disputes = Table(
    "report_disputes",
    metadata,
    Column("agency", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("filed_on", Date, nullable=False),
    Column("decided_on", Date),
    Column("result", Text),
    PrimaryKeyConstraint("agency", "source", "key", name="pk_report_disputes"),
    Index("ix_report_disputes_agency_number", "agency", "number"),
)

# What the office enters itself (表二), every version of it. Triggers refuse UPDATE and DELETE.
entered = Table(
    "report_entered",
    metadata,
    Column("agency", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("cell", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "year", "cell", "n", name="pk_report_entered"),
)

# The report as published, every version of it: next year is checked against it. Triggers refuse UPDATE and DELETE.
published = Table(
    "report_published",
    metadata,
    Column("agency", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("tables", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "year", "n", name="pk_report_published"),
)

APPEND_ONLY = ("report_entered", "report_published")
