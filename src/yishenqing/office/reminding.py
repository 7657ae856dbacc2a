"""The tick: what has fallen due is told once, however often and by however many processes the tick runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from yishenqing.core.deadline import clock_of
from yishenqing.core.errors import CalendarGap, DataFault
from yishenqing.core.workdays import Workdays
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Practice, Row
from yishenqing.store import due as due_store
from yishenqing.store.engine import Transactions

MARK_TITLES = {"yellow": "黄灯", "red": "红灯", "expired": "届满"}


@dataclass(frozen=True)
class Ticking:
    """What the tick needs of the office."""

    transactions: Transactions
    practice: Practice
    now: Callable[[], str]


def tick(ticking: Ticking) -> Row:
    """Give every reminder whose day has come and that was not given yet, the longest waiting first.

    One case is one transaction, read anew under its lock: an act in between is not missed, and a damaged case
    keeps nobody else's reminders back; it stands in ``faults``.
    """
    with ticking.transactions.reading() as connection:
        announced = [
            number
            for number, day in due_store.provisional(connection, ticking.practice.agency)
            if _is_announced(ticking.practice.workdays, day)
        ]
        waiting = due_store.to_remind(connection, ticking.practice.agency, ticking.practice.workdays.today)
    given: list[Row] = []
    faults: list[Row] = []
    for number in dict.fromkeys([*announced, *waiting]):
        try:
            with ticking.transactions.writing() as connection:
                told = _remind(connection, ticking, number, renew=number in announced)
        except (CalendarGap, DataFault) as error:
            faults.append({"number": number, "code": error.code, "text": str(error)})
        else:
            given += told
    return {"reminders": given, "faults": faults}


def _is_announced(workdays: Workdays, day: date) -> bool:
    try:
        return not workdays.roll(day).provisional
    except CalendarGap:  # the year has begun, and its notice is still not here
        return False


def _remind(connection: Connection, ticking: Ticking, number: str, *, renew: bool) -> list[Row]:
    workdays = ticking.practice.workdays
    case = casework.load(connection, ticking.practice, number, lock=True)
    if renew:  # the year that a day rested on has been announced
        _renew(connection, case, workdays)
    given: list[Row] = []
    for row in due_store.deadlines_of(connection, ticking.practice.agency, number):
        if row.remind_on is not None and row.remind_on <= workdays.today:
            given += _remind_of(connection, ticking, case, row)
    return given


def _remind_of(connection: Connection, ticking: Ticking, case: Casework, row: due_store.DueRow) -> list[Row]:
    today = ticking.practice.workdays.today
    deadline = case.standing.deadlines(today).get(row.clock)
    marks = casework.reminder_marks(case.workflow, deadline, ticking.practice.workdays) if deadline else []
    told = []
    for mark, day in marks:
        if deadline is None or day > today:
            continue
        key = {
            "agency": ticking.practice.agency,
            "number": row.number,
            "clock": row.clock,
            "mark": mark,
            "due": deadline.due,
            "recorded_at": ticking.now(),
        }
        if due_store.remind(connection, key):
            left = ticking.practice.workdays.left(deadline.due)
            told.append(_reminder(case, row, mark, deadline.due.isoformat(), left))
    later = [day for _, day in marks if day > today]
    due_store.put_next_reminder(connection, ticking.practice.agency, row, min(later, default=None))
    # Of several marks that fell due while nobody ticked, only the latest still says something.
    return told[-1:]


def _reminder(case: Casework, row: due_store.DueRow, mark: str, due: str, left: int) -> Row:
    clock = case.workflow.clocks[clock_of(row.clock)]
    if mark != "expired":
        text = f"{row.title}{due}届满，还剩{left}个工作日"
    elif clock.owed_by == "organ":
        text = f"{row.title}已于{due}届满，尚未办理，请立即处理并上报"
    else:
        text = f"{row.title}已于{due}届满；是否无正当理由逾期、如何处理，由承办人认定"
    return {
        "number": case.row.number,
        "clock": row.clock,
        "mark": mark,
        "mark_title": MARK_TITLES[mark],
        "due": due,
        "working_days_left": left,
        "text": text,
        "law": clock.law,
    }


def _renew(connection: Connection, case: Casework, workdays: Workdays) -> None:
    """Write the case's deadlines anew from its ledger."""
    found = case.standing.deadlines(workdays.today)
    key = {"agency": case.row.agency, "number": case.row.number}
    due_store.put_deadlines(connection, casework.deadline_rows(key, case.workflow, found, workdays))
