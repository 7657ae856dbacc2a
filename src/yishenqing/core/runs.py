"""A clock under way, and the stretches of it that do not count: what the fold of the clock works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

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
