"""What the tick stumbled over is kept under the case's number until the case can be read again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from yishenqing.core.errors import Moved, YishenqingError
from yishenqing.office import casework
from yishenqing.office.casework import Practice, Row
from yishenqing.store import failures
from yishenqing.store.engine import Transactions


def note(transactions: Transactions, practice: Practice, faults: Sequence[Row], now: str) -> None:
    """Note the faults of a tick; of what failed before, what can be read again is over.

    A case that somebody else just holds has not failed, and a fault of no case is told by the tick itself.
    """
    with transactions.reading() as connection:
        known = failures.open_of(connection, practice.agency)
        failed = {f["number"]: f for f in faults if f["number"] and f["code"] != Moved.code}
        for number in known.keys() - failed.keys():
            if reason := _unreadable(connection, practice, number):
                failed[number] = {"number": number, "code": reason.code, "text": str(reason)}
    if known or failed:
        given = list(failed.values())
        transactions.kept(lambda connection: failures.note(connection, practice.agency, given, now))


def _unreadable(connection: Connection, practice: Practice, number: str) -> YishenqingError | None:
    try:
        casework.load(connection, practice, number).standing.deadlines(practice.workdays.today)
    except YishenqingError as error:
        return error
    return None
