"""Cases and their entries in the database: read whole, append one, never change one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    insert,
    literal_column,
    select,
    type_coerce,
    update,
)

from yishenqing.core.errors import Fault, IntegrityFault, Moved, NotFound
from yishenqing.core.ledger import Entry
from yishenqing.hot import Among, Hot, HotBatch, day, insert_of, insertion, reader_of_days
from yishenqing.store.tables import cases, counters, entries, rulebooks


class CaseRow(Struct, frozen=True):
    """What the database knows of a case beside its entries."""

    agency: str
    number: str
    rulebook: str
    opened_on: date
    state: str
    outcome: str | None
    head_seq: int
    head_hash: str


_THIS_CASE = and_(cases.c.agency == bindparam("a"), cases.c.number == bindparam("n"))
_SELECT_CASE = Hot(select(cases).where(_THIS_CASE))
_LOCK_CASE = Hot(select(cases).where(_THIS_CASE).with_for_update())
_LOCK_AT_ONCE = Hot(select(cases.c.number).where(_THIS_CASE).with_for_update(nowait=True))
_SELECT_ENTRIES = Hot(
    select(*(column for column in entries.columns if column.name not in ("agency", "number")))
    .where(entries.c.agency == bindparam("a"), entries.c.number == bindparam("n"))
    .order_by(entries.c.seq)
)


def _select_many_cases(among: Among) -> Select[Any]:
    return select(cases).where(cases.c.agency == bindparam("a"), among(cases.c.number)).order_by(cases.c.number)


_SELECT_MANY_CASES = HotBatch(_select_many_cases)
_LOCK_MANY_CASES = HotBatch(lambda among: _select_many_cases(among).with_for_update())
_CLAIM_CASES = HotBatch(
    lambda among: _select_many_cases(among).with_only_columns(cases.c.number).with_for_update(skip_locked=True)
)
_SELECT_MANY_ENTRIES = HotBatch(
    lambda among: (
        select(entries)
        .where(entries.c.agency == bindparam("a"), among(entries.c.number))
        .order_by(entries.c.number, entries.c.seq)
    )
)
_MOVE_HEAD = (
    update(cases)
    .where(_THIS_CASE, cases.c.head_seq == bindparam("was"))
    .values(state=bindparam("s"), outcome=bindparam("o"), head_seq=bindparam("seq"), head_hash=bindparam("h"))
)


def _entered_where_moved() -> Insert:
    """Return both in one: the head is moved, and where it was the entry is entered."""
    row = [bindparam(column.name, type_=column.type) for column in entries.columns]
    moved = _MOVE_HEAD.returning(cases.c.number).cte("moved")
    return insert(entries).from_select([c.name for c in entries.columns], select(*row).select_from(moved))


_ADVANCE, _ENTER = Hot(_MOVE_HEAD), Hot(insertion(entries))
_ENTER_WHERE_MOVED = Hot(_entered_where_moved())


def case_row(connection: Connection, agency: str, number: str, *, lock: bool = False) -> CaseRow:
    """Return the case's row; with ``lock`` nobody else can move the case until the transaction ends.

    Raises:
        NotFound: the agency has no such case.
    """
    row: Any = (_LOCK_CASE if lock else _SELECT_CASE).run(connection, {"a": agency, "n": number}).fetchone()
    if row is None:
        raise NotFound(f"没有编号为“{number}”的案件；请用 ysq list 查看全部案件。")
    return _as_case(row)


def _as_case(row: Sequence[Any]) -> CaseRow:
    agency, number, rulebook, opened_on, state, outcome, head_seq, head_hash = row
    try:
        opened = day(opened_on)
    except (TypeError, ValueError):
        fault = Fault(f"{number} 第1条记录：立案日期“{opened_on}”已被改动，不是日期", field="entries.1")
        raise IntegrityFault.of([fault]) from None
    return CaseRow(agency, number, rulebook, opened, state, outcome, head_seq, head_hash)


def case_rows(connection: Connection, agency: str, *, limit: int | None = None, after: str = "") -> Sequence[CaseRow]:
    """Return the cases of the agency, oldest first: all, or ``limit`` of those whose numbers come after ``after``."""
    query = (
        select(cases).where(cases.c.agency == agency, cases.c.number > after).order_by(cases.c.number).limit(limit)
    )
    return [CaseRow(*row) for row in connection.execute(query)]


def has_cases(connection: Connection, agency: str) -> bool:
    """Return whether the agency has any case at all; costs the same however many it has."""
    return connection.execute(select(cases.c.number).where(cases.c.agency == agency).limit(1)).first() is not None


def entries_of(connection: Connection, agency: str, number: str) -> list[Entry]:
    """Return the case's ledger in order.

    Raises:
        IntegrityFault: an entry's date is no date any more.
    """
    make = _AS_ENTRY  # the tuple itself: a case is read whole for every act
    try:
        read = reader_of_days(connection)
        return [
            make((agency, number, seq, read(on), recorded_at, actor, step, _FLAGS[rehearsal], payload, prev, hashed))
            for seq, on, recorded_at, actor, step, rehearsal, payload, prev, hashed in _SELECT_ENTRIES.run(
                connection, {"a": agency, "n": number}
            ).fetchall()
        ]
    except (KeyError, TypeError, ValueError):
        raise IntegrityFault.of([_dateless(connection, agency, number)]) from None


_AS_ENTRY = partial(tuple.__new__, Entry)
_FLAGS = {0: False, 1: True}  # SQLite keeps whatever number is written to a yes-or-no column


def _dateless(connection: Connection, agency: str, number: str) -> Fault:
    """Return which entry's date the database itself cannot read; SQLite keeps whatever is written to it."""
    query = select(entries.c.seq, type_coerce(entries.c.on, Text), type_coerce(entries.c.rehearsal, Integer)).where(
        entries.c.agency == agency, entries.c.number == number
    )
    for seq, text, flag in connection.execute(query):
        if flag not in (0, 1):
            return Fault(f"{number} 第{seq}条记录：演练标记已被改动", field=f"entries.{seq}")
        try:
            date.fromisoformat(text)
        except (TypeError, ValueError):
            return Fault(f"{number} 第{seq}条记录：日期“{text}”已被改动，不是日期", field=f"entries.{seq}")
    return Fault(f"{number}：记录已被改动，无法读取", field="entries")


def rows_of_many(connection: Connection, agency: str, numbers: Sequence[str], *, lock: bool = False) -> list[CaseRow]:
    """Return the rows of these cases, in the order of their numbers, which is the order of locking too."""
    if not numbers:
        return []
    found = (_LOCK_MANY_CASES if lock else _SELECT_MANY_CASES).run(connection, numbers, {"a": agency})
    return [_as_case(row) for row in found.fetchall()]


def claim(connection: Connection, agency: str, numbers: Sequence[str]) -> list[str]:
    """Lock those of the cases that nobody else holds, and return them."""
    return (
        [number for (number,) in _CLAIM_CASES.run(connection, numbers, {"a": agency}).fetchall()] if numbers else []
    )


def entries_of_many(connection: Connection, agency: str, numbers: Sequence[str]) -> Iterator[Entry]:
    """Return the ledgers of these cases, each in order."""
    make, read = _AS_ENTRY, reader_of_days(connection)
    rows = _SELECT_MANY_ENTRIES.run(connection, numbers, {"a": agency}).fetchall() if numbers else []
    for a, number, seq, on, recorded_at, actor, step, rehearsal, payload, prev, hashed in rows:
        try:
            yield make((a, number, seq, read(on), recorded_at, actor, step, _FLAGS[rehearsal], payload, prev, hashed))
        except (KeyError, TypeError, ValueError):
            continue  # its case is found to be one entry short, and is named by verify


def first_payloads(connection: Connection, agency: str, numbers: Sequence[str]) -> dict[str, str]:
    """Return the first entry's payload of each of these cases."""
    query = select(entries.c.number, entries.c.payload).where(
        entries.c.agency == agency, entries.c.number.in_(numbers), entries.c.seq == 1
    )
    return {row.number: row.payload for row in connection.execute(query)} if numbers else {}


def lock_at_once(connection: Connection, agency: str, number: str) -> None:
    """Lock a case that comes before one that is held already; never wait for it, or two could wait for each other.

    Raises:
        Contended: somebody else holds it; whoever asked begins anew.
    """
    _LOCK_AT_ONCE.run(connection, {"a": agency, "n": number})


def open_case(connection: Connection, row: CaseRow) -> None:
    """Insert the row of a new case."""
    connection.execute(
        insert(cases).values(
            agency=row.agency,
            number=row.number,
            rulebook=row.rulebook,
            opened_on=row.opened_on,
            state=row.state,
            outcome=row.outcome,
            head_seq=row.head_seq,
            head_hash=row.head_hash,
        )
    )


def append(connection: Connection, entry: Entry, state: str, outcome: str | None) -> None:
    """Insert one entry and move the case's head to it; PostgreSQL does both in one way to the server.

    Raises:
        Moved: somebody appended an entry since the case was read.
    """
    head = {"a": entry.agency, "n": entry.number, "was": entry.seq - 1, "s": state, "o": outcome, "h": entry.hash}
    if connection.dialect.name == "postgresql":
        moved = _ENTER_WHERE_MOVED.run(connection, {**entry._asdict(), **head}).rowcount
    else:
        moved = _ADVANCE.run(connection, {**head, "seq": entry.seq}).rowcount
        if moved:
            _ENTER.run(connection, entry._asdict())
    if moved != 1:
        raise Moved(f"案件{entry.number}刚由他人办理，本次没有写入任何内容；请重新查看后再办理。")


def change_rules(connection: Connection, agency: str, number: str, digest: str) -> None:
    """Let the case be read by other rules; the entry that says so stands in its ledger."""
    connection.execute(
        update(cases).where(cases.c.agency == agency, cases.c.number == number).values(rulebook=digest)
    )


def keep_rulebook(connection: Connection, digest: str, snapshot: str) -> None:
    """Store the rules once, under their digest."""
    keep(connection, rulebooks, [{"digest": digest, "snapshot": snapshot}])


def rulebook_text(connection: Connection, digest: str) -> str:
    """Return the stored rules.

    Raises:
        IntegrityFault: the rules that the case was opened under are gone.
    """
    query = select(rulebooks.c.snapshot).where(rulebooks.c.digest == digest)
    text = connection.execute(query).scalar()
    if text is None:
        raise IntegrityFault.of(
            [Fault(f"数据库中缺少案件立案时的流程与法律数据（{digest[:12]}），案件的各条记录失去依据")]
        )
    return str(text)


def next_number(connection: Connection, agency: str, series: str, year: int) -> int:
    """Take the next number of a series in ``year``; given back if the transaction does not commit."""
    return _counted(_NEXT, connection, agency, series, year)


def pass_number(connection: Connection, agency: str, series: str, year: int, n: int) -> None:
    """See to it that numbers up to ``n`` are not given any more."""
    _counted(_PEEK, connection, agency, series, year)
    connection.execute(update(counters).where(_counter(agency, series, year), counters.c.last < n).values(last=n))


def peek_number(connection: Connection, agency: str, series: str, year: int) -> int:
    """Return the number that comes next, without taking it; nobody else takes it before the transaction ends."""
    return _counted(_PEEK, connection, agency, series, year) + 1


def glance_at_number(connection: Connection, agency: str, series: str, year: int) -> int:
    """Return the number that comes next as things stand, for whoever holds no lock and writes nothing."""
    found = _GLANCE.run(connection, {"a": agency, "s": series, "y": year}).fetchone()
    return 1 if found is None else int(found[0]) + 1


def _counted(statement: Hot, connection: Connection, agency: str, series: str, year: int) -> int:
    """Return what ``statement`` says of a counter; a row that is not there yet could not be locked."""
    given = {"a": agency, "s": series, "y": year}
    found = statement.run(connection, given).fetchone()
    if found is None:
        keep(connection, counters, [{"agency": agency, "series": series, "year": year, "last": 0}])
        found = statement.run(connection, given).fetchone()
    return int(found[0])


def _counter(agency: Any, series: Any, year: Any) -> ColumnElement[bool]:
    return and_(counters.c.agency == agency, counters.c.series == series, counters.c.year == year)


_COUNTER = _counter(bindparam("a"), bindparam("s"), bindparam("y"))
_GLANCE = Hot(select(counters.c.last).where(_COUNTER))
_PEEK = Hot(select(counters.c.last).where(_COUNTER).with_for_update())
_NEXT = Hot(
    update(counters).where(_COUNTER).values(last=counters.c.last + literal_column("1")).returning(counters.c.last)
)


def keep(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> int:
    """Insert rows that are not there yet; return how many were new."""
    new = 0
    build = insert_of(connection.dialect.name)
    for row in rows:
        statement = build(table).values(row).on_conflict_do_nothing().returning(table.primary_key.columns[0])
        new += len(connection.execute(statement).all())  # the rowcount of an INSERT is no promise on PostgreSQL
    return new
