"""A clock under way, and the stretches of it that do not count: what the fold of the clock works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from yishenqing.core.deadline import ClockState
from yishenqing.core.errors import Reason
from yishenqing.core.law import Unit
from yishenqing.core.workflow import Clock


@dataclass(slots=True)
class Pause:
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


@dataclass(slots=True)
class Run:
    """One clock under way, as the facts so far have left it."""

    name: str
    id: str
    clock: Clock
    started_on: date
    reasons: list[Reason]
    length: int | None
    unit: Unit
    term_reason: Reason
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
