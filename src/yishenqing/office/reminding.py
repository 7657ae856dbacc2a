"""The tick: what has fallen due is told once, however often and by however many processes the tick runs.

A reminder rests on the stored deadline, which every act writes together with its entry; so a tick costs what is due,
not what is open. Whatever else can move a deadline (settings, working days, a new program, a wait that ran out) makes
it be reckoned anew from the ledger first.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct, field
from msgspec.structs import asdict
from sqlalchemy import Connection

from yishenqing.core.deadline import clock_of
from yishenqing.core.errors import CalendarGap, DataFault, Moved, NotFound, YishenqingError
from yishenqing.core.ledger import canonical, digest
from yishenqing.core.version import __version__
from yishenqing.core.workflow import Workflow
from yishenqing.office import casework, counting
from yishenqing.office.casework import Practice, Row
from yishenqing.office.notifying import Audience
from yishenqing.office.renewing import BATCH, Renewal
from yishenqing.store import due as due_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import outbox
from yishenqing.store.due import DueRow
from yishenqing.store.engine import Transactions

_LAMPS = ("yellow", "red")
MARK_TITLES = {"yellow": "黄灯", "red": "红灯", "expired": "届满", "escalated": "上报"}
_CHOSEN = ":"  # in a basis, before the digest of what moves the deadlines of closed cases, too
_AT_ONCE = 50  # cases that one transaction claims
_PAUSES = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)  # seconds before what others held is tried again
_DAMAGE = (DataFault, NotFound, CalendarGap, KeyError, TypeError, ValueError)  # of one case, nobody else's matter


class Ticking(Struct, frozen=True):
    """What the tick needs of the office."""

    transactions: Transactions
    practice: Practice
    audience: Audience
    now: Callable[[], str]
    known_marks: dict[tuple[str, str, date], list[tuple[str, date]]] = field(default_factory=dict)


class _Found(Struct):
    """What the tick has come to so far."""

    reminders: list[Row] = field(default_factory=list)
    faults: list[Row] = field(default_factory=list)
    again: list[str] = field(default_factory=list)  # held by others, or reckoned anew: to be looked at once more
    due: bool = False  # whether anything was due at all


def tick(ticking: Ticking) -> Row:
    """Give every reminder whose day has come and that was not given yet, the longest waiting first.

    Cases are claimed some at a time; a process that dies leaves its batch due and the others never wait for it. What
    somebody else holds is tried again at the end. A damaged case stands in ``faults``; it keeps nobody else's
    reminders back.
    """
    found = _Found(faults=_reckoned_anew(ticking))
    try:
        _give_all(ticking, found)
    except YishenqingError as error:
        if not found.reminders:
            raise
        found.faults.append(_fault("", error))  # what was given must be told
    return {"reminders": found.reminders, "faults": found.faults}


def _give_all(ticking: Ticking, found: _Found) -> None:
    waiting = _waiting(ticking)
    for pause in _PAUSES:
        if not waiting:
            break
        time.sleep(pause)
        _give_in_turn(ticking, waiting, found)
        tried, found.again = set(found.again), []
        waiting = [n for n in _waiting(ticking) if n in tried] if tried else []
    found.faults += [_held(number) for number in waiting]


def _give_in_turn(ticking: Ticking, waiting: Sequence[str], found: _Found) -> None:
    """Claim batch after batch; where others have been, go on somewhere else among what is still waiting."""
    left, place = [*_batches(waiting, _AT_ONCE)], 0
    while left:
        place %= len(left)
        if not _claim(ticking, left.pop(place), found):
            still = set(_waiting(ticking))
            left = [batch for batch in left if not still.isdisjoint(batch)]
            place = secrets.randbelow(len(left)) if left else 0


def _waiting(ticking: Ticking) -> list[str]:
    with ticking.transactions.reading() as connection:
        return due_store.to_remind(connection, ticking.practice.agency, ticking.practice.workdays.today)


def _batches(numbers: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    yield from (numbers[start : start + size] for start in range(0, len(numbers), size))


def _held(number: str) -> Row:
    return {"number": number, "code": Moved.code, "text": "正由他人办理，留待下次检查"}


def _fault(number: str, error: Exception) -> Row:
    if isinstance(error, YishenqingError):
        return {"number": number, "code": error.code, "text": str(error)}
    return {"number": number, "code": "integrity", "text": f"期限数据已被改动，无法读取（{error}）"}


def _reckoned_anew(ticking: Ticking) -> list[Row]:
    """Write all open deadlines anew if they were reckoned by other settings, days or rules than today's.

    What the office chose itself (readings, figures) moves deadlines and day of receipt of closed cases, too: they are
    shown, counted and audited by today's choice.
    """
    practice, now = ticking.practice, basis(ticking.practice)
    with ticking.transactions.reading() as connection:
        before = due_store.basis_of(connection, practice.agency)
        if before == now:
            return []
        chosen_before = (before or "").partition(_CHOSEN)[2] or _chosen({}, {})
        chosen_otherwise = chosen_before != now.partition(_CHOSEN)[2]
        if chosen_otherwise:
            numbers = [row.number for row in ledger_store.case_rows(connection, practice.agency)]
        else:
            numbers = due_store.open_cases(connection, practice.agency)
    faults: list[Row] = []
    for batch in _batches(numbers, BATCH):
        faults += _renewed(ticking, batch, counts=chosen_otherwise)
    ticking.transactions.kept(lambda connection: due_store.put_basis(connection, practice.agency, now))
    return faults


def basis(practice: Practice) -> str:
    """Return a name for all that a stored deadline depends on besides its ledger."""
    years = practice.workdays.years
    own = {
        "program": __version__,
        "reminders": {clock: asdict(marks) for clock, marks in practice.reminders.items()},
        "escalate_after": practice.escalate_after,
        "stage_limits": dict(practice.stage_limits),
        "switched_off": sorted(practice.switched_off),
        "years": {
            str(y): [sorted(d.isoformat() for d in days) for days in (years[y].off, years[y].worked)]
            for y in years
            if y >= practice.workdays.today.year - 1
        },
    }
    return f"{digest('basis', canonical(own))}{_CHOSEN}{_chosen(practice.readings, practice.figures)}"


def _chosen(readings: Mapping[str, str], figures: Mapping[str, int]) -> str:
    return digest("chosen", canonical({"readings": dict(readings), "figures": dict(figures)}))


def _renewed(ticking: Ticking, numbers: Sequence[str], *, counts: bool = False) -> list[Row]:
    """Write these cases' deadlines anew, and what they count as if asked; return which could not be read."""
    renewal = Renewal(ticking.transactions, ticking.practice)

    def write(connection: Connection) -> list[str]:
        _, unread = renewal.batch(connection, numbers)
        if counts:
            counting.recount(connection, ticking.practice, sorted(set(numbers) - set(unread)))
        return unread

    try:
        unread = ticking.transactions.kept(write)
    except _DAMAGE as error:
        if len(numbers) == 1:
            return [_fault(numbers[0], error)]
        return [fault for number in numbers for fault in _renewed(ticking, [number], counts=counts)]
    return [_fault(number, _damage(ticking, number)) for number in unread]


def _damage(ticking: Ticking, number: str) -> Exception:
    """Return why a case cannot be read."""
    try:
        with ticking.transactions.reading() as connection:
            casework.load(connection, ticking.practice, number)
    except _DAMAGE as error:
        return error
    return Moved("刚由他人办理，留待下次检查")


def _claim(ticking: Ticking, numbers: Sequence[str], found: _Found) -> bool:
    """Give the reminders of these cases in one transaction, or, if one of them is damaged, each in its own.

    Tell whether there was anything to do: False where other processes hold them all, or have given everything.
    """
    try:
        with ticking.transactions.writing() as connection:
            held = ledger_store.claim(connection, ticking.practice.agency, numbers)
            done = _Batch(ticking, connection).give(held)
    except Moved:  # another process was faster with the database
        found.again += numbers
        return False
    except _DAMAGE as error:
        if len(numbers) == 1:
            found.faults.append(_fault(numbers[0], error))
        else:
            for number in numbers:
                _claim(ticking, [number], found)
        return True
    # only what is kept is told
    found.reminders += done.reminders
    found.faults += done.faults
    found.again += [*done.again, *sorted(set(numbers) - set(held))]
    return done.due


class _Batch:
    """Some claimed cases: their locks are held, so what is read here stays true until the commit."""

    def __init__(self, ticking: Ticking, connection: Connection) -> None:
        self.ticking, self.connection = ticking, connection
        self.practice, self.agency = ticking.practice, ticking.practice.agency

    def give(self, numbers: Sequence[str]) -> _Found:
        """Record what is due in these cases and write the messages that tell it."""
        today, found = self.practice.workdays.today, _Found()
        rows = due_store.to_remind_of(self.connection, self.agency, numbers, today)
        if not rows:  # another process has given them meanwhile
            return found
        found.due = True
        known = due_store.given(self.connection, self.agency, numbers)
        new: list[tuple[DueRow, str]] = []
        nexts: list[tuple[DueRow, date | None]] = []
        for row in rows:
            marks = self._marks(row)
            due_marks = [mark for mark, day in marks if day <= today]
            fresh = [m for m in due_marks if (row.number, row.clock, m, row.due) not in known]
            new += [(row, mark) for mark in fresh]
            found.reminders += [self._reminder(row, mark) for mark in _worth_telling(due_marks, fresh)]
            nexts.append((row, min((day for _, day in marks if day > today), default=None)))
        now = self.ticking.now()
        due_store.remind(self.connection, [self._record(row, mark, now) for row, mark in new])
        due_store.put_next_reminders(self.connection, self.agency, nexts)
        self._go_on(new, found)
        self._address(rows, found.reminders)
        return found

    def _marks(self, row: DueRow) -> list[tuple[str, date]]:
        if row.state == "stopped":
            return []
        key, known = (row.rulebook, clock_of(row.clock), row.due), self.ticking.known_marks
        if key not in known:
            known[key] = casework.marks(self.practice, self._workflow(row), key[1], row.due)
        return known[key]

    def _workflow(self, row: DueRow) -> Workflow:
        return casework.rules_of(self.connection, row.rulebook).workflow

    def _record(self, row: DueRow, mark: str, now: str) -> Row:
        key = {"agency": self.agency, "number": row.number, "clock": row.clock, "mark": mark, "due": row.due}
        return {**key, "recorded_at": now}

    def _reminder(self, row: DueRow, mark: str) -> Row:
        clock = self._workflow(row).clocks[clock_of(row.clock)]
        left = self.practice.workdays.left(row.due)
        day = f"{row.due}（暂定）" if row.provisional else f"{row.due}"
        if mark in _LAMPS:
            text = f"{row.title}{day}届满，还剩{left}个工作日" if left else f"{row.title}今日（{day}）届满"
            if left < 0:  # nobody ticked in time, and the organ can make no use of the period any more
                text = f"{row.title}已于{day}届满"
        elif clock.owed_by == "organ":
            late = "请立即处理并上报" if mark == "expired" else f"已逾期{-left}个工作日，请督促办理"
            text = f"{row.title}已于{day}届满，尚未办理，{late}"
        else:
            open_end = "是否无正当理由逾期、如何处理，由承办人认定"
            text = f"{row.title}已于{day}届满；{clock.lapse or open_end}"
            text += f"；届满已{-left}个工作日，请督促办理" if mark == "escalated" else ""
        return {
            "number": row.number,
            "clock": row.clock,
            "title": row.title,
            "mark": mark,
            "mark_title": MARK_TITLES[mark],
            "due": row.due.isoformat(),
            "provisional": row.provisional,
            "working_days_left": left,
            "text": text,
            "law": clock.law,
        }

    def _go_on(self, new: Sequence[tuple[DueRow, str]], found: _Found) -> None:
        """A wait that has run out lets another clock go on: reckon such cases anew, now that the day has come."""
        over = {
            row.number
            for row, mark in new
            if mark == "expired" and clock_of(row.clock) in casework.awaited(self._workflow(row))
        }
        renewal = Renewal(self.ticking.transactions, self.practice)
        for number in sorted(over):
            try:
                rows = renewal.rows(casework.load(self.connection, self.practice, number))
            except _DAMAGE as error:  # the reminder stands nevertheless
                found.faults.append(_fault(number, error))
            else:
                due_store.put_deadlines(self.connection, rows)
                found.again.append(number)

    def _address(self, rows: Sequence[DueRow], reminders: Sequence[Row]) -> None:
        """Say who is told, and write the messages; they are kept or lost together with the reminders."""
        states = {r.number: self._workflow(r).states[r.case_state] for r in rows}
        ownerless = [n for n, state in states.items() if not state.owner]
        actors = due_store.last_actors(self.connection, self.agency, ownerless) if ownerless else {}
        audience = self.ticking.audience
        told = [
            (r, audience.of(r["mark"], states[r["number"]].owner, actors.get(r["number"], ""))) for r in reminders
        ]
        for reminder, people in told:
            reminder["to"] = audience.names(people)
        outbox.put(self.connection, audience.messages(told, self.ticking.now()))


def _worth_telling(due_marks: Sequence[str], fresh: Sequence[str]) -> list[str]:
    """Of several marks that fell due while nobody ticked, only the latest still says something to each side."""
    ordinary = [m for m in due_marks if m != "escalated"]
    return [m for m in fresh if m == "escalated" or m == ordinary[-1]]
