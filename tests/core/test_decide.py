"""Offers and refusals: each guard's word, and random walks on which no offer is ever taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from yishenqing.core.deadline import Fact
from yishenqing.core.decide import decide, permitted, refusals
from yishenqing.core.errors import Refused
from yishenqing.core.facts import shaped
from yishenqing.core.graph import graph_of
from yishenqing.core.guards import guard_refusals
from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workflow import Field, Guard, Step, Workflow
from yishenqing.rulebook import Rulebook

if TYPE_CHECKING:
    from tests.conftest import Walk

Unopened = Callable[[date], "Walk"]
LAW = "条例第四十五条"
MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)


# --- each guard's word -------------------------------------------------------------------------------------


def reasons_of(
    walk: Walk,
    guard: Guard,
    on: date,
    facts: dict[str, Any] | None = None,
    actor: str = "某人",
    off: frozenset[str] = frozenset(),
) -> str:
    """Say why a step of our own, guarded by ``guard``, may not be taken; empty when it may."""
    old = walk.standing
    until = Field("至", "date", ahead=True)
    fields = {"days": Field("日数", "int"), "until": until, "outcome": Field("结果", "outcome")}
    step = Step("试办", ("handler",), (LAW,), tuple(old.workflow.states), may=fields, guards=(guard,))
    workflow = replace(old.workflow, steps={**old.workflow.steps, "tried": step})
    standing = Standing(workflow, old.law, old.workdays.on(on), old.facts, old.actors, off)
    found = refusals(Attempt(standing, "tried", step, on, facts, actor, ("handler",)), on)
    assert all(r.law == guard.law for r in found)
    return "；".join(r.text for r in found)


@pytest.fixture
def at(unopened: Unopened) -> Callable[..., Walk]:
    """Return a case received on Monday 2 March 2026 and walked on to a state."""

    def walked(state: str = "registered", channel: str = "in_person", on: date = MONDAY) -> Walk:
        walk = unopened(on).take("received", on, channel=channel)
        return walk.to(state, on)

    return walked


def test_once_and_after_and_unless_look_at_what_was_done(at: Callable[..., Walk]) -> None:
    walk = at("under_review")
    asked = Guard("after", LAW, step="acknowledged")
    assert reasons_of(walk, asked, MONDAY) == ""
    assert reasons_of(walk, replace(asked, step="accepted"), MONDAY) == "须先办理“审核通过，交承办”"
    assert reasons_of(walk, Guard("unless", LAW, step="accepted"), MONDAY) == ""
    text = reasons_of(walk, Guard("unless", LAW, step="acknowledged"), MONDAY)
    assert text == "2026-03-02已经办理“出具登记回执，转审核”"
    assert reasons_of(walk, Guard("once", LAW), MONDAY) == ""


@pytest.mark.parametrize(
    ("word", "on", "says"),
    [
        ("within", "2026-03-30", ""),
        ("within", "2026-03-31", "2026-03-31已超过答复期限（2026-03-30届满）"),
        ("past", "2026-03-30", "答复期限尚未届满（2026-03-30届满）"),
        ("past", "2026-03-31", ""),
        ("running", "2026-03-30", ""),
        ("running", "2026-03-31", ""),
        ("stopped", "2026-03-30", "“答复期限”没有暂停计算"),
    ],
)
def test_a_running_clock(at: Callable[..., Walk], word: Any, on: str, says: str) -> None:
    assert reasons_of(at(), Guard(word, LAW, clock="reply"), date.fromisoformat(on)) == says


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("running", "“答复期限”已暂停计算"),
        ("stopped", ""),
        ("within", ""),
        ("past", "答复期限尚未届满（2026-03-30届满）"),
    ],
)
def test_a_stopped_clock(at: Callable[..., Walk], word: Any, says: str) -> None:
    assert reasons_of(at(channel="fax"), Guard(word, LAW, clock="reply"), MONDAY) == says


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("running", "“答复期限”不在计算之中"),
        ("stopped", "“答复期限”没有暂停计算"),
        ("past", "“答复期限”所要求的已于2026-03-02办理"),
    ],
)
def test_a_clock_that_was_met(at: Callable[..., Walk], word: Any, says: str) -> None:
    assert reasons_of(at("replied"), Guard(word, LAW, clock="reply"), date(2026, 4, 20)) == says


def test_a_lapsed_clock_runs_no_more(at: Callable[..., Walk]) -> None:
    guard = Guard("running", LAW, clock="supplement_notice")
    assert reasons_of(at(), guard, date(2026, 3, 11)) == ""
    assert reasons_of(at(), guard, date(2026, 3, 12)) == "“补正告知期限”不在计算之中"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("within", "“申请人补正期限”尚未开始"),
        ("past", "“申请人补正期限”尚未开始"),
        ("running", "“申请人补正期限”不在计算之中"),
        ("stopped", "“申请人补正期限”没有暂停计算"),
    ],
)
def test_a_clock_that_never_started(at: Callable[..., Walk], word: Any, says: str) -> None:
    assert reasons_of(at(), Guard(word, LAW, clock="supplement"), MONDAY) == says


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (None, ""),
        ({"days": 1}, ""),
        ({"days": 20}, ""),
        ({"days": 21}, "“日数”最多20，现为21"),
        ({"days": 0}, "“日数”须为正整数"),
        ({"days": -5}, "“日数”须为正整数"),
        ({}, "“日数”须为正整数"),
    ],
)
def test_at_most(at: Callable[..., Walk], facts: dict[str, Any] | None, says: str) -> None:
    assert reasons_of(at(), Guard("at_most", LAW, field="days", term="extension"), MONDAY, facts) == says


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (None, ""),
        ({}, ""),
        ({"until": MONDAY}, ""),
        ({"until": "2026-03-03"}, ""),
        ({"until": MONDAY - DAY}, "“至”2026-03-01不得早于办理日期2026-03-02"),
    ],
)
def test_not_before(at: Callable[..., Walk], facts: dict[str, Any] | None, says: str) -> None:
    assert reasons_of(at(), Guard("not_before", LAW, field="until"), MONDAY, facts) == says


def test_another_person_than_the_last_who_took_that_step(at: Callable[..., Walk]) -> None:
    walk = at("handling").take("search_recorded", MONDAY, "张某").take("search_recorded", MONDAY, "李某")
    guard = Guard("another_person", LAW, step="search_recorded", switch="separate_signer")
    assert reasons_of(walk, guard, MONDAY, {}, "张某") == ""
    assert reasons_of(walk, guard, MONDAY, {}, "李某") == "“记录检索情况”由李某办理，本步骤须由他人办理"
    assert reasons_of(walk, guard, MONDAY, {}, "") == ""  # an offer names nobody
    assert reasons_of(walk, guard, MONDAY, {}, "李某", frozenset({"separate_signer"})) == ""
    assert reasons_of(walk, replace(guard, step="drafted"), MONDAY, {}, "李某") == ""


@pytest.mark.parametrize(
    ("facts", "says"), [(None, ""), ({}, ""), ({"outcome": "granted"}, ""), ({"outcome": "partial"}, "“部分公开”与")]
)
def test_agrees_with_the_outcome_chosen_before(
    at: Callable[..., Walk], facts: dict[str, Any] | None, says: str
) -> None:
    guard = Guard("agrees", LAW, field="outcome")
    found = reasons_of(at("drafted"), guard, MONDAY, facts)
    assert bool(found) is bool(says)
    assert says in found
    assert reasons_of(at("handling"), guard, MONDAY, facts) == ""  # nothing was chosen yet


def test_all_guards_speak_at_once(at: Callable[..., Walk]) -> None:
    guards = (Guard("once", "条例第三十条"), Guard("after", "条例第十七条", step="secrecy_reviewed"))
    walk = at()
    step = replace(walk.standing.workflow.steps["received"], guards=guards)
    found = guard_refusals(Attempt(walk.standing, "received", step, MONDAY))
    assert [r.law for r in found] == ["条例第三十条", "条例第十七条"]


# --- decide, refusals, permitted ---------------------------------------------------------------------------


def attempt(walk: Walk, name: str, on: date, roles: Collection[str], **facts: Any) -> Attempt:
    return Attempt(walk.standing, name, walk.standing.workflow.steps[name], on, facts, "王某", roles)


def test_a_lawful_step_leads_on_and_one_without_a_goal_keeps_the_state(at: Callable[..., Walk]) -> None:
    walk = at("handling")
    searched = attempt(walk, "search_recorded", MONDAY, {"handler"}, systems=["x"], keywords=["x"], result="x")
    assert decide(searched, MONDAY) == "handling"
    assert decide(attempt(walk, "withdrawn", MONDAY, {"handler"}, statement="x"), MONDAY) == "withdrawn"


def test_a_refusal_names_every_reason_its_articles_and_what_may_be_done(at: Callable[..., Walk]) -> None:
    walk = at()
    with pytest.raises(Refused) as caught:
        decide(attempt(walk, "withdrawn", MONDAY - DAY, {"signer"}), MONDAY)
    assert caught.value.text.startswith(
        "不能办理“申请人撤回申请”：该步骤由登记岗、审核岗、承办人办理，“王某”没有这一岗位；"
        "办理日期2026-03-01早于上一步骤的日期2026-03-02，记录须按先后顺序；缺少“撤回的意思表示”（statement）"
    )
    assert list(caught.value.law) == [LAW]
    assert [p.as_json() for p in caught.value.permitted][:1] == [
        {"step": "acknowledged", "title": "出具登记回执，转审核", "role": "registrar"}
    ]
    assert (caught.value.exit_code, caught.value.code) == (3, "refused")


@pytest.mark.parametrize("on", ["2026-02-20", "2026-03-02", "2026-03-05", "2030-01-01"])
def test_whatever_day_was_asked_for_the_refusal_offers_what_may_be_done(at: Callable[..., Walk], on: str) -> None:
    with pytest.raises(Refused) as caught:
        decide(attempt(at(), "signed", date.fromisoformat(on), {"signer"}), date(2026, 3, 5))
    assert {"acknowledged", "withdrawn"} <= {p.step for p in caught.value.permitted}


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_an_empty_fact_is_a_missing_fact(at: Callable[..., Walk], empty: object) -> None:
    missing = attempt(at(), "withdrawn", MONDAY, {"registrar"}, statement=empty)
    (reason,) = refusals(missing, MONDAY)
    assert reason.text.startswith("缺少“撤回的意思表示”（statement）")
    assert refusals(attempt(at(), "withdrawn", MONDAY, {"registrar"}, statement="撤回"), MONDAY) == []


def test_an_offer_asks_for_no_facts_and_no_role(at: Callable[..., Walk]) -> None:
    walk = at()
    step = walk.standing.workflow.steps["withdrawn"]
    assert refusals(Attempt(walk.standing, "withdrawn", step, MONDAY), MONDAY) == []
    assert permitted(walk.standing, MONDAY + DAY, MONDAY) == []  # tomorrow nothing can have happened yet


def test_a_standing_knows_its_state_and_computes_deadlines_once(at: Callable[..., Walk], unopened: Unopened) -> None:
    assert unopened(MONDAY).standing.state == "new"
    assert unopened(MONDAY).standing.last_on is None
    standing = at("handling").standing
    assert (standing.state, standing.last_on) == ("handling", MONDAY)
    assert standing.deadlines(MONDAY) is standing.deadlines(MONDAY)
    assert standing.last("drafted") is None
    further = standing.plus(Fact("drafted", MONDAY, {}), "张某")
    assert (further.state, further.actors[-1], standing.state) == ("drafted", "张某", "handling")


# --- random walks ------------------------------------------------------------------------------------------

# Guards that ask for facts or for the person, which an offer does not know yet.
NEEDS_FACTS = {"at_most", "not_before", "another_person", "agrees", "correctable"}
NEEDS_FACTS |= {"evidenced", "composes", "releases", "stated", "counted", "elapsed"}
NEEDS_FACTS |= {"past"}  # of several that run at once, an offer does not know yet which is meant
NEEDS_FACTS |= {"same", "among", "beyond"}


def needs_facts(step: Step, guard: Guard) -> bool:
    """Tell whether a guard asks for facts: by its kind, for a date that must be given, or for the side it moves."""
    of_its_date = guard.guard == "within" and guard.field in step.needs
    of_its_side = guard.guard == "said" and step.side is not None
    return guard.guard in NEEDS_FACTS or of_its_date or of_its_side


def said(step: Step, on: date, chance: Random, channels: Collection[str]) -> dict[str, Any]:
    """Return every needed fact of ``step``, of its type, and what is given where something may be given."""
    read: dict[str, Callable[[Field], Any]] = {
        "text": lambda _: "略",
        "date": lambda field: on + DAY * (chance.randint(0, 20) if field.ahead else 0),
        "int": lambda _: chance.randint(1, 20),
        "bool": lambda _: chance.random() < 0.5,
        "choice": lambda field: chance.choice([*field.choices]),
        "outcome": lambda _: "granted",
        "channel": lambda _: chance.choice([*channels]),
        "list": lambda _: ["略"],
        "file": lambda _: "略",
        "object": lambda _: {"略": "略"},
    }
    asked = {**step.needs, **{n: f for n, f in step.may.items() if n == "provided"}}
    return {name: read[need.type](need) for name, need in asked.items()}


def numbered(standing: Standing, step: Step, chance: Random) -> dict[str, Any]:
    """Return the number of a side proceeding: a new one to open it, one that stands there to move it on."""
    turn = step.side
    if turn is None or "id" not in step.fields:
        return {}
    known = [one.id for one in standing.beside if one.kind == turn.of and one.state in turn.at]
    return {"id": chance.choice(known) if known else str(len(standing.facts))}


def naive_destinations(workflow: Workflow) -> dict[tuple[str, str], str]:
    found = {}
    for name, step in workflow.steps.items():
        for state in step.from_ or (workflow.initial,):
            found[state, name] = step.to or state
    return found


def reachable(workflow: Workflow) -> set[str]:
    known, seen = naive_destinations(workflow), {workflow.initial}
    for _ in workflow.states:
        seen |= {to for (state, _), to in known.items() if state in seen}
    return seen


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.dates(date(2024, 1, 2), date(2025, 9, 1)))
def test_on_every_walk_offers_hold_and_refusals_are_no_offers(
    rules: Rulebook, unopened: Unopened, seed: int, on: date
) -> None:
    chance, flow = Random(seed), rules.workflow  # noqa: S311 - a walk, not a secret
    standing = unopened(on).standing
    for _ in range(25):
        standing = replace(standing, workdays=standing.workdays.on(on))
        offered = {p.step: p for p in permitted(standing, on, on)}
        lawful: dict[str, Fact] = {}
        for name, step in ((n, s) for n, s in flow.steps.items() if s.offered):
            given = said(step, on, chance, flow.channels) | numbered(standing, step, chance)
            facts = shaped(flow, step, given)
            tried = Attempt(standing, name, step, on, facts, f"{name}的经办人", step.by)
            if not refusals(tried, on):
                lawful[name] = Fact(name, on, facts)
                assert flow.states[decide(tried, on)]
            timeless = replace(step, guards=tuple(g for g in step.guards if not needs_facts(step, g)))
            assert (not refusals(replace(tried, step=timeless), on)) == (
                not refusals(Attempt(standing, name, timeless, on), on)
            )
            if name in offered:
                assert refusals(replace(tried, step=timeless), on) == []
                assert (offered[name].title, offered[name].role) == (step.title, step.by[0])
        assert {n for n in lawful if flow.steps[n].offered} <= offered.keys()
        if not lawful:
            break
        chosen = chance.choice([*lawful])
        standing = standing.plus(lawful[chosen], f"{chosen}的经办人")
        assert standing.state in reachable(flow)
        on += DAY * chance.choice([0, 0, 1, 3, 8])
    assert offered or flow.states[standing.state].final


def test_the_graph_is_the_workflow_s_and_nothing_else(rules: Rulebook) -> None:
    flow, graph = rules.workflow, graph_of(rules.workflow)
    known = naive_destinations(flow)
    for state in flow.states:
        assert graph.steps_from(state) == [s for s in flow.steps if (state, s) in known]
        for step in [*flow.steps, "to_archived", "nothing", "trigger"]:
            assert graph.destination(state, step) == known.get((state, step))
    assert graph_of(flow) is graph


def test_every_state_can_be_reached_and_only_the_final_ones_are_ends(rules: Rulebook) -> None:
    flow = rules.workflow
    assert reachable(flow) == set(flow.states)
    ordinary = [key for key in naive_destinations(flow) if not flow.steps[key[1]].overturns]
    onward = {(state, name) for state, name in ordinary if flow.steps[name].to not in ("", state)}
    leaving = {state for state, name in onward if name != "destroyed"}
    assert {name for name, state in flow.states.items() if state.final} == set(flow.states) - leaving
    assert {name for state, name in onward if flow.states[state].final} == {"destroyed"}
