"""What nobody types into an act: the reply of a case that is named in it, and who took an earlier step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from yishenqing.core.errors import Refused
from yishenqing.office import casework
from yishenqing.store import issued as issued_store

if TYPE_CHECKING:
    from yishenqing.core.workflow import Field, Step
    from yishenqing.office.casework import Casework


def filled(connection: Connection, case: Casework, step: Step, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``facts`` with what the ledger knows; every case named in them exists in this office.

    Raises:
        NotFound: a case that is named does not exist.
        Refused: it has not been replied to, or somebody else than the one said took the earlier step.
    """
    found = dict(facts)
    if not step.filled_in:
        return found
    others = {
        name: _other(connection, case, step, known, str(facts[name]))
        for name, known in step.fields.items()
        if known.type == "case" and facts.get(name)
    }
    for name, known in step.fields.items():
        if known.answer_of in others:
            found[name] = _reply_of(connection, others[known.answer_of], step)
        if known.taken_by and (earlier := _taken_by(case, step, known, facts.get(name))):
            found[name] = earlier
    return found


def _other(connection: Connection, case: Casework, step: Step, known: Field, number: str) -> Casework:
    if number == case.row.number:
        raise Refused(f"“{known.title}”不能是本案自己（{number}）。", law=list(step.law))
    return casework.load(connection, case.practice, number)


def _reply_of(connection: Connection, other: Casework, step: Step) -> str:
    """Say by which letter another case was answered: the latest, with its day and the number of the case."""
    steps = other.workflow.steps
    replying = {e.seq for e in other.entries if steps[e.step].letter == "by_outcome" or steps[e.step].outcome}
    letters = issued_store.letters_of(connection, other.row.agency, other.row.number)
    replies = [x for x in letters if x.seq in replying]
    if not replies:
        text = f"案件{other.row.number}没有出具过答复，不能作为此前的答复；此前的答复在别的案件中的，请填写那一件。"
        raise Refused(text, law=list(step.law))
    last = replies[-1]
    on = last.issued_on
    return f"{on.year}年{on.month}月{on.day}日，{last.letter_number}，登记编号{other.row.number}"


def _taken_by(case: Casework, step: Step, known: Field, given: Any) -> str:
    """Name who took the earlier step; empty where nobody has, which is for the guards to refuse."""
    facts = case.standing.facts
    place = next((n for n in reversed(range(len(facts))) if facts[n].step == known.taken_by), None)
    if place is None:
        return ""
    actor = case.standing.actors[place]
    name = case.standing.called(actor)
    if given and given not in (actor, name):
        title = case.workflow.steps[known.taken_by].title
        raise Refused(
            f"“{known.title}”以记录为准，不必填写：{facts[place].on}办理“{title}”的是{name}，填写的是“{given}”。",
            law=list(step.law),
        )
    return name
