"""The verb that takes an older ledger over: its cases become ledger cases, all of them or none, each of them once."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from yishenqing import rulebook
from yishenqing.core.counted import counted, disputes
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.core.ledger import append, canonical
from yishenqing.office import casework, counting
from yishenqing.office.casework import Casework, Row
from yishenqing.office.desk import Desk
from yishenqing.reporting import store as report_store
from yishenqing.reporting import tables as report_tables
from yishenqing.store import bulk, vault
from yishenqing.store import due as due_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store.ledger import CaseRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.core.ledger import Entry
    from yishenqing.core.workflow import Start
    from yishenqing.rulebook import Rulebook
    from yishenqing.takeover import Earlier

_AT_ONCE = 500  # cases looked up, or written, by one call of the driver
# Where a case came from, that its ledger was closed, and the last day it was kept under, do not make it another case.
_ASIDE = frozenset({"source", "closed", "due_on"})
OPENED, REPLIED, FILED, ENDED = "imported", "earlier_reply", "remedy_noted", "remedy_ended"


class _Said(NamedTuple):
    """One entry as the older ledger tells it."""

    step: str
    on: date
    facts: Mapping[str, Any]


class _Plan(Struct):
    """What an import would do: cases that are new, cases that go on, cases that are here already."""

    new: list[tuple[Earlier, list[_Said]]] = field(default_factory=list)
    on: list[tuple[Casework, list[_Said]]] = field(default_factory=list)
    unchanged: int = 0


class ImportVerbs(Desk):
    """What is taken over from elsewhere."""

    def import_ledger(self, path: Path | str, *, dry_run: bool = False, by: str | None = None) -> Row:
        """Take over the cases of an older ledger (JSON lines, CSV, XLSX): all of them, or none.

        The whole file is tried first; with ``dry_run`` that is all. A case that is here already is not taken over
        twice; one whose ledger has gone on since (a reply, a result) goes on here too.

        Raises:
            NotFound: there is no such file.
            Refused: the actor does not register.
            DataFault: a line has a fault, or a number is that of another case; all faults, with lines and fields.
        """
        from yishenqing import takeover

        customs = takeover.read_customs(self.home)
        rules = rulebook.read_rulebook(self.home, customs.workflow)
        user = self._registrar(rules, by)
        parsed = takeover.parse(Path(path), customs, rules.workflow.since, self.today)
        snapshot = rules.snapshot()
        digest = rulebook.snapshot_digest(snapshot)
        if dry_run:
            with self._transactions.reading() as connection:
                plan = self._compared(connection, parsed.cases)
        else:
            with self._transactions.writing() as connection:
                plan = self._compared(connection, parsed.cases)  # every line, before the first is written
                ledger_store.keep_rulebook(connection, digest, snapshot)
                taking = _Taking(connection, self, rules, digest, user)
                taking.open(plan.new)
                taking.go_on(plan.on)
                self._pass_numbers(connection, [case.number for case, _ in plan.new])
        return {**_summary(parsed.cases, plan), "dry_run": dry_run, "unknown": sorted(parsed.unknown)}

    def _registrar(self, rules: Rulebook, by: str | None) -> str:
        """Return who takes over; it is registering (条例第四十五条)."""
        user = by or self._user
        person = self.person(user)
        opening = rules.workflow.steps[rules.workflow.opening]
        if not set(opening.by) & set(self.settings.roles_on(user, self.today)):
            titles = "、".join(rules.workflow.roles[r] for r in opening.by)
            raise Refused(f"旧台账由{titles}接收，“{person.name}”没有这一岗位。", law=list(opening.law))
        return user

    def _compared(self, connection: Connection, cases: Sequence[Earlier]) -> _Plan:
        plan, faults = _Plan(), []
        for start in range(0, len(cases), _AT_ONCE):
            batch = cases[start : start + _AT_ONCE]
            numbers = [case.number for case in batch]
            here = {c.row.number: c for c in casework.load_many(connection, self._practice, numbers)}
            known = {row.number for row in ledger_store.rows_of_many(connection, self.settings.agency, numbers)}
            facts = {n: {str(e.seq): e.facts for e in c.entries} for n, c in here.items()}
            sealed = vault.sealed_of_many(connection, self.settings.agency, facts) if facts else {}
            for case in batch:
                said = list(_said(case))
                if case.number not in known:
                    plan.new.append((case, said))
                elif fault := self._joined(plan, case, said, here.get(case.number), sealed):
                    faults.append(fault)
        if faults:
            raise DataFault.of(faults)
        return plan

    def _joined(
        self, plan: _Plan, case: Earlier, said: list[_Said], here: Casework | None, sealed: Mapping[str, Any]
    ) -> Fault | None:
        """Add a case that is here already to the plan; return why it cannot be the same one."""
        if here is None or here.workflow.opening != OPENED:
            return Fault(f"已有编号为“{case.number}”的案件，不是由旧台账转入的", case.file, case.line, "number")
        opened = vault.opener(sealed.get(case.number, {}))
        stored = [_Said(e.step, e.on, opened(e.facts)) for e in here.entries]
        same = sum(1 for _ in _while_same(stored, said))
        if same == len(said):
            plan.unchanged += 1
        elif same == len(stored):
            plan.on.append((here, said[same:]))
        else:
            text = (
                f"编号“{case.number}”已经转入，但是与这一行不同（案卷第{same + 1}条记录）；案卷不改写，请用更正记录"
            )
            return Fault(text, case.file, case.line, "number")
        return None

    def _pass_numbers(self, connection: Connection, numbers: Sequence[str]) -> None:
        """Let the office's own numbering go on after what was taken over in the same form."""
        last: dict[int, int] = {}
        pattern = _pattern(self.settings.case_number)
        for number in numbers:
            match = pattern.fullmatch(number)
            if match and self.settings.numbered_case(int(match["year"]), int(match["n"])) == number:
                year = int(match["year"])
                last[year] = max(last.get(year, 0), int(match["n"]))
        for year, n in last.items():
            ledger_store.pass_number(connection, self.settings.agency, "case", year, n)


class _Taking:
    """Writes cases of an older ledger inside one transaction."""

    def __init__(self, connection: Connection, desk: ImportVerbs, rules: Rulebook, digest: str, user: str) -> None:
        self._connection, self._desk, self._rules, self._digest, self._user = connection, desk, rules, digest, user
        self._agency = desk.settings.agency
        self._at, self._rehearsal = desk._moments.now(), desk._rehearsal  # noqa: SLF001 - its own verbs' module
        self._practice = desk._practice  # noqa: SLF001 - its own verbs' module

    def open(self, cases: Sequence[tuple[Earlier, list[_Said]]]) -> None:
        """Write new cases: their entries, sealed values, deadlines, and what they count as."""
        further = (report_tables.applications, report_tables.disputes)
        for start in range(0, len(cases), _AT_ONCE):
            rows = bulk.empty(further)
            counts, told = (rows[table.name] for table in further)
            for case, said in cases[start : start + _AT_ONCE]:
                opened = self._written(rows, case, said)
                found = counted(opened.standing)
                assert found is not None  # noqa: S101 - the procedure is not that of a linked case
                counts.append(report_store.row_of(self._agency, case.number, found))
                about = (self._agency, case.number, case.number)
                told += report_store.dispute_rows(*about, disputes(opened.standing))
            bulk.insert_all(self._connection, rows, further)

    def _written(self, rows: bulk.Rows, case: Earlier, said: Sequence[_Said]) -> Casework:
        workflow = self._rules.workflow
        row = CaseRow(self._agency, case.number, self._digest, case.received_on, workflow.initial, None, 0, "")
        entries: list[Entry] = []
        for one in said:
            source = {"source": f"{_name(case.file)} 第{case.line}行"} if one.step == OPENED else {}
            entry, sealed = self._entry(entries[-1] if entries else None, case.number, one, source)
            entries.append(entry)
            rows["entries"].append(entry._asdict())
            rows["sealed"] += vault.sealed_rows(self._connection, self._agency, case.number, sealed)
        opened = self._practice.casework(row, entries, self._rules)
        rows["cases"].append(
            {
                "agency": self._agency,
                "number": case.number,
                "rulebook": self._digest,
                "opened_on": case.received_on,
                "state": opened.standing.state,
                "outcome": opened.outcome,
                "head_seq": entries[-1].seq,
                "head_hash": entries[-1].hash,
            }
        )
        if any(_applies(start, one.facts) for one in said for start in workflow.steps[one.step].starts):
            found = opened.standing.deadlines(self._practice.workdays.today)
            rows["deadlines"] += casework.deadline_rows(opened, found)
        return opened

    def _entry(
        self, previous: Entry | None, number: str, one: _Said, more: Mapping[str, Any]
    ) -> tuple[Entry, list[Any]]:
        step = self._rules.workflow.steps[one.step]
        inside, sealed = vault.seal_facts(step, {**one.facts, **more})
        entry = append(
            previous,
            agency=self._agency,
            number=number,
            rulebook=self._digest,
            on=one.on,
            recorded_at=self._at,
            actor=self._user,
            step=one.step,
            rehearsal=self._rehearsal,
            payload=canonical(inside),
        )
        return entry, sealed

    def go_on(self, cases: Sequence[tuple[Casework, list[_Said]]]) -> None:
        """Append what the older ledger tells of cases that were taken over before."""
        for before, said in cases:
            number, case = before.row.number, before
            for one in said:
                entry, sealed = self._entry(case.head, number, one, {})
                after = self._practice.casework(before.row, (*case.entries, entry), case.rules)
                ledger_store.append(self._connection, entry, after.standing.state, after.outcome)
                vault.put_sealed(self._connection, self._agency, number, sealed)
                case = after
            found = case.standing.deadlines(self._practice.workdays.today)
            rows = casework.deadline_rows(case, found)
            due_store.put_deadlines(self._connection, due_store.changed(self._connection, self._agency, number, rows))
            counting.write(self._connection, before, case)


def _applies(start: Start, facts: Mapping[str, Any]) -> bool:
    """Tell whether an entry can start a clock: most cases of an older ledger are closed, and start none."""
    return not (facts.get(start.unless_true) or (start.until and not facts.get(start.until)))


@lru_cache(maxsize=16)
def _name(file: str) -> str:
    return Path(file).name


def _said(case: Earlier) -> Iterator[_Said]:
    """Return the entries of a case in the order of their days."""
    opening: dict[str, Any] = {"applicant_kind": case.kind}
    if case.applicant:
        opening["applicant"] = {"kind": case.kind, **case.applicant}
    if case.request:
        opening["items"] = [case.request]
    if case.due_on:
        opening["due_on"] = case.due_on.isoformat()
    if case.outcome:
        opening["closed"] = True
    yield _Said(OPENED, case.received_on, opening)
    later = []
    if case.outcome and case.replied_on:
        later.append(_Said(REPLIED, case.replied_on, {"outcome": case.outcome}))
    for n, remedy in enumerate(case.remedies, 1):
        later.append(_Said(FILED, remedy.filed_on, {"kind": remedy.kind, "id": str(n)}))
        if remedy.decided_on:
            later.append(_Said(ENDED, remedy.decided_on, {"result": remedy.result, "id": str(n)}))
    yield from sorted(later, key=lambda one: one.on)


def _while_same(stored: Sequence[_Said], said: Sequence[_Said]) -> Iterator[None]:
    for one, other in zip(stored, said, strict=False):
        if (one.step, one.on) != (other.step, other.on) or _kept(one.facts) != _kept(other.facts):
            return
        yield None


def _kept(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in _ASIDE}


def _pattern(case_number: str) -> re.Pattern[str]:
    """Return what recognises a number of the office's own form."""
    said = ""
    for text, name, _, _ in string.Formatter().parse(case_number):
        said += re.escape(text)
        if name:
            said += rf"(?P<{name}>\d{{1,9}})" if f"?P<{name}>" not in said else rf"(?P={name})"
    return re.compile(said)


def _summary(cases: Sequence[Earlier], plan: _Plan) -> Row:
    """Return what was found, by year of receipt: what a person compares with the older ledger."""
    received = Counter(c.received_on.year for c in cases)
    decided = Counter(c.replied_on.year for c in cases if c.replied_on)
    return {
        "lines": len(cases),
        "imported": len(plan.new),
        "continued": len(plan.on),
        "unchanged": plan.unchanged,
        "open": sum(1 for c in cases if not c.outcome),
        "closed": sum(1 for c in cases if c.outcome),
        "remedies": sum(len(c.remedies) for c in cases),
        "years": [
            {"year": year, "received": received[year], "decided": decided[year]}
            for year in sorted(received.keys() | decided.keys())
        ],
    }
