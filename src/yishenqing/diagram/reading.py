"""What there is to draw: the main road, the arrows, and the steps that keep a case where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yishenqing.core.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Arrow:
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
        if step.offered  # what only echoes another act is nobody's step on the chart
        for source in step.from_ or (workflow.initial,)
        if step.to and step.to != source
    ]


def staying(workflow: Workflow) -> dict[str, list[str]]:
    """Return the steps that leave the case in its state, with those states in drawing order."""
    order = ordered_states(workflow)
    found = {
        name: [s for s in step.from_ or (workflow.initial,) if step.to in ("", s)]
        for name, step in workflow.steps.items()
        if step.offered
    }
    return {name: sorted(states, key=order.index) for name, states in found.items() if states}


def main_road(workflow: Workflow, links: Sequence[Arrow]) -> list[str]:
    """Return the road an ordinary case goes: the one through most states, never back, first listed first.

    The longest road is the full procedure; shorter ones are the exits from it.
    """
    order = ordered_states(workflow)
    place = {name: n for n, name in enumerate(order)}
    best: dict[str, list[str]] = {}
    for state in reversed(order):
        onward = [best[a.target] for a in links if a.source == state and place[a.target] > place[state]]
        ends = [road for road in onward if workflow.states[road[-1]].final]
        best[state] = [state, *max(ends or onward, key=len, default=[])]
    return best[workflow.initial]
