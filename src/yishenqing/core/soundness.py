"""Every name in a procedure that leads nowhere, and every citation that does not resolve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from yishenqing.core.errors import Fault
from yishenqing.core.law import Law
from yishenqing.core.links import faults_of
from yishenqing.core.readings import CHOICES
from yishenqing.core.workflow import Effect, Guard, Outcome, Side, Start, Step, Turn, Workflow

_Found = tuple[str, str]  # place, text
# What a guard cannot do without.
_GUARD_NEEDS: Mapping[str, tuple[str, ...]] = {
    "after": ("step",),
    "unless": ("step",),
    "within": ("clock",),
    "past": ("clock",),
    "elapsed": ("field", "term"),
    "same": ("field", "said"),
    "among": ("field", "said"),
    "cites": ("field",),
    "beyond": ("field", "clock"),
    "running": ("clock",),
    "stopped": ("clock",),
    "at_most": ("field", "term"),
    "not_before": ("field",),
    "another_person": ("step",),
    "agrees": ("field",),
    "evidenced": ("field",),
    "still_evidenced": ("step",),
    "composes": ("field", "step", "of"),
    "releases": ("field", "value"),
    "stated": ("field",),
    "recorded": ("step", "field"),
    "said": ("said",),
    "sources": ("step", "field", "figure"),
    "each": ("step", "field", "of"),
    "counted": ("field", "of"),
    "concluded": ("side", "state"),
    "settled": ("side",),
    "in_force": ("term",),
}
# The guards whose ``field`` stands in the entries of ``step``, not in the facts of the step that they guard.
_LOOK_BACK = frozenset({"recorded", "sources", "each"})


def faults(workflow: Workflow, law: Law, file: str = "") -> list[Fault]:
    """Return every name that leads nowhere and every citation that does not resolve, with its place."""
    found = [Fault(text, file, field=place) for place, text in _dangling(workflow, law)]
    for citation, place in citations(workflow):
        if problem := law.unresolved(citation):
            found.append(Fault(problem, file, field=place, law=citation))
    return found


def citations(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Yield every citation with the place that makes it."""
    yield from ((c, "law") for c in workflow.law)
    yield from ((clock.law, f"clocks.{name}") for name, clock in workflow.clocks.items())
    yield from ((channel.law, f"channels.{name}") for name, channel in workflow.channels.items())
    for name, reading in workflow.readings.items():
        yield from ((option.law, f"readings.{name}") for option in reading.options.values())
    for name, outcome in workflow.outcomes.items():
        yield from ((c, f"outcomes.{name}") for c in outcome.law)
        yield from ((g.law, f"outcomes.{name}.evidence") for g in outcome.evidence)
        for key, way in outcome.ways.items():
            yield from ((c, f"outcomes.{name}.ways.{key}") for c in way.law)
            yield from ((g.law, f"outcomes.{name}.ways.{key}.evidence") for g in way.evidence)
    yield from ((side.law, f"sides.{name}") for name, side in workflow.sides.items())
    yield from ((figure.law, f"figures.{name}") for name, figure in workflow.figures.items())
    for name, step in workflow.steps.items():
        yield from ((c, f"steps.{name}") for c in step.law)
        yield from ((g.law, f"steps.{name}.{g.guard}") for g in step.guards)
        yield from ((e.law, f"steps.{name}.{word}") for word, e in step.effects())


def _dangling(workflow: Workflow, law: Law) -> Iterator[_Found]:
    yield from _of_whole(workflow)
    yield from _of_states(workflow)
    yield from (("road", text) for text in _of_road(workflow))
    for name, side in workflow.sides.items():
        yield from _of_side(workflow, name, side)
    for name, clock in workflow.clocks.items():
        if clock.term and clock.term not in law.terms:
            yield f"clocks.{name}", f"没有期限“{clock.term}”"
    yield from _of_readings(workflow)
    for name, outcome in workflow.outcomes.items():
        yield from _of_outcome(workflow, law, name, outcome)
    for name, step in workflow.steps.items():
        yield from ((f"steps.{name}", text) for text in _of_step(workflow, law, name, step))


def _of_whole(workflow: Workflow) -> Iterator[_Found]:
    if workflow.initial not in workflow.states:
        yield "initial", f"没有状态“{workflow.initial}”"
    if workflow.limiting and workflow.limiting not in workflow.clocks:
        yield "limiting", f"没有期限“{workflow.limiting}”"
    if workflow.mixed and workflow.mixed not in workflow.outcomes:
        yield "mixed", f"没有办理结果“{workflow.mixed}”"
    for place in ("opening", "confirming", "correcting", "linking", "moving"):
        name = getattr(workflow, place)
        if name not in workflow.steps and (name or place == "opening"):
            yield place, f"没有步骤“{name}”"
    if not workflow.confirming and any(c.receipt == "confirmed_on" for c in workflow.channels.values()):
        yield "channels", "有以确认之日为准的渠道，须用“confirming”写明哪个步骤与申请人确认收到"
    yield from faults_of(workflow)


def _of_states(workflow: Workflow) -> Iterator[_Found]:
    for name, state in workflow.states.items():
        if state.stage not in workflow.stages:
            yield f"states.{name}", f"没有阶段“{state.stage}”"
        yield from ((f"states.{name}", text) for text in _whose_turn(workflow, state.owner, state.waits_for))


def _of_road(workflow: Workflow) -> Iterator[str]:
    """The road of an ordinary case, where it is said: whole, from the start to an end, never back to a stage."""
    road, states = workflow.road, workflow.states
    if not road:
        return
    unknown = [name for name in road if name not in states]
    yield from (f"没有状态“{name}”" for name in unknown)
    yield from (f"状态“{name}”写了不止一次" for name in dict.fromkeys(road) if road.count(name) > 1)
    if unknown:
        return
    if road[0] != workflow.initial:
        yield f"应自立案前的状态“{workflow.initial}”开始"
    if not states[road[-1]].final:
        yield f"应到终点为止，“{road[-1]}”不是终点"
    stages = list(workflow.stages)
    for here, there in pairwise(road):
        leading = [step for step in workflow.steps.values() if step.to == there]
        if not any(here in (step.from_ or (workflow.initial,)) for step in leading):
            yield f"没有从“{here}”直接到“{there}”的步骤"
        before, after = states[here].stage, states[there].stage
        if {before, after} <= set(stages) and stages.index(before) > stages.index(after):
            yield f"“{there}”的阶段在“{here}”的阶段之前"


def _whose_turn(workflow: Workflow, owner: str, waits_for: str) -> Iterator[str]:
    if owner and owner not in workflow.roles:
        yield f"没有岗位“{owner}”"
    if waits_for and waits_for not in workflow.clocks:
        yield f"没有期限“{waits_for}”"


def _of_side(workflow: Workflow, name: str, side: Side) -> Iterator[_Found]:
    for key, state in side.states.items():
        place = f"sides.{name}.states.{key}"
        yield from ((place, text) for text in _whose_turn(workflow, state.owner, state.waits_for))
        if not (state.final or state.owner or state.waits_for):
            yield place, "没有写明由谁办下一步：缺少“owner”、“waits_for”或者“final”"
    turns = [s.side for s in workflow.steps.values() if s.side is not None and s.side.of == name]
    if not any(not t.at for t in turns):
        yield f"sides.{name}", "没有开始它的步骤"
    reached = {t.to for t in turns}
    yield from ((f"sides.{name}.states.{s}", "没有步骤到达这一状态") for s in side.states if s not in reached)
    leave = {s for t in turns if t.to for s in t.at}
    for key, state in side.states.items():
        if not state.final and key not in leave:
            yield f"sides.{name}.states.{key}", "没有步骤离开这一状态，也不是终点"


def _of_readings(workflow: Workflow) -> Iterator[_Found]:
    for name, reading in workflow.readings.items():
        words = CHOICES.get(name)
        if words is None:
            yield f"readings.{name}", f"没有“{name}”这一争议问题；可用：{'、'.join(CHOICES)}"
        elif set(reading.options) != set(words):
            yield f"readings.{name}", f"应有且只有这些读法：{'、'.join(words)}"
        elif reading.default not in words:
            yield f"readings.{name}", f"没有“{reading.default}”这一读法"
    given = _fields_of(workflow, workflow.opening)
    for name, channel in workflow.channels.items():
        for contested in channel.readings:
            if contested.reading not in workflow.readings:
                yield f"channels.{name}", f"没有写明争议问题“{contested.reading}”的读法"
            if contested.if_given and contested.if_given not in given:
                yield f"channels.{name}", f"没有事实“{contested.if_given}”"


def _of_outcome(workflow: Workflow, law: Law, name: str, outcome: Outcome) -> Iterator[_Found]:
    if outcome.remedy not in ("none", *law.remedies):
        yield f"outcomes.{name}", f"没有救济途径“{outcome.remedy}”"
    fields = _judging_fields(workflow)
    if outcome.withheld_by and outcome.withheld_by not in fields:
        yield f"outcomes.{name}", f"没有事实“{outcome.withheld_by}”"
    for place, evidence in ((f"outcomes.{name}", outcome.evidence), *_evidence_of_ways(name, outcome)):
        for guard in evidence:
            yield from ((place, text) for text in _of_guard(workflow, law, fields, guard))


def _evidence_of_ways(name: str, outcome: Outcome) -> Iterator[tuple[str, Iterable[Guard]]]:
    for key, way in outcome.ways.items():
        yield f"outcomes.{name}.ways.{key}", way.evidence


def _judging_fields(workflow: Workflow) -> set[str]:
    """The facts known to every step that judges by evidence."""
    judging = [s for s in workflow.steps.values() if any(g.guard == "evidenced" for g in s.guards)]
    return set.intersection(*(set(s.fields) for s in judging)) if judging else set()


def _of_step(workflow: Workflow, law: Law, name: str, step: Step) -> Iterator[str]:
    for kind, wanted, known in (
        ("岗位", step.by, workflow.roles),
        ("状态", (*step.from_, *((step.to,) if step.to else ())), workflow.states),
        ("步骤", step.recalls, workflow.steps),
        ("期限", [e.clock for _, e in step.effects()], workflow.clocks),
        ("期限数值", [e.term for e in step.starts if e.term], law.terms),
        ("办理结果", [step.outcome] if step.outcome else [], workflow.outcomes),
        ("救济途径", [e.if_remedy for e in step.starts if e.if_remedy], law.remedies),
        ("自定的数", [e.figure for e in step.starts if e.figure], workflow.figures),
        ("事实", [own for tell in step.tells for own in tell.facts.values()], step.fields),
        ("事实", [f.counts for f in step.fields.values() if f.counts], step.fields),
        ("事实", [f.answer_of for f in step.fields.values() if f.answer_of], step.fields),
        ("步骤", [f.taken_by for f in step.fields.values() if f.taken_by], workflow.steps),
    ):
        yield from (f"没有{kind}“{item}”" for item in wanted if item not in known)
    for _, effect in step.effects():
        yield from _of_effect(workflow, step, effect)
    for guard in step.guards:
        yield from _of_guard(workflow, law, set(step.fields), guard)
    if step.side is not None:
        yield from _of_turn(workflow, step.side)
    yield from (f"“{word}”不能为空" for word in ("by", "law") if not getattr(step, word))
    if not step.from_ and name != workflow.opening:
        yield "缺少“from”：没有说明哪个状态下可以办理"


def _of_turn(workflow: Workflow, turn: Turn) -> Iterator[str]:
    side = workflow.sides.get(turn.of)
    if side is None:
        yield f"没有并行程序“{turn.of}”"
        return
    for state in (*turn.at, *((turn.to,) if turn.to else ())):
        if state not in side.states:
            yield f"并行程序“{side.title}”没有状态“{state}”"
    if not turn.at and not turn.to:
        yield f"开始“{side.title}”须用“to”写明到达的状态"


def _of_guard(workflow: Workflow, law: Law, fields: Iterable[str], guard: Guard) -> Iterator[str]:
    known_fields = _fields_of(workflow, guard.step) if guard.guard in _LOOK_BACK else set(fields)
    yield from (f"没有步骤“{item}”" for item in guard.also if item not in workflow.steps)
    for kind, item, known in (
        ("步骤", guard.step, workflow.steps),
        ("期限", guard.clock, workflow.clocks),
        ("期限数值", guard.term, law.terms),
        ("事实", guard.field, known_fields),
        ("事实", guard.unless_true, set(fields)),
        ("自定的数", guard.figure, workflow.figures),
        ("并行程序", guard.side, workflow.sides),
    ):
        if item and item not in known:
            yield f"没有{kind}“{item}”"
    side = workflow.sides.get(guard.side)
    if side is not None and guard.state and guard.state not in side.states:
        yield f"并行程序“{side.title}”没有状态“{guard.state}”"
    for said in (guard.said, guard.when, guard.where):
        if said is None:
            continue
        if said.step and said.step not in workflow.steps:
            yield f"没有步骤“{said.step}”"
        elif said.field not in (_fields_of(workflow, said.step) if said.step else set(fields)):
            yield f"步骤“{said.step}”没有事实“{said.field}”" if said.step else f"没有事实“{said.field}”"
    if guard.of and not any(guard.of in s.fields for s in workflow.steps.values()):
        yield f"没有事实“{guard.of}”"
    unsaid = [w for w in _GUARD_NEEDS.get(guard.guard, ()) if not getattr(guard, w)]
    yield from (f"条件“{guard.guard}”缺少“{word}”" for word in unsaid)


def _fields_of(workflow: Workflow, step: str) -> set[str]:
    return set(workflow.steps[step].fields) if step in workflow.steps else set()


def _of_effect(workflow: Workflow, step: Step, effect: Start | Effect) -> Iterator[str]:
    named = (
        [effect.counted_from, effect.until, effect.if_true, effect.unless_true]
        if isinstance(effect, Start)
        else [effect.field]
    )
    for item in named:
        if item not in ("", "on", "receipt", *step.fields):
            yield f"没有事实“{item}”"
    if isinstance(effect, Start):
        clocks: tuple[str, ...] = (effect.same_as, effect.while_stopped)
    else:
        clocks = (effect.within, effect.at_most)
    yield from (f"没有期限“{name}”" for name in clocks if name and name not in workflow.clocks)
    if isinstance(effect, Effect) and effect.answers and effect.answers not in workflow.steps:
        yield f"没有步骤“{effect.answers}”"
    if isinstance(effect, Effect) and effect.reading and effect.reading not in workflow.readings:
        yield f"没有写明争议问题“{effect.reading}”的读法"
    if isinstance(effect, Start) and not _has_length(workflow, effect):
        yield f"期限“{effect.clock}”没有期限数值，起算时须用“until”写明最后一日"


def _has_length(workflow: Workflow, effect: Start) -> bool:
    clock = workflow.clocks.get(effect.clock)
    return clock is None or any((clock.term, effect.until, effect.term, effect.same_as, effect.figure))
