"""One case, taken from the store: its entries, its rules, its standing, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection

from yishenqing.core.corrections import effective
from yishenqing.core.deadline import Deadline, Fact, clock_of
from yishenqing.core.decide import doubts, permitted
from yishenqing.core.errors import Fault, IntegrityFault
from yishenqing.core.ledger import Entry, read_facts
from yishenqing.core.moving import read_under
from yishenqing.core.recount import recipe_of
from yishenqing.core.standing import Standing
from yishenqing.core.workdays import Workdays
from yishenqing.core.workflow import Workflow
from yishenqing.office.answering import Answer
from yishenqing.rulebook import Rulebook, from_snapshot, snapshot_digest
from yishenqing.settings import Marks
from yishenqing.store import due as due_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store.ledger import CaseRow

_DAY = timedelta(days=1)
Row = dict[str, Any]


class Casework(Struct, frozen=True, dict=True):
    """A case as read in one transaction. ``open`` replaces sealed placeholders by their values."""

    row: CaseRow
    entries: tuple[Entry, ...]
    rules: Rulebook
    standing: Standing
    practice: Practice

    @property
    def workflow(self) -> Workflow:
        """Return the procedure by which the case is read: the one it was opened under, or was moved to."""
        return self.rules.workflow

    @property
    def head(self) -> Entry | None:
        """Return the latest entry."""
        return self.entries[-1] if self.entries else None

    def until(self, seq: int) -> Casework:
        """Return the case as it stood after its entry ``seq``, read by the rules of now."""
        return self.practice.casework(self.row, self.entries[:seq], self.rules)

    @cached_property
    def outcome(self) -> str | None:
        """Return the outcome that the latest draft or end has chosen."""
        return outcome_of(self.standing)


class Practice(Struct, frozen=True, dict=True):
    """How an office reads its cases: whose they are, by which working days, with which rules of its own.

    ``known_until`` (a recording time) leaves out what was written down later; empty: nothing is left out.
    """

    agency: str
    workdays: Workdays
    switched_off: frozenset[str] = frozenset()
    stage_limits: Mapping[str, int] = field(default_factory=dict)
    readings: Mapping[str, str] = field(default_factory=dict)
    reminders: Mapping[str, Marks] = field(default_factory=dict)
    escalate_after: int = 0
    known_until: str = ""
    figures: Mapping[str, int] = field(default_factory=dict)
    staffed: frozenset[str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    # Cases by the thousand fall due on few days, and the days on which to tell somebody follow from the last one.
    @cached_property
    def _marks(self) -> dict[tuple[int, str, date], list[tuple[str, date]]]:
        return {}

    def marks(self, workflow: Workflow, name: str, due: date) -> list[tuple[str, date]]:
        """Return the days on which somebody should be told of an open deadline, worked out once a day and clock."""
        key = (id(workflow), name, due)  # kept alive by the rules known to this process
        if key not in self._marks:
            self._marks[key] = marks(self, workflow, name, due)
        return self._marks[key]

    def standing(self, rules: Rulebook, entries: Sequence[Entry]) -> Standing:
        """Return how a case of these entries stands, corrections applied."""
        facts = effective(rules.workflow, [Fact(e.step, e.on, e.facts) for e in entries])
        return Standing(
            rules.workflow,
            rules.law,
            self.workdays,
            facts,
            tuple(e.actor for e in entries),
            self.switched_off,
            self.stage_limits,
            self.figures,
            self.staffed,
            self.readings,
            self.names,
        )

    def casework(self, row: CaseRow, entries: Sequence[Entry], rules: Rulebook) -> Casework:
        """Return the case as this practice reads it."""
        known = tuple(entries)
        if self.known_until:
            known = tuple(e for e in entries if e.recorded_at < self.known_until)
        return Casework(row, known, rules, self.standing(rules, known), self)


def load(connection: Connection, practice: Practice, number: str, *, lock: bool = False) -> Casework:
    """Read a case; with ``lock`` nobody else can move it until the transaction ends.

    Raises:
        NotFound: there is no such case.
    """
    row = ledger_store.case_row(connection, practice.agency, number, lock=lock)
    entries = ledger_store.entries_of(connection, practice.agency, number)
    rules = rules_of(connection, row.rulebook)
    if broken := _unreadable(row, entries, rules.workflow):
        raise IntegrityFault.of([broken])
    if practice.known_until:  # before the case was moved it was read by other rules
        known = [e for e in entries if e.recorded_at < practice.known_until]
        rules = rules_of(connection, read_under(known, entries, row.rulebook))
    return practice.casework(row, entries, rules)


def load_many(
    connection: Connection, practice: Practice, numbers: Sequence[str], *, lock: bool = False
) -> Iterator[Casework]:
    """Read many cases with two queries, at once; a damaged case is left out, verify names it.

    The cases are put together one by one: hundreds alive at a time keep the garbage collector busy.
    """
    # The rows first: with ``lock`` whoever writes to a case is waited for, and what was written is then read.
    rows = ledger_store.rows_of_many(connection, practice.agency, numbers, lock=lock)
    entries: dict[str, list[Entry]] = {}
    for entry in ledger_store.entries_of_many(connection, practice.agency, numbers):
        entries.setdefault(entry.number, []).append(entry)

    def readable() -> Iterator[Casework]:
        for row in rows:
            mine = entries.pop(row.number, [])
            rules = rules_of(connection, row.rulebook)
            if _unreadable(row, mine, rules.workflow) is None:
                yield practice.casework(row, mine, rules)

    return readable()


def _unreadable(row: CaseRow, entries: Sequence[Entry], workflow: Workflow) -> Fault | None:
    """Return why nothing may be read from, or added to, these entries; whether each is unchanged is verify's work."""
    head = entries[-1] if entries else None
    if head is None or (head.seq, len(entries), head.hash) != (row.head_seq, row.head_seq, row.head_hash):
        return at(row.number, row.head_seq, "案件的最后一条记录与登记的不符（记录可能被删除、改动或者插入）")
    read_facts(entries)
    steps = workflow.steps
    try:
        if all(type(e.facts) is dict and e.step in steps for e in entries):
            return None
    except (TypeError, ValueError):
        pass  # one of them is broken: each is asked by itself below, and the one is named
    broken = next(e.seq for e in entries if not _readable(e, workflow))
    return at(row.number, broken, "内容已被改动，无法读取")


def _readable(entry: Entry, workflow: Workflow) -> bool:
    try:
        return isinstance(entry.facts, dict) and entry.step in workflow.steps
    except (TypeError, ValueError):
        return False


def at(number: str, seq: int, text: str) -> Fault:
    """Return a fault of one entry, named as an officer finds it."""
    return Fault(f"{number} 第{seq}条记录：{text}", field=f"entries.{seq}")


_KNOWN_RULES: dict[str, Rulebook] = {}  # by digest: content-addressed, so a process may keep them for good


def rules_of(connection: Connection, digest: str) -> Rulebook:
    """Return the rules stored under ``digest``.

    Raises:
        IntegrityFault: they are not what the digest names.
    """
    if digest not in _KNOWN_RULES:
        text = ledger_store.rulebook_text(connection, digest)
        if snapshot_digest(text) != digest:
            raise IntegrityFault.of([Fault(f"立案时的流程与法律数据（{digest[:12]}）已被改动")])
        _KNOWN_RULES[digest] = from_snapshot(text)
    return _KNOWN_RULES[digest]


def outcome_of(standing: Standing) -> str | None:
    """Return the latest outcome among the facts; a withdrawn case is 其他处理."""
    for fact in reversed(standing.facts):
        if outcome := fact.facts.get("outcome"):
            return str(outcome)
        if outcome := standing.workflow.steps[fact.step].outcome:
            return outcome
    return None


def marks(practice: Practice, workflow: Workflow, name: str, due: date) -> list[tuple[str, date]]:
    """Return the days on which somebody should be told of an open deadline, earliest first.

    Yellow and red are the office's own days ahead. The day after expiry follows for whatever the office owes and for
    whatever a case stands still for; some days later the supervisors hear of what is still not dealt with.
    """
    clock, workdays = workflow.clocks[name], practice.workdays
    own = practice.reminders.get(name, Marks())
    ahead = {
        "yellow": clock.yellow if own.yellow is None else own.yellow,
        "red": clock.red if own.red is None else own.red,
    }
    found = [(mark, workdays.back(due, days)) for mark, days in ahead.items() if days]
    own_possibility = clock.owed_by == "organ" and clock.expires_as == "lapsed"
    watched = name in listed(workflow) and not own_possibility
    if watched or name in awaited(workflow):
        found.append(("expired", due + _DAY))
    if watched and practice.escalate_after:
        found.append(("escalated", _later(workdays, due, practice.escalate_after)))
    return sorted(found, key=lambda mark: mark[1])


def first_mark(practice: Practice, workflow: Workflow, name: str, due: date) -> date | None:
    """Return the first day on which somebody should be told of an open deadline."""
    days = practice.marks(workflow, name, due)
    return days[0][1] if days else None


def _later(workdays: Workdays, day: date, days: int) -> date:
    """Return the ``days``-th working day after ``day``; an unannounced year counts as Monday to Friday."""
    while days > 0:
        day += _DAY
        days -= workdays.is_working(day)
    return day


@lru_cache(maxsize=64)
def awaited(workflow: Workflow) -> frozenset[str]:
    """Return the clocks of others for which a step lets another clock stand still."""
    waits = (s for s in workflow.steps.values() if s.stops or s.pauses)
    started = {e.clock for s in waits for e in s.starts}
    return frozenset(c for c in started if workflow.clocks[c].owed_by != "organ")


@lru_cache(maxsize=64)
def listed(workflow: Workflow) -> frozenset[str]:
    """Return the clocks that belong in the office's lists: what it owes itself, and what its cases wait for."""
    waited_for = {s.waits_for for s in workflow.states.values()}
    return frozenset(n for n, clock in workflow.clocks.items() if clock.owed_by == "organ" or n in waited_for)


def deadline_rows(case: Casework, found: Mapping[str, Deadline]) -> list[Row]:
    """Return the rows that the due list and the tick work from."""
    rows = []
    for deadline in found.values():
        told = first_mark(case.practice, case.workflow, deadline.clock, deadline.due) if _is_open(deadline) else None
        rows.append(
            {
                "agency": case.row.agency,
                "number": case.row.number,
                "clock": deadline.key,
                "title": deadline.title,
                "due": deadline.due,
                "state": deadline.state,
                "provisional": deadline.provisional,
                "owed_by": deadline.owed_by,
                "remind_on": told,
                "listed": deadline.met_on is None and deadline.clock in listed(case.workflow),
                "recipe": recipe_of(deadline),
            }
        )
    return rows


def _is_open(deadline: Deadline) -> bool:
    return deadline.met_on is None and deadline.state != "stopped"


def answer(
    case: Casework,
    today: date,
    letters: Callable[[], list[Row]],
    opener: Callable[[], Callable[[Any], Any]],
    linked: Callable[[], list[Row]],
    guides: Mapping[str, Callable[[], Any]],
    **more: Any,
) -> Answer:
    """Return what ``show``, ``act`` and ``register`` answer, in the words of the contract.

    ``letters`` and ``opener`` go to the database when somebody looks at the letters or into the entries, ``linked``
    when somebody looks at the linked cases; ``guides`` are the parts that help with the next step.
    """
    state = case.workflow.states[case.standing.state]

    def deadlines() -> list[Row]:
        found = case.standing.deadlines(today).values()
        return [d.as_json() for d in found if not _is_idle_limit(case, d)]

    def entries() -> list[Row]:
        open_facts = opener()
        return [_entry(e, case, open_facts) for e in case.entries]

    parts: dict[str, Callable[[], Any]] = {
        "number": lambda: case.row.number,
        "state": lambda: case.standing.state,
        "state_title": lambda: state.title,
        "stage": lambda: case.workflow.stages[state.stage],
        "outcome": lambda: case.outcome,
        "deadlines": deadlines,
        "permitted": lambda: [p.as_json() for p in permitted(case.standing, today, today)],
        "letters": letters,
        "entries": entries,
        "workflow": lambda: {"id": case.workflow.id, "version": case.workflow.version, "title": case.workflow.title},
        "linked": linked,
        "corrected": lambda: any(f.facts.get("corrected") for f in case.standing.facts),
        "doubts": lambda: [
            {"seq": seq, "text": f"按更正后的事实，第{seq}条记录：{'；'.join(str(r) for r in reasons)}"}
            for seq, reasons in doubts(case.standing)
        ],
    }
    return Answer({**parts, **guides}, **more)


def _is_idle_limit(case: Casework, deadline: Deadline) -> bool:
    """An office's own limit that the stage at hand does not have says nothing to anybody."""
    return deadline.clock == case.workflow.limiting and deadline.met_on is not None


def _entry(entry: Entry, case: Casework, open_facts: Callable[[Any], Any]) -> Row:
    return {
        "seq": entry.seq,
        "on": entry.on.isoformat(),
        "recorded_at": entry.recorded_at,
        "actor": entry.actor,
        "actor_name": case.standing.called(entry.actor),
        "step": entry.step,
        "title": case.workflow.steps[entry.step].title,
        "facts": open_facts(entry.facts),
        "hash": entry.hash,
        "rehearsal": entry.rehearsal,
    }


def due_line(row: due_store.DueRow, workflow: Workflow, deadline: Deadline | None, workdays: Workdays) -> Row:
    """Return one line of the due list; ``deadline`` is given where the stored date depends on today."""
    day = deadline.due if deadline else row.due
    state = deadline.state if deadline else row.state
    if state == "running" and day < workdays.today:
        state = workflow.clocks[clock_of(row.clock)].expires_as
    return {
        "number": row.number,
        "state": row.case_state,
        "state_title": workflow.states[row.case_state].title,
        "clock": clock_of(row.clock),
        "title": row.title,
        "clock_state": state,
        "due": day.isoformat(),
        "working_days_left": workdays.left(day),
        "provisional": deadline.provisional if deadline else row.provisional,
        "owed_by": row.owed_by,
    }
