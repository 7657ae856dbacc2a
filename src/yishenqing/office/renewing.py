"""Deadlines written anew from the ledger, many cases at a time: after a calendar was loaded, or to repair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from operator import attrgetter, itemgetter

from msgspec import Struct
from sqlalchemy import Connection

from yishenqing.core.deadline import Counting, clock_of
from yishenqing.core.recount import still_counted
from yishenqing.core.workflow import Workflow
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Practice, Row
from yishenqing.store import due as due_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store.engine import Transactions
from yishenqing.store.ledger import CaseRow

BATCH = 500
_DERIVED = ("due", "provisional", "state", "remind_on", "recipe")  # what working days can change of a deadline
_STORED, _RECKONED = attrgetter(*_DERIVED), itemgetter(*_DERIVED)
Known = Mapping[str, due_store.Stored]  # the stored deadlines of one case, by clock


class Renewal(Struct, frozen=True):
    """What writing deadlines anew needs of the office."""

    transactions: Transactions
    practice: Practice

    def run(self, since: date, changed: date) -> list[Row]:
        """Renew every case that has a deadline on or after ``since``; return the days that moved or turned firm.

        Only working days on and after ``changed`` are otherwise: what is still counted as before is counted anew from
        what is stored of it, the others are folded anew. Batch by batch, each a transaction: a kill in between leaves
        whole cases, and a second run does the rest.
        """
        with self.transactions.reading() as connection:
            numbers = due_store.cases_due_since(connection, self.practice.agency, since)
        moved: list[Row] = []
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            moved += self.transactions.kept(partial(self._moved_of, some, changed))
        return moved

    def _moved_of(self, numbers: Sequence[str], changed: date, connection: Connection) -> list[Row]:
        return self.batch(connection, numbers, changed)[0]

    def batch(
        self, connection: Connection, numbers: Sequence[str], changed: date | None = None
    ) -> tuple[list[Row], list[str]]:
        """Renew these cases under their locks; return the days that moved, and the cases that cannot be read.

        ``changed``: the first day that is otherwise, where nothing else is; None: everything may have.
        """
        held = ledger_store.rows_of_many(connection, self.practice.agency, numbers, lock=True)
        stored = due_store.stored_by_case(connection, self.practice.agency, numbers)
        moved: list[Row] = []
        rows: list[Row] = []
        rest: list[str] = []
        for row in held:
            known = stored.get(row.number, {})
            counts = still_counted(known.values(), changed) if changed is not None else None
            if counts is None:
                rest.append(row.number)
                continue
            rules = casework.rules_of(connection, row.rulebook)
            fresh = [self._recounted(row, known[name], counts[name], rules.workflow) for name in counts]
            self._put(row.number, known, fresh, rows, moved)
        lost = set(numbers) - {row.number for row in held}
        lost |= self._folded(connection, rest, stored, rows, moved)
        due_store.put_deadlines(connection, rows)
        return moved, sorted(lost)

    def _folded(
        self,
        connection: Connection,
        numbers: Sequence[str],
        stored: Mapping[str, Known],
        rows: list[Row],
        moved: list[Row],
    ) -> set[str]:
        """Fold these cases anew from their ledgers; return those that cannot be read."""
        lost = set(numbers)
        for case in casework.load_many(connection, self.practice, numbers) if numbers else ():
            lost.remove(case.row.number)
            self._put(case.row.number, stored.get(case.row.number, {}), self.rows(case), rows, moved)
        return lost

    @staticmethod
    def _put(number: str, known: Known, fresh: Sequence[Row], rows: list[Row], moved: list[Row]) -> None:
        """Add to ``rows`` what must be written anew, and to ``moved`` what somebody should be told of."""
        rows += [r for r in fresh if _differs(known.get(r["clock"]), r)]
        moved += _moved(number, known, fresh)

    def _recounted(self, case: CaseRow, known: due_store.Stored, counting: Counting, workflow: Workflow) -> Row:
        """Return a running deadline, counted anew from what is stored of it."""
        count, clock = counting.last_day(self.practice.workdays), clock_of(known.clock)
        running = self.practice.workdays.today <= count.day
        return {
            "agency": case.agency,
            "number": case.number,
            "clock": known.clock,
            "title": known.title,
            "due": count.day,
            "state": "running" if running else workflow.clocks[clock].expires_as,
            "provisional": count.provisional and running,
            "owed_by": known.owed_by,
            "remind_on": casework.first_mark(self.practice, workflow, clock, count.day),
            "listed": known.listed,
            "recipe": known.recipe if running else None,
        }

    def rows(self, case: Casework) -> list[Row]:
        """Return the case's deadlines as its ledger gives them today."""
        found = case.standing.deadlines(max(self.practice.workdays.today, case.entries[-1].on))
        return casework.deadline_rows(case, found)


def _differs(known: due_store.Stored | None, row: Row) -> bool:
    return known is None or _STORED(known) != _RECKONED(row)


def _moved(number: str, known: Known, fresh: Sequence[Row]) -> Iterator[Row]:
    for row in fresh:
        old = known.get(row["clock"])
        if old is None or row["state"] == "stopped" or (old.due, old.provisional) == (row["due"], row["provisional"]):
            continue
        if row["state"] == old.state == "met":
            continue  # what was done in time both ways concerns nobody any more
        yield {
            "number": number,
            "clock": clock_of(row["clock"]),
            "title": row["title"],
            "was": old.due.isoformat(),
            "was_provisional": old.provisional,
            "now": row["due"].isoformat(),
            "provisional": row["provisional"],
        }
