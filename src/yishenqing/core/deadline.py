"""What the clock takes and gives: dated facts in, deadlines with their reasons out; and days added to days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from msgspec import Struct

from yishenqing.core.errors import Reason

if TYPE_CHECKING:
    from yishenqing.core.workdays import Count, Workdays

_DAY = timedelta(days=1)
DayKind = Literal["start", "counted", "excluded", "rest"]
ClockState = Literal["running", "stopped", "met", "missed", "lapsed"]
STATE_TITLES: Mapping[str, str] = {
    "running": "进行中",
    "stopped": "暂停计算",
    "met": "已履行",
    "missed": "逾期",
    "lapsed": "期限届满",
}


class Fact(NamedTuple):
    """Something that happened on a legal date, in the words of the workflow's steps."""

    step: str
    on: date
    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return what tells a consultation apart from others that run at once; empty where none is given."""
        return str(self.facts.get("id") or "")


class Alternative(Struct, frozen=True):
    """The date under another reading of a contested rule."""

    due: date
    why: str


class Counting(NamedTuple):
    """How a last day in working days was counted, so that a person can count along.

    ``start`` is day 0 and not counted; ``number`` is the working days to count, extension included; ``excluded``
    are the stretches left out, each after its first day up to and including its second.
    """

    start: date
    number: int
    excluded: tuple[tuple[date, date], ...] = ()

    def last_day(self, workdays: Workdays) -> Count:
        """Return the day on which the last of the days is counted."""
        count = workdays.add(self.start, self.number)
        while self.excluded:
            left_out = sum(workdays.between(a, min(b, count.day)) for a, b in self.excluded if a < count.day)
            again = workdays.add(self.start, self.number + left_out)
            if again.day == count.day:
                break
            count = again
        return count

    def days(self, due: date, workdays: Workdays) -> Iterator[tuple[date, DayKind]]:
        """Yield every day from day 0 to ``due``, and what it is to the count: exactly ``number`` are counted."""
        day = self.start
        yield day, "start"
        while day < due:
            day += _DAY
            if not workdays.is_working(day):
                yield day, "rest"
            else:
                yield day, "excluded" if any(a < day <= b for a, b in self.excluded) else "counted"

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> Counting:
        """Return what ``as_json`` has written."""
        spans = ((date.fromisoformat(s["after"]), date.fromisoformat(s["until"])) for s in row["excluded"])
        return cls(date.fromisoformat(row["start"]), row["number"], tuple(spans))

    def as_json(self) -> dict[str, Any]:
        """Return the same in plain values."""
        spans = [{"after": after.isoformat(), "until": until.isoformat()} for after, until in self.excluded]
        return {"start": self.start.isoformat(), "number": self.number, "excluded": spans}


class Later(Sequence[Reason]):
    """Reasons that are put into words when somebody first looks at them: an act needs the day alone."""

    __slots__ = ("_said", "_say")

    def __init__(self, say: Callable[[], Iterable[Reason]]) -> None:
        """Ask ``say`` once, when the reasons are looked at; it must depend on nothing that changes."""
        self._say = say
        self._said: tuple[Reason, ...] | None = None

    def _all(self) -> tuple[Reason, ...]:
        if self._said is None:
            self._said = tuple(self._say())
        return self._said

    @overload
    def __getitem__(self, index: int) -> Reason: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Reason, ...]: ...
    def __getitem__(self, index: int | slice) -> Reason | tuple[Reason, ...]:
        """Return one reason, or some."""
        return self._all()[index]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all())

    def __eq__(self, other: object) -> bool:
        """Tell whether the same is said, now or later."""
        return isinstance(other, Later | tuple) and self._all() == tuple(other)

    def __hash__(self) -> int:
        """Return the hash of the reasons as a tuple."""
        return hash(self._all())

    def __repr__(self) -> str:
        """Return the reasons as a tuple shows them."""
        return repr(self._all())


class Deadline(NamedTuple):
    """A last day, who owes the act, and why it falls there.

    ``id`` tells several clocks of one kind apart (consultations that run at once).
    """

    clock: str
    title: str
    due: date
    state: ClockState
    provisional: bool
    owed_by: str
    reasons: Sequence[Reason]
    started_on: date
    length: int | None
    alternatives: tuple[Alternative, ...] = ()
    met_on: date | None = None
    id: str = ""
    waiting: bool = False  # stopped by nothing but questions that others have not answered yet
    counting: Counting | None = None  # None for a fixed day, and for periods in days or months
    looked_until: date | None = None  # the last working day that what is counted depends on (``core.recount``)

    @property
    def key(self) -> str:
        """Return the name of this one clock among those of its case."""
        return keyed(self.clock, self.id)

    def as_json(self) -> dict[str, Any]:
        """Return the deadline in the words of the contract."""
        return {
            "clock": self.clock,
            **({"id": self.id} if self.id else {}),
            "title": self.title,
            "due": self.due.isoformat(),
            "state": self.state,
            "provisional": self.provisional,
            "owed_by": self.owed_by,
            "reasons": [{"text": r.text, "law": r.law} for r in self.reasons],
            "alternatives": [{"due": a.due.isoformat(), "why": a.why} for a in self.alternatives],
            "counting": self.counting.as_json() if self.counting else None,
        }


def as_date(value: object) -> date | None:
    """Return a date fact, which stands as ISO text in the ledger; None for anything else."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) != len("2026-03-02"):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def keyed(clock: str, identifier: str) -> str:
    """Return the name of one clock among several of its kind."""
    return f"{clock}:{identifier}" if identifier else clock


def clock_of(key: str) -> str:
    """Return the clock that a name made by ``keyed`` is of."""
    return key.partition(":")[0]


def months_later(day: date, months: int) -> date:
    """Return the same day ``months`` later, or the last day of a month that has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def union(spans: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """Return the spans with overlaps counted once (条例第三十三条第三款)."""
    joined: list[tuple[date, date]] = []
    for since, until in sorted(spans):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        elif until > since:
            joined.append((since, until))
    return joined
