"""What a letter is told of its case: the one context that letters, drafts and archive forms are filled from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from yishenqing.core.deadline import Deadline, Fact
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.law import Law
from yishenqing.core.receipt import received_on
from yishenqing.core.standing import Standing
from yishenqing.core.workflow import Workflow
from yishenqing.settings import Settings

Opener = Callable[[Any], Any]
_REMEDY_TERMS = ("reconsideration", "litigation", "litigation_after_reconsideration")


@dataclass(frozen=True)
class Story:
    """A case in plain values: the facts of each step, opened, the latest last."""

    standing: Standing
    facts: tuple[tuple[str, date, Mapping[str, Any]], ...]

    @classmethod
    def of(cls, standing: Standing, open_facts: Opener) -> Story:
        """Open the facts of ``standing``."""
        return cls(standing, tuple((f.step, f.on, open_facts(f.facts)) for f in standing.facts))

    def plus(self, fact: Fact, opened: Mapping[str, Any], actor: str) -> Story:
        """Return the story after one more step, whose facts are given opened."""
        return Story(self.standing.plus(fact, actor), (*self.facts, (fact.step, fact.on, opened)))

    def latest(self, step: str) -> Mapping[str, Any] | None:
        """Return the facts of the latest ``step``."""
        return next((facts for name, _, facts in reversed(self.facts) if name == step), None)

    def all(self, step: str) -> list[Mapping[str, Any]]:
        """Return the facts of every ``step`` in order."""
        return [facts for name, _, facts in self.facts if name == step]

    @property
    def received(self) -> Mapping[str, Any]:
        """Return the facts of the application."""
        return self.facts[0][2]

    @property
    def items(self) -> list[str]:
        """Return what is asked for, as last supplemented."""
        for _, _, facts in reversed(self.facts):
            if facts.get("items"):
                return list(facts["items"])
        return []


def context(
    story: Story,
    settings: Settings,
    number: str,
    *,
    facts: Mapping[str, Any],
    on: date,
    letter_number: str | None,
    remedy: str,
) -> dict[str, Any]:
    """Return everything a letter may say: organ, case, applicant, facts of the step, deadlines, remedy."""
    return {
        "organ": organ(settings),
        "case": case_block(story, number),
        "applicant": applicant_block(story),
        "letter": {"number": letter_number, "date": on, "draft": letter_number is None},
        "facts": dict(facts),
        "due": {name: _due(d) for name, d in story.standing.deadlines(on).items()},
        "remedy": remedy_block(story.standing.law, remedy, settings, on),
        "search": [
            {"system": "、".join(s["systems"]), "keywords": "、".join(s["keywords"]), "result": s["result"]}
            for s in story.all("search_recorded")
        ],
        "islands": {},
        "attachments": [],
    }


def organ(settings: Settings) -> dict[str, str]:
    """Return the office as letters name it."""
    return {
        "name": settings.name,
        "mark": settings.mark,
        "office": settings.office,
        "address": settings.address,
        "postcode": settings.postcode,
        "phone": settings.phone,
    }


def case_block(story: Story, number: str) -> dict[str, Any]:
    """Return the application as letters quote it."""
    known, received = story.standing, story.received
    workflow = known.workflow
    fields = workflow.steps[workflow.opening].fields
    ended = [on for step, on, _ in story.facts if workflow.states[workflow.steps[step].to or workflow.initial].final]
    if workflow.linked is not None:
        opened_on = story.facts[0][1]
        return {"number": number, "opened_on": opened_on, "closed_on": ended[-1] if ended else None}
    channel = workflow.channels[received["channel"]]
    return {
        "number": number,
        "arrived_on": story.facts[0][1],
        "received_on": received_on(workflow, known.facts, known.workdays, known.readings),
        "channel_title": channel.title,
        "items": story.items,
        "form_title": fields["preferred_form"].choices[received["preferred_form"]],
        "delivery_title": fields["delivery"].choices[received["delivery"]],
        "opened_on": story.facts[0][1],
        "closed_on": ended[-1] if ended else None,
    }


def matter(workflow: Workflow) -> str:
    """Return what a case file of this procedure is about, for its title."""
    return f"{workflow.title.removesuffix('流程')}案" if workflow.linked is not None else "政府信息公开申请案"


def applicant_block(story: Story) -> dict[str, Any]:
    """Return the applicant as letters address them."""
    workflow, received = story.standing.workflow, story.received
    if workflow.linked is not None:  # who applied stands in the case it hangs on
        return {"name": f"{received['parent']}案", "kind_title": "", "agent": None}
    applicant = received["applicant"]
    if not isinstance(applicant, dict):  # destroyed under the retention rules
        return {"name": "（已销毁）", "kind_title": "", "agent": None}
    kinds = workflow.steps[workflow.opening].fields["applicant_kind"].choices
    agent = applicant.get("agent")
    others = [other["name"] for other in received.get("joint_applicants") or []]
    return {
        "name": "、".join((applicant["name"], *others)),
        "kind_title": kinds[received["applicant_kind"]],
        "agent": agent["name"] if agent else None,
    }


def _due(deadline: Deadline) -> dict[str, Any]:
    return {"date": deadline.due, "days": deadline.length or 0, "provisional": deadline.provisional}


def remedy_block(law: Law, name: str, settings: Settings, on: date) -> dict[str, Any] | None:
    """Return the remedy paragraph by the law of ``on``: generated, never typed.

    Raises:
        DataFault: the law data hold no such remedy for that day.
    """
    if name == "none":
        return None
    remedy = law.remedies[name]
    if on < remedy.since:
        fault = Fault(f"法律数据中没有{on}有效的救济告知“{remedy.title}”", "workflows/law/remedies.yaml")
        raise DataFault.of([fault])
    numbers = {term: str(law.term(term, on).value) for term in _REMEDY_TERMS if term in law.terms}
    text = remedy.text.format(reconsideration_organ=settings.reconsideration_organ, court=settings.court, **numbers)
    return {"text": text, "law": list(remedy.law)}
