"""The tick: what has fallen due is told once, however often and by however many processes the tick runs."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from yishenqing.core.workdays import Workdays
from yishenqing.office import casework
from yishenqing.office.casework import Row
from yishenqing.store import due as due_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store.engine import Transactions

_BATCH = 50
MARK_TITLES = {"yellow": "黄灯", "red": "红灯", "expired": "届满"}


def tick(transactions: Transactions, agency: str, workdays: Workdays, now: Callable[[], str]) -> list[Row]:
    """Give every reminder whose day has come and that was not given yet, the oldest first.

    Each case is re-read under its lock before its reminder is given, so that an act in between is not missed.
    """
    given: list[Row] = []
    while True:
        with transactions.reading() as connection:
            rows = due_store.to_remind(connection, agency, workdays.today, _BATCH)
        if not rows:
            return given
        with transactions.writing() as connection:
            for row in rows:
                given += _remind(connection, agency, row, workdays, now())


def _remind(connection: Connection, agency: str, row: due_store.DueRow, workdays: Workdays, moment: str) -> list[Row]:
    case = casework.load(connection, agency, row.number, workdays, frozenset(), lock=True)
    deadline = case.standing.deadlines(workdays.today).get(row.clock)
    marks = casework.reminder_marks(case.workflow, deadline, workdays) if deadline else []
    told = []
    for mark, day in marks:
        if deadline is None or day > workdays.today:
            continue
        key = {
            "agency": agency,
            "number": row.number,
            "clock": row.clock,
            "mark": mark,
            "due": deadline.due,
            "recorded_at": moment,
        }
        if due_store.remind(connection, key):
            told.append(_reminder(case, row, mark, deadline.due.isoformat(), workdays.left(deadline.due)))
    later = [day for _, day in marks if day > workdays.today]
    due_store.put_next_reminder(connection, agency, row, min(later, default=None))
    # Of several marks that fell due while nobody ticked, only the latest still says something.
    return told[-1:]


def _reminder(case: casework.Casework, row: due_store.DueRow, mark: str, due: str, left: int) -> Row:
    clock = case.workflow.clocks[row.clock]
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


def rebuild(connection: Connection, agency: str, number: str, workdays: Workdays) -> None:
    """Write the case's deadlines anew from its ledger (after a calendar was loaded, or to repair)."""
    row = ledger_store.case_row(connection, agency, number, lock=True)
    case = casework.load(connection, agency, number, workdays, frozenset())
    found = case.standing.deadlines(workdays.today)
    key = {"agency": row.agency, "number": row.number}
    due_store.put_deadlines(connection, casework.deadline_rows(key, case.workflow, found, workdays))
