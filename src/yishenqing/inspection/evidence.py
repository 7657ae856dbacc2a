"""The evidence that an outcome asks for, asked again: the guards' own words, reported under their check."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from yishenqing.core.guards import said
from yishenqing.core.standing import Attempt
from yishenqing.core.workflow import Guard
from yishenqing.inspection.model import Check, Found, Inspection, Subject, Telling
from yishenqing.inspection.places import of_telling

REST = "evidence_complete"  # takes what no other check names


def missing(subject: Subject) -> Iterator[tuple[str, Found]]:
    """Yield what the evidence lacks: by what the guard asks for (a fact, a step, a side proceeding)."""
    workflow = subject.standing.workflow
    before = replace(subject.standing, facts=subject.standing.facts[: subject.issuing - 1])
    for telling in subject.tellings:
        outcome = workflow.outcomes[telling.outcome]
        way = outcome.told(telling.way)
        step = workflow.steps[telling.step]
        if not any(known.type == "outcome" for known in step.fields.values()):
            continue  # answered at once, of what is public already: nothing else is asked
        attempt = Attempt(before, telling.step, step, subject.on, telling.facts)
        for guard in (*outcome.evidence, *(way.evidence if way else ())):
            if text := said(attempt, guard):
                yield about(guard), Found(text, of_telling(subject, telling), guard.law)


def about(guard: Guard) -> str:
    """Return what a guard asks for."""
    return guard.field or guard.side or guard.step or (guard.said.step if guard.said else guard.guard)


def of_check(name: str, check: Check, inspection: Inspection, lacking: list[tuple[str, Found]]) -> Iterator[Found]:
    """Yield what is lacking of the evidence that the check names, one finding an entry; one check takes the rest."""
    named = {what for other in inspection.checks.values() for what in other.evidence}
    mine = [f for what, f in lacking if (what not in named if name == REST else what in check.evidence)]
    for place in dict.fromkeys(f.place for f in mine):
        here = [f for f in mine if f.place == place]
        yield Found("尚缺：" + "；".join(f.text for f in here), place, here[0].law)


def concerns(check: Check, telling: Telling) -> bool:
    """Tell whether a check looks at this conclusion."""
    if check.outcomes and not {telling.outcome, telling.withheld} & set(check.outcomes):
        return False
    return not check.ways or telling.way in check.ways


def tellings(subject: Subject, check: Check) -> Iterator[Telling]:
    """Yield the conclusions that the check looks at."""
    yield from (t for t in subject.tellings if concerns(check, t))
