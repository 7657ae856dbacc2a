"""What each case counts as in the report, kept beside the case: written with the act, rebuilt from the entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from yishenqing.core.counted import counted, disputes, touches
from yishenqing.core.links import PARENT
from yishenqing.office import casework
from yishenqing.reporting import store
from yishenqing.store import ledger as ledger_store
from yishenqing.store.tables import cases

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.casework import Casework, Practice


def follow(connection: Connection, step: str, before: Casework, after: Casework) -> None:
    """Write what the case counts as where ``step`` has changed it; most acts change nothing of it."""
    if touches(after.workflow, step):
        write(connection, before, after, anew=step == after.workflow.moving)


def write(connection: Connection, before: Casework, after: Casework, *, anew: bool = False) -> None:
    """Write what the case counts as now where it differs from before, or (``anew``) in any case."""
    agency, number = after.row.agency, after.row.number
    now = counted(after.standing)
    if now is not None and (anew or now != counted(before.standing)):
        store.put_application(connection, store.row_of(agency, number, now))
    told = disputes(after.standing)
    if told != disputes(before.standing):
        rows = store.dispute_rows(agency, number, application_of(after), told)
        store.put_disputes(connection, agency, number, rows)


def forget_strays(connection: Connection, agency: str) -> None:
    """Drop the rows of cases that are not there."""
    store.forget_others(connection, agency, select(cases.c.number).where(cases.c.agency == agency))


def application_of(case: Casework) -> str:
    """Return the number of the application that the case is about: its own, or that of the case it hangs on."""
    if case.workflow.linked is None:
        return case.row.number
    return str(case.entries[0].facts[PARENT])


def recount(connection: Connection, practice: Practice, numbers: Sequence[str]) -> int:
    """Write the rows of these cases anew; return how many could be read.

    They are locked first: what somebody records meanwhile must not be counted as it was before.
    """
    ledger_store.rows_of_many(connection, practice.agency, numbers, lock=True)
    store.forget(connection, practice.agency, numbers)
    rows, told, read = [], [], 0
    for case in casework.load_many(connection, practice, numbers):
        read += 1
        agency, number = case.row.agency, case.row.number
        found = counted(case.standing)
        if found is not None:
            rows.append(store.row_of(agency, number, found))
        told += store.dispute_rows(agency, number, application_of(case), disputes(case.standing))
    store.add_all(connection, rows, told)
    return read


def complete(connection: Connection, agencies: Sequence[str]) -> tuple[int, int]:
    """Return how many applications have their row, and how many the ledger holds.

    Of the whole database, which it counts in a tenth of the time; of these agencies alone where those differ.
    """
    whole = store.count(connection), in_ledger(connection)
    return whole if whole[0] == whole[1] else (store.count(connection, agencies), in_ledger(connection, agencies))


def in_ledger(connection: Connection, agencies: Sequence[str] = ()) -> int:
    """Return how many applications the ledger holds: all cases but those that hang on one."""
    query = select(func.count()).select_from(cases)
    if agencies:
        query = query.where(cases.c.agency.in_(agencies))
    return int(connection.execute(query).scalar_one()) - store.hanging(connection, agencies)
