"""What a reply concludes: of the whole case, or item by item; each with the entry in which it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yishenqing.core.guards import WAY
from yishenqing.core.remedies import FINDING, ITEM, OUTCOME
from yishenqing.core.workflow import Workflow
from yishenqing.inspection import Telling
from yishenqing.office.paperwork import Story


def conclusions(story: Story, issuing: int) -> list[Telling]:
    """Return the conclusions that the letter issued by entry ``issuing`` tells."""
    workflow = story.standing.workflow
    known = list(enumerate(story.facts, 1))[:issuing]
    judging = {g.step for s in workflow.steps.values() for g in s.guards if g.guard == "composes"}
    found = {int(f[ITEM]): (n, step, f) for n, (step, _, f) in known if step in judging and f.get(ITEM)}
    counted = next((f["item_count"] for _, (_, _, f) in reversed(known) if f.get("item_count")), 0)
    if found and max(len(found), counted) > 1:
        return [_telling(workflow, str(f[FINDING]), f, step, n, item) for item, (n, step, f) in sorted(found.items())]
    chosen = next(((n, step, f) for n, (step, _, f) in reversed(known) if _concludes(workflow, step, f)), None)
    if chosen is None:
        return []
    n, step, facts = chosen
    single = next(iter(found.values()))[2] if found else {}
    whole = {**{k: v for k, v in single.items() if k not in (FINDING, ITEM)}, **facts}
    return [_telling(workflow, str(facts.get(OUTCOME) or workflow.steps[step].outcome), whole, step, n)]


def _concludes(workflow: Workflow, step: str, facts: Mapping[str, Any]) -> bool:
    known = workflow.steps[step]
    chooses = OUTCOME in known.needs and bool(facts.get(OUTCOME))
    return chooses or bool(known.outcome and known.letter)


def _telling(
    workflow: Workflow, outcome: str, facts: Mapping[str, Any], step: str, entry: int, item: int = 0
) -> Telling:
    withheld = workflow.outcomes[outcome].withheld_by
    return Telling(
        outcome=outcome,
        way=str(facts.get(WAY) or ""),
        withheld=str(facts.get(withheld) or "") if withheld else "",
        facts=facts,
        step=step,
        entry=entry,
        item=item,
    )
