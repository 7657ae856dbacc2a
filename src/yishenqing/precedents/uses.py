"""What precedents are of use for: how often each was shown, opened, and used in the draft of a case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, func, select

from yishenqing.hot import insert_of
from yishenqing.precedents.records import uses

SHOWN, OPENED, DRAFTED = "shown", "opened", "drafted"


class Uses:
    """Counts for the precedents of one agency, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Count for ``agency``."""
        self._connection, self._agency = connection, agency

    def count(self, kind: str, identifiers: Iterable[str], on: date, number: str = "") -> None:
        """Count one use of each precedent; one row a day, in the order of ids so that two counters cannot lock."""
        here = {"agency": self._agency, "kind": kind, "number": number, "on": on, "times": 1}
        rows = [{**here, "id": identifier} for identifier in sorted(set(identifiers))]
        if not rows:
            return
        statement = insert_of(self._connection.dialect.name)(uses)
        again = statement.on_conflict_do_update(
            index_elements=["agency", "id", "kind", "number", "on"], set_={"times": uses.c.times + 1}
        )
        self._connection.execute(again, rows)

    def totals(self, since: date, until: date) -> dict[str, dict[str, int]]:
        """Return how often each precedent was shown, opened and used from ``since`` to ``until``."""
        found: dict[str, dict[str, int]] = defaultdict(lambda: {SHOWN: 0, OPENED: 0, DRAFTED: 0})
        query = (
            select(uses.c.id, uses.c.kind, func.sum(uses.c.times))
            .where(uses.c.agency == self._agency, uses.c.on.between(since, until))
            .group_by(uses.c.id, uses.c.kind)
        )
        for identifier, kind, times in self._connection.execute(query):
            found[identifier][kind] = int(times)
        return dict(found)

    def drafts(self, since: date, until: date) -> dict[str, list[str]]:
        """Return the cases in whose drafts each precedent was used."""
        query = (
            select(uses.c.id, uses.c.number)
            .where(uses.c.agency == self._agency, uses.c.kind == DRAFTED, uses.c.on.between(since, until))
            .distinct()
            .order_by(uses.c.id, uses.c.number)
        )
        found: dict[str, list[str]] = defaultdict(list)
        for identifier, number in self._connection.execute(query):
            found[identifier].append(number)
        return dict(found)
