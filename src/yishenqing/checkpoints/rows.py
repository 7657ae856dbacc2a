"""Rows that stand for ever, outside the cases: each is a leaf of the checkpoints' tree, under a name of its own.

What people decided about a year's report, the register, the library or a destruction has no ledger to be recomputed
from. A checkpoint therefore anchors every such row that none has seen before, by the digest of what it says. Values
are compared as the database writes them as text, so that a spoiled one is a difference and not a failure.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Boolean, ColumnElement, Connection, Table, Text, cast, null, select

from yishenqing.checkpoints.tables import anchors
from yishenqing.core.checkpoint import Checkpoint
from yishenqing.core.errors import Fault
from yishenqing.core.ledger import canonical, digest, instant

MARK = "#"  # begins the name of a row's leaf; by itself: from this checkpoint on rows are anchored
BEGUN = (MARK, 1, digest("ysq-rows1"))
UNDER_WAY = timedelta(minutes=15)  # an act bears the time it was begun at; its letter is printed before it is kept
_AT_ONCE = 500
_TRUTH = {"0": "false", "1": "true"}  # SQLite writes numbers, PostgreSQL words


class Kept(Struct, frozen=True):
    """A table whose rows are only added to: which columns never change, and when a row was written, if it says so."""

    table: Table
    title: str
    columns: tuple[str, ...]
    at: ColumnElement[Any] | None = None


class Row(Struct, frozen=True):
    """One row as it is anchored: the name of its leaf, the digest of what it says, when it was written."""

    name: str
    hash: str
    at: str


def earlier(made_at: str) -> str:
    """Return before which moment something must have been written for a checkpoint of ``made_at`` to have seen it."""
    return instant(datetime.fromisoformat(made_at).astimezone(UTC) - UNDER_WAY)


def prefix(kept: Kept) -> str:
    """Return what the names of a table's leaves begin with."""
    return f"{MARK}{kept.table.name} "


def told(kept: Kept, name: str) -> str:
    """Return a row in words: its table and its key."""
    return (
        f"{kept.title}（{kept.table.name}）中的“{'、'.join(map(str, json.loads(name.removeprefix(prefix(kept)))))}”"
    )


def rows_of(connection: Connection, agency: str, kept: Kept) -> Iterator[Row]:
    """Yield the rows of a table, some at a time."""
    keys = [c for c in kept.table.primary_key.columns if c.name != "agency"]
    columns = [kept.table.c[name] for name in kept.columns]
    at = cast(kept.at if kept.at is not None else null(), Text)
    query = select(*(cast(c, Text) for c in (*keys, *columns)), at).where(kept.table.c.agency == agency)
    query = query.order_by(*keys).execution_options(yield_per=_AT_ONCE)
    truths = {len(keys) + n for n, c in enumerate(columns) if isinstance(c.type, Boolean)}
    for row in connection.execute(query):
        values = [_TRUTH.get(v, v) if n in truths else v for n, v in enumerate(row)]
        name = prefix(kept) + canonical(values[: len(keys)])
        yield Row(name, digest("ysq-row1", agency, name, canonical(values[:-1])), values[-1] or "")


class Examined(Struct):
    """What a walk over the rows has found.

    ``new`` are those that no checkpoint has seen, ``broken`` what differs from a checkpoint, ``late`` what claims to
    be older than one: the next checkpoint anchors it nevertheless, and every audit tells.
    """

    new: list[tuple[str, int, str]] = field(default_factory=list)
    broken: list[Fault] = field(default_factory=list)
    late: list[Fault] = field(default_factory=list)


def examine(
    connection: Connection, agency: str, keeps: Sequence[Kept], points: Sequence[Checkpoint], known: Counter[str]
) -> Examined:
    """Hold every row against the checkpoints; ``known`` is how many of each table they have seen."""
    since = _begun(connection, agency)
    watching = [p for p in points if since is not None and p.n >= since]
    found = Examined([] if since is not None else [BEGUN])
    for kept in keeps:
        met, source = 0, rows_of(connection, agency, kept)
        while part := list(islice(source, _AT_ONCE)):
            seen = _seen(connection, agency, [row.name for row in part])
            met += len(seen)
            for row in part:
                _examined(found, kept, row, seen.get(row.name), watching)
        if met != known[kept.table.name]:
            found.broken += _missing(connection, agency, kept)
    return found


def _examined(
    found: Examined, kept: Kept, row: Row, seen: tuple[int, str] | None, points: Sequence[Checkpoint]
) -> None:
    if seen is None:
        found.new.append((row.name, 1, row.hash))
    elif seen[1] != row.hash:
        found.broken.append(Fault(f"{told(kept, row.name)}：检查点固定过，现已被改动"))
        return
    k = bisect_right([earlier(p.made_at) for p in points], row.at)
    if row.at and k < len(points) and (seen is None or seen[0] > points[k].n):
        text = "自称的记录时间早于检查点，而当时的检查点没有它，系后来补入（或者写入时本机时钟被拨回）"
        found.late.append(Fault(f"{told(kept, row.name)}：{text}"))


def _begun(connection: Connection, agency: str) -> int | None:
    """Return the first checkpoint that has anchored rows: earlier programs anchored cases alone."""
    query = select(anchors.c.checkpoint).where(anchors.c.agency == agency, anchors.c.number == MARK)
    return connection.execute(query.order_by(anchors.c.leaf).limit(1)).scalar()


def _seen(connection: Connection, agency: str, names: Sequence[str]) -> dict[str, tuple[int, str]]:
    query = select(anchors.c.number, anchors.c.checkpoint, anchors.c.hash).where(
        anchors.c.agency == agency, anchors.c.number.in_(names)
    )
    return {name: (point, found) for name, point, found in connection.execute(query)}


def _missing(connection: Connection, agency: str, kept: Kept) -> Iterator[Fault]:
    """Yield the rows that a checkpoint has seen and that are no more."""
    query = select(anchors.c.number).where(
        anchors.c.agency == agency, anchors.c.number.startswith(prefix(kept), autoescape=True)
    )
    here = {row.name for row in rows_of(connection, agency, kept)}
    for name in connection.execute(query.order_by(anchors.c.leaf)).scalars():
        if name not in here:
            yield Fault(f"{told(kept, name)}：检查点固定过，现已被删除")
