"""Hold the stored deadlines of a case against its ledger: they are derived, and only days that pass may move them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from msgspec import Struct
from sqlalchemy import Connection

from yishenqing.core.deadline import STATE_TITLES, Deadline, clock_of
from yishenqing.core.errors import Fault
from yishenqing.core.recount import recipe_of
from yishenqing.office import casework, reminding
from yishenqing.office.casework import Casework, Row, at
from yishenqing.store import due as due_store
from yishenqing.store.due import DueRow

_NOT_YET = "；但是尚未按现行的设置、工作日安排和程序重新计算，请先运行 ysq tick 再核验"
_DONE = ("met", "missed")
# Through which an open clock goes by itself as days pass; never back.
_STAGES = {"stopped": 0, "running": 1, "missed": 2, "lapsed": 2}


def faults(connection: Connection, case: Casework) -> Iterator[Fault]:
    """Yield the deadlines that the ledger has never given since the last entry that moved any."""
    if not case.entries:
        return
    last = next((e for e in reversed(case.entries) if case.standing.moved_by(e.step)), case.entries[0])
    today = max(case.standing.workdays.today, case.entries[-1].on)
    found = case.standing.deadlines(today)
    wanted, then = _rows(case, found), _rows(case, case.standing.deadlines(last.on))
    # While it ran, between a wait that ended and its last day: neither the last entry's day nor today shows it.
    ran = {d.key: recipe_of(d._replace(state="running")) for d in found.values()}
    agency, number = case.row.agency, case.row.number
    stored = {r.clock: r for r in due_store.deadlines_of(connection, agency, number)}
    recipes = due_store.stored_by_case(connection, agency, [number]).get(number, {})
    reckoned = due_store.basis_of(connection, agency) == reminding.basis(case.practice)
    # A tick reckons the case by today's working days while anything in it is watched.
    renewed = reckoned and any(row["listed"] for row in wanted.values())
    written = _Written(date.fromisoformat(last.recorded_at[:10]), case, renewed)
    given = due_store.given(connection, agency, [number])
    # The office's own limits follow its settings of the day, not the ledger.
    for clock in (wanted.keys() | stored.keys()) - {case.workflow.limiting}:
        row, want = stored.get(clock), wanted.get(clock)
        before = then.get(clock, want)
        whole = row is not None and want is not None and before is not None and _same(row, want, before, written)
        # What is counted follows from the facts alone; the next notice would be reckoned by it.
        counted = {None, *(r["recipe"] for r in (want, before) if r)}
        if row is not None and row.state == "running":
            counted.add(ran.get(clock))
        if not (whole and recipes[clock].recipe in counted):
            text = f"“{_title(case, clock)}”的期限数据与记录推出的不符{'' if reckoned else _NOT_YET}"
            yield at(case.row.number, case.row.head_seq, text)
        elif row is not None and reckoned and not _told_in_time(case, row, given):
            text = f"“{_title(case, clock)}”的提醒日与期限推出的不符"
            yield at(case.row.number, case.row.head_seq, text)


def _title(case: Casework, clock: str) -> str:
    known = case.workflow.clocks.get(clock_of(clock))
    return known.title if known else clock


def _told_in_time(case: Casework, row: DueRow, given: Collection[tuple[str, str, str, date]]) -> bool:
    """Tell whether somebody will be told of an open clock by the first mark not told yet.

    An earlier mark does no harm: it was told, and the tick goes on to the next.
    """
    if row.state != "running" and not (row.state == "missed" and row.listed):
        return True
    marks = case.practice.marks(case.workflow, clock_of(row.clock), row.due)
    waiting = [day for mark, day in marks if (row.number, row.clock, mark, row.due) not in given]
    if not waiting:
        return row.remind_on in {None, *(day for _, day in marks)}
    return row.remind_on in {day for _, day in marks if day <= waiting[0]}


def _rows(case: Casework, found: Mapping[str, Deadline]) -> dict[str, Row]:
    return {r["clock"]: r for r in casework.deadline_rows(case, found)}


class _Written(Struct, frozen=True):
    """When the deadlines were written last, at the latest by the last entry."""

    on: date
    case: Casework
    renewed: bool

    def provisional(self, due: date) -> bool:
        """Tell whether the year of ``due`` may have been unannounced when its deadline was written."""
        if self.renewed:
            return False
        known = self.case.standing.workdays.years.get(due.year)
        later = known is not None and known.loaded_on is not None and known.loaded_on >= self.on
        return later or due.year > self.on.year


def _same(row: DueRow, want: Row, then: Row, written: _Written) -> bool:
    """Tell whether the row is what the ledger gave on some day from its last entry (``then``) to today (``want``)."""
    if (row.owed_by, row.title, row.listed) != (want["owed_by"], want["title"], want["listed"]):
        return False
    if row.state not in STATE_TITLES or not _same_state(row, want, then):
        return False
    if row.state == "stopped":  # its earliest last day moves on, day by day
        days = sorted((then["due"], want["due"]))
        moved = days[0] <= row.due <= days[1] or written.provisional(row.due)
        return moved and row.provisional in (then["provisional"], want["provisional"])
    if row.provisional and not want["provisional"]:
        return written.provisional(row.due)
    return (row.due, row.provisional) == (want["due"], want["provisional"])


def _same_state(row: DueRow, want: Row, then: Row) -> bool:
    if row.state == "met" or (want["state"] in _DONE and not want["listed"]):  # what is done stands still
        return row.state == want["state"] or (row.state, want["state"]) == ("met", "missed")
    stages = sorted(_STAGES.get(state, 1) for state in (then["state"], want["state"]))
    passed = row.state in ("stopped", "running") or row.state == want["state"]
    return passed and stages[0] <= _STAGES[row.state] <= stages[1]
