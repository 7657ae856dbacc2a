"""The tables of agencies, of those who sign in, and of who looked at what; the agency leads every key."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

# One row an agency of this database. ``superior`` is the agency that supervises it (empty: none); ``practice`` the
# choices of its settings by which its deadlines are reckoned, so that the superior sees the same days.
agencies = Table(
    "agencies",
    metadata,
    Column("agency", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("superior", Text, nullable=False),
    Column("practice", Text, nullable=False),
    Column("added_at", Text, nullable=False),
    PrimaryKeyConstraint("agency", name="pk_agencies"),
)

# Who signs in with a password; a row is closed, never deleted. ``locked_until`` is a UTC instant, empty when open.
users = Table(
    "users",
    metadata,
    Column("agency", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("locked_until", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "login", name="pk_users"),
)

# Who is signed in, by the digest of a token that only that person's machine keeps.
sessions = Table(
    "sessions",
    metadata,
    Column("agency", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("begun_at", Text, nullable=False),
    Column("used_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    PrimaryKeyConstraint("agency", "digest", name="pk_sessions"),
    ForeignKeyConstraint(["agency", "login"], ["users.agency", "users.login"], name="fk_sessions_users"),
    Index("ix_sessions_agency_login", "agency", "login"),
)

# Sign-ins, refused ones too, and looks at other agencies' cases. Triggers refuse UPDATE and DELETE.
access_log = Table(
    "access_log",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_access_log"),
    Index("ix_access_log_agency_at", "agency", "at"),
)

APPEND_ONLY = ("access_log",)
