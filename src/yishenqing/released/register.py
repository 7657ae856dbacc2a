"""What scans of released papers have found, what became of it, and when each job of the tick was done last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, func, insert, or_, select, update

from yishenqing.hot import insert_of
from yishenqing.released.tables import decisions, finds, jobs, scans

DECISIONS = {"handled": "已处理", "mistaken": "误报"}
_LONG_AGO = date(1970, 1, 1)


class Scan(Struct, frozen=True):
    """One turn of scanning; ``last`` is the place of the paper that was read last."""

    quarter: str
    begun_at: str
    last: str = ""
    papers: int = 0
    unread: int = 0
    finished_at: str | None = None


class Find(Struct, frozen=True):
    """Something that looks personal in a released paper; ``place`` names paper and position."""

    quarter: str
    source: str
    ref: str
    title: str
    place: str
    kind: str
    excerpt: str
    found_at: str
    id: int = 0


class Decision(Struct, frozen=True):
    """What a person decided of a find."""

    find: int
    on: date
    decision: str
    reason: str
    actor: str
    recorded_at: str
    rehearsal: bool


def is_due(connection: Connection, agency: str, job: str, today: date, days: int) -> bool:
    """Tell whether ``job`` was not done in the last ``days``."""
    query = select(jobs.c.done_on).where(jobs.c.agency == agency, jobs.c.job == job)
    done = connection.execute(query).scalar()
    return done is None or _old(done, today, days)


def claim(connection: Connection, agency: str, job: str, today: date, days: int) -> bool:
    """Take a job that is due; whoever else takes it at the same time waits, and then finds it done.

    A day that lies ahead was noted in a rehearsal and counts as none.
    """
    values = {"agency": agency, "job": job, "done_on": _LONG_AGO}
    connection.execute(insert_of(connection.dialect.name)(jobs).values(values).on_conflict_do_nothing())
    mine = (jobs.c.agency == agency, jobs.c.job == job)
    old = or_(jobs.c.done_on <= today - timedelta(days=days), jobs.c.done_on > today)
    return connection.execute(update(jobs).where(*mine, old).values(done_on=today)).rowcount == 1


def _old(done: date, today: date, days: int) -> bool:
    return done <= today - timedelta(days=days) or done > today


class Finds:
    """The scans and finds of one agency, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def scan(self, quarter: str) -> Scan | None:
        """Return how far the scan of a turn has come, locked; None where it has not begun."""
        query = select(*(scans.c[name] for name in Scan.__struct_fields__)).where(
            scans.c.agency == self._agency, scans.c.quarter == quarter
        )
        row = self._connection.execute(query.with_for_update()).one_or_none()
        return Scan(*row) if row else None

    def keep_scan(self, scan: Scan) -> None:
        """Note how far a scan has come."""
        values = asdict(scan)
        mine = (scans.c.agency == self._agency, scans.c.quarter == scan.quarter)
        if not self._connection.execute(update(scans).where(*mine).values(values)).rowcount:
            self._connection.execute(insert(scans).values(agency=self._agency, **values))

    def add(self, found: Sequence[Find]) -> None:
        """Enter finds that are not listed yet."""
        places = select(finds.c.place).where(
            finds.c.agency == self._agency, finds.c.place.in_([find.place for find in found])
        )
        known = set(self._connection.execute(places).scalars()) if found else set()
        new = [find for find in found if find.place not in known]
        last = select(func.max(finds.c.id)).where(finds.c.agency == self._agency)
        first = (self._connection.execute(last).scalar() or 0) + 1
        rows = [{"agency": self._agency, **asdict(replace(find, id=first + n))} for n, find in enumerate(new)]
        if rows:
            self._connection.execute(insert(finds), rows)

    def all(self) -> list[tuple[Find, Decision | None]]:
        """Return every find with what was decided of it last."""
        decided = select(*(decisions.c[name] for name in Decision.__struct_fields__)).where(
            decisions.c.agency == self._agency
        )
        last = {row.find: Decision(*row) for row in self._connection.execute(decided.order_by(decisions.c.n))}
        query = select(*(finds.c[name] for name in Find.__struct_fields__)).where(finds.c.agency == self._agency)
        known = [Find(*row) for row in self._connection.execute(query.order_by(finds.c.id))]
        return [(find, last.get(find.id)) for find in known]

    def decide(self, decision: Decision) -> bool:
        """Note what was decided; tell whether there is such a find."""
        here = (finds.c.agency == self._agency, finds.c.id == decision.find)
        if self._connection.execute(select(finds.c.id).where(*here)).first() is None:
            return False
        mine = (decisions.c.agency == self._agency, decisions.c.find == decision.find)
        n = self._connection.execute(select(func.max(decisions.c.n)).where(*mine)).scalar() or 0
        values: dict[str, Any] = asdict(decision)
        self._connection.execute(insert(decisions).values(agency=self._agency, n=n + 1, **values))
        return True
