"""Hold the tables that belong to no single case against what they follow from; each fault names the row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, and_, func, select

from yishenqing import agencies
from yishenqing.core.errors import Fault, IntegrityFault
from yishenqing.exchange import tables as exchange
from yishenqing.holdings import tables as holding
from yishenqing.holdings.register import faults as holding_faults
from yishenqing.kinship import Index, Keys
from yishenqing.kinship import tables as kinship
from yishenqing.office import findable
from yishenqing.precedents import Precedent, library, records
from yishenqing.precedents import tables as precedent
from yishenqing.reporting import tables as report
from yishenqing.retention import tables as retention
from yishenqing.rulebook import snapshot_digest
from yishenqing.search import Collection, stored
from yishenqing.search.tables import documents, frequencies, totals, uncounted
from yishenqing.store import keyring
from yishenqing.store import keys as given
from yishenqing.store import tables as store

_AT_ONCE = 500
_CASES = "case"  # the series of case numbers, which an older ledger may run ahead of
Check = Callable[[Connection, str], Iterator[Fault]]

# Where rows speak of a case by its number: of one that there is not, they were put in, or it was taken away.
_SPEAKING: tuple[Column[Any], ...] = (
    exchange.cases.c.number,
    exchange.events.c.number,
    kinship.persons.c.number,
    kinship.requests.c.number,
    kinship.texts.c.number,
    records.origins.c.number,
    report.applications.c.number,
    report.disputes.c.number,
    report.disputes.c.source,
    retention.holds.c.number,
    retention.items.c.number,
    retention.removals.c.number,
    store.given_keys.c.number,
    store.reminders.c.number,
)


def checks(keys: Keys | None, numbered: Callable[[int, int], str]) -> dict[str, Check]:
    """Return what is checked, by what it is called where it cannot be read.

    ``keys`` as the office recognises by; ``numbered`` as it numbers the n-th case of a year.
    """
    found: dict[str, Check] = {
        "涉及案件的各表": _strangers,
        "编号": _counters,
        "案件编号": lambda connection, agency: _case_counters(connection, agency, numbered),
        "流程与法律数据": _rulebooks,
        "数据密钥": _keys,
        "带键办理的答复": _answers,
        "对外事项": _events,
        "登记簿": holding_faults,
        "重新评估的日期": _reviews,
        "案例库": _precedents,
        "检索索引": _search,
        "用户": agencies.faults,
    }
    if keys is not None:
        found["识别索引"] = lambda connection, agency: _recognition(connection, agency, keys)
    return found


def _strangers(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield who is spoken of and is no case."""
    cases = store.cases.c
    for column in _SPEAKING:
        table = column.table
        query = (
            select(column)
            .distinct()
            .outerjoin(store.cases, and_(cases.agency == table.c.agency, cases.number == column))
            .where(table.c.agency == agency, cases.number.is_(None), column != "")
        )
        for number in connection.execute(query.order_by(column)).scalars():
            yield Fault(f"{number}：没有这一案件，数据表 {table.name} 中却有它的一行")
    query = (
        select(documents.c.ref)
        .outerjoin(store.cases, and_(cases.agency == documents.c.agency, cases.number == documents.c.ref))
        .where(documents.c.agency == agency, documents.c.collection == findable.COLLECTION, cases.number.is_(None))
    )
    for number in connection.execute(query).scalars():
        yield Fault(f"{number}：没有这一案件，检索索引（search_documents）中却有它的一行")


def _counters(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield the counters that are not where the last letter was numbered: a number was lost, or is free."""
    letters, counters = store.letters.c, store.counters.c
    last = {
        (series, year): n
        for series, year, n in connection.execute(
            select(letters.series, letters.year, func.max(letters.n))
            .where(letters.agency == agency)
            .group_by(letters.series, letters.year)
        )
    }
    rows = connection.execute(select(counters.series, counters.year, counters.last).where(counters.agency == agency))
    known = {(series, year): n for series, year, n in rows}
    for (series, year), n in sorted(last.items() | {k: 0 for k in known if k not in last}.items()):
        if series == _CASES:
            continue
        if known.get((series, year)) != n:
            yield Fault(f"“{series}”{year}年的编号（counters）：最后一号是{n}，登记的不是")


def _case_counters(connection: Connection, agency: str, numbered: Callable[[int, int], str]) -> Iterator[Fault]:
    """Yield the counters of case numbers that were set back: the next number is a case already."""
    counters, cases = store.counters.c, store.cases.c
    here = (counters.agency == agency, counters.series == _CASES)
    for year, last in connection.execute(select(counters.year, counters.last).where(*here)).all():
        taken = select(cases.number).where(cases.agency == agency, cases.number == numbered(year, last + 1))
        for number in connection.execute(taken).scalars():
            yield Fault(f"{year}年的案件编号（counters）：登记的最后一号是{last}，而“{number}”已经立案")


def _rulebooks(connection: Connection, _agency: str) -> Iterator[Fault]:
    """Yield stored rules that are not what their digest says; the rules of each case were checked with it."""
    for digest, snapshot in connection.execute(select(store.rulebooks)):
        if snapshot_digest(snapshot) != digest:
            yield Fault(f"流程与法律数据（rulebooks）{digest[:12]}：已被改动")


def _keys(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield data keys that were changed; one whose master key lies elsewhere tells so itself."""
    ring = keyring.ring_of(connection, agency)
    if ring is None:
        return
    for name in keyring.names(connection, agency):
        try:
            ring.verify(connection, name)
        except IntegrityFault as broken:
            yield from broken.faults


def _answers(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield answers under keys that were changed, where they are encrypted."""
    for row in connection.execute(select(store.given_keys).where(store.given_keys.c.agency == agency)):
        try:
            given.opened(connection, given.Given(*row))
        except IntegrityFault:
            yield Fault(f"带键办理的答复（given_keys）“{row.key}”：已被改动")


def _events(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield events for other systems that do not tell of the entry they belong to."""
    e, t = exchange.events.c, store.entries.c
    query = (
        select(e.receiver, e.number, e.seq, e.content, t.hash, t.on, t.recorded_at, t.step)
        .outerjoin(store.entries, and_(t.agency == e.agency, t.number == e.number, t.seq == e.seq))
        .where(e.agency == agency)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in connection.execute(query):
        if not _tells_of(agency, row):
            yield Fault(f"{row.number} 第{row.seq}条记录：发给“{row.receiver}”的事项（exchange_events）与记录不符")


def _tells_of(agency: str, row: Any) -> bool:
    """Tell whether an event tells of the entry beside it."""
    try:
        told = json.loads(row.content)
    except ValueError:
        return False
    wanted = {
        "agency": agency,
        "number": row.number,
        "seq": row.seq,
        "hash": row.hash,
        "on": row.on.isoformat() if row.on else None,
        "recorded_at": row.recorded_at,
        "step": row.step,
    }
    return isinstance(told, dict) and all(told.get(name) == value for name, value in wanted.items())


def _reviews(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield days of re-assessment of what there is not."""
    known = {
        "holding": select(holding.holdings.c.id).where(holding.holdings.c.agency == agency),
        "case": select(store.cases.c.number).where(store.cases.c.agency == agency),
    }
    subjects = {kind: {str(s) for s in connection.execute(query).scalars()} for kind, query in known.items()}
    query = select(holding.reviews.c.kind, holding.reviews.c.subject).where(holding.reviews.c.agency == agency)
    for kind, subject in connection.execute(query):
        if subject not in subjects.get(kind, set()):
            yield Fault(f"重新评估的日期（reviews）：没有“{subject}”，却有它的一行")


def _precedents(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield precedents that are not what their last version says, and versions that are not what they were."""
    v, p = records.versions.c, precedent.precedents.c
    versions = select(v.id, v.version, v.sha256, v.record).where(v.agency == agency, v.record.is_not(None))
    for name, n, sha256, record in connection.execute(versions.execution_options(yield_per=_AT_ONCE)):
        if hashlib.sha256(record.encode()).hexdigest() != sha256:
            yield Fault(f"案例“{name}”第{n}版（precedent_versions）：已被改动")
    yield from _taken_off(connection, agency)
    newest = (
        select(v.id, func.max(v.version).label("version")).where(v.agency == agency).group_by(v.id).subquery("newest")
    )
    query = (
        select(p.id, p.record, v.sha256)
        .outerjoin(newest, newest.c.id == p.id)
        .outerjoin(records.versions, and_(v.agency == p.agency, v.id == p.id, v.version == newest.c.version))
        .where(p.agency == agency)
        .order_by(p.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    index = Collection(connection, agency, library.COLLECTION)
    current = index.current()
    for name, record, sha256 in connection.execute(query):
        if hashlib.sha256(record.encode()).hexdigest() != sha256:
            yield Fault(f"案例“{name}”（precedents）：与其最后一版不符")
        elif current and index.holds(name) != stored(library.document(Precedent.loaded(record))):
            yield Fault(f"案例“{name}”：检索索引（search_documents）与案例不符")


def _taken_off(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield precedents that somebody took away: not withdrawn here, nor by another agency that shared them."""
    v, p, a = records.versions.c, precedent.precedents.c, records.acts.c
    other = records.versions.alias("other").c
    again = records.versions.alias("again").c  # a version after it: the precedent was taken in once more
    since = select(again.id).where(again.agency == agency, again.id == a.id, again.recorded_at > a.recorded_at)
    withdrawn = select(a.id).where(a.agency == agency, a.id == v.id, a.act == "withdrawn", ~since.exists())
    shared = select(other.id).where(other.agency != agency, other.id == v.id, other.actor != "")
    here = select(p.id).where(p.agency == agency, p.id == v.id)
    query = select(v.id).distinct().where(v.agency == agency, ~here.exists(), ~withdrawn.exists(), ~shared.exists())
    for name in connection.execute(query.order_by(v.id)).scalars():
        yield Fault(f"案例“{name}”：没有撤下，却不在案例库（precedents）中")


def _search(connection: Connection, agency: str) -> Iterator[Fault]:
    known = {findable.COLLECTION: "案件", library.COLLECTION: "案例"}
    for table in (documents, frequencies, totals, uncounted):
        query = select(table.c.collection).distinct().where(table.c.agency == agency)
        for name in sorted(set(connection.execute(query).scalars()) - known.keys()):
            yield Fault(f"检索索引（{table.name}）：没有“{name}”这一类，却有它的行，系另行插入")
    for name, title in known.items():
        for text in Collection(connection, agency, name).faults():
            yield Fault(f"{title}的检索索引（search_*）：{text}；可用 ysq search --rebuild 重做")


def _recognition(connection: Connection, agency: str, keys: Keys) -> Iterator[Fault]:
    if Index(connection, agency, keys).strangers():
        yield Fault("识别索引（request_bands）：有不属于任何一件申请的行；可用 ysq recognition rebuild 重做")
