"""What a case counts as in the annual report: received when, from whom, decided when and how, disputed where.

Each application counts once, by the decision that first ended it: a reply that is given anew because a court or a
reconsideration organ ordered it does not change the year in which the application was dealt with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from yishenqing.core.deadline import Fact, as_date
from yishenqing.core.links import KIND, NUMBER, RESULT
from yishenqing.core.readings import Readings
from yishenqing.core.receipt import receipt_of
from yishenqing.core.standing import Standing
from yishenqing.core.workflow import Step, Workflow

REPLY, SUPPLEMENT, FEE = "reply", "supplement", "fee_payment"  # clocks, in the words of every procedure
RECONSIDERED = "reconsideration_decided"  # recorded by an office that opens no linked case
REMEDY = "remedy"  # the side proceedings of what an older ledger tells of reconsideration and lawsuits
_OUTCOME, _KIND_OF_APPLICANT, _AMOUNT = "outcome", "applicant_kind", "amount"


class Counted(NamedTuple):
    """One application. ``received_on`` is None until receipt is confirmed, ``decided_on`` until it is decided."""

    received_on: date | None
    applicant_kind: str
    outcome: str | None
    decided_on: date | None
    extended: bool
    supplements: int
    fee: int


class Dispute(NamedTuple):
    """One reconsideration or lawsuit, by the ``key`` that tells it apart in the ledger that tells of it."""

    key: str
    kind: str
    filed_on: date
    decided_on: date | None
    result: str | None


class _Effects(NamedTuple):
    """What a step means to the report: it answers, it ends without an answer, it extends, asks, takes a fee."""

    answers: str | None  # the field of the day on which it does so; empty: the day of the step
    ends: bool
    extends: bool
    asks: bool
    notifies: bool
    paid: bool


_NOTHING = _Effects(answers=None, ends=False, extends=False, asks=False, notifies=False, paid=False)


def counted(standing: Standing) -> Counted | None:
    """Return what the case counts as; None for one that is no application (复议, 诉讼, 投诉 hang on one)."""
    workflow, facts = standing.workflow, standing.facts
    if workflow.linked is not None or not facts:
        return None
    if workflow.request != "disclosure":  # a request to correct (条例第四十一条) stands in no table
        return Counted(None, "", None, None, extended=False, supplements=0, fee=0)
    effects = _effects(workflow)
    outcome: str | None = None
    decided: date | None = None
    extended, supplements, asked, fee = False, 0, 0, 0
    for fact in facts:
        means = effects[fact.step]
        said = fact.facts.get(_OUTCOME) or workflow.steps[fact.step].outcome
        if decided is None:
            outcome = str(said) if said else outcome
            if means.answers is not None and outcome:
                decided = as_date(fact.facts.get(means.answers)) or fact.on
            elif means.ends:
                decided = fact.on
        extended = extended or means.extends
        supplements += means.asks
        asked = int(fact.facts.get(_AMOUNT) or 0) if means.notifies else asked
        fee += asked if means.paid else 0
    kind = str(facts[0].facts.get(_KIND_OF_APPLICANT) or "")
    known = outcome if decided is not None else None
    return Counted(_received(standing), kind, known, decided, extended, supplements, fee)


def disputes(standing: Standing) -> list[Dispute]:
    """Return the reconsiderations and lawsuits that the case's own ledger tells of."""
    workflow, facts = standing.workflow, standing.facts
    if workflow.linked is not None:
        return [_of_linked(workflow, facts)] if facts else []
    found = [*_noted(workflow, facts)]
    linked = {f.facts.get(KIND) for f in facts if workflow.linking and f.step == workflow.linking}
    if "reconsideration" not in linked:  # else the linked case's own ledger tells of it
        found += [
            Dispute(f"direct:{n}", "reconsideration", f.on, f.on, str(f.facts[RESULT]))
            for n, f in enumerate(facts, 1)
            if f.step == RECONSIDERED and f.facts.get(RESULT) and not f.facts.get(NUMBER)
        ]
    return found


def _of_linked(workflow: Workflow, facts: Sequence[Fact]) -> Dispute:
    linked = workflow.linked
    assert linked is not None  # noqa: S101 - the caller has looked
    ended = next((f for f in reversed(facts) if f.facts.get(linked.result)), None)
    result = str(ended.facts[linked.result]) if ended else None
    return Dispute("", linked.kind_by(facts[0].facts), facts[0].on, ended.on if ended else None, result)


def _noted(workflow: Workflow, facts: Sequence[Fact]) -> Iterator[Dispute]:
    if REMEDY not in workflow.sides:
        return
    begun: dict[str, Dispute] = {}
    for fact in facts:
        turn = workflow.steps[fact.step].side
        if turn is None or turn.of != REMEDY:
            continue
        if not turn.at:
            begun[fact.id] = Dispute(fact.id, str(fact.facts.get(KIND)), fact.on, None, None)
        elif fact.id in begun:
            begun[fact.id] = begun[fact.id]._replace(decided_on=fact.on, result=str(fact.facts.get(RESULT)))
    yield from begun.values()


def _received(standing: Standing) -> date | None:
    """Return the day of receipt (条例第三十一条); None while it waits for confirmation."""
    workflow, first = standing.workflow, standing.facts[0]
    channel = workflow.channels.get(str(first.facts.get("channel", "")))
    if channel is None:
        return first.on
    day = receipt_of(channel, first, Readings(workflow.readings, standing.readings), standing.workdays).on
    return day or next((f.on for f in standing.facts if f.step == workflow.confirming), None)


def touches(workflow: Workflow, step: str) -> bool:
    """Tell whether taking ``step`` may change what the case counts as; most steps say nothing to the report."""
    return step in _telling(workflow)


@lru_cache(maxsize=64)
def _telling(workflow: Workflow) -> frozenset[str]:
    named = {
        workflow.opening,
        workflow.confirming,
        workflow.correcting,
        workflow.linking,
        workflow.moving,
        RECONSIDERED,
    }
    means = _effects(workflow)
    return frozenset(
        name
        for name, step in workflow.steps.items()
        if name in named
        or means[name] != _NOTHING
        or step.outcome
        or step.fields.keys() & {_OUTCOME, _AMOUNT}
        or (workflow.linked is not None and workflow.linked.result in step.fields)
        or (step.side is not None and step.side.of == REMEDY)
    )


@lru_cache(maxsize=64)
def _effects(workflow: Workflow) -> dict[str, _Effects]:
    return {name: _meaning(step) for name, step in workflow.steps.items()}


def _meaning(step: Step) -> _Effects:
    met = [e.field for e in step.meets if e.clock == REPLY]
    return _Effects(
        answers=met[0] if met else None,
        ends=bool(step.outcome) and any(e.clock == REPLY for e in step.closes),
        extends=any(e.clock == REPLY for e in step.extends),
        asks=any(s.clock == SUPPLEMENT for s in step.starts),
        notifies=any(s.clock == FEE for s in step.starts),
        paid=any(e.clock == FEE for e in step.meets),
    )
