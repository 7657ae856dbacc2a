"""Every name that leads nowhere and every citation that does not resolve is found, with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import fields, replace

from yishenqing.core.plain import plain_of, read_back
from yishenqing.core.readings import Contested, Option, Reading
from yishenqing.core.soundness import citations, faults
from yishenqing.core.workflow import (
    Channel,
    Clock,
    Effect,
    Field,
    Figure,
    Guard,
    Outcome,
    Said,
    Side,
    SideState,
    Start,
    State,
    Step,
    Turn,
    Way,
    Workflow,
)
from yishenqing.rulebook import Rulebook, from_snapshot

LAW = "条例第四十五条"
BAD = "条例第九百条"


def with_step(**changes: Any) -> Callable[[Workflow], Workflow]:
    """Put a step of our own, sound but for ``changes``, into the workflow."""
    sound: dict[str, Any] = {"title": "试", "by": ("handler",), "law": (LAW,), "from_": ("handling",)}
    return lambda w: replace(w, steps={**w.steps, "tried": Step(**(sound | changes))})


def with_state(**changes: Any) -> Callable[[Workflow], Workflow]:
    sound: dict[str, Any] = {"title": "试", "stage": "review"}
    return lambda w: replace(w, states={**w.states, "tried": State(**(sound | changes))})


def with_clock(**changes: Any) -> Callable[[Workflow], Workflow]:
    sound: dict[str, Any] = {"title": "试", "owed_by": "organ", "law": LAW}
    return lambda w: replace(w, clocks={**w.clocks, "tried": Clock(**(sound | changes))})


def with_channel(**changes: Any) -> Callable[[Workflow], Workflow]:
    sound: dict[str, Any] = {"title": "试", "receipt": "arrived_on", "law": LAW, "text": "试"}
    return lambda w: replace(w, channels={**w.channels, "tried": Channel(**(sound | changes))})


def with_reading(name: str = "rest_day", default: str = "same_day", **changes: Any) -> Callable[[Workflow], Workflow]:
    """Write a contested reading anew, sound but for ``changes`` of its first option."""
    sound: dict[str, Any] = {"title": "试", "law": LAW, "source": "试", "why": "试"}
    options = {"same_day": Option(**(sound | changes)), "next_workday": Option(**sound)}
    return lambda w: replace(w, readings={**w.readings, name: Reading("试", default, options)})


def with_outcome(**changes: Any) -> Callable[[Workflow], Workflow]:
    sound: dict[str, Any] = {"title": "试", "law": (LAW,), "letter": "", "remedy": "none"}
    return lambda w: replace(w, outcomes={**w.outcomes, "tried": Outcome(**(sound | changes))})


def with_side(**changes: Any) -> Callable[[Workflow], Workflow]:
    """Put a side proceeding of our own, opened and ended by two steps, sound but for ``changes``."""
    states = {"asked": SideState("待答", owner="handler"), "done": SideState("已答", final=True)}
    turns = {"tried": Turn("tried", to="asked"), "ended": Turn("tried", at=("asked",), to="done")}
    turns |= changes.pop("turns", {})
    sound: dict[str, Any] = {"title": "试", "law": LAW, "states": {**states, **changes.pop("states", {})}}
    steps = {name: Step("试", ("handler",), (LAW,), ("handling",), side=turn) for name, turn in turns.items() if turn}
    return lambda w: replace(w, sides={**w.sides, "tried": Side(**(sound | changes))}, steps={**w.steps, **steps})


def with_figure(**changes: Any) -> Callable[[Workflow], Workflow]:
    sound: dict[str, Any] = {"title": "试", "value": 1, "law": LAW, "why": "试"}
    return lambda w: replace(w, figures={**w.figures, "tried": Figure(**(sound | changes))})


def with_way(**changes: Any) -> Callable[[Workflow], Workflow]:
    sound: dict[str, Any] = {"title": "试", "law": (LAW,), "letter": "reply_granted"}
    return with_outcome(ways={"one": Way(**(sound | changes))})


def with_road(*states: str) -> Callable[[Workflow], Workflow]:
    return lambda w: replace(w, road=states)


def guarded(word: Any, law: str = LAW, **names: Any) -> Callable[[Workflow], Workflow]:
    return with_step(guards=(Guard(word, law, **names),))


DANGLING: list[tuple[Callable[[Workflow], Workflow], str, str]] = [
    (lambda w: replace(w, initial="x"), "initial", "没有状态“x”"),
    (lambda w: replace(w, opening="x"), "opening", "没有步骤“x”"),
    (lambda w: replace(w, confirming="x"), "confirming", "没有步骤“x”"),
    (with_state(stage="x"), "states.tried", "没有阶段“x”"),
    (with_state(owner="x"), "states.tried", "没有岗位“x”"),
    (with_state(waits_for="x"), "states.tried", "没有期限“x”"),
    (with_clock(term="x"), "clocks.tried", "没有期限“x”"),
    (with_outcome(remedy="x"), "outcomes.tried", "没有救济途径“x”"),
    (with_step(by=("handler", "x")), "steps.tried", "没有岗位“x”"),
    (with_step(by=()), "steps.tried", "“by”不能为空"),
    (with_step(law=()), "steps.tried", "“law”不能为空"),
    (with_step(from_=("x",)), "steps.tried", "没有状态“x”"),
    (with_step(from_=()), "steps.tried", "缺少“from”"),
    (with_step(to="x"), "steps.tried", "没有状态“x”"),
    (with_step(outcome="x"), "steps.tried", "没有办理结果“x”"),
    (guarded("after", step="x"), "steps.tried", "没有步骤“x”"),
    (guarded("within", clock="x"), "steps.tried", "没有期限“x”"),
    (guarded("at_most", field="x", term="reply"), "steps.tried", "没有事实“x”"),
    (guarded("at_most", field="x", term="y"), "steps.tried", "没有期限数值“y”"),
    (guarded("not_before", field="x"), "steps.tried", "没有事实“x”"),
    *((guarded(w), "steps.tried", f"条件“{w}”缺少“step”") for w in ("after", "unless", "another_person")),
    *((guarded(w), "steps.tried", f"条件“{w}”缺少“clock”") for w in ("within", "past", "running", "stopped")),
    (guarded("at_most", term="reply"), "steps.tried", "条件“at_most”缺少“field”"),
    (guarded("not_before"), "steps.tried", "条件“not_before”缺少“field”"),
    *(
        (with_step(**{word: (Effect("x", LAW),)}), "steps.tried", "没有期限“x”")
        for word in ("meets", "closes", "stops", "pauses", "resumes", "extends")
    ),
    (with_step(starts=(Start("x", LAW),)), "steps.tried", "没有期限“x”"),
    (with_step(starts=(Start("reply", LAW, counted_from="x"),)), "steps.tried", "没有事实“x”"),
    (with_step(starts=(Start("reply", LAW, until="x"),)), "steps.tried", "没有事实“x”"),
    (with_step(starts=(Start("reply", LAW, if_remedy="x"),)), "steps.tried", "没有救济途径“x”"),
    (with_step(starts=(Start("supplement", LAW),)), "steps.tried", "期限“supplement”没有期限数值"),
    (with_step(meets=(Effect("reply", LAW, field="x"),)), "steps.tried", "没有事实“x”"),
    (with_step(stops=(Effect("reply", LAW, within="x"),)), "steps.tried", "没有期限“x”"),
    (with_step(resumes=(Effect("reply", LAW, answers="x"),)), "steps.tried", "没有步骤“x”"),
    (with_step(pauses=(Effect("reply", LAW, at_most="x"),)), "steps.tried", "没有期限“x”"),
    (with_step(starts=(Start("reply", LAW, term="x"),)), "steps.tried", "没有期限数值“x”"),
    (with_step(starts=(Start("supplement", LAW, same_as="x"),)), "steps.tried", "没有期限“x”"),
    (with_step(starts=(Start("reply", LAW, if_true="x"),)), "steps.tried", "没有事实“x”"),
    (with_step(starts=(Start("reply", LAW, unless_true="x"),)), "steps.tried", "没有事实“x”"),
    *((guarded(w), "steps.tried", f"条件“{w}”缺少“field”") for w in ("agrees", "evidenced", "stated", "releases")),
    *((guarded(w), "steps.tried", f"条件“{w}”缺少“step”") for w in ("composes", "recorded", "sources", "each")),
    *((guarded(w), "steps.tried", f"条件“{w}”缺少“side”") for w in ("concluded", "settled")),
    (guarded("settled", side="x"), "steps.tried", "没有并行程序“x”"),
    (guarded("concluded", side="fee", state="x"), "steps.tried", "并行程序“收取信息处理费”没有状态“x”"),
    (guarded("sources", step="search_recorded", field="systems", figure="x"), "steps.tried", "没有自定的数“x”"),
    (guarded("recorded", step="search_recorded", field="x"), "steps.tried", "没有事实“x”"),
    (with_step(side=Turn("x", to="y")), "steps.tried", "没有并行程序“x”"),
    (with_step(side=Turn("fee", to="x")), "steps.tried", "并行程序“收取信息处理费”没有状态“x”"),
    (with_step(starts=(Start("internal", LAW, figure="x"),)), "steps.tried", "没有自定的数“x”"),
    (with_outcome(evidence=(Guard("stated", LAW, field="x"),)), "outcomes.tried", "没有事实“x”"),
    (with_step(starts=(Start("reply", LAW, while_stopped="x"),)), "steps.tried", "没有期限“x”"),
    (with_step(stops=(Effect("reply", LAW, reading="x"),)), "steps.tried", "没有写明争议问题“x”的读法"),
    (with_channel(readings=(Contested("x"),)), "channels.tried", "没有写明争议问题“x”的读法"),
    (with_channel(readings=(Contested("rest_day", "x"),)), "channels.tried", "没有事实“x”"),
    (with_reading("x"), "readings.x", "没有“x”这一争议问题；可用：online_receipt、"),
    (with_reading("late_notice"), "readings.late_notice", "应有且只有这些读法：goes_on、restarts"),
    (with_reading(default="x"), "readings.rest_day", "没有“x”这一读法"),
    (with_road("new", "x", "archived"), "road", "没有状态“x”"),
    (with_road("new", "new", "archived"), "road", "状态“new”写了不止一次"),
    (with_road("registered", "archived"), "road", "应自立案前的状态“new”开始"),
    (with_road("new", "registered"), "road", "应到终点为止，“registered”不是终点"),
    (with_road("new", "registered", "archived"), "road", "没有从“registered”直接到“archived”的步骤"),
    (with_road("new", "archived", "registered"), "road", "“registered”的阶段在“archived”的阶段之前"),
]
SIDE = "sides.tried"
DANGLING += [
    (with_side(states={"asked": SideState("待答", owner="x")}), f"{SIDE}.states.asked", "没有岗位“x”"),
    (with_side(states={"asked": SideState("待答", waits_for="x")}), f"{SIDE}.states.asked", "没有期限“x”"),
    (with_side(states={"asked": SideState("待答")}), f"{SIDE}.states.asked", "没有写明由谁办下一步"),
    (with_side(states={"lost": SideState("无", final=True)}), f"{SIDE}.states.lost", "没有步骤到达这一状态"),
    (with_side(turns={"ended": None}), f"{SIDE}.states.asked", "没有步骤离开这一状态，也不是终点"),
    (with_side(turns={"tried": None}), SIDE, "没有开始它的步骤"),
    (with_side(turns={"tried": Turn("tried")}), "steps.tried", "开始“试”须用“to”写明到达的状态"),
    (with_side(turns={"tried": Turn("tried", at=("x",), to="asked")}), "steps.tried", "并行程序“试”没有状态“x”"),
    (with_way(evidence=(Guard("stated", LAW, field="x"),)), "outcomes.tried.ways.one", "没有事实“x”"),
    (with_way(evidence=(Guard("after", LAW, step="x"),)), "outcomes.tried.ways.one", "没有步骤“x”"),
    (with_outcome(evidence=(Guard("settled", LAW, side="x"),)), "outcomes.tried", "没有并行程序“x”"),
    (with_outcome(evidence=(Guard("sources", LAW, step="found"),)), "outcomes.tried", "条件“sources”缺少“field”"),
    (with_step(may={"n": Field("数", "int", counts="x")}), "steps.tried", "没有事实“x”"),
    (guarded("said", said=Said("x", "y", ("z",))), "steps.tried", "没有步骤“x”"),
    (guarded("said", said=Said("received", "y", ("z",))), "steps.tried", "步骤“received”没有事实“y”"),
    (guarded("once", when=Said("x", "y", ())), "steps.tried", "没有步骤“x”"),
    (guarded("counted", field="x", of="y"), "steps.tried", "没有事实“x”"),
    (guarded("each", step="search_recorded", field="leads", of="y"), "steps.tried", "没有事实“y”"),
    (guarded("said"), "steps.tried", "条件“said”缺少“said”"),
    (guarded("still_evidenced"), "steps.tried", "条件“still_evidenced”缺少“step”"),
    (lambda w: replace(w, mixed="x"), "mixed", "没有办理结果“x”"),
    (lambda w: replace(w, limiting="x"), "limiting", "没有期限“x”"),
]
CITED: list[tuple[Callable[[Workflow], Workflow], str]] = [
    (lambda w: replace(w, law=(BAD,)), "law"),
    (with_channel(law=BAD), "channels.tried"),
    (with_reading(law=BAD), "readings.rest_day"),
    (with_clock(law=BAD), "clocks.tried"),
    (with_outcome(law=(LAW, BAD)), "outcomes.tried"),
    (with_step(law=(LAW, BAD)), "steps.tried"),
    (with_side(law=BAD), SIDE),
    (with_figure(law=BAD), "figures.tried"),
    (with_way(law=(BAD,)), "outcomes.tried.ways.one"),
    (with_way(evidence=(Guard("after", BAD, step="found"),)), "outcomes.tried.ways.one.evidence"),
    (with_outcome(evidence=(Guard("after", BAD, step="found"),)), "outcomes.tried.evidence"),
    (guarded("once", BAD), "steps.tried.once"),
    (with_step(starts=(Start("reply", BAD),)), "steps.tried.starts"),
    *(
        (with_step(**{word: (Effect("reply", BAD),)}), f"steps.tried.{word}")
        for word in ("meets", "closes", "stops", "extends")
    ),
]


def test_the_shipped_workflow_has_no_fault(rules: Rulebook) -> None:
    assert faults(rules.workflow, rules.law) == []


@pytest.mark.parametrize(
    "sound", [with_step(), with_state(), with_clock(), with_channel(), with_outcome(), with_reading()]
)
def test_what_the_other_tests_spoil_is_sound_before(rules: Rulebook, sound: Callable[[Workflow], Workflow]) -> None:
    assert faults(sound(rules.workflow), rules.law) == []


@pytest.mark.parametrize(("spoil", "place", "says"), DANGLING, ids=[f"{p}：{s}" for _, p, s in DANGLING])
def test_a_name_that_leads_nowhere_is_found_with_its_place(
    rules: Rulebook, spoil: Callable[[Workflow], Workflow], place: str, says: str
) -> None:
    found = faults(spoil(rules.workflow), rules.law, "disclosure.yaml")
    assert (place, True) in [(f.field, f.text.startswith(says)) for f in found]
    assert {f.file for f in found} == {"disclosure.yaml"}


@pytest.mark.parametrize(("spoil", "place"), CITED, ids=[p for _, p in CITED])
def test_a_citation_that_does_not_resolve_is_found_with_its_place(
    rules: Rulebook, spoil: Callable[[Workflow], Workflow], place: str
) -> None:
    (fault,) = faults(spoil(rules.workflow), rules.law)
    assert (fault.field, fault.law) == (place, BAD)
    assert "没有收录第九百条" in fault.text


def test_several_faults_come_at_once(rules: Rulebook) -> None:
    spoilt = with_step(by=("x",), to="y", law=(BAD,))(rules.workflow)
    assert len(faults(spoilt, rules.law)) == 3


def test_every_citation_of_the_shipped_rules_is_in_force_or_replaced_by_date(rules: Rulebook) -> None:
    cited = {c for c, _ in citations(rules.workflow)}
    assert {c: rules.law.unresolved(c, rules.workflow.since.replace(year=2026)) for c in cited} == dict.fromkeys(
        cited
    )


def test_a_rulebook_comes_back_from_its_snapshot_as_it_was(rules: Rulebook) -> None:
    again = from_snapshot(rules.snapshot())
    assert plain_of(again.workflow) == plain_of(rules.workflow)
    assert plain_of(again.law) == plain_of(rules.law)
    assert again.snapshot() == rules.snapshot()
    assert [type(s) for s in again.workflow.steps.values()] == [Step] * len(rules.workflow.steps)
    assert {f.name for f in fields(again.workflow)} == {f.name for f in fields(rules.workflow)}


def test_a_stored_value_of_another_shape_is_not_taken(rules: Rulebook) -> None:
    stored = {"title": "甲", "stage": "review"}
    assert read_back(State, json.dumps(stored)) == State("甲", "review")
    for other in ({**stored, "colour": "red"}, {"title": "甲"}, {**stored, "stage": 3}, ["甲", "review"]):
        with pytest.raises(ValueError, match=r"Object|Expected"):
            read_back(State, json.dumps(other))
