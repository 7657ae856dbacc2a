"""The journal of reads: who looked at, searched for, printed or took out what, one chained row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, insert, select

from yishenqing.checkpoints.tables import reads
from yishenqing.core.errors import Fault
from yishenqing.core.ledger import digest

_FORMAT = "ysq-read1"
_START = "0" * 64
_AT_ONCE = 5000  # rows
_LONGEST = 200  # characters of a detail that are kept


class Read(Struct, frozen=True):
    """One look: ``act`` is what was done, ``number`` the case (empty: none), ``detail`` what was looked for."""

    at: str
    actor: str
    act: str
    number: str
    detail: str
    rehearsal: bool

    def hashed(self, agency: str, n: int, prev: str) -> str:
        """Return the hash of the row with what it says and the hash before it."""
        flag = "rehearsal" if self.rehearsal else ""
        return digest(_FORMAT, agency, str(n), self.at, self.actor, self.act, self.number, self.detail, flag, prev)


def journal_head(connection: Connection, agency: str) -> tuple[int, str]:
    """Return number and hash of the last row."""
    query = select(reads.c.n, reads.c.hash).where(reads.c.agency == agency).order_by(reads.c.n.desc()).limit(1)
    row = connection.execute(query).first()
    return (row.n, row.hash) if row is not None else (0, _START)


def record_reads(connection: Connection, agency: str, looks: Sequence[Read]) -> None:
    """Append looks to the journal."""
    n, prev = journal_head(connection, agency)
    rows = []
    for look in looks:
        n += 1
        kept = Read(look.at, look.actor, look.act, look.number, look.detail[:_LONGEST], look.rehearsal)
        found = kept.hashed(agency, n, prev)
        rows.append({"agency": agency, "n": n, **_as_row(kept), "prev": prev, "hash": found})
        prev = found
    if rows:
        connection.execute(insert(reads), rows)


def _as_row(look: Read) -> dict[str, Any]:
    return {name: getattr(look, name) for name in Read.__struct_fields__}


def reads_of(connection: Connection, agency: str, number: str = "") -> list[dict[str, Any]]:
    """Return the looks at one case, or all of them, the earliest first."""
    query = select(*(c for c in reads.columns if c.name not in ("agency", "prev", "hash"))).where(
        reads.c.agency == agency
    )
    if number:
        query = query.where(reads.c.number == number)
    return [dict(row) for row in connection.execute(query.order_by(reads.c.n)).mappings()]


def journal_faults(connection: Connection, agency: str, anchored: Sequence[tuple[int, str]]) -> Iterator[Fault]:
    """Yield where the journal was changed, cut or added to; ``anchored`` are rows that checkpoints know."""
    known, prev, n = dict(anchored), _START, 0
    query = select(reads).where(reads.c.agency == agency).order_by(reads.c.n)
    for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
        n += 1
        if row.n != n:
            yield Fault(f"查阅记录第{n}条缺失")
            return
        look = Read(row.at, row.actor, row.act, row.number, row.detail, bool(row.rehearsal))
        if row.prev != prev or row.hash != look.hashed(agency, n, prev) or known.get(n, row.hash) != row.hash:
            yield Fault(f"查阅记录第{n}条已被改动")
            return
        prev = row.hash
    if known and max(known) > n:
        yield Fault(f"查阅记录第{n + 1}条起被删除（检查点固定过第{max(known)}条）")
