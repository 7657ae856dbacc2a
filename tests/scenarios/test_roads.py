"""Every road of the files beside this one, walked through the core to the archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from roads import ROADS, ROW_OF, WORDS, Walked, flow_of, result_field, rules_of, walked
from wording import FLOW, RULES, code, sides_of

from yishenqing.core.deadline import STATE_TITLES

if TYPE_CHECKING:
    from tests.conftest import Walk

Road = Mapping[str, Any]
Unopened = Callable[[date], "Walk"]
TODAY = date(2026, 11, 20)
ALSO = {"期限", "并行程序", "代行岗位"}  # what a road may say of its end besides what every road says
OTHERS = ("correction", "reconsideration", "litigation", "complaint")  # the procedures beside that of disclosure


@pytest.fixture(scope="session")
def ended(unopened: Unopened) -> list[Walked]:
    """Every road at its end."""
    return [walked(road, unopened(TODAY)) for _, road in ROADS]


@pytest.mark.parametrize("road", [pytest.param(r, id=f"{f}：{r.get('名称')}") for f, r in ROADS])
def test_the_road_ends_as_it_says(road: Road, unopened: Unopened) -> None:
    always = {"名称", "依据", "经过", "应当"}
    assert always <= set(road) <= {*always, "流程", "原案", "说明", "人员"}
    assert all(RULES.law.unresolved(law) is None for law in str(road["依据"]).split("、"))
    found = walked(road, unopened(TODAY))
    wanted = dict(road["应当"])
    assert found.ends == {word: value for word, value in wanted.items() if word not in ALSO}
    assert wanted["案件状态"] == "已归档"
    standing = found.walk.standing
    deadlines = standing.deadlines(TODAY)
    for title, state in wanted.get("期限", {}).items():
        assert STATE_TITLES[deadlines[code(standing.workflow.clocks, title)].state] == state
    if "并行程序" in wanted:
        assert sides_of(standing) == wanted["并行程序"]
    assert [a.actor for a in found.acts if a.stands_in_for] == wanted.get("代行岗位", [])


def test_there_are_at_least_forty_roads_of_disclosure_and_every_road_has_a_name_of_its_own() -> None:
    assert len({road["名称"] for _, road in ROADS}) == len(ROADS)
    assert len([road for _, road in ROADS if flow_of(road) == FLOW.id]) >= 40


@pytest.mark.parametrize("name", [FLOW.id, *OTHERS])
def test_the_roads_go_through_every_step_that_people_take(name: str, ended: list[Walked]) -> None:
    by_hand = {n for n, step in rules_of(name).workflow.steps.items() if step.offered}
    assert by_hand <= {act.step for one in ended for act in one.acts if act.flow == name}


@pytest.mark.parametrize("name", OTHERS)
def test_the_roads_come_to_every_result_of_the_other_procedures(name: str, ended: list[Walked]) -> None:
    flow = rules_of(name).workflow
    fields = [step.fields[result_field(flow)] for step in flow.steps.values() if result_field(flow) in step.fields]
    told = {one.result for one in ended if one.walk.standing.workflow.id == name}
    assert {title for known in fields for title in known.choices.values()} <= told
    assert fields
    assert all(known.choices for known in fields)


def test_the_roads_come_to_every_outcome_and_every_way(ended: list[Walked]) -> None:
    told = {
        (str(f.facts.get("outcome") or f.facts.get("finding")), str(f.facts.get("way") or ""))
        for one in ended
        for f in one.walk.standing.facts
    }
    told |= {
        (o, "") for one in ended for act in one.acts if (o := rules_of(act.flow).workflow.steps[act.step].outcome)
    }
    ways = {(name, way) for name, outcome in FLOW.outcomes.items() for way in outcome.ways}
    assert ways | {(name, "") for name, outcome in FLOW.outcomes.items() if outcome.letter} <= told


def test_the_roads_come_to_every_state_of_every_side_proceeding(ended: list[Walked]) -> None:
    reached = {(one.kind, one.state) for road in ended for one in road.walk.standing.beside}
    closing = {(kind, s) for kind, side in FLOW.sides.items() for s, state in side.states.items() if state.final}
    assert closing <= reached


def test_the_roads_issue_every_letter_of_the_workflow(ended: list[Walked]) -> None:
    flows = [rules_of(name).workflow for name in (FLOW.id, *OTHERS)]
    asked = {s.letter for flow in flows for s in flow.steps.values() if s.letter not in ("", "by_outcome")}
    asked |= {letter for outcome in FLOW.outcomes.values() for letter in outcome.letters}
    asked |= {FLOW.itemised}
    assert asked == set(WORDS["文书"])
    assert {act.letter for one in ended for act in one.acts if act.letter} == asked


def test_every_outcome_is_one_row_of_the_annual_report_in_the_form_s_order() -> None:
    assert [code(FLOW.outcomes, row["办理结果"]) for row in WORDS["年度报告表三"]] == list(FLOW.outcomes)
    assert len(set(ROW_OF.values())) == len(FLOW.outcomes)
