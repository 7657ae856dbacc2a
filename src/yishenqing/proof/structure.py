"""What is seen without walking: owners, clocks, letters, two people, the rows of the annual report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yishenqing.core.workflow import SideState, Start, State, Step, Workflow
from yishenqing.proof.laws import TwoPeople

_Found = tuple[str, str]  # place, text


def owned(workflow: Workflow) -> Iterator[_Found]:
    """Yield every state whose next step nobody owes, or whose owner may take no step there.

    A step that ends the case by what somebody else wants (an outcome of its own: withdrawn, merged) is no next step.
    """
    for name, state in workflow.states.items():
        steps = [
            s for s in workflow.steps.values() if name in (s.from_ or (workflow.initial,)) and s.to and not s.outcome
        ]
        yield from ((f"states.{name}", text) for text in _unowned(workflow, state, steps))
    for kind, side in workflow.sides.items():
        for name, one in side.states.items():
            steps = [s for s in workflow.steps.values() if s.side and s.side.of == kind and name in s.side.at]
            place = f"sides.{kind}.states.{name}"
            yield from ((place, text) for text in _unowned(workflow, one, [s for s in steps if s.side and s.side.to]))


def _unowned(workflow: Workflow, state: State | SideState, steps: list[Step]) -> Iterator[str]:
    if state.final:
        return
    if not state.owner and not state.waits_for:
        yield f"状态“{state.title}”没有责任岗位，也没有所等待的期限"
    if state.owner and not any(state.owner in s.by for s in steps):
        yield f"状态“{state.title}”的责任岗位“{workflow.roles[state.owner]}”没有可以办理的下一步"


def clocked(workflow: Workflow) -> Iterator[_Found]:
    """Yield every wait for somebody outside the office that a step begins without starting its clock."""
    for name, state in workflow.states.items():
        entering = {n: s for n, s in workflow.steps.items() if s.to == name and s.from_ != (name,)}
        if state.waits_for:
            yield from _unclocked(workflow, state, f"states.{name}", entering)
    for kind, side in workflow.sides.items():
        for name, one in side.states.items():
            entering = {n: s for n, s in workflow.steps.items() if s.side and (s.side.of, s.side.to) == (kind, name)}
            if one.waits_for:
                yield from _unclocked(workflow, one, f"sides.{kind}.states.{name}", entering)


def _unclocked(
    workflow: Workflow, state: State | SideState, place: str, entering: Mapping[str, Step]
) -> Iterator[_Found]:
    clock = workflow.clocks[state.waits_for]
    if clock.owed_by == "organ":
        yield place, f"“{state.title}”等待的“{clock.title}”由本机关自己负责，应写责任岗位"
    opening = workflow.steps[workflow.opening]
    if _always(opening, [s for s in opening.starts if s.clock == state.waits_for]):
        return  # it runs from the first day
    for name, step in entering.items():
        starts = [s for s in step.starts if s.clock == state.waits_for]
        if not _always(step, starts):
            yield f"steps.{name}", f"“{step.title}”之后“{state.title}”，而“{clock.title}”不一定起算：等待没有期限"


def _always(step: Step, starts: list[Start]) -> bool:
    """Tell whether one of the starts applies, whatever is said in the step."""
    return any(not _condition(s) and _dated(step, s) for s in starts) or any(
        a.if_true and a.if_true == b.unless_true and _dated(step, a) and _dated(step, b)
        for a in starts
        for b in starts
    )


def _condition(start: Start) -> str | bool:
    return start.only_if_stopped or start.if_remedy or start.if_true or start.unless_true or start.same_as


def _dated(step: Step, start: Start) -> bool:
    """The day that the organ sets is among the needed facts, or asked for wherever the start applies."""
    return (
        not start.until
        or start.until in step.needs
        or any(
            g.guard == "stated" and g.field == start.until and g.unless_true in ("", start.unless_true)
            for g in step.guards
        )
    )


def letters(workflow: Workflow, known: Mapping[str, bool]) -> Iterator[_Found]:
    """Yield every letter asked for and missing, and every one that no road ever asks for.

    ``known``: the kinds that exist, and whether a step or an outcome must ask for them (forms are made on demand).
    """
    asked = [(f"steps.{n}", s.letter) for n, s in workflow.steps.items() if s.letter not in ("", "by_outcome")]
    asked += [(f"outcomes.{n}", kind) for n, o in workflow.outcomes.items() for kind in o.letters]
    asked += [("itemised", workflow.itemised)] if workflow.itemised else []
    yield from ((place, f"没有文书模板“{kind}”") for place, kind in asked if kind not in known)
    used = {kind for _, kind in asked}
    unused = [kind for kind, must in known.items() if must and kind not in used]
    yield from ((f"letters.{kind}", f"文书模板“{kind}”没有任何步骤或者办理结果使用") for kind in unused)


def two_people(workflow: Workflow, wanted: TwoPeople) -> Iterator[_Found]:
    """Yield the missing guard that keeps two steps in two hands."""
    step = workflow.steps[wanted.step]
    guards = [g for g in step.guards if g.guard == "another_person" and g.step == wanted.of]
    of = workflow.steps[wanted.of].title
    if not guards:
        yield f"steps.{wanted.step}", f"“{step.title}”没有要求与“{of}”不是同一人"


def annual_row(workflow: Workflow) -> Iterator[_Found]:
    """Yield every step that comes to an end of its own without an outcome: the annual report would lack its row."""
    choosing = any("outcome" in s.needs for s in workflow.steps.values())
    if not choosing and not any(s.outcome for s in workflow.steps.values()):
        yield "steps", "没有任何步骤得出办理结果，年度报告无从统计"
    for name, step in workflow.steps.items():
        if step.outcome and step.outcome not in workflow.outcomes:
            yield f"steps.{name}", f"没有办理结果“{step.outcome}”"
