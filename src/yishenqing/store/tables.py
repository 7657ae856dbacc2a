"""The tables. The agency leads every key, so that offices can be spread over machines without touching a query."""

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
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# The rules that cases were opened under; a reference table, the same for all agencies.
rulebooks = Table(
    "rulebooks",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("snapshot", Text, nullable=False),
)

# One row a case: its head in the chain, and what lists need (derived, rebuilt from the entries at will).
cases = Table(
    "cases",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("rulebook", Text, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("head_seq", Integer, nullable=False),
    Column("head_hash", Text, nullable=False),
    PrimaryKeyConstraint("agency", "number"),
    Index("ix_cases_agency_state", "agency", "state"),
)

# The ledger. Triggers refuse UPDATE and DELETE (see the migrations).
entries = Table(
    "entries",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    Column("payload", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("agency", "number", "seq"),
    ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"]),
)

# The side store of personal data: what the entries hold only digests of.
sealed = Table(
    "sealed",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("agency", "number", "digest"),
    ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"]),
)

# The keys with which the side store of an agency is encrypted, each sealed with a master key that lies elsewhere.
# No row is ever deleted: a value written at the last moment with a retired key must be readable.
data_keys = Table(
    "data_keys",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("master", Text, nullable=False),
    Column("wrapped", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("retired_at", Text),
    PrimaryKeyConstraint("agency", "id"),
)

# Papers by the digest that the entry holds; the content lies in the office's folder under its SHA-256.
files = Table(
    "files",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("agency", "number", "digest"),
    ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"]),
)

# Issued letters: one number is used once. Triggers refuse UPDATE and DELETE.
letters = Table(
    "letters",
    metadata,
    Column("agency", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("letter_number", Text, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("agency", "series", "year", "n"),
    UniqueConstraint("agency", "letter_number"),
    ForeignKeyConstraint(["agency", "number", "seq"], ["entries.agency", "entries.number", "entries.seq"]),
    Index("ix_letters_agency_number", "agency", "number"),
)

# The last number given, per series and year; advanced in the transaction that uses the number, so none is lost.
counters = Table(
    "counters",
    metadata,
    Column("agency", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "series", "year"),
)

# What falls due, derived from the entries; ``remind_on`` is the next day on which somebody should be told.
deadlines = Table(
    "deadlines",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("owed_by", Text, nullable=False),
    Column("remind_on", Date),
    Column("listed", Boolean, nullable=False),  # the office still has to watch it
    Column("recipe", Text),  # what is counted, so that a new notice need not fold the ledger anew
    PrimaryKeyConstraint("agency", "number", "clock"),
    ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"]),
    Index("ix_deadlines_agency_remind_on", "agency", "remind_on"),
    Index("ix_deadlines_agency_listed_due", "agency", "listed", "due"),
)

# Reminders given: the key makes each one unique, however often the tick runs.
reminders = Table(
    "reminders",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("recorded_at", Text, nullable=False),
    PrimaryKeyConstraint("agency", "number", "clock", "mark", "due"),
    ForeignKeyConstraint(["agency", "number"], ["cases.agency", "cases.number"]),
)

# By what the stored deadlines were last reckoned (settings, working days, program); when it changes, they are again.
bases = Table(
    "bases",
    metadata,
    Column("agency", Text, nullable=False),
    Column("basis", Text, nullable=False),
    PrimaryKeyConstraint("agency"),
)

# Messages to persons, written together with the reminders that they tell; a row stays when it is sent. ``next_try``
# is the UTC instant from which it may be tried: while it is being sent, the end of the sender's lease.
messages = Table(
    "messages",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("sent_at", Text),
    PrimaryKeyConstraint("agency", "id"),
    Index("ix_messages_agency_sent_at_next_try", "agency", "sent_at", "next_try"),
)

# What a tick could not do and why, one row a case; a row is over when it could be done, and never deleted.
failures = Table(
    "failures",
    metadata,
    Column("agency", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("over_at", Text),
    PrimaryKeyConstraint("agency", "kind", "subject"),
)

# Keys under which callers had something done, with the first answer, for as long as a call may be repeated. ``said``
# is what was done, in words without personal data; ``digest`` covers everything that was given.
given_keys = Table(
    "given_keys",
    metadata,
    Column("agency", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("given_at", Text, nullable=False),
    Column("kept_until", Text, nullable=False),
    PrimaryKeyConstraint("agency", "key"),
    Index("ix_given_keys_agency_kept_until", "agency", "kept_until"),
)

# Which agencies' rows came here from another database (see transfer), and whether all of them have.
moves = Table(
    "moves",
    metadata,
    Column("agency", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("begun_at", Text, nullable=False),
    Column("finished_at", Text),
    PrimaryKeyConstraint("agency"),
)

APPEND_ONLY = ("entries", "letters", "rulebooks")
