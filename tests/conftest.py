"""What the tests of the core and of the law share: the shipped rules, the working days, a case that walks."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import pytest
from hypothesis import settings
from msgspec import Struct

from yishenqing.almanac import workdays as read_workdays
from yishenqing.core.deadline import Deadline, Fact
from yishenqing.core.decide import decide, permitted
from yishenqing.core.facts import shaped
from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workdays import Workdays
from yishenqing.core.workflow import Step
from yishenqing.rulebook import Rulebook, read_rulebook

settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

# The ordinary road from the counter to the archive; tests that need a case somewhere on it take it from here.
ROUTINE = (
    "acknowledged",
    "accepted",
    "search_recorded",
    "examined",
    "drafted",
    "reviewed",
    "secrecy_reviewed",
    "signed",
    "replied",
    "delivered",
    "archived",
)
_UNSAID: dict[str, Any] = {"text": "略", "list": ["略"], "object": {"略": "略"}, "file": ["略.pdf"], "bool": "是"}


def filled(step: Step, given: dict[str, Any]) -> dict[str, Any]:
    """Return ``given`` with the needed facts that no period hangs on; dates and numbers must be said."""
    chosen = {n: next(iter(f.choices)) for n, f in step.needs.items() if f.type == "choice"}
    chosen |= {n: _UNSAID[f.type] for n, f in step.needs.items() if f.type in _UNSAID}
    chosen |= {n: "granted" for n, f in step.needs.items() if f.type == "outcome"}
    whole = {**chosen, **given}
    asks = "provided" in step.fields
    if asks and {"granted", "予以公开"} & {whole.get("outcome"), whole.get("finding")}:  # the least that tells
        whole.setdefault("provided", ["略"])
    return whole


class Walk(Struct, frozen=True):
    """A case taken step by step, each through ``decide``, as the office would; every walk is a new value."""

    standing: Standing
    today: date

    def take(self, name: str, on: date, actor: str = "", roles: Collection[str] = (), **given: Any) -> Walk:
        """Take one step; by default by a person of its own role, different from step to step."""
        step = self.standing.workflow.steps[name]
        facts = shaped(self.standing.workflow, step, self.filled(name, given))
        actor, roles = actor or f"{name}的经办人", roles or step.by
        decide(Attempt(self.standing, name, step, on, facts, actor, roles), self.today)
        return Walk(self.standing.plus(Fact(name, on, facts), actor), self.today)

    def filled(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return the facts of step ``name`` as they would be written."""
        return filled(self.standing.workflow.steps[name], given)

    def to(self, state: str, on: date) -> Walk:
        """Walk the ordinary road until the case is in ``state``, all on one day."""
        walk = self
        while walk.standing.state != state:
            walk = walk.take(walk.ordinary(on), on)
        return walk

    def ordinary(self, on: date) -> str:
        """Return the next step of the ordinary road."""
        offered = {p.step for p in permitted(self.standing, on, self.today)}
        steps = self.standing.workflow.steps
        return next(n for n in ROUTINE if n in offered and (steps[n].to or not self.standing.last(n)))

    @property
    def deadlines(self) -> dict[str, Deadline]:
        """Return the deadlines as seen today."""
        return self.standing.deadlines(self.today)


class _Quiet(Rulebook, frozen=True, eq=False, dict=True):
    """The shipped rules, which a failing test need not print whole."""

    def __repr__(self) -> str:
        return "rules"


@pytest.fixture(scope="session")
def rules() -> Rulebook:
    read = read_rulebook()
    return _Quiet(read.workflow, read.law)


@pytest.fixture(scope="session")
def workdays() -> Callable[[date], Workdays]:
    return read_workdays(date(2026, 11, 21)).on


@pytest.fixture(scope="session")
def unopened(rules: Rulebook, workdays: Callable[[date], Workdays]) -> Callable[[date], Walk]:
    """Return a case before its first step, seen from a day."""
    return lambda today: Walk(Standing(rules.workflow, rules.law, workdays(today)), today)
