"""From words on islands to acts: which facts of which step they are, and how the step is lawfully taken again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct, field

from yishenqing.core.guards import WAY
from yishenqing.core.remedies import OUTCOME
from yishenqing.core.workflow import Step, Workflow
from yishenqing.letters import Letterbook
from yishenqing.letters.context import is_blank
from yishenqing.letters.model import LetterKind, fact_of
from yishenqing.office import telling
from yishenqing.office.casework import Casework, Row
from yishenqing.office.paperwork import Story

_ITEM = "item"


class Change(Struct, frozen=True):
    """Other words on an island, whose name is that of a fact, after a number and a dot where it is an item's."""

    island: str
    title: str
    old: str
    new: str

    @property
    def fact(self) -> str:
        """Return the fact that the words are."""
        return fact_of(self.island.rpartition(".")[2])

    @property
    def item(self) -> int:
        """Return the item answered; 0 where the letter is about the whole."""
        return int(self.island.partition(".")[0]) if "." in self.island else 0

    def as_json(self) -> Row:
        """Return the change in plain values."""
        return {"island": self.island, "fact": self.fact, "title": self.title, "old": self.old, "new": self.new}


class Again(Struct, frozen=True):
    """An act that would record the words; ``files`` are those of the earlier entry, filed again.

    ``notes`` is what the program notes itself in the entry.
    """

    step: str
    title: str
    facts: Mapping[str, Any]
    files: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


class Plan(Struct, frozen=True):
    """The acts in order, and the facts that somebody still has to state for the last of them."""

    acts: tuple[Again, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> Row:
        """Return the plan in plain values."""
        acts = [
            {
                "step": a.step,
                "title": a.title,
                "facts": {n: _plain(v) for n, v in a.facts.items()},
                "files": sorted(a.files),
            }
            for a in self.acts
        ]
        return {"acts": acts, "missing": [{"field": n, "title": t} for n, t in self.missing.items()]}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def islands(case: Casework, kind: LetterKind, context: Mapping[str, Any], letters: Letterbook) -> dict[str, str]:
    """Return the islands of a letter that the case's rules can record, each with what officers call it."""
    steps = case.workflow.steps
    fields = steps[recorder(case.workflow, kind.kind)].fields
    found = {n: fields[fact_of(n)].title for n in kind.islands if fact_of(n) in fields}
    by_item = _finder(case.workflow)
    for part in context.get("items") or []:
        fields = steps[by_item].fields
        for name in dict.fromkeys((*letters.kind(part["kind"]).islands, "explanation")):
            if fact_of(name) in fields:
                found[f"{part['n']}.{name}"] = f"第{part['n']}项：{fields[fact_of(name)].title}"
    return found


def recorder(workflow: Workflow, kind: str) -> str:
    """Return the step whose facts a letter of ``kind`` tells: the one that issues it, or the draft of a reply."""
    return next((n for n, s in workflow.steps.items() if s.letter == kind), telling.DRAFT)


def _finder(workflow: Workflow) -> str:
    """Return the step that judges one item."""
    return next((g.step for g in workflow.steps[telling.DRAFT].guards if g.guard == telling.ITEMWISE), "")


def planned(case: Casework, kind: str, story: Story, changes: Sequence[Change]) -> Plan:
    """Return the acts by which ``changes`` are lawfully recorded; none where nothing has changed."""
    if not changes:
        return Plan()
    workflow = case.workflow
    name = recorder(workflow, kind)
    step = workflow.steps[name]
    words = {c.fact: c.new for c in changes if not c.item}
    known = dict(story.latest(name) or (_outcome(workflow, kind) if name == telling.DRAFT else {}))
    facts = {**_stated(step, known), **words}
    missing = {n: f.title for n, f in step.needs.items() if not facts.get(n)}
    acts = [*_found_again(workflow, story, changes), Again(name, step.title, facts, _files(step, known))]
    why = f"按Word稿修改：{'、'.join(c.title for c in changes)}"
    return Plan((*returned(case, step, why), *acts), missing)


def _found_again(workflow: Workflow, story: Story, changes: Iterable[Change]) -> list[Again]:
    """Each item with other words is judged again: all that was found of it, with these words."""
    name = _finder(workflow)
    acts = []
    for n in sorted({c.item for c in changes if c.item}):
        step = workflow.steps[name]
        known = next(f for f in reversed(story.all(name)) if int(f[_ITEM]) == n)
        words = {c.fact: c.new for c in changes if c.item == n}
        acts.append(Again(name, step.title, {**_stated(step, known), **words}, _files(step, known)))
    return acts


def returned(case: Casework, step: Step, why: str) -> list[Again]:
    """Return the act by which a draft that lies with somebody else comes back (退回重新办理), where it does."""
    state, steps = case.standing.state, case.workflow.steps
    if state in step.from_:
        return []
    for name, back in steps.items():
        leads_back = state in back.from_ and back.to in step.from_ and not (back.overturns or back.verb or back.side)
        if leads_back and list(back.needs) == ["reason"]:
            return [Again(name, back.title, {"reason": why})]
    return []


def _stated(step: Step, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an earlier entry of the step stated, without files, counts and what the program noted itself."""
    typed = {n: f for n, f in step.fields.items() if f.type != "file" and not f.counts}
    return {n: v for n, v in known.items() if n in typed and v not in (None, "") and not is_blank(v)}


def _files(step: Step, known: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    return {n: known[n] for n, f in step.fields.items() if f.type == "file" and known.get(n)}


def _outcome(workflow: Workflow, kind: str) -> dict[str, str]:
    """Return the outcome that a letter tells before anything was drafted, and its way where there is one only."""
    name = next((n for n, o in workflow.outcomes.items() if kind in o.letters), workflow.mixed)
    ways = [w for w, way in workflow.outcomes[name].ways.items() if way.letter == kind]
    return {OUTCOME: name, **({WAY: ways[0]} if len(ways) == 1 else {})}
