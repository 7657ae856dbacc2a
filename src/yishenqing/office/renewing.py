"""Deadlines written anew from the ledger, many cases at a time: after a calendar was loaded, or to repair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection

from yishenqing.core.deadline import clock_of
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Practice, Row
from yishenqing.store import due as due_store
from yishenqing.store.engine import Transactions

BATCH = 500


@dataclass(frozen=True)
class Renewal:
    """What writing deadlines anew needs of the office."""

    transactions: Transactions
    practice: Practice

    def run(self, since: date) -> list[Row]:
        """Renew every case that has a deadline on or after ``since``; return the days that moved or turned firm.

        Batch by batch, each a transaction: a kill in between leaves whole cases, and a second run does the rest.
        """
        with self.transactions.reading() as connection:
            numbers = due_store.cases_due_since(connection, self.practice.agency, since)
        moved: list[Row] = []
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            moved += self.transactions.kept(partial(self._moved_of, some))
        return moved

    def _moved_of(self, numbers: Sequence[str], connection: Connection) -> list[Row]:
        return self.batch(connection, numbers)[0]

    def batch(self, connection: Connection, numbers: Sequence[str]) -> tuple[list[Row], list[str]]:
        """Renew these cases under their locks; return the days that moved, and the cases that cannot be read."""
        cases = casework.load_many(connection, self.practice, numbers, lock=True)
        stored = due_store.deadlines_by_case(connection, self.practice.agency, numbers)
        moved: list[Row] = []
        rows: list[dict[str, Any]] = []
        lost = set(numbers)
        for case in cases:
            lost.remove(case.row.number)
            fresh = self.rows(case)
            known = stored.get(case.row.number, {})
            rows += [r for r in fresh if _differs(known.get(r["clock"]), r)]
            moved += _moved(case, known, fresh)
        due_store.put_deadlines(connection, rows)
        return moved, sorted(lost)

    def rows(self, case: Casework) -> list[dict[str, Any]]:
        """Return the case's deadlines as its ledger gives them today."""
        found = case.standing.deadlines(max(self.practice.workdays.today, case.entries[-1].on))
        return casework.deadline_rows(case, found)


def _differs(known: due_store.DueRow | None, row: dict[str, Any]) -> bool:
    return known is None or (known.due, known.provisional, known.state, known.remind_on) != (
        row["due"],
        row["provisional"],
        row["state"],
        row["remind_on"],
    )


def _moved(case: Casework, known: dict[str, due_store.DueRow], fresh: list[dict[str, Any]]) -> Iterator[Row]:
    for row in fresh:
        old = known.get(row["clock"])
        if old is None or row["state"] == "stopped" or (old.due, old.provisional) == (row["due"], row["provisional"]):
            continue
        if row["state"] == old.state == "met":
            continue  # what was done in time both ways concerns nobody any more
        yield {
            "number": case.row.number,
            "clock": clock_of(row["clock"]),
            "title": row["title"],
            "was": old.due.isoformat(),
            "was_provisional": old.provisional,
            "now": row["due"].isoformat(),
            "provisional": row["provisional"],
        }
