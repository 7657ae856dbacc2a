"""Verify the whole office, case by case; a damaged one is named and the rest is read nevertheless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from yishenqing.core import destroying
from yishenqing.core.checkpoint import Checkpoint, from_minutes
from yishenqing.core.errors import Fault, IntegrityFault, NotFound, YishenqingError
from yishenqing.store import whole

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.checkpoints.log import Log
    from yishenqing.kinship import Keys
    from yishenqing.settings import Settings
    from yishenqing.store.engine import Transactions


# What reading rows meets where somebody has written another kind of value than belongs there: SQLite keeps any.
DAMAGE = (ValueError, TypeError, LookupError, AttributeError)


def package_faults(path: Path, minutes: str = "") -> list[Fault]:
    """Return every fault of a package, without any office: its bytes, its records, its checkpoints and signatures.

    Raises:
        NotFound: there is nothing at ``path``; or ``minutes`` has no checkpoint.
        DataFault: what lies there is no package, or one of a newer program.
    """
    from yishenqing.archive import read_points, verify
    from yishenqing.checkpoints.keys import signature_holds

    faults = verify(path)
    points, _ = read_points(path)
    faults += [
        Fault(f"第{point.n}号检查点的签名不符", "checkpoints.jsonl", line)
        for line, point in enumerate(points, 1)
        if not signature_holds(point)
    ]
    return faults + (minutes_faults(points, minutes) if minutes else [])


def minutes_faults(points: Sequence[Checkpoint], line: str) -> list[Fault]:
    """Hold a checkpoint as it was minuted against the one that lies here.

    Raises:
        NotFound: the line has no checkpoint.
    """
    told = from_minutes(line)
    if told is None:
        raise NotFound("所给的文字中没有检查点：应有“第几号”和64位的核对值。")
    n, digest = told
    point = next((p for p in points if p.n == n), None)
    if point is None:
        return [Fault(f"第{n}号检查点不在这里，而会议纪要等处有记载：它可能连同其后的一并被删除")]
    return [] if point.digest() == digest else [Fault(f"第{n}号检查点的核对值与所给的记载不符")]


class _Office(Protocol):
    """Who verifies a single case, and by what choices it numbers them."""

    @property
    def settings(self) -> Settings:
        """Return the office's settings."""

    def verify(self, number: str) -> list[Fault]:
        """Return the faults of a case."""


class Audit:
    """One walk through everything that an agency keeps."""

    def __init__(self, office: _Office, transactions: Transactions, agency: str, keys: Keys | None) -> None:
        """Verify what ``agency`` keeps; ``keys`` are those by which it recognises applicants, where they are here."""
        self._office, self._transactions, self._agency, self._keys = office, transactions, agency, keys
        self._found: Counter[str] = Counter()

    def whole(self, minutes: str, told: Callable[[int, int], None]) -> dict[str, Any]:
        """Return every fault, and how much was found."""
        from yishenqing.office import tablefaults

        faults = self._of_database()
        log, broken = self._log()
        faults += broken
        numbers, broken = self._numbers(log)
        faults += broken
        for n, number in enumerate(numbers, 1):
            faults += self._case(number, log)
            told(n, len(numbers))
        faults += self._guarded("查阅记录", lambda c: self._journal(c, log))
        for what, check in tablefaults.checks(self._keys, self._office.settings.numbered_case).items():
            faults += self._guarded(what, lambda c, check=check: list(check(c, self._agency)))  # type: ignore[misc]  # bound now
        if log is not None:
            faults += self._guarded("案件之外的登记", lambda c: self._rows(c, log))
        if minutes:
            faults += minutes_faults(log.points if log else [], minutes)
        self._found["checkpoints"] = len(log.points) if log else 0
        faults += self._guarded("案件", self._ended)
        names = ("cases", "destroyed", "entries", "reads", "checkpoints")
        return {"faults": faults, **{name: self._found[name] for name in names}}

    def _guarded(self, what: str, do: Callable[[Connection], Sequence[Fault]]) -> list[Fault]:
        """Do what reads; where the database itself is damaged, that is the fault."""
        try:
            with self._transactions.reading() as connection:
                return list(do(connection))
        except YishenqingError as broken:  # damaged, or a key is not at hand: the rest is verified nevertheless
            return [Fault(f"{what}：{broken.text}")]
        except DAMAGE as broken:
            return [Fault(f"{what}：数据库中的内容已被改动，无法读取（{broken}）")]

    def _ended(self, connection: Connection) -> list[Fault]:
        """Count the cases that were destroyed; that each is lawful was told with its own faults."""
        self._found["destroyed"] = whole.in_state(connection, self._agency, destroying.STATE)
        return []

    def _of_database(self) -> list[Fault]:
        return self._guarded("数据库文件", whole.page_faults)

    def _log(self) -> tuple[Log | None, list[Fault]]:
        from yishenqing.checkpoints.log import read_log

        read: list[Log] = []

        def replay(connection: Connection) -> list[Fault]:
            read.append(read_log(connection, self._agency))
            return read[0].faults

        broken = self._guarded("检查点", replay)
        return (read[0] if read else None), broken

    def _numbers(self, log: Log | None) -> tuple[list[str], list[Fault]]:
        """Return every case that anything speaks of, by whatever table can still be read."""
        known = set(log.heads) - {""} if log else set()
        faults: list[Fault] = []
        for table in whole.NUMBERED:

            def read(connection: Connection, table: str = table) -> list[Fault]:
                known.update(whole.numbers_in(connection, self._agency, table))
                return []

            faults += self._guarded(f"数据表 {table}", read)
        return sorted(known), faults

    def _case(self, number: str, log: Log | None) -> list[Fault]:
        self._found["cases"] += 1
        try:
            faults = self._office.verify(number)
        except NotFound:
            faults = (
                [] if log and number in log.heads else [Fault(f"{number}：没有案件登记，却有它的记录、附件或者文书")]
            )
        except IntegrityFault as broken:
            faults = [Fault(f"{number}：{text}") for text in map(str, broken.faults)] or [
                Fault(f"{number}：{broken.text}")
            ]
        except YishenqingError as broken:
            faults = [Fault(f"{number}：{broken.text}")]
        except DAMAGE as broken:
            faults = [Fault(f"{number}：数据库中的内容已被改动，无法读取（{broken}）")]
        return [*faults, *self._guarded(number, lambda c: self._anchored(c, number, log))]

    def _anchored(self, connection: Connection, number: str, log: Log | None) -> list[Fault]:
        from yishenqing.checkpoints.log import anchors_of, case_faults

        entries = whole.hashes_of(connection, self._agency, number)
        self._found["entries"] += len(entries)
        if log is None:
            return []  # told already
        anchored = anchors_of(connection, self._agency, number)
        if anchored and not entries:
            return [Fault(f"{number}：检查点固定过的案件不见了，全部记录已被删除")]
        return case_faults(log, number, anchored, entries)

    def _rows(self, connection: Connection, log: Log) -> list[Fault]:
        from yishenqing.office import anchoring

        found = anchoring.examined(connection, self._agency, log)
        return [*found.broken, *found.late]

    def _journal(self, connection: Connection, log: Log | None) -> list[Fault]:
        from yishenqing.checkpoints import journal_faults, journal_head
        from yishenqing.checkpoints.log import anchors_of

        self._found["reads"] = journal_head(connection, self._agency)[0]
        anchored = [(a.seq, a.hash) for a in anchors_of(connection, self._agency, "")] if log else []
        return list(journal_faults(connection, self._agency, anchored))
