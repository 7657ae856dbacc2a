"""Carries a whole database into another, row by row: what is there already is compared, what differs is put right.

So a transfer that was cut off goes on where it stopped, whatever was done in the source meanwhile; and the same walk,
done again without writing, is the proof that every row arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection, Table, delete, func, insert, select, tuple_, update

from yishenqing.core.errors import DataFault, Fault, IntegrityFault
from yishenqing.core.ledger import Entry, chain_hash
from yishenqing.store.engine import Transactions
from yishenqing.store.tables import cases, entries, moves

_AT_ONCE = 1000
Told = Callable[[str, int, int], None]


class Transfer(Struct):
    """From a connection that holds the source still, into another database.

    ``final`` are tables never rewritten; ``erasable`` names the one column of some of them that may be emptied.
    """

    source: Connection
    target: Transactions
    tables: Sequence[Table]
    final: frozenset[str]
    erasable: Mapping[str, str] = field(default_factory=dict)
    told: Told = lambda _table, _done, _all: None
    rows: int = 0
    written: int = 0
    agencies: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Ask whose rows the source holds."""
        self.tables = [table for table in self.tables if table is not moves]  # what it tells is of the target
        found: set[str] = set()
        for table in self.tables:
            if "agency" in table.c:
                found |= set(self.source.execute(select(table.c.agency).distinct()).scalars())
        self.agencies = sorted(found)

    def begin(self, name: str, now: str) -> None:
        """Note in the target that these agencies' rows are on their way from the source called ``name``.

        Raises:
            DataFault: the target holds one of these agencies already, from elsewhere or as its home.
        """
        with self.target.writing() as connection:
            for agency in self.agencies:
                known = connection.execute(select(moves).where(moves.c.agency == agency)).mappings().first()
                if known is None and self._holds(connection, agency):
                    raise DataFault.of([Fault(f"目标数据库中已经有机关“{agency}”的案件，不能再迁入", field="to")])
                if known is not None and (known["source"] != name or known["finished_at"]):
                    text = f"机关“{agency}”已经由“{known['source']}”迁入目标数据库，不能再迁入"
                    raise DataFault.of([Fault(text, field="to")])
                if known is None:
                    connection.execute(insert(moves).values(agency=agency, source=name, begun_at=now))

    def finish(self, now: str) -> None:
        """Note in the target that every row has arrived."""
        with self.target.writing() as connection:
            connection.execute(update(moves).where(moves.c.agency.in_(self.agencies)).values(finished_at=now))

    @staticmethod
    def _holds(connection: Connection, agency: str) -> bool:
        return connection.execute(select(cases.c.number).where(cases.c.agency == agency).limit(1)).first() is not None

    def carry(self) -> None:
        """Write every row that the target lacks, put right what differs, take out what the source has no more.

        Raises:
            IntegrityFault: the target holds something else where nothing is ever rewritten.
        """
        for table in self.tables:
            count, done = self._count(self.source, table), 0
            for rows in self._batches(table):
                with self.target.writing() as connection:
                    self._settle(connection, table, rows)
                done += len(rows)
                self.told(table.name, done, count)
        for table in reversed(self.tables):
            with self.target.writing() as connection:
                self._clear(connection, table)

    def prove(self) -> None:
        """Read everything back and compare it; ``faults`` are entries that do not hold, here as in the source.

        Raises:
            IntegrityFault: a row did not arrive as it was.
        """
        self.rows = 0
        with self.target.reading() as connection:
            for table in self.tables:
                for rows in self._batches(table):
                    there = self._there(connection, table, rows)
                    if any(there.get(_key(table, row)) != row for row in rows):
                        raise IntegrityFault.of([Fault(f"迁移后的“{table.name}”与原库不一致", field=table.name)])
                    self.rows += len(rows)
                if "agency" in table.c and self._count(connection, table) != self._count(self.source, table):
                    raise IntegrityFault.of([Fault(f"迁移后的“{table.name}”多出了记录", field=table.name)])
            self.faults = list(_broken(connection, self.agencies))

    def _batches(self, table: Table) -> Iterator[list[dict[str, Any]]]:
        query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_AT_ONCE)
        for part in self.source.execute(query).partitions():
            yield [dict(row._mapping) for row in part]  # noqa: SLF001 - the documented name

    def _there(
        self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]]
    ) -> dict[tuple[Any, ...], dict[str, Any]]:
        keys = [_key(table, row) for row in rows]
        query = select(table).where(tuple_(*table.primary_key.columns).in_(keys))
        return {_key(table, row): row for row in map(dict, connection.execute(query).mappings())}

    def _settle(self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        there = self._there(connection, table, rows)
        new = [row for row in rows if _key(table, row) not in there]
        other = [row for row in rows if there.get(_key(table, row), row) != row]
        erased = self.erasable.get(table.name, "")
        if table.name in self.final and any({**there[_key(table, row)], erased: None} != row for row in other):
            text = f"目标数据库的“{table.name}”中已有不同的记录，不能迁入"
            raise IntegrityFault.of([Fault(text, field=table.name)])
        if new:
            connection.execute(insert(table), new)
        for row in other:
            changed = {erased: None} if erased else row
            connection.execute(update(table).where(_is(table, _key(table, row))).values(changed))
        self.written += len(new) + len(other)

    def _clear(self, connection: Connection, table: Table) -> None:
        """Take out what was carried over before and has gone from the source since."""
        if "agency" not in table.c or self._count(connection, table) == self._count(self.source, table):
            return
        key = list(table.primary_key.columns)
        mine = {tuple(row) for row in self.source.execute(select(*key))}
        theirs = connection.execute(select(*key).where(table.c.agency.in_(self.agencies))).all()
        surplus = [tuple(row) for row in theirs if tuple(row) not in mine]
        if surplus and table.name in self.final:
            raise IntegrityFault.of([Fault(f"目标数据库的“{table.name}”中有原库没有的记录", field=table.name)])
        for one in surplus:
            connection.execute(delete(table).where(_is(table, one)))
        self.written += len(surplus)

    def _count(self, connection: Connection, table: Table) -> int:
        query = select(func.count()).select_from(table)
        if "agency" in table.c:
            query = query.where(table.c.agency.in_(self.agencies))
        return int(connection.execute(query).scalar_one())


def _key(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([row[c.name] for c in table.primary_key.columns])


def _is(table: Table, key: Sequence[Any]) -> Any:
    return tuple_(*table.primary_key.columns).in_([tuple(key)])


def _broken(connection: Connection, agencies: Sequence[str]) -> Iterator[Fault]:
    """Work out the hash of every entry anew, case by case, up to the head that the case's row names."""
    heads = {
        (r.agency, r.number): (r.head_seq, r.head_hash)
        for r in connection.execute(select(cases).where(cases.c.agency.in_(agencies)))
    }
    query = select(entries).where(entries.c.agency.in_(agencies))
    ordered = query.order_by(entries.c.agency, entries.c.number, entries.c.seq)
    last: Entry | None = None
    for row in connection.execute(ordered.execution_options(yield_per=_AT_ONCE)):
        entry = Entry(*row)
        follows = last is None or last[:2] != entry[:2] or (last.seq + 1, last.hash) == (entry.seq, entry.prev)
        if not follows or chain_hash(entry) != entry.hash:
            yield Fault(f"{entry.number} 第{entry.seq}条记录：内容与其散列不符", field=f"entries.{entry.seq}")
        if last is not None and last[:2] != entry[:2]:
            yield from _headless(heads, last)
        last = entry
    if last is not None:
        yield from _headless(heads, last)


def _headless(heads: dict[tuple[str, str], tuple[int, str]], last: Entry) -> Iterator[Fault]:
    if heads.get((last.agency, last.number)) != (last.seq, last.hash):
        yield Fault(f"{last.number} 第{last.seq}条记录：最后一条记录与登记的不符", field=f"entries.{last.seq}")
