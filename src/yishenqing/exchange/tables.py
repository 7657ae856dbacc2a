"""The tables of the exchange inside the office's own database; the agency leads every key. No row is ever deleted."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()

# What happened, for one receiver: written in the transaction that records the entry ``seq`` of the case. ``content``
# holds no personal data. ``revision`` counts how often it was sent anew on purpose.
events = Table(
    "exchange_events",
    metadata,
    Column("agency", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("sent_at", Text),
    PrimaryKeyConstraint("agency", "receiver", "number", "seq", name="pk_exchange_events"),
)

# The queue: one row a case, so that one sender at a time has a case and its events keep their order. ``lease`` names
# who sends just now, ``next_try`` is from when it may be tried: meanwhile the end of the lease. A case that was given
# up waits for ``resend``.
cases = Table(
    "exchange_cases",
    metadata,
    Column("agency", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("last", Integer, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Text, nullable=False),
    Column("lease", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("given_up_at", Text),
    PrimaryKeyConstraint("agency", "receiver", "number", name="pk_exchange_cases"),
    Index("ix_exchange_cases_agency_receiver_waiting_next_try", "agency", "receiver", "waiting", "next_try"),
)
