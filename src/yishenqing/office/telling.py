"""What a reply tells: the facts of the draft, their titles, the ground of the outcome, each item's own finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yishenqing.core.findings import found_items
from yishenqing.core.guards import WAY
from yishenqing.core.law import Law
from yishenqing.core.remedies import FINDING, OUTCOME
from yishenqing.core.standing import Standing
from yishenqing.core.workflow import Step, Workflow
from yishenqing.office import paperwork
from yishenqing.office.paperwork import Story

if TYPE_CHECKING:
    from yishenqing.letters import Letterbook
    from yishenqing.letters.model import LetterKind

DRAFT = "drafted"
ITEMWISE = "composes"  # the guard by which a step joins the findings of the items


def is_reply(step: Step) -> bool:
    """Tell whether the letter of ``step``, or the draft that it is, tells the outcome."""
    return step.letter == "by_outcome" or _judges(step)


def _judges(step: Step) -> bool:
    return any(g.guard == ITEMWISE for g in step.guards)


def itemwise(standing: Standing) -> bool:
    """Tell whether several items were found each by itself, so that each is answered by itself."""
    return len(_found(standing)) > 1


def way_of(standing: Standing, outcome: str, facts: Mapping[str, Any]) -> str:
    """Return the way in which ``outcome`` is told: of the entry that chose it, else of the only item found so.

    ``facts`` are those of the act; an earlier draft's way says nothing of a later one.
    """
    earlier: Mapping[str, Any] = next((f.facts for f in reversed(standing.facts) if f.facts.get(OUTCOME)), {})
    chosen = facts if facts.get(OUTCOME) else earlier
    found = [*_found(standing).values()]
    single = found[0] if len(found) == 1 and found[0].get(FINDING) == outcome else {}
    return str(chosen.get(WAY) or single.get(WAY) or "")


def _found(standing: Standing) -> dict[int, Mapping[str, Any]]:
    guards = [g for s in standing.workflow.steps.values() for g in s.guards if g.guard == ITEMWISE]
    return {n: facts for g in guards for n, facts in found_items(standing, g.step).items()}


def told(story: Story, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a reply: of the only item found, over them those of the latest draft and of the step."""
    standing = story.standing
    found = _opened(story) if len(_found(standing)) == 1 else {}
    single = next(iter(found.values()), {})
    known = {k: v for k, v in single.items() if k not in (FINDING, "item")}
    return {**known, **(story.latest(DRAFT) or {}), **facts}


def _opened(story: Story) -> dict[int, Mapping[str, Any]]:
    """Return the findings with what is personal in them, by item."""
    steps = {g.step for s in story.standing.workflow.steps.values() for g in s.guards if g.guard == ITEMWISE}
    found = {int(facts["item"]): facts for step, _, facts in story.facts if step in steps}
    return dict(sorted(found.items()))


def telling(story: Story, step: Step, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the reply adds to the context: the titles of its choices, its ground, the items."""
    workflow, law = story.standing.workflow, story.standing.law
    fields = {**workflow.steps[DRAFT].fields, **step.fields} if is_reply(step) else step.fields
    block = {
        "facts_title": paperwork.titles(workflow, fields, facts),
        "source": f"entry:{DRAFT}",
        **_grounds(workflow, law, str(facts.get(OUTCOME) or ""), facts),
    }
    if is_reply(step) and itemwise(story.standing):
        block |= {"items": _items(story, facts)}
    return block


def _items(story: Story, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each item with its finding, as the letter of that finding would tell it."""
    workflow, law = story.standing.workflow, story.standing.law
    fields = workflow.steps[DRAFT].fields
    common = {k: facts[k] for k in ("method", "form_title") if k in facts}
    items: Sequence[str] = story.items
    return [
        {
            "n": n,
            "text": items[n - 1] if n <= len(items) else "",
            "kind": _letter(workflow, found),
            "facts": {**common, **found},
            "facts_title": paperwork.titles(workflow, fields, found),
            **_grounds(workflow, law, str(found[FINDING]), found),
        }
        for n, found in _opened(story).items()
    ]


def _letter(workflow: Workflow, found: Mapping[str, Any]) -> str:
    way = workflow.outcomes[str(found[FINDING])].told(str(found.get(WAY) or ""))
    return way.letter if way else ""


def island_words(letters: Letterbook, kind: LetterKind, context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what officers have written on the islands of a letter: what it is called, and the words."""
    yield from _words(kind.islands, context["facts"])
    for part in context.get("items") or []:
        for title, text in _words(("explanation", *letters.kind(part["kind"]).islands), part["facts"]):
            yield f"第{part['n']}项 {title}", text


def officers_words(
    workflow: Workflow, facts: Mapping[str, Any], letters: Callable[[], Letterbook]
) -> Iterator[tuple[str, str]]:
    """Yield what an act would write on islands, of its letter or of the one it drafts, if it cites anything."""
    if not any(isinstance(value, str) and "条" in value for value in facts.values()):
        return
    outcome = workflow.outcomes.get(str(facts.get(FINDING) or facts.get(OUTCOME) or ""))
    way = outcome.told(str(facts.get(WAY) or "")) if outcome else None
    known = letters().kind(way.letter).islands if way and way.letter else ()
    yield from _words(dict.fromkeys(("explanation", *known)), facts)


def _words(islands: Iterable[str], facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from yishenqing.letters.model import fact_of

    for name in islands:
        if isinstance(text := facts.get(fact_of(name)), str) and text:
            yield fact_of(name), text


def _grounds(workflow: Workflow, law: Law, name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ground of the outcome, and of what a partial one withholds."""
    outcome = workflow.outcomes.get(name)
    if outcome is None:
        return {}
    way = outcome.told(str(facts.get(WAY) or "")) or outcome
    grounds = {"ground": _ground(law, way.title, way.law)}
    if outcome.withheld_by and (given := facts.get(outcome.withheld_by)):
        other = workflow.outcomes.get(str(given))  # none where a draft still leaves it blank
        grounds["withheld"] = _ground(law, other.title if other else str(given), other.law if other else [str(given)])
    return grounds


def _ground(law: Law, title: str, citations: Sequence[str]) -> dict[str, Any]:
    """Return a ground with its articles, as cited and as a letter writes them."""
    return {"title": title, "law": list(citations), "text": "、".join(law.written(c) for c in citations)}
