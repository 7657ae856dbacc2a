"""What stands beside the main road on the chart for officers: a panel a side proceeding, and two for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from yishenqing.core.workflow import Side, SideState, Step, Workflow
from yishenqing.diagram.reading import beside, brought, everywhere
from yishenqing.diagram.wording import Block, Kind, block, step_parts

WIDTH = 344
EVERYWHERE = "多数环节都可以办理"
BROUGHT = "随其他办理一并记入，不单独办理"

Parts = list[tuple[str, Kind]]


class Panel(Struct, frozen=True):
    """A box of its own: its name (of the side proceeding, or made up), the steps in it, and its words."""

    name: str
    steps: tuple[str, ...]
    text: Block


def panels(workflow: Workflow, periods: Mapping[str, str]) -> list[Panel]:
    """Return the panels in the file's order."""
    found = [
        Panel(name, tuple(steps), block(_of_side(workflow, name, steps, periods), WIDTH))
        for name, steps in beside(workflow).items()
    ]
    for name, title, steps in (
        ("everywhere", EVERYWHERE, everywhere(workflow)),
        ("brought", BROUGHT, brought(workflow)),
    ):
        if steps:
            parts: Parts = [(title, "panel")]
            for step in steps:
                parts += _step(workflow, workflow.steps[step], periods, where=name == "everywhere")
            found.append(Panel(name, tuple(steps), block(parts, WIDTH)))
    return found


def _of_side(workflow: Workflow, name: str, steps: list[str], periods: Mapping[str, str]) -> Parts:
    side = workflow.sides[name]
    parts: Parts = [(side.title, "panel")]
    parts.append((f"{side.law}{'；可以同时有几项' if side.many else ''}", "law"))
    opening = next((workflow.steps[s] for s in steps if (turn := workflow.steps[s].side) and not turn.at), None)
    usual = opening.from_ if opening else ()
    if usual:
        parts.append((f"主流程在：{_titles(workflow, usual)}", "law"))
    parts += _states(workflow, side)
    for step in steps:
        taken = workflow.steps[step]
        parts += _step(workflow, taken, periods, side=side, where=set(taken.from_) != set(usual))
    return parts


def _states(workflow: Workflow, side: Side) -> Parts:
    return [(f"○ {_state(workflow, state)}", "owner") for state in side.states.values() if not state.final] + [
        (f"● {'、'.join(state.title for state in side.states.values() if state.final)}", "owner")
    ]


def _state(workflow: Workflow, state: SideState) -> str:
    if state.owner:
        return f"{state.title}（{workflow.roles[state.owner]}）"
    return f"{state.title}（等待：{workflow.clocks[state.waits_for].title}）" if state.waits_for else state.title


def _step(
    workflow: Workflow, step: Step, periods: Mapping[str, str], *, side: Side | None = None, where: bool
) -> Parts:
    """Return a step: its title with the state it leads to, who takes it, on what article, which clock it starts."""
    title, *rest = step_parts(workflow, step, periods, by=True)
    to = side.states[step.side.to].title if side and step.side and step.side.to else ""
    parts: Parts = [(f"· {title[0]}{f' → {to}' if to else ''}", "title")]
    if where:
        parts.append((f"主流程在：{_titles(workflow, step.from_)}", "law"))
    return [*parts, *rest]


def _titles(workflow: Workflow, states: tuple[str, ...]) -> str:
    return "、".join(workflow.states[name].title for name in states)
