"""Side proceedings: what runs beside the stage of a case, and where each of them stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from yishenqing.core.deadline import Fact
from yishenqing.core.errors import Reason
from yishenqing.core.workflow import Side, Turn, Workflow


class Beside(Struct, frozen=True):
    """One side proceeding of a case: its kind, its ``id`` among those of its kind, where it stands, since when."""

    kind: str
    id: str
    state: str
    opened_on: date
    since: date


def beside(workflow: Workflow, facts: Sequence[Fact]) -> tuple[Beside, ...]:
    """Return the side proceedings that the facts have led to, in the order in which they were opened."""
    found: list[Beside] = []
    for fact in facts:
        turn = workflow.steps[fact.step].side
        if turn is None or not turn.to:
            continue
        if not turn.at:
            found.append(Beside(turn.of, fact.id, turn.to, fact.on, fact.on))
            continue
        place = next((n for n in reversed(range(len(found))) if _is(found[n], turn, fact.id)), None)
        if place is not None:  # the facts of ``clock FILE`` may leave out what opened it
            old = found[place]
            found[place] = Beside(old.kind, old.id, turn.to, old.opened_on, fact.on)
    return tuple(found)


def _is(one: Beside, turn: Turn, identifier: str) -> bool:
    return one.kind == turn.of and one.id == identifier and one.state in turn.at


def open_ones(workflow: Workflow, known: Sequence[Beside], kind: str) -> Iterator[Beside]:
    """Yield those of a kind that have not come to their end."""
    states = workflow.sides[kind].states
    yield from (one for one in known if one.kind == kind and not states[one.state].final)


def turn_refusals(
    workflow: Workflow, known: Sequence[Beside], turn: Turn, facts: Mapping[str, Any] | None
) -> list[Reason]:
    """Return why the turn cannot be taken; without ``facts`` (an offer) any proceeding of the kind will do."""
    side = workflow.sides[turn.of]
    identifier = None if facts is None else str(facts.get("id") or "")
    if not turn.at:
        return _cannot_open(workflow, known, turn, side, identifier)
    latest = {one.id: one for one in known if one.kind == turn.of and identifier in (None, one.id)}
    if any(one.state in turn.at for one in latest.values()):
        return []
    titles = "、".join(side.states[s].title for s in turn.at)
    ended = all(side.states[s].final for s in turn.at)
    if ended and (still := [one for one in latest.values() if not side.states[one.state].final]):
        names = "、".join(f"{one.id and f'（{one.id}）'}{side.states[one.state].title}" for one in still)
        return [Reason(f"“{side.title}”{names}，须“{titles}”才能办理", side.law)]
    which = "（多项并行时请用 id 指明是哪一项）" if side.many else ""
    return [Reason(f"没有处于“{titles}”的“{side.title}”{which}", side.law)]


def _cannot_open(
    workflow: Workflow, known: Sequence[Beside], turn: Turn, side: Side, identifier: str | None
) -> list[Reason]:
    still = [one for one in open_ones(workflow, known, turn.of) if identifier in (None, one.id)]
    if not still or (side.many and identifier is None):
        return []
    if side.many:
        return [Reason(f"同一编号（id）的“{side.title}”尚未结束；另行办理时请用不同的 id", side.law)]
    return [Reason(f"“{side.title}”尚未结束（{side.states[still[0].state].title}）", side.law)]
