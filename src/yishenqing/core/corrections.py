"""Corrections: a later entry says what an earlier one should have said. The earlier entry stands as it was written.

Deadlines are computed from the facts as corrected; asked “as known on a day”, from those corrected by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from yishenqing.core.deadline import Fact, as_date
from yishenqing.core.errors import DataFault
from yishenqing.core.facts import shaped
from yishenqing.core.workflow import Field, Step, Workflow

ON = "on"  # the legal date itself
_CORRECTABLE = frozenset({"text", "date", "int", "bool", "choice", "channel"})


def effective(workflow: Workflow, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Return the facts with every correction among them applied, the corrections themselves in their place."""
    corrected = list(facts)
    for fact in facts:
        if fact.step == workflow.correcting:
            place = int(fact.facts["of"]) - 1
            corrected[place] = _applied(workflow, corrected[place], fact.facts)
    return tuple(corrected)


def _applied(workflow: Workflow, fact: Fact, correction: Any) -> Fact:
    name, value = str(correction["field"]), str(correction["value"])
    if name == ON:
        return fact._replace(on=date.fromisoformat(value))
    typed = shaped(workflow, workflow.steps[fact.step], {name: value})
    return fact._replace(facts={**fact.facts, **typed})


def objection(workflow: Workflow, facts: Sequence[Fact], correction: Any) -> str:
    """Return why ``correction`` (facts ``of``, ``field``, ``value``) cannot be made; empty when it can."""
    of, name, value = correction.get("of"), str(correction.get("field")), correction.get("value")
    if not isinstance(of, int) or not 1 <= of <= len(facts):
        return f"案卷中没有第{of}条记录"
    fact = facts[of - 1]
    step = workflow.steps[fact.step]
    if fact.step == workflow.correcting:
        return "更正记录本身有误的，请另作一次更正"
    return _wrong_day(facts, of, value) if name == ON else _wrong_value(workflow, step, of, name, value)


def _wrong_value(workflow: Workflow, step: Step, of: int, name: str, value: object) -> str:
    known = step.fields.get(name)
    if known is None:
        can = [f"{n}（{f.title}）" for n, f in step.fields.items() if _correctable(step, n, f)]
        names = "、".join([*can, f"{ON}（办理日期）"])
        return f"第{of}条记录（{step.title}）没有“{name}”这一事实；可以更正：{names}"
    if not _correctable(step, name, known):
        return f"“{known.title}”不能以更正记录改写，请以补充办理的步骤记明"
    try:
        shaped(workflow, step, {name: value})
    except DataFault as error:
        return str(error)
    return ""


def _correctable(step: Step, name: str, known: Field) -> bool:
    return not known.personal and known.type in _CORRECTABLE and not (name == "id" and step.side)


def _wrong_day(facts: Sequence[Fact], of: int, value: object) -> str:
    day = as_date(value)
    if day is None:
        return f"“{value}”不是存在的日期，应写作 2026-03-02"
    if of > 1 and day < facts[of - 2].on:
        return f"更正后的日期{day}早于第{of - 1}条记录的日期{facts[of - 2].on}"
    if of < len(facts) and day > facts[of].on:
        return f"更正后的日期{day}晚于第{of + 1}条记录的日期{facts[of].on}"
    return ""
