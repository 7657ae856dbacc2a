"""What the office knows already for the facts of a reply, each with where it stands; the rest a person says."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.articles import article
from yishenqing.core.guards import said
from yishenqing.core.standing import Attempt
from yishenqing.core.workflow import Field, Guard, Step

if TYPE_CHECKING:
    from yishenqing.office.knowing import Item, Known

STATED = "stated"


class Supplied(Struct, frozen=True):
    """A fact that the office knows already: its value, and in words where it stands."""

    value: Any
    source: str


class Unmet(Struct, frozen=True):
    """What must still be done before the outcome may be chosen: in words, its article, the step that does it."""

    text: str
    law: str
    step: str = ""


def supplied(known: Known, item: Item, outcome: str, way: str) -> dict[str, Supplied]:
    """Return the facts of a finding that register, routing, earlier letters and the request itself tell."""
    found: dict[str, Supplied] = {}
    for name, tell in _TELLERS.get((outcome, way), _TELLERS.get((outcome, ""), {})).items():
        if (value := tell(known, item)) is not None:
            found[name] = value
    return found


def you(known: Known) -> str:
    """Return how letters speak to the applicant of a case."""
    from yishenqing.letters.template import you_of

    kinds = known.case.workflow.steps[known.case.workflow.opening].fields["applicant_kind"].choices
    return you_of(kinds.get(str(known.story.received.get("applicant_kind") or ""), ""))


def _day(text: str) -> str:
    from yishenqing.letters.template import chinese_date

    return chinese_date(date.fromisoformat(str(text)))


def _holding(item: Item) -> Mapping[str, Any] | None:
    return next((h for h in item.holdings if h["attribute"] in ("open", "on_request")), None)


def _provided(_known: Known, item: Item) -> Supplied | None:
    if (holding := _holding(item)) is None:
        return None
    number = f"（{holding['number']}）" if holding["number"] else ""
    return Supplied([f"《{holding['title']}》{number}"], f"登记簿第{holding['id']}号")


def _where_public(_known: Known, item: Item) -> Supplied | None:
    holding = next((h for h in item.holdings if h["attribute"] == "open" and h["place"]), None)
    return Supplied(str(holding["place"]), f"登记簿第{holding['id']}号") if holding else None


def _of_route(name: str) -> Callable[[Known, Item], Supplied | None]:
    def tell(known: Known, item: Item) -> Supplied | None:
        route = next((r for r in item.routes if r["organ"]), None)
        if route is None or any(r["department"] for r in item.routes):
            return None
        if name != "sentence" and not route["contact"]:  # a kind of organ: its name is for the officer to write
            return None
        text = str(route[name]).replace("您", you(known))  # the table speaks to people at the counter
        return Supplied(text, f"分办表：{route['topic']}·{route['stage']}")

    return tell


def _earlier(_known: Known, item: Item) -> Mapping[str, Any] | None:
    alike = (a for a in item.alike if a["same_person"] and a.get("answered") and a["letter"] and not a["set_aside"])
    return next(alike, None)


def _earlier_reply(_known: Known, item: Item) -> Supplied | None:
    earlier = _earlier(_known, item)
    if earlier is None:
        return None
    # In the words of ``filling``, which writes it again when the reply is drafted.
    said = f"{_day(earlier['replied_on'])}，{earlier['letter']}，登记编号{earlier['number']}"
    return Supplied(said, f"案件{earlier['number']}")


def _earlier_case(_known: Known, item: Item) -> Supplied | None:
    earlier = _earlier(_known, item)
    return Supplied(earlier["number"], f"案件{earlier['number']}") if earlier else None


def _same_checked(_known: Known, item: Item) -> Supplied | None:
    earlier = _earlier(_known, item)
    if earlier is None or not earlier["exact"]:
        return None
    text = f"本次申请与{_day(earlier['on'])}登记的{earlier['number']}号申请第{earlier['earlier_item']}项内容相同"
    return Supplied(text, f"案件{earlier['number']}")


def _petition_nature(_known: Known, item: Item) -> Supplied | None:
    plea = next((s for s in item.sorted if s.outcome == "noproc_petition"), None)
    if plea is None:
        return None
    words = "".join(f"“{w}”" for w in plea.matched)
    return Supplied(f"申请内容有{words}等表述，系{plea.title}，没有指明要获取的政府信息", "申请内容")


def _withheld_outcome(known: Known, item: Item) -> Supplied | None:
    """What is withheld of a list of people is mostly theirs; other grounds only where the words say so."""
    from yishenqing.advice import hints

    grounds = [h for h in hints(known.advice, item.text, ()) if h.outcome.startswith("denied_")]
    best = max(grounds, key=lambda h: h.weight, default=None)
    if best is None or best.outcome not in _WITHHOLDING:
        return Supplied("denied_third_party", f"提示：他人的个人信息多属{article('third_party')}")
    return Supplied(best.outcome, f"提示：{best.why}（{best.law}）")


_WITHHOLDING = (
    "denied_state_secret", "denied_law_forbidden", "denied_three_safety", "denied_third_party", "denied_internal",
    "denied_process", "denied_enforcement_file",
)  # fmt: skip


def _still_unclear(_known: Known, item: Item) -> Supplied | None:
    if not item.vague:
        return None
    words = "".join(f"“{w}”" for w in item.vague)
    return Supplied(f"{words}等没有指明具体的文件名称、文号或者便于查询的其他特征", "申请内容")


_Teller = Callable[["Known", "Item"], Supplied | None]
_TELLERS: Mapping[tuple[str, str], Mapping[str, _Teller]] = {
    ("granted", ""): {"provided": _provided},
    ("granted", "already_public"): {"provided": _provided, "where_public": _where_public},
    ("partial", ""): {"provided": _provided, "withheld_outcome": _withheld_outcome},
    ("unable_not_held", "not_ours"): {
        "other_organ": _of_route("organ"),
        "other_contact": _of_route("contact"),
        "not_ours_reason": _of_route("sentence"),
    },
    ("noproc_repeat", ""): {
        "earlier_case": _earlier_case,
        "earlier_reply": _earlier_reply,
        "same_checked": _same_checked,
    },
    ("noproc_petition", ""): {"petition_nature": _petition_nature},
    ("unable_unclear", ""): {"still_unclear": _still_unclear},
}


def lacking(attempt: Attempt, outcome: str, way: str) -> tuple[dict[str, str], list[Unmet]]:
    """Return the facts that the outcome asks for and the act does not state, and what must be done before it."""
    known = attempt.standing.workflow.outcomes[outcome]
    told = known.told(way)
    fields, missing, unmet = attempt.step.fields, {}, []
    for need in (*known.evidence, *(told.evidence if told else ())):
        if not (text := said(attempt, need)):
            continue
        if need.guard == STATED:
            missing[need.field] = _title(fields, need.field)
        else:
            unmet.append(Unmet(text, need.law, need.step or _opener(attempt, need)))
    return missing, unmet


def _opener(attempt: Attempt, need: Guard) -> str:
    """Return the step that does what a guard asks for, where the guard itself names another."""
    return need.said.step if need.said and need.said.step in attempt.standing.workflow.steps else ""


def _title(fields: Mapping[str, Field], name: str) -> str:
    known = fields[name]
    return f"{known.title}（{known.hint}）" if known.hint else known.title


def command(number: str, step: str, known: Step, facts: Mapping[str, Any] | None = None) -> str:
    """Return the command that takes a step, with what it needs and what is known of it already."""
    words = [f"ysq act {number} {step}"]
    given = facts or {}
    for name, value in given.items():
        values: Sequence[Any] = value if isinstance(value, list | tuple) else (value,)
        words += [shlex.quote(f"{name}={v}") for v in values]
    words += [f"{name}=…" for name in known.needs if name not in given]
    return " ".join(words)
