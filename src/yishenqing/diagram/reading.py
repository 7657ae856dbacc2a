"""What there is to draw: the main road, the arrows, and the steps that keep a case where it is or stand beside."""

from __future__ import annotations

from msgspec import Struct

from yishenqing.core.workflow import Workflow

_FEW = 3


class Arrow(Struct, frozen=True):
    """A step that leads from one state to another."""

    step: str
    source: str
    target: str


def ordered_states(workflow: Workflow) -> list[str]:
    """Return the states by stage, within a stage as the file lists them."""
    stages = list(workflow.stages)
    return sorted(workflow.states, key=lambda name: stages.index(workflow.states[name].stage))


def arrows(workflow: Workflow) -> list[Arrow]:
    """Return every arrow between two states; the opening step starts at the initial state."""
    return [
        Arrow(name, source, step.to)
        for name, step in workflow.steps.items()
        if step.offered
        for source in step.from_ or (workflow.initial,)
        if step.to and step.to != source
    ]


def staying(workflow: Workflow) -> dict[str, list[str]]:
    """Return the steps that leave the case in its state, with those states in drawing order."""
    order = ordered_states(workflow)
    found = {
        name: [s for s in step.from_ or (workflow.initial,) if step.to in ("", s)]
        for name, step in workflow.steps.items()
        if step.offered and step.side is None
    }
    wide = set(everywhere(workflow))
    return {name: sorted(states, key=order.index) for name, states in found.items() if states and name not in wide}


def everywhere(workflow: Workflow) -> list[str]:
    """Return the steps that leave a case where it is and may be taken nearly anywhere between start and end."""
    between = set(main_road(workflow)[1:-1])
    return [
        name
        for name, step in workflow.steps.items()
        if step.offered and step.side is None and not step.to
        if len(between & set(step.from_)) >= max(_FEW, len(between) / 2)
    ]


def brought(workflow: Workflow) -> list[str]:
    """Return the steps that nobody takes by themselves: they come with a step of another case."""
    return [name for name, step in workflow.steps.items() if not step.offered]


def beside(workflow: Workflow) -> dict[str, list[str]]:
    """Return the steps of each side proceeding, in the file's order."""
    return {
        side: [name for name, step in workflow.steps.items() if step.offered and step.side and step.side.of == side]
        for side in workflow.sides
    }


def main_road(workflow: Workflow) -> list[str]:
    """Return the road an ordinary case goes: as the file says, else the one through most states, never back.

    The longest road is the full procedure; shorter ones are the exits from it.
    """
    if workflow.road:
        return list(workflow.road)
    links = arrows(workflow)
    order = ordered_states(workflow)
    place = {name: n for n, name in enumerate(order)}
    best: dict[str, list[str]] = {}
    for state in reversed(order):
        onward = [best[a.target] for a in links if a.source == state and place[a.target] > place[state]]
        ends = [road for road in onward if workflow.states[road[-1]].final]
        best[state] = [state, *max(ends or onward, key=len, default=[])]
    return best[workflow.initial]
