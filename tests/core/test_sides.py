"""Side proceedings: opened, moved on, told apart by their numbers, and never taken twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from yishenqing.core.deadline import Fact
from yishenqing.core.sides import Beside, beside, open_ones, turn_refusals
from yishenqing.core.workflow import Side, SideState, Step, Turn, Workflow
from yishenqing.rulebook import Rulebook

LAW = "条例第四十五条"
MONDAY = date(2026, 3, 2)
STATES = {"asked": SideState("待答"), "urged": SideState("已催"), "done": SideState("已答", final=True)}
TURNS = {
    "ask": Turn("talk", to="asked"),
    "urge": Turn("talk", at=("asked", "urged"), to="urged"),
    "tell": Turn("talk", at=("asked",)),
    "answer": Turn("talk", at=("asked", "urged"), to="done"),
}


def with_talk(workflow: Workflow, *, many: bool) -> Workflow:
    """Return the workflow with a side proceeding of our own and the steps that take its turns."""
    steps = {name: Step(name, ("handler",), (LAW,), ("handling",), side=turn) for name, turn in TURNS.items()}
    sides = {**workflow.sides, "talk": Side("谈话", LAW, STATES, many)}
    return replace(workflow, sides=sides, steps={**workflow.steps, **steps})


@pytest.fixture
def one(rules: Rulebook) -> Workflow:
    return with_talk(rules.workflow, many=False)


@pytest.fixture
def several(rules: Rulebook) -> Workflow:
    return with_talk(rules.workflow, many=True)


def facts(*said: str) -> list[Fact]:
    """Read “step” or “step id” as facts on one day after another."""
    found = []
    for n, words in enumerate(said):
        step, _, identifier = words.partition(" ")
        found.append(Fact(step, MONDAY + timedelta(n), {"id": identifier} if identifier else {}))
    return found


def against(workflow: Workflow, done: list[Fact], step: str, said: Mapping[str, Any] | None) -> str:
    return "；".join(r.text for r in turn_refusals(workflow, beside(workflow, done), TURNS[step], said))


def test_a_proceeding_knows_where_it_stands_and_since_when(several: Workflow) -> None:
    done = facts("ask 甲", "ask 乙", "tell 甲", "urge 乙", "answer 甲")
    assert beside(several, done) == (
        Beside("talk", "甲", "done", MONDAY, MONDAY + timedelta(4)),
        Beside("talk", "乙", "urged", MONDAY + timedelta(1), MONDAY + timedelta(3)),
    )
    assert [x.id for x in open_ones(several, beside(several, done), "talk")] == ["乙"]
    assert list(open_ones(several, beside(several, done), "fee")) == []


def test_the_latest_of_one_number_is_the_one_that_moves(several: Workflow) -> None:
    done = facts("ask 甲", "answer 甲", "ask 甲", "urge 甲")
    assert [(x.id, x.state) for x in beside(several, done)] == [("甲", "done"), ("甲", "urged")]


def test_what_was_never_opened_moves_nothing(several: Workflow) -> None:
    assert beside(several, facts("answer", "urge 甲", "tell")) == ()
    assert beside(several, facts("ask 甲", "answer 乙"))[0].state == "asked"


@pytest.mark.parametrize(
    ("done", "step", "said", "says"),
    [
        ([], "ask", {}, ""),
        ([], "ask", None, ""),
        (["ask"], "ask", {}, "“谈话”尚未结束（待答）"),
        (["ask"], "ask", None, "“谈话”尚未结束（待答）"),
        (["ask", "urge"], "ask", {}, "“谈话”尚未结束（已催）"),
        (["ask", "answer"], "ask", {}, ""),
        (["ask", "answer"], "ask", None, ""),
        ([], "answer", {}, "没有处于“待答、已催”的“谈话”"),
        ([], "answer", None, "没有处于“待答、已催”的“谈话”"),
        (["ask"], "answer", {}, ""),
        (["ask", "answer"], "answer", {}, "没有处于“待答、已催”的“谈话”"),
        (["ask", "urge"], "tell", {}, "没有处于“待答”的“谈话”"),
        (["ask"], "tell", None, ""),
    ],
)
def test_one_at_a_time(one: Workflow, done: list[str], step: str, said: Any, says: str) -> None:
    assert against(one, facts(*done), step, said) == says


@pytest.mark.parametrize(
    ("done", "step", "said", "says"),
    [
        (["ask 甲"], "ask", {"id": "乙"}, ""),
        (["ask 甲"], "ask", None, ""),  # an offer: another may always be opened
        (["ask 甲"], "ask", {"id": "甲"}, "同一编号（id）的“谈话”尚未结束；另行办理时请用不同的 id"),
        (["ask"], "ask", {}, "同一编号（id）的“谈话”尚未结束；另行办理时请用不同的 id"),
        (["ask 甲", "answer 甲"], "ask", {"id": "甲"}, ""),
        (["ask 甲"], "answer", {"id": "乙"}, "没有处于“待答、已催”的“谈话”（多项并行时请用 id 指明是哪一项）"),
        (["ask 甲"], "answer", {}, "没有处于“待答、已催”的“谈话”（多项并行时请用 id 指明是哪一项）"),
        (["ask 甲", "ask 乙"], "answer", {"id": "乙"}, ""),
        (["ask 甲", "ask 乙", "answer 甲"], "answer", None, ""),
        (["ask 甲", "answer 甲"], "answer", None, "没有处于“待答、已催”的“谈话”（多项并行时请用 id 指明是哪一项）"),
    ],
)
def test_several_at_once_are_told_apart(several: Workflow, done: list[str], step: str, said: Any, says: str) -> None:
    assert against(several, facts(*done), step, said) == says


def test_a_refusal_cites_the_article_of_the_proceeding(one: Workflow) -> None:
    (reason,) = turn_refusals(one, (), TURNS["answer"], {})
    assert reason.law == LAW


@given(st.lists(st.tuples(st.sampled_from(sorted(TURNS)), st.sampled_from(["", "甲", "乙"])), max_size=12))
def test_taking_only_what_is_not_refused_keeps_one_open_of_each_number(
    rules: Rulebook, tried: list[tuple[str, str]]
) -> None:
    """Against a naive dictionary: where each number stands, None before it is opened and after it has ended."""
    workflow = with_talk(rules.workflow, many=True)
    naive: dict[str, str] = {}
    done: list[Fact] = []
    for step, identifier in tried:
        turn, said = TURNS[step], {"id": identifier} if identifier else {}
        lawful = (identifier not in naive) if not turn.at else naive.get(identifier) in turn.at
        assert (against(workflow, done, step, said) == "") is lawful
        if lawful:
            done.append(Fact(step, MONDAY, said))
            naive[identifier] = turn.to or naive[identifier]
            if naive[identifier] == "done":
                del naive[identifier]
        still = {x.id: x.state for x in open_ones(workflow, beside(workflow, done), "talk")}
        assert still == naive
