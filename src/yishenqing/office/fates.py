"""What became of a reply, read from the ledger: maintained or set aside in reconsideration, litigation, by order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yishenqing.core.links import KIND, RESULT
from yishenqing.core.workflow import Step
from yishenqing.office.casework import Casework

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.acting import Act

_SET_ASIDE, _MAINTAINED = "corrected", "maintained"  # columns of table four
EVER = 0  # an entry before all others
_REPLY = "reply"  # the clock that a reply meets


def tells_fate(step: Step) -> bool:
    """Tell whether a step says what became of a reply: it sets it aside, or bears a result of table four."""
    field = step.fields.get(RESULT)
    return step.overturns or (field is not None and _SET_ASIDE in field.choices)


def of(case: Casework, seq: int | None = None) -> tuple[bool | None, str]:
    """Return whether the reply that was the last up to entry ``seq`` was set aside, and how that went, in words.

    ``EVER`` looks at all replies of the case together.
    Once set aside it stays so, whatever the new reply meets with.
    """
    found: bool | None = None
    words: list[str] = []
    for fact in case.standing.facts[_reply(case, seq) :]:
        step = case.workflow.steps[fact.step]
        if not tells_fate(step):
            continue
        result = str(fact.facts.get(RESULT) or "")
        if step.overturns or result == _SET_ASIDE:
            found = True
        elif result == _MAINTAINED and found is None:
            found = False
        words.append(_worded(step, result, str(fact.facts.get(KIND) or "")))
    return found, "；".join(dict.fromkeys(words))


def _reply(case: Casework, seq: int | None) -> int:
    """Return the place of the reply that is told of: the last one up to ``seq``."""
    known = case.standing.facts[:seq]
    met = [n for n, f in enumerate(known) if any(e.clock == _REPLY for e in case.workflow.steps[f.step].meets)]
    return met[-1] if met else 0


def _worded(step: Step, result: str, kind: str) -> str:
    if step.overturns:
        return step.title
    kinds = step.fields[KIND].choices if KIND in step.fields else {}
    return f"{kinds.get(kind) or step.title.removeprefix('收到')}：{step.fields[RESULT].choices.get(result, result)}"


def told(connection: Connection, case: Casework, act: Act) -> None:
    """Mark the precedent that was made of a case, where there is one, with what became of its reply."""
    from yishenqing.precedents import Noted, Shelf

    shelf = Shelf(connection, case.row.agency)
    known = shelf.of_case(case.row.number)
    identifier, seq = known or (case.row.number, None)  # one that was imported may bear the number of its case
    overturned, words = of(case, seq)
    noted = Noted(act.actor, act.on, act.recorded_at, act.rehearsal, f"案件结果：{words}")
    if shelf.tell_fate(identifier, noted, overturned=overturned, fate=words) and known:
        shelf.note(identifier, "fate", noted, {"overturned": overturned, "fate": words})


def lasting(cases: Sequence[Casework]) -> dict[str, int]:
    """Return of how many of these replies it is known that they lasted, or were set aside."""
    fates = [of(case, EVER)[0] for case in cases if case.workflow.states[case.standing.state].final]
    return {
        "cases": len(cases),
        "survived": sum(fate is not True for fate in fates),
        "overturned": sum(fate is True for fate in fates),
    }
