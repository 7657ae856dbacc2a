"""Where the applicant may turn: the remedies that follow from the outcome, or from the findings item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yishenqing.core.deadline import Fact
from yishenqing.core.law import Law
from yishenqing.core.workflow import Workflow

FINDING, ITEM, OUTCOME = "finding", "item", "outcome"


def remedies(workflow: Workflow, law: Law, facts: Sequence[Fact]) -> frozenset[str]:
    """Return the remedies that the answer leaves: of every item's finding, else of the latest outcome."""
    found = {f.facts.get(ITEM): f.facts for f in facts if _finds(workflow, f)}
    if found:
        return frozenset[str]().union(*(_of(workflow, law, str(f[FINDING]), f) for f in found.values()))
    for fact in reversed(facts):
        if outcome := fact.facts.get(OUTCOME) or workflow.steps[fact.step].outcome:
            return _of(workflow, law, str(outcome), fact.facts)
    return frozenset()


def _finds(workflow: Workflow, fact: Fact) -> bool:
    """Tell whether the fact is the finding of an item; another step may call something else its finding."""
    known = workflow.steps[fact.step].fields.get(FINDING)
    return known is not None and known.type == OUTCOME and bool(fact.facts.get(FINDING))


def _of(workflow: Workflow, law: Law, name: str, facts: Mapping[str, Any]) -> frozenset[str]:
    outcome = workflow.outcomes.get(name)
    if outcome is None:
        return frozenset()
    withheld = workflow.outcomes.get(str(facts.get(outcome.withheld_by) or ""))
    if withheld is None:
        return law.parts_of(outcome.remedy)
    given = (o.remedy for o in workflow.outcomes.values() if o.gives == "all")
    return law.parts_of(withheld.remedy).union(*(law.parts_of(remedy) for remedy in given))
