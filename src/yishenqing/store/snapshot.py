"""One moment of an agency's rows, whichever structure the database has; and the same rows put into another.

The tables are asked of the database itself, so that an office can be backed up before its structure is upgraded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import Boolean, Column, Connection, Date, LargeBinary, MetaData, Table, insert, inspect, select, union
from sqlalchemy.exc import DatabaseError

from yishenqing.core import destroying
from yishenqing.core.errors import Fault, IntegrityFault
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.tables import cases, files, letters

_AT_ONCE = 500
_PREFIX = ".snapshot-"
# Indexes, partly in tables that SQLite keeps for itself; the last four of structures before 0004. Made anew.
_INDEXES = ("search_", "precedent_rows", "precedent_grams", "precedent_frequencies", "precedent_totals")
# What many agencies in one database share.
_SHARED = frozenset({"agencies", "rulebooks"})


@contextmanager
def snapshot(url: str, agency: str, file: Path | None) -> Iterator[Connection]:
    """Give a connection that sees one moment of the database, however long it is read; officers go on working.

    ``file`` is where an SQLite database lies. It is copied by SQLite's own online backup, beside itself: a reader who
    takes his time would else keep SQLite from ever shortening its log.
    """
    if file is None:
        transactions = Transactions(open_engine(url, agency))
        with _closing(transactions), transactions.reading() as connection:
            yield connection
        return
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=_PREFIX, suffix=".db")  # made with mode 0600
    os.close(descriptor)
    copy = Path(name)
    try:
        with Transactions.checked():
            _copied(file, copy)
        transactions = Transactions(open_engine(f"sqlite:///{copy}"))
        with _closing(transactions), transactions.reading() as connection:
            yield connection
    finally:
        discard(copy)


def _copied(file: Path, copy: Path) -> None:
    source, target = sqlite3.connect(file), sqlite3.connect(copy)
    try:
        source.backup(target)
    except sqlite3.Error as error:
        raise DatabaseError("backup", None, error) from error  # so that it is told like all that a database says
    finally:
        source.close()
        target.close()


@contextmanager
def _closing(transactions: Transactions) -> Iterator[None]:
    try:
        yield
    finally:
        transactions.close()


def discard(copy: Path) -> None:
    """Delete a copy and what SQLite keeps beside it."""
    for path in (copy, *(copy.with_name(copy.name + end) for end in ("-wal", "-shm", "-journal", ".lock"))):
        path.unlink(missing_ok=True)


def abandoned(folder: Path) -> list[Path]:
    """Return copies that a backup left which was killed; only asked while no backup is under way."""
    return sorted(folder.glob(f"{_PREFIX}*.db"))


def carried(connection: Connection, left_out: Collection[str]) -> list[Table]:
    """Return the tables that hold something of their own, each after those that its rows refer to."""
    names = inspect(connection).get_table_names()
    metadata = MetaData()
    wanted = [n for n in names if n not in left_out and not n.startswith(_INDEXES)]
    metadata.reflect(connection, only=wanted)
    return list(metadata.sorted_tables)


class Tally(Struct):
    """How many rows of a table, and a sum over their digests that no order changes: databases sort texts unlike."""

    rows: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """Count a row."""
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(line).digest(), "big")) % (1 << 256)

    def told(self) -> list[Any]:
        """Return it as JSON."""
        return [self.rows, f"{self.total:064x}"]


def columns(table: Table) -> list[str]:
    """Return the names of a table's columns in an order that both databases have."""
    return sorted(c.name for c in table.columns)


def lines(connection: Connection, table: Table, agency: str) -> Iterator[list[bytes]]:
    """Yield the rows of ``agency`` (all of a shared table), some at a time, each as one line of JSON.

    Raises:
        IntegrityFault: a value is not what its column holds.
    """
    wanted = [table.c[name] for name in columns(table)]
    query = select(*wanted).execution_options(yield_per=_AT_ONCE)
    if "agency" in table.c and table.name not in _SHARED:
        query = query.where(table.c.agency == agency)
    writes = [_writing(column) for column in wanted]
    try:
        for part in connection.execute(query).partitions():
            yield [
                json.dumps(
                    [w(v) for w, v in zip(writes, row, strict=True)], ensure_ascii=False, separators=(",", ":")
                ).encode("utf-8", "surrogatepass")
                for row in part
            ]
    except (ValueError, TypeError) as error:
        raise IntegrityFault.of([Fault(f"数据表中有无法读取的内容（{error}）", field=table.name)]) from None


def put(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[bytes]) -> None:
    """Insert rows as ``lines`` wrote them.

    Raises:
        IntegrityFault: the rows are not those of this table.
    """
    if sorted(names) != columns(table):
        raise IntegrityFault.of([Fault(f"备份中“{table.name}”的列与结构不符", field=table.name)])
    reads = [_reading(table.c[name]) for name in names]
    try:
        values = [
            {n: r(v) for n, r, v in zip(names, reads, json.loads(line.decode("utf-8", "surrogatepass")), strict=True)}
            for line in rows
        ]
    except (ValueError, TypeError):
        raise IntegrityFault.of([Fault(f"备份中“{table.name}”的内容无法读取", field=table.name)]) from None
    if values:
        connection.execute(insert(table), values)


def contents_of(connection: Connection, agency: str) -> Iterator[str]:
    """Yield the SHA-256 of every content that ought to lie there, each once: of papers, and letters not destroyed."""
    papers = select(files.c.sha256).where(files.c.agency == agency)
    issued = (
        select(letters.c.sha256)
        .join(cases, (cases.c.agency == letters.c.agency) & (cases.c.number == letters.c.number))
        .where(letters.c.agency == agency, cases.c.state != destroying.STATE)
    )
    query = union(papers, issued).order_by("sha256").execution_options(yield_per=_AT_ONCE)
    for part in connection.execute(query).partitions():
        yield from (str(row[0]) for row in part)


def _writing(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Date):
        return lambda v: v if v is None else v.isoformat()
    if isinstance(column.type, LargeBinary):
        return lambda v: v if v is None else base64.b64encode(v).decode("ascii")
    if isinstance(column.type, Boolean):
        return lambda v: v if v is None else bool(v)
    return lambda v: v


def _reading(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, Date):
        return lambda v: v if v is None else date.fromisoformat(v)
    if isinstance(column.type, LargeBinary):
        return lambda v: v if v is None else base64.b64decode(v, validate=True)
    return lambda v: v
