"""What a letter is told of its case: the one context that letters, drafts and archive forms are filled from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from yishenqing.core.deadline import Deadline, Fact, as_date
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.fees import parts
from yishenqing.core.guards import WAY
from yishenqing.core.law import Law
from yishenqing.core.receipt import received_on
from yishenqing.core.remedies import FINDING, OUTCOME
from yishenqing.core.standing import Standing
from yishenqing.core.workflow import Field, Step, Workflow
from yishenqing.settings import Settings

Opener = Callable[[Any], Any]
_REMEDY_TERMS = ("reconsideration", "litigation", "litigation_after_reconsideration")


class Story(Struct, frozen=True):
    """A case in plain values: the facts of each step, opened, the latest last."""

    standing: Standing
    facts: tuple[tuple[str, date, Mapping[str, Any]], ...]

    @classmethod
    def of(cls, standing: Standing, open_facts: Opener) -> Story:
        """Open the facts of ``standing``; days are days again."""
        steps = standing.workflow.steps
        return cls(standing, tuple((f.step, f.on, dated(steps[f.step], open_facts(f.facts))) for f in standing.facts))

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


def dated(step: Step, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``facts`` with the days that the ledger keeps as text."""
    days = {n: as_date(v) for n, v in facts.items() if n in step.fields and step.fields[n].type == "date" and v}
    return {**facts, **days}


def context(
    story: Story,
    settings: Settings,
    number: str,
    *,
    facts: Mapping[str, Any],
    on: date,
    letter_number: str | None,
    remedy: str,
    delivery: str = "",
) -> dict[str, Any]:
    """Return everything a letter may say: organ, case, applicant, facts of the step, deadlines, remedy.

    ``delivery`` is how the applicant asked to be answered, where the letter is the answer.
    """
    return {
        "organ": organ(settings),
        "case": case_block(story, number),
        "applicant": applicant_block(story),
        "letter": {"number": letter_number, "date": on, "draft": letter_number is None},
        "facts": dict(facts),
        "due": _dues(story, facts, on),
        "remedy": remedy_block(story.standing.law, remedy, settings, on, delivery),
        "search": searches(story),
        "past": past(story),
        "beside": beside(story),
        "islands": {},
        "attachments": [],
        "side": side_block(story),
        "fee": fee_block(story.standing.law, facts),
    }


def titles(workflow: Workflow, fields: Mapping[str, Field], facts: Mapping[str, Any]) -> dict[str, str]:
    """Return what people call each chosen fact: the Chinese title of a choice, an outcome, a way, a yes or no."""
    known: dict[str, Mapping[str, str]] = {
        "outcome": {k: o.title for k, o in workflow.outcomes.items()},
        "channel": {k: c.title for k, c in workflow.channels.items()},
        "bool": {"True": "是", "False": "否"},
    }
    found = {
        name: known.get(field.type, field.choices).get(str(facts[name]), str(facts[name]))
        for name, field in fields.items()
        if field.type in (*known, "choice") and facts.get(name) is not None
    }
    outcome = workflow.outcomes.get(str(facts.get(FINDING) or facts.get(OUTCOME) or ""))
    way = outcome.ways.get(str(facts.get(WAY) or "")) if outcome else None
    return {**found, WAY: way.title} if way else found


def past(story: Story) -> dict[str, dict[str, Any]]:
    """Return what each step before has recorded, the latest time it was taken: its facts, titles, and day ``on``."""
    workflow = story.standing.workflow
    return {
        step: {**facts, "title": titles(workflow, workflow.steps[step].fields, facts), "on": on}
        for step, on, facts in story.facts
        if step != workflow.opening
    }


def beside(story: Story) -> dict[str, list[dict[str, Any]]]:
    """Return the side proceedings by kind: when each was opened, how it ended, which answer was chosen."""
    workflow = story.standing.workflow
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in workflow.sides}
    for step, on, facts in story.facts:
        turn = workflow.steps[step].side
        if turn is None or not turn.to:
            continue
        if not turn.at:
            found[turn.of].append({"id": facts.get("id") or "", "on": on, "end": "", "title": {}})
            continue
        one = next((x for x in reversed(found[turn.of]) if x["id"] == (facts.get("id") or "")), None)
        if one is not None:
            one["end"] = workflow.sides[turn.of].states[turn.to].title
            one["title"] = titles(workflow, workflow.steps[step].fields, facts)
    return found


def searches(story: Story) -> list[dict[str, Any]]:
    """Return every search: where, for what, by whom, when, with what result, and which leads it followed."""
    leads = list(story.received.get("leads") or [])
    return [
        {
            "system": "、".join(s["systems"]),
            "keywords": "、".join(s["keywords"]),
            "result": s["result"],
            "by": s.get("searched_by") or "",
            "on": s.get("searched_on") or on,
            "leads": [_lead(leads, str(n).strip()) for n in s.get("leads") or []],
        }
        for step, on, s in story.facts
        if step == "search_recorded"
    ]


def _lead(leads: list[str], n: str) -> str:
    """Return the applicant's lead number ``n`` in words; what is no such number stands for itself."""
    return str(leads[int(n) - 1]) if n.isdecimal() and 0 < int(n) <= len(leads) else n


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
    if not workflow.channels:  # a linked case; an older ledger, which does not say how its applications came
        opened_on = story.facts[0][1]
        return {"number": number, "opened_on": opened_on, "closed_on": ended[-1] if ended else None}
    channel = workflow.channels[received["channel"]]
    return {
        "number": number,
        "matter": matter(workflow).removesuffix("案"),
        "arrived_on": story.facts[0][1],
        "received_on": received_on(workflow, known.facts, known.workdays, known.readings),
        "channel_title": channel.title,
        "items": story.items,
        "items_received": _before_supplement(story),
        "form_title": fields["preferred_form"].choices[received["preferred_form"]],
        "delivery_title": fields["delivery"].choices[received["delivery"]],
        "opened_on": story.facts[0][1],
        "closed_on": ended[-1] if ended else None,
    }


def _before_supplement(story: Story) -> list[str]:
    """Return what was asked for on the day of receipt, where a supplement has said it anew; else nothing."""
    supplement = story.latest("supplement_received") or {}
    return list(story.received["items"]) if supplement.get("items") else []


def matter(workflow: Workflow) -> str:
    """Return what a case file of this procedure is about, for its title."""
    own = workflow.linked is not None or workflow.request != "disclosure"
    return f"{workflow.title.removesuffix('流程')}案" if own else "政府信息公开申请案"


def applicant_block(story: Story) -> dict[str, Any]:
    """Return the applicant as letters address them."""
    workflow, received = story.standing.workflow, story.received
    if workflow.linked is not None:  # who applied stands in the case it hangs on
        return {"name": f"{received['parent']}案", "kind_title": "", "agent": None}
    applicant = received.get("applicant", {})
    if not isinstance(applicant, dict):  # destroyed under the retention rules
        return {"name": "（已销毁）", "kind_title": "", "agent": None}
    kinds = workflow.steps[workflow.opening].fields["applicant_kind"].choices
    agent = applicant.get("agent")
    others = [other["name"] for other in received.get("joint_applicants") or []]
    return {
        "name": "、".join((applicant.get("name") or "（旧台账未载）", *others)),
        "kind_title": kinds[received["applicant_kind"]],
        "agent": agent["name"] if agent else None,
    }


def _dues(story: Story, facts: Mapping[str, Any], on: date) -> dict[str, Any]:
    """Return every deadline; of several alike, the one that this step is about bears the plain name."""
    found = story.standing.deadlines(on)
    mine = {d.clock: _due(d) for d in found.values() if d.id and d.id == str(facts.get("id") or "")}
    return {**{name: _due(d) for name, d in found.items()}, **mine}


def side_block(story: Story) -> dict[str, Any] | None:
    """Return the side proceeding that the latest step is about: its kind, and the day it was opened."""
    latest = story.standing.facts[-1]
    turn = story.standing.workflow.steps[latest.step].side
    if turn is None:
        return None
    mine = [b for b in story.standing.beside if (b.kind, b.id) == (turn.of, latest.id)]
    return {"kind": mine[-1].kind, "opened_on": mine[-1].opened_on} if mine else None


def fee_block(law: Law, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how the processing fee of a step is reckoned; None where the step does not say by what.

    Raises:
        DataFault: the amount given is not what the scale amounts to.
    """
    name, units, prior = facts.get("scale"), facts.get("units"), facts.get("prior") or 0
    if not isinstance(name, str) or name not in law.fees:
        return None
    if not isinstance(units, int) or not isinstance(prior, int):
        return None
    scale = law.fees[name]
    try:
        found = parts(scale, units, prior)
    except ValueError as error:
        raise DataFault.of([Fault(str(error), field="units", law=scale.law)]) from None
    amount = sum(p.amount for p in found)
    if amount == 0:
        text = f"{scale.title}，{units}{scale.unit}不收费，不能出具收费通知书"
        raise DataFault.of([Fault(text, field="units", law=scale.law)])
    if isinstance(facts.get("amount"), int) and facts["amount"] != amount:
        text = f"收费数额与计算不符：{scale.title}，应为{amount}元，填写的是{facts['amount']}元"
        raise DataFault.of([Fault(text, field="amount", law=scale.law)])
    rows = [{"first": p.first, "last": p.last, "price": p.price, "amount": p.amount} for p in found]
    return {"title": scale.title, "unit": scale.unit, "units": units, "prior": prior, "total": amount, "parts": rows}


def _due(deadline: Deadline) -> dict[str, Any]:
    return {"date": deadline.due, "days": deadline.length or 0, "provisional": deadline.provisional}


def remedy_block(law: Law, name: str, settings: Settings, on: date, delivery: str = "") -> dict[str, Any] | None:
    """Return the remedy paragraphs by the law of ``on``: generated, never typed.

    Raises:
        DataFault: the law data hold no such remedy for that day.
    """
    if name == "none":
        return None
    remedy = law.remedies[name]
    if on < remedy.since:
        fault = Fault(f"法律数据中没有{on}有效的救济告知“{remedy.title}”", "workflows/law/remedies.yaml")
        raise DataFault.of([fault])
    known = {term: str(law.term(term, on).value) for term in _REMEDY_TERMS if term in law.terms}
    known |= {n: getattr(settings, n) for n in ("reconsideration_organ", "reconsideration_online", "court")}
    more = [text.format(**known) for text in remedy.more]
    block = {"text": remedy.text.format(**known), "law": list(remedy.law), "more": more}
    also = next((r for r in law.remedies.values() if delivery in r.deliveries and on >= r.since), None)
    if also is None:
        return block
    text = also.text.format(**known) if settings.reconsideration_online else ""
    return {**block, "online": {"text": text, "law": list(also.law)}}
