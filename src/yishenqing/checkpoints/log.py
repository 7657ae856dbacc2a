"""The log of checkpoints: a tree of heads that only grows (RFC 6962), its root numbered, chained and signed.

A chain of its own says of a case that nothing inside was changed. Whoever can write the database can still cut its
tail and set the case's row right, take a whole case away, hash a changed one anew, or put one in with an earlier day.
The log tells: it knows where each ledger ended, and its roots stand signed, and in minutes, where the writer of the
database does not reach.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection, func, insert, select

from yishenqing.checkpoints.keys import signature_holds
from yishenqing.checkpoints.rows import MARK, earlier
from yishenqing.checkpoints.tables import anchors, checkpoints
from yishenqing.core.checkpoint import FIRST, Checkpoint
from yishenqing.core.errors import Fault, IntegrityFault
from yishenqing.core.merkle import Frontier, head_leaf

JOURNAL = ""  # stands for the journal of reads where the number of a case stands otherwise
_AT_ONCE = 5000  # leaves


class Head(NamedTuple):
    """The entry that a ledger ends with."""

    number: str
    seq: int
    hash: str


class Anchor(NamedTuple):
    """A leaf of the tree: what a checkpoint saw first."""

    leaf: int
    checkpoint: int
    number: str
    seq: int
    hash: str


class Log(Struct):
    """Everything anchored, replayed from the first leaf: the latest head of each case, and what does not hold.

    ``rows`` is how many rows of each table were anchored.
    """

    points: Sequence[Checkpoint]
    tree: Frontier = field(default_factory=Frontier)
    heads: dict[str, Head] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def unanchored(self, number: str, anchored: Sequence[Anchor], recorded: Sequence[str]) -> int | None:
        """Return the first entry that claims a time before a checkpoint which has not seen it; None where none does.

        ``recorded`` are the recording times of the case's entries in order.
        """
        times = [earlier(point.made_at) for point in self.points]
        for seq, at in enumerate(recorded, 1):
            k = bisect_right(times, at)
            if k == len(times):
                continue
            seen = max(
                (a.seq for a in anchored if a.checkpoint <= self.points[k].n and a.number == number), default=0
            )
            if seen < seq:
                return seq
        return None


def checkpoints_of(connection: Connection, agency: str) -> list[Checkpoint]:
    """Return the checkpoints of the agency in order."""
    query = select(checkpoints).where(checkpoints.c.agency == agency).order_by(checkpoints.c.n)
    return [Checkpoint(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - a named tuple's method


def anchors_of(connection: Connection, agency: str, number: str) -> list[Anchor]:
    """Return what checkpoints saw of one case, in order."""
    query = (
        select(anchors.c.leaf, anchors.c.checkpoint, anchors.c.number, anchors.c.seq, anchors.c.hash)
        .where(anchors.c.agency == agency, anchors.c.number == number)
        .order_by(anchors.c.leaf)
    )
    return [Anchor(*row) for row in connection.execute(query)]


def leaves(connection: Connection, agency: str) -> Iterator[Anchor]:
    """Yield every leaf in order."""
    query = (
        select(anchors.c.leaf, anchors.c.checkpoint, anchors.c.number, anchors.c.seq, anchors.c.hash)
        .where(anchors.c.agency == agency)
        .order_by(anchors.c.leaf)
    )
    return (Anchor(*row) for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)))


def read_log(connection: Connection, agency: str) -> Log:
    """Replay the log: every root anew from its leaves, every link and signature of the checkpoints."""
    log = Log(checkpoints_of(connection, agency))
    log.faults += _chain_faults(log.points)
    waiting = list(reversed(log.points))
    for anchor in leaves(connection, agency):
        _close(log, waiting)
        if anchor.leaf != log.tree.size:
            log.faults.append(Fault(f"检查点的第{log.tree.size + 1}片叶缺失或者顺序不对"))
            return log
        if not waiting or anchor.checkpoint != waiting[-1].n:
            log.faults.append(Fault(f"检查点的第{anchor.leaf + 1}片叶不属于任何检查点，或者所属的检查点被改动"))
            return log
        log.tree.append(head_leaf(agency, anchor.number, anchor.seq, anchor.hash))
        if anchor.number.startswith(MARK):
            log.rows[anchor.number[len(MARK) :].partition(" ")[0]] += 1
        else:
            log.heads[anchor.number] = Head(anchor.number, anchor.seq, anchor.hash)
    _close(log, waiting)
    log.faults += [Fault(f"第{point.n}号检查点的叶不全，有的已被删除") for point in waiting[-1:]]
    return log


def _close(log: Log, waiting: list[Checkpoint]) -> None:
    """Compare the roots of the checkpoints that have all their leaves now."""
    while waiting and waiting[-1].size == log.tree.size:
        point = waiting.pop()
        if point.root != log.tree.root().hex():
            log.faults.append(Fault(f"第{point.n}号检查点的根与其各片叶推算的不符，叶或者检查点已被改动"))


def _chain_faults(points: Sequence[Checkpoint]) -> Iterator[Fault]:
    prev, before = FIRST, ""
    for n, point in enumerate(points, 1):
        if point.n != n:
            yield Fault(f"检查点的号数不连续：第{n}号缺失")
            return
        if point.prev != prev:
            yield Fault(f"第{n}号检查点与前一号不相衔接")
        if not signature_holds(point):
            yield Fault(f"第{n}号检查点的签名不符，内容已被改动")
        if point.made_at < before:
            yield Fault(f"第{n}号检查点的时间早于前一号")
        prev, before = point.digest(), point.made_at


def make_checkpoint(
    connection: Connection,
    agency: str,
    log: Log,
    heads: Iterable[Head],
    new: Sequence[Head],
    sign: Callable[[Checkpoint], Checkpoint],
    told: Mapping[str, object],
) -> tuple[Checkpoint, int]:
    """Anchor every head that has moved since ``log``, and ``new`` rows; return it, and how many leaves it added.

    ``told`` are made_at, actor and rehearsal.

    Raises:
        IntegrityFault: the log, or a head against it, does not hold: nothing is signed over a break.
    """
    moved, faults, seen = [], list(log.faults), {JOURNAL}
    cases = 0
    for head in heads:
        seen.add(head.number)
        cases += head.number != JOURNAL
        known = log.heads.get(head.number)
        if known is not None and (head.seq < known.seq or (head.seq == known.seq and head.hash != known.hash)):
            faults.append(_behind(known))
        elif known != head:
            moved.append(head)
    faults += [Fault(f"{number}：检查点固定过的案件不见了") for number in sorted(log.heads.keys() - seen)]
    if faults:
        raise IntegrityFault.of(faults)
    moved += new
    last = log.points[-1] if log.points else None
    n, first = (last.n + 1 if last else 1), log.tree.size
    for head in moved:
        log.tree.append(head_leaf(agency, *head))
    rows = [{"agency": agency, "leaf": first + i, "checkpoint": n, **h._asdict()} for i, h in enumerate(moved)]
    if rows:
        connection.execute(insert(anchors), rows)
    prev = last.digest() if last else FIRST
    draft = Checkpoint(agency, n, "", "", False, cases, log.tree.size, log.tree.root().hex(), prev, "")  # noqa: FBT003 - no rehearsal yet
    point = sign(_with(draft, told))
    connection.execute(insert(checkpoints).values(**{c.name: getattr(point, c.name) for c in checkpoints.columns}))
    return point, len(moved)


def _with(point: Checkpoint, told: Mapping[str, object]) -> Checkpoint:
    return replace(point, **told)


def _behind(known: Head) -> Fault:
    what = f"{known.number} 第{known.seq}条记录" if known.number else f"查阅记录第{known.seq}条"
    return Fault(f"{what}：检查点固定过，现已被删除或者改动")


def case_faults(log: Log, number: str, anchored: Sequence[Anchor], entries: Sequence[tuple[str, str]]) -> list[Fault]:
    """Return what the checkpoints know better of a case; ``entries`` are hash and recording time, in order."""
    faults = [
        _behind(Head(number, a.seq, a.hash))
        for a in anchored
        if a.seq > len(entries) or entries[a.seq - 1][0] != a.hash
    ]
    if not faults and (seq := log.unanchored(number, anchored, [at for _, at in entries])) is not None:
        # What a process wrote that was open before the checkpoint, its clock set back since, looks the same.
        text = "自称的记录时间早于检查点，而当时的检查点没有它，系后来补入（或者写入时本机时钟被拨回）"
        faults.append(Fault(f"{number} 第{seq}条记录：{text}"))
    return faults[:1]


def count(connection: Connection, agency: str) -> int:
    """Return how many checkpoints there are."""
    query = select(func.count()).select_from(checkpoints).where(checkpoints.c.agency == agency)
    return int(connection.execute(query).scalar_one())
