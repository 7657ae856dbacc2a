"""What an act in one case means for another: a linked case tells its parent, an ordered reply marks its precedent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from sqlalchemy import Connection

from yishenqing.core.decide import refusals
from yishenqing.core.errors import IntegrityFault, NotFound, Refused
from yishenqing.core.facts import shaped
from yishenqing.core.links import KIND, NUMBER, PARENT, PENDING, Linked
from yishenqing.core.standing import Attempt
from yishenqing.office import casework, fates
from yishenqing.office.casework import Casework, Row
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from yishenqing.core.links import Tell
    from yishenqing.office.acting import Act, Plan, Registry


def follow(registry: Registry, connection: Connection, plan: Plan, after: Casework) -> None:
    """Do what the act of ``plan`` means for others, in the transaction that records it.

    Raises:
        Refused: the parent of a linked case cannot be told.
    """
    if fates.tells_fate(plan.step):
        fates.told(connection, after, plan.act)
    if plan.step.tells:
        given = plan.facts
        told = [(t, {theirs: given.get(own) for theirs, own in t.facts.items()}) for t in plan.step.tells]
        tell_parent(registry, connection, after, plan.act, told)


def tell_parent(
    registry: Registry,
    connection: Connection,
    child: Casework,
    act: Act,
    told: Sequence[tuple[Tell, Mapping[str, Any]]],
) -> None:
    """Record in the parent the first of the steps that it can take now; who acts has acted in the linked case.

    The parent's ledger runs in its own order: what its later entries have passed already is entered on their day.

    Raises:
        Refused: it can take none of them.
    """
    today = child.standing.workdays.today
    # Everybody locks the parent before the linked case; here the linked case is held already.
    ledger_store.lock_at_once(connection, child.row.agency, parent_of(child))
    parent = casework.load(connection, child.practice, parent_of(child), lock=True)
    on = max(act.on, parent.standing.last_on or act.on)
    for tell, facts in told:
        step = parent.workflow.steps.get(tell.step)
        if step is None:
            continue
        said = {NUMBER: child.row.number, KIND: kind_of(child), **{k: v for k, v in facts.items() if v is not None}}
        mine = {k: v for k, v in said.items() if k in step.fields}
        theirs = replace(act, step=tell.step, on=on, roles=None, facts=mine, expect=None, verb=step.verb)
        shape = shaped(parent.workflow, step, mine)
        if not refusals(Attempt(parent.standing, tell.step, step, on, shape, act.actor), today):
            registry.record(connection, registry.plan(connection, parent, theirs, today), None)
            return
    names = "、".join(tell.step for tell, _ in told)
    raise Refused(
        f"原案{parent.row.number}现在不能记入关联案件的办理情况（{names}）；原案按旧流程立案的，"
        f"请先用 ysq move {parent.row.number} 转用现行流程。",
        law=list(parent.workflow.law),
    )


def tell_concerned(registry: Registry, connection: Connection, number: str, case: Casework, act: Act) -> None:
    """Record in case ``number`` that ``case`` asks for something it has provided to be corrected (条例第四十一条).

    Rules of before there was such a thing know no word for it; the new case names the other one in any case.
    """
    other = casework.load(connection, case.practice, number, lock=True)
    step = other.workflow.steps.get(other.workflow.linking)
    kind = case.workflow.request
    if step is None or kind not in step.fields[KIND].choices:
        return
    facts = {KIND: kind, NUMBER: case.row.number}
    on = max(act.on, other.standing.last_on or act.on)
    theirs = replace(act, step=other.workflow.linking, on=on, roles=None, facts=facts, expect=None, verb=step.verb)
    registry.record(connection, registry.plan(connection, other, theirs, case.standing.workdays.today), None)


def parent_of(case: Casework) -> str:
    """Return the number of the case that a linked case hangs on."""
    return str(case.entries[0].facts[PARENT])


def kind_of(case: Casework) -> str:
    """Return what its parent calls a linked case."""
    linked = case.workflow.linked
    return linked.kind_by(case.standing.facts[0].facts) if linked and case.standing.facts else ""


def result_of(case: Casework, linked: Linked) -> str:
    """Return how a linked case ended: a column of table four."""
    given = (f.facts.get(linked.result) for f in reversed(case.standing.facts))
    return next((str(value) for value in given if value), PENDING)


def linked_rows(connection: Connection, case: Casework) -> list[Row]:
    """Return the cases that hang on this one, and the one it hangs on itself."""
    workflow, found = case.workflow, []
    if workflow.linked is not None and case.entries:
        found.append(_row(connection, case, parent_of(case), "parent", "原案"))
    found += [_row(connection, case, number, "names", title) for number, title in _named(case).items()]
    for fact in case.standing.facts if workflow.linking else ():
        if fact.step == workflow.linking:
            title = workflow.steps[fact.step].fields[KIND].choices[fact.facts[KIND]]
            row = _row(connection, case, str(fact.facts[NUMBER]), "child", title)
            found.append({**row, "kind": fact.facts[KIND]})
    return found


def _named(case: Casework) -> dict[str, str]:
    """Return the cases that the facts name, each with what it is named as."""
    steps = case.workflow.steps
    return {
        str(fact.facts[name]): known.title
        for fact in case.standing.facts
        if steps[fact.step].filled_in
        for name, known in steps[fact.step].fields.items()
        if known.type == "case" and fact.facts.get(name)
    }


def _row(connection: Connection, case: Casework, number: str, relation: str, title: str) -> Row:
    row: Row = {"number": number, "relation": relation, "title": title, "state": None, "result": None}
    try:
        other = casework.load(connection, case.practice, number)
    except (IntegrityFault, NotFound):  # this case can be shown nevertheless; verify names the other's fault
        return {**row, "state_title": "记录缺失或者已被改动，请核验该案", "result_title": None}
    state = other.workflow.states[other.standing.state].title
    linked = other.workflow.linked
    if linked is None or relation in ("parent", "names"):
        return {**row, "state": other.standing.state, "state_title": state, "result_title": None}
    result = result_of(other, linked)
    return {
        **row,
        "state": other.standing.state,
        "state_title": state,
        "result": result,
        "result_title": _result_title(other, linked, result),
    }


def _result_title(case: Casework, linked: Linked, result: str) -> str:
    if result == PENDING:
        return "尚未审结"
    fields = (step.fields.get(linked.result) for step in case.workflow.steps.values())
    return next((f.choices[result] for f in fields if f is not None and result in f.choices), result)
