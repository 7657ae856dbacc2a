"""A case as the core sees it, and a step that somebody wants to take in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from yishenqing.core.clock import deadlines, touches
from yishenqing.core.corrections import effective
from yishenqing.core.deadline import Deadline, Fact, keyed
from yishenqing.core.errors import Reason
from yishenqing.core.law import Law
from yishenqing.core.sides import Beside, beside
from yishenqing.core.workdays import Workdays
from yishenqing.core.workflow import Step, Workflow

NOTHING: tuple[Any, ...] = (None, "", [], {})


class Standing(Struct, frozen=True, dict=True):
    """A case as the core sees it: its rules, the facts so far with who recorded them, and the state they led to."""

    workflow: Workflow
    law: Law
    workdays: Workdays
    facts: Sequence[Fact] = ()
    actors: Sequence[str] = ()
    switched_off: frozenset[str] = frozenset()  # the office's settings that turn a switchable guard off
    stage_limits: Mapping[str, int] = field(default_factory=dict)  # working days the office allows each stage
    figures: Mapping[str, int] = field(default_factory=dict)  # the office's own numbers, where not the workflow's
    staffed: frozenset[str] | None = None  # the roles that somebody holds; None where nobody is asked for
    readings: Mapping[str, str] = field(default_factory=dict)  # how the office reads what the law leaves contested
    names: Mapping[str, str] = field(default_factory=dict)  # what people call those who act

    @cached_property
    def _known(self) -> dict[date, dict[str, Deadline]]:
        return {}

    @cached_property
    def state(self) -> str:
        """Return the state that the steps so far have led to."""
        for fact in reversed(self.facts):
            if to := self.workflow.steps[fact.step].to:
                return to
        return self.workflow.initial

    @property
    def last_on(self) -> date | None:
        """Return the legal date of the last entry."""
        return self.facts[-1].on if self.facts else None

    def deadlines(self, on: date) -> dict[str, Deadline]:
        """Return the deadlines as seen on ``on``, computed once a day."""
        if on not in self._known:
            found = deadlines(self.workflow, self.law, self.workdays, self.facts, on, self.figures, self.readings)
            if own := internal_limit(self, on):
                found[own.key] = own
            self._known[on] = found
        return self._known[on]

    def plus(self, fact: Fact, actor: str) -> Standing:
        """Return the case after one more fact; a correction is applied at once."""
        facts: Sequence[Fact] = (*self.facts, fact)
        if fact.step == self.workflow.correcting:
            facts = effective(self.workflow, facts)
        after = replace(self, facts=facts, actors=(*self.actors, actor))
        after.__dict__["state"] = self.workflow.steps[fact.step].to or self.state  # known without looking back
        return after

    def moved_by(self, step: str) -> bool:
        """Tell whether taking ``step`` may move a deadline; the office's own limits follow the stage."""
        limited = bool(self.stage_limits and self.workflow.steps[step].to)
        return limited or touches(self.workflow, step)

    @cached_property
    def beside(self) -> tuple[Beside, ...]:
        """Return the side proceedings, open and ended."""
        return beside(self.workflow, self.facts)

    def called(self, actor: str) -> str:
        """Return what people call who acts."""
        return self.names.get(actor) or actor

    def figure(self, name: str) -> int:
        """Return a number that the office sets for itself."""
        return self.figures.get(name, self.workflow.figures[name].value)

    def latest(self, field: str) -> Any:
        """Return the latest value of a fact, whichever step stated it; None where none did."""
        return next((f.facts[field] for f in reversed(self.facts) if f.facts.get(field) not in NOTHING), None)

    def all(self, step: str) -> list[Fact]:
        """Return the facts of every time the step was taken, in order."""
        return [f for f in self.facts if f.step == step]

    def last(self, step: str) -> Fact | None:
        """Return the latest fact of ``step``, if it has been taken."""
        return next((f for f in reversed(self.facts) if f.step == step), None)


def internal_limit(standing: Standing, on: date) -> Deadline | None:
    """Return the office's own limit for the stage that the case stands in, from the day it entered the stage.

    Not the law's: it binds inside the office only (内部办理时限, each office sets its own).
    """
    workflow = standing.workflow
    stage = workflow.states[standing.state].stage
    if not (standing.stage_limits and standing.facts and workflow.limiting):
        return None
    entered = _entered(standing, stage)
    # None set for this stage: whatever bound the stage before is over.
    limit = standing.stage_limits.get(stage, 0)
    count = standing.workdays.add(entered, limit)
    clock, title = workflow.clocks[workflow.limiting], workflow.stages[stage]
    return Deadline(
        clock=workflow.limiting,
        title=f"{clock.title}（{title}）",
        due=count.day,
        state="met" if not limit else "running" if on <= count.day else "missed",
        met_on=None if limit else entered,
        provisional=count.provisional,
        owed_by=clock.owed_by,
        reasons=(Reason(f"{entered}进入{title}阶段，本机关自定{limit}个工作日", clock.law),),
        started_on=entered,
        length=limit,
    )


def _entered(standing: Standing, stage: str) -> date:
    """The day of the step since which the case has stayed in ``stage``."""
    entered = standing.facts[0].on
    inside = False
    for fact in standing.facts:
        to = standing.workflow.steps[fact.step].to
        if to:
            now = standing.workflow.states[to].stage == stage
            if now and not inside:
                entered = fact.on
            inside = now
    return entered


class Attempt(Struct, frozen=True):
    """A step somebody wants to take. ``facts`` and ``roles`` are None when only an offer is asked for."""

    standing: Standing
    name: str
    step: Step
    on: date
    facts: Mapping[str, Any] | None = None
    actor: str = ""
    roles: Collection[str] | None = None

    def deadline(self, clock: str) -> Deadline | None:
        """Return the clock as it stands on the day of the attempt: the one of the attempt's id, else the only one."""
        known = self.standing.deadlines(self.on)
        return known.get(keyed(clock, str((self.facts or {}).get("id") or ""))) or known.get(clock)

    def deadlines_of(self, clock: str) -> list[Deadline]:
        """Return the clocks of a kind that the attempt may speak of: the one of its ``id``, in an offer all."""
        found = self.standing.deadlines(self.on)
        if self.facts is None:
            return [d for d in found.values() if d.clock == clock]
        one = found.get(keyed(clock, str(self.facts.get("id") or "")))
        return [one] if one else []
