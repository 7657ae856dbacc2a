"""When each machine's clock last ran for an agency: one row a machine, written over at each tick."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("agency", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("every", Integer, nullable=False),  # seconds until the next one is to be expected; 0: not said
    PrimaryKeyConstraint("agency", "machine", name="pk_heartbeats"),
)
