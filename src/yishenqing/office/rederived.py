"""Hold what is kept beside a case against its ledger: what it counts as, what recognises it, what finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection

from yishenqing import rulebook, search
from yishenqing.core import destroying
from yishenqing.core.counted import counted, disputes
from yishenqing.core.errors import Fault
from yishenqing.kinship import Index, Keys, identifiers
from yishenqing.office import counting, findable
from yishenqing.office.casework import Casework, at
from yishenqing.reporting import store as report_store
from yishenqing.store import vault


def faults(connection: Connection, case: Casework, keys: Keys | None) -> Iterator[Fault]:
    """Yield what differs; without ``keys`` (a copy that lies elsewhere) whom it recognises cannot be asked."""
    number, last = case.row.number, case.row.head_seq
    open_facts = vault.opener(vault.sealed_of(connection, case.row.agency, number))
    if not _counts(connection, case):
        yield at(number, last, "年度报告中的统计数据与记录推出的不符；查明原因后可用 ysq report rebuild 重做")
    if keys is not None and not _recognised(connection, case, keys, open_facts):
        yield at(number, last, "识别索引与申请的内容不符；查明原因后可用 ysq recognition rebuild 重做")
    if not _findable(connection, case, open_facts):
        yield at(number, last, "检索索引与案卷的内容不符；查明原因后可用 ysq search --rebuild 重做")


def _counts(connection: Connection, case: Casework) -> bool:
    """Tell whether the report counts the case as its ledger says."""
    agency, number = case.row.agency, case.row.number
    found = counted(case.standing)
    wanted = [] if found is None else [report_store.row_of(agency, number, found)]
    told = report_store.dispute_rows(agency, number, counting.application_of(case), disputes(case.standing))
    return report_store.stored(connection, agency, number) == (wanted, sorted(told, key=lambda row: str(row["key"])))


def _recognised(connection: Connection, case: Casework, keys: Keys, open_facts: Callable[[Any], Any]) -> bool:
    """Tell whether the person and the texts of a case are entered as it was registered with."""
    index, number = Index(connection, case.row.agency, keys), case.row.number
    if case.standing.state == destroying.STATE:
        return index.has(number, case.row.opened_on, identifiers({}), [])
    said = open_facts(case.entries[0].facts)
    who, items = said.get("applicant"), said.get("items")
    known = identifiers(who if isinstance(who, dict) else {})
    if index.has(number, case.row.opened_on, known, items if isinstance(items, list) else []):
        return True
    # Linked cases and those of an older ledger are entered when all are entered anew, not before.
    return not case.workflow.opens(rulebook.DISCLOSURE) and index.has(number, case.row.opened_on, identifiers({}), [])


def _findable(connection: Connection, case: Casework, open_facts: Callable[[Any], Any]) -> bool:
    """Tell whether a case is found by what it says, now or when it was entered last: not every entry does so."""
    collection = search.Collection(connection, case.row.agency, findable.COLLECTION)
    if not collection.current():
        return True  # it is entered anew as texts are split now
    stored = collection.holds(case.row.number)
    if stored is None:
        return case.standing.state == destroying.STATE or not case.workflow.opens(rulebook.DISCLOSURE)
    if case.standing.state == destroying.STATE:
        return False
    if any(entry.step == case.workflow.moving for entry in case.entries[findable.last_entered(case) :]):
        return True  # entered by other rules than those of now
    return any(stored == search.stored(known) for known in findable.as_entered(connection, case, open_facts))
