"""The tables of recognition inside the office's own database; the agency leads every key.

Nothing here can be read back: persons and texts are blinded by the office's key. Persons, texts and bands are derived
and may be rebuilt; what was proposed and decided is history.
"""

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

# By which keys the rows of an agency were written; its row locks the giving of numbers.
keys = Table(
    "request_keys",
    metadata,
    Column("agency", Text, nullable=False),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("agency", "key", name="pk_request_keys"),
)
counters = Table(
    "request_counters",
    metadata,
    Column("agency", Text, nullable=False),
    Column("last_text", BigInteger, nullable=False),
    Column("last_proposal", Integer, nullable=False),
    PrimaryKeyConstraint("agency", name="pk_request_counters"),
)

# Which case came from whom: kind (id, phone, address, name) and the blinded value.
persons = Table(
    "request_persons",
    metadata,
    Column("agency", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("agency", "person", "number", name="pk_request_persons"),
    Index("ix_request_persons_agency_number", "agency", "number"),
    Index("ix_request_persons_agency_person_on", "agency", "person", "on"),
)

# One row a requested item; ``id`` grows with time.
texts = Table(
    "request_texts",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("item", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_request_texts"),
    Index("ix_request_texts_agency_number", "agency", "number"),
)
bands = Table(
    "request_bands",
    metadata,
    Column("agency", Text, nullable=False),
    Column("band", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    PrimaryKeyConstraint("agency", "band", "id", name="pk_request_bands"),
    sqlite_with_rowid=False,
)

# 转主动公开 (条例第四十四条): what was proposed, the requests behind it, what was decided. Triggers refuse
# UPDATE and DELETE on all three.
proposals = Table(
    "proposals",
    metadata,
    Column("agency", Text, nullable=False),
    Column("id", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("recorded_at", Text, nullable=False),
    PrimaryKeyConstraint("agency", "id", name="pk_proposals"),
)
requests = Table(
    "proposal_requests",
    metadata,
    Column("agency", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("item", Integer, nullable=False),
    Column("proposal", Integer, nullable=False),
    PrimaryKeyConstraint("agency", "number", "item", "proposal", name="pk_proposal_requests"),
    ForeignKeyConstraint(
        ["agency", "proposal"], ["proposals.agency", "proposals.id"], name="fk_proposal_requests_proposals"
    ),
    Index("ix_proposal_requests_agency_proposal", "agency", "proposal"),
)
decisions = Table(
    "proposal_decisions",
    metadata,
    Column("agency", Text, nullable=False),
    Column("proposal", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("on", Date, nullable=False),
    Column("decision", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
    PrimaryKeyConstraint("agency", "proposal", "n", name="pk_proposal_decisions"),
    ForeignKeyConstraint(
        ["agency", "proposal"], ["proposals.agency", "proposals.id"], name="fk_proposal_decisions_proposals"
    ),
)

APPEND_ONLY = ("proposals", "proposal_requests", "proposal_decisions")
