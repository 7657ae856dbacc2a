"""A clock under way, and the stretches of it that do not count: what the fold of the clock works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from yishenqing.core.deadline import ClockState, months_later
from yishenqing.core.errors import Reason
from yishenqing.core.law import Unit
from yishenqing.core.workdays import Count, Workdays
from yishenqing.core.workflow import Clock


class Pause(Struct):
    """A stretch that does not count: from the day after ``since`` until the answer, or until ``at_most``."""

    key: tuple[str, str]  # the step that asked, and its id
    since: date
    answered: date | None
    title: str
    law: str
    at_most: date | None = None

    def until(self, today: date) -> date:
        """Return the last day left out, seen from ``today``."""
        ends = [d for d in (self.answered, self.at_most) if d is not None]
        end = min(ends, default=None)
        return max(self.since, today if end is None or end > today else end)

    def open(self, today: date) -> bool:
        """Tell whether the stretch still goes on on ``today``."""
        return self.answered is None and (self.at_most is None or today <= self.at_most)


class Run(Struct):
    """One clock under way, as the facts so far have left it."""

    name: str
    id: str
    clock: Clock
    started_on: date
    begun: Callable[[], Sequence[Reason]]  # why it began, and how long it is: worded when somebody reads them
    term: Callable[[], Reason]
    length: int | None = None
    unit: Unit = "workday"
    law: str = ""  # what it began under, where an earlier law gave the period
    rolls: str = ""
    fixed: date | None = None
    extension: int = 0
    pauses: list[Pause] = field(default_factory=list)
    stopped_on: date | None = None
    waiting: str = ""
    met_on: date | None = None
    closed: bool = False
    remarks: list[Reason] = field(default_factory=list)
    source: int = 0  # the number of the entry that started it


def nominal(run: Run, start: date) -> date:
    """Return the last day of a period in days or months, before any holiday is looked at."""
    length = run.length or 0
    return start + timedelta(days=length) if run.unit == "day" else months_later(start, length)


def worded(run: Run, workdays: Workdays, count: Count, state: ClockState, today: date) -> list[Reason]:
    """Return why the last day of ``run`` falls on ``count``, seen from ``today``, each step with its article."""
    begun = run.begun()
    reasons = [*([replace(r, law=run.law) for r in begun] if run.law else begun), run.term()]
    for pause in run.pauses:
        until = pause.until(today)
        days = workdays.between(pause.since, until)
        open_end = "，尚未结束" if pause.open(today) else ""
        text = f"{pause.since}{pause.title}，至{until}的{days}个工作日不计入{open_end}"
        reasons.append(Reason(text, pause.law))
    reasons += run.remarks
    if run.stopped_on is not None and run.met_on is None:
        reasons.append(Reason(f"{run.waiting}，所示为最早可能的日期"))
    reasons += _of_calendar(run, workdays, count)
    if count.missing and state in ("running", "stopped"):
        years = "、".join(f"{y}年" for y in count.missing)
        reasons.append(Reason(f"{years}放假安排尚未公布，暂按周一至周五推算，载入通知后重新计算"))
    return reasons


def _of_calendar(run: Run, workdays: Workdays, count: Count) -> list[Reason]:
    if run.fixed is not None:
        return []
    if run.unit == "workday":
        notices = workdays.notices(run.started_on, count.day)
        return [Reason(f"工作日按{'、'.join(notices)}的放假调休安排计算")] if notices else []
    last = nominal(run, run.started_on)
    if last == count.day:
        return []
    return [Reason(f"{last}为休假日，顺延至其后第一个工作日", run.rolls)]


def state_of(run: Run, due: date, today: date) -> ClockState:
    """Return how a run stands on ``today``, whose last day is ``due``."""
    if run.closed:  # what the organ had let run out before it was closed stays so
        late = run.met_on is not None and run.met_on > due and run.clock.owed_by == "organ"
        return run.clock.expires_as if late else "met"
    if run.met_on is not None:
        return "met" if run.met_on <= due else "missed"
    if run.stopped_on is not None or any(p.open(today) for p in run.pauses):
        return "stopped"
    return "running" if today <= due else run.clock.expires_as
