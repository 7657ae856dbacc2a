"""Every road of the files beside this one, walked through the core to the archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from roads import ROADS, ROW_OF, WORDS, Walked, walked
from wording import FLOW, RULES, code, sides_of

from yishenqing.core.deadline import STATE_TITLES

if TYPE_CHECKING:
    from tests.conftest import Walk

Road = Mapping[str, Any]
Unopened = Callable[[date], "Walk"]
TODAY = date(2026, 11, 20)
ALSO = {"期限", "并行程序", "代行岗位"}  # what a road may say of its end besides what every road says


@pytest.fixture(scope="session")
def ended(unopened: Unopened) -> list[Walked]:
    """Every road at its end."""
    return [walked(road, unopened(TODAY)) for _, road in ROADS]


@pytest.mark.parametrize("road", [pytest.param(r, id=f"{f}：{r.get('名称')}") for f, r in ROADS])
def test_the_road_ends_as_it_says(road: Road, unopened: Unopened) -> None:
    assert {"名称", "依据", "经过", "应当"} <= set(road) <= {"名称", "依据", "说明", "人员", "经过", "应当"}
    assert all(RULES.law.unresolved(law) is None for law in str(road["依据"]).split("、"))
    found = walked(road, unopened(TODAY))
    wanted = dict(road["应当"])
    assert found.ends == {word: value for word, value in wanted.items() if word not in ALSO}
    assert wanted["案件状态"] == "已归档"
    standing = found.walk.standing
    deadlines = standing.deadlines(TODAY)
    for title, state in wanted.get("期限", {}).items():
        assert STATE_TITLES[deadlines[code(FLOW.clocks, title)].state] == state
    if "并行程序" in wanted:
        assert sides_of(standing) == wanted["并行程序"]
    assert [a.actor for a in found.acts if a.stands_in_for] == wanted.get("代行岗位", [])


def test_there_are_at_least_forty_roads_with_names_of_their_own() -> None:
    assert len({road["名称"] for _, road in ROADS}) == len(ROADS) >= 40


def test_the_roads_go_through_every_step_that_people_take(ended: list[Walked]) -> None:
    by_hand = {name for name, step in FLOW.steps.items() if step.offered}
    assert by_hand <= {act.step for one in ended for act in one.acts}


def test_the_roads_come_to_every_outcome_and_every_way(ended: list[Walked]) -> None:
    told = {
        (str(f.facts.get("outcome") or f.facts.get("finding")), str(f.facts.get("way") or ""))
        for one in ended
        for f in one.walk.standing.facts
    }
    told |= {(o, "") for one in ended for act in one.acts if (o := FLOW.steps[act.step].outcome)}
    ways = {(name, way) for name, outcome in FLOW.outcomes.items() for way in outcome.ways}
    assert ways | {(name, "") for name, outcome in FLOW.outcomes.items() if outcome.letter} <= told


def test_the_roads_come_to_every_state_of_every_side_proceeding(ended: list[Walked]) -> None:
    reached = {(one.kind, one.state) for road in ended for one in road.walk.standing.beside}
    closing = {(kind, s) for kind, side in FLOW.sides.items() for s, state in side.states.items() if state.final}
    assert closing <= reached


def test_the_roads_issue_every_letter_of_the_workflow(ended: list[Walked]) -> None:
    asked = {s.letter for s in FLOW.steps.values() if s.letter not in ("", "by_outcome")}
    asked |= {letter for outcome in FLOW.outcomes.values() for letter in outcome.letters}
    asked |= {FLOW.itemised}
    assert asked == set(WORDS["文书"])
    assert {act.letter for one in ended for act in one.acts if act.letter} == asked


def test_every_outcome_is_one_row_of_the_annual_report_in_the_form_s_order() -> None:
    assert [code(FLOW.outcomes, row["办理结果"]) for row in WORDS["年度报告表三"]] == list(FLOW.outcomes)
    assert len(set(ROW_OF.values())) == len(FLOW.outcomes)
