"""The workflow is proved: the shipped one keeps every invariant, each broken line is caught, no real case escapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from yishenqing.core.deadline import Fact
from yishenqing.core.decide import refusals
from yishenqing.core.errors import DataFault
from yishenqing.core.facts import shaped
from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workflow import Field, Step, Workflow
from yishenqing.documents import read
from yishenqing.proof import BOUND, prove, read_invariants
from yishenqing.proof.effects import plain
from yishenqing.proof.exploring import explored
from yishenqing.proof.model import MAIN, OUTCOME, Model, Values, Var
from yishenqing.proof.moving import Moves
from yishenqing.rulebook import read_rulebook

if TYPE_CHECKING:
    from tests.conftest import Walk

FLOW = read_rulebook().workflow
LAWS = read_invariants(None, FLOW, [FLOW.id])
BREAKS = read(Path(__file__).with_name("proof_breaks.yaml")).data
DAY = timedelta(days=1)
LAST = {"withdrawn", "merged", "contacted", "urged", "archived"}
ONWARD = {"acknowledged", "accepted", "drafted", "reviewed", "secrecy_reviewed", "signed", "replied", "delivered"}


def broken(flow: Workflow, changes: dict[str, Any]) -> Workflow:
    for place, new in changes.items():
        part, name, *field = place.split(".")
        known = dict(getattr(flow, part))
        if new == "去掉":
            del known[name]
        else:
            known[name] = replace(known[name], **{field[0]: tuple(new)})
        flow = replace(flow, **{part: known})
    return flow


@pytest.mark.parametrize("name", [n for n, law in LAWS.items() if not law.letters])
def test_the_shipped_workflow_keeps(name: str) -> None:
    (proved,) = prove(FLOW, {name: LAWS[name]}, {})
    assert proved.breaks == ()


@pytest.mark.parametrize("row", [pytest.param(r, id=r["名称"]) for r in BREAKS])
def test_a_broken_line_is_caught_with_the_shortest_road_to_it(row: dict[str, Any]) -> None:
    name = row["不变量"]
    (proved,) = prove(broken(FLOW, row["改"]), {name: LAWS[name]}, {})
    assert proved.breaks
    sentence = proved.breaks[0][1]
    assert sentence.startswith(f"{LAWS[name].title}（{LAWS[name].law}）")
    if row["路"]:
        road = sentence.rpartition("：")[2].split(" → ")
        assert len(road) == len(row["路"])
        titles = [next(t for t in row["路"] if said.startswith(t)) for said in road]
        assert sorted(titles) == sorted(row["路"])
        assert titles == row["路"] or row.get("不必照此")


def test_letters_missing_and_unused_are_named() -> None:
    (found,) = prove(FLOW, {"letters": LAWS["letters"]}, {"reply_granted": True, "poem": True, "form": False})
    texts = [text for _, text in found.breaks]
    assert any("没有文书模板“reply_repeat”" in t for t in texts)
    assert any("“poem”没有任何步骤" in t for t in texts)
    assert not any("form”没有任何" in t or "“reply_granted”" in t for t in texts)


def test_an_office_adds_invariants_and_takes_none_away(tmp_path: Path) -> None:
    own = tmp_path / "workflows" / "invariants.yaml"
    own.parent.mkdir()
    head = "disclosure:\n  legal:\n    title: 不经法律意见不得签发\n    law: 条例第四十五条\n"
    text = head + "    before: {steps: [signed], requires: [%s]}\n"
    own.write_text(text % "legal_opinion_given", encoding="utf-8")
    laws = read_invariants(tmp_path, FLOW, ["disclosure"])
    assert set(laws) - set(LAWS) == {"legal"}
    (proved,) = prove(FLOW, {"legal": laws["legal"]}, {})
    assert "签发答复" in proved.breaks[0][1]
    own.write_text(text % "nobody", encoding="utf-8")
    with pytest.raises(DataFault, match=r"第\d行.*没有步骤“nobody”"):
        read_invariants(tmp_path, FLOW, ["disclosure"])
    own.write_text(text.replace("legal:", "evidence:") % "signed", encoding="utf-8")
    with pytest.raises(DataFault, match="已有同名的不变量"):
        read_invariants(tmp_path, FLOW, ["disclosure"])
    own.write_text(text.replace("before", "befor") % "signed", encoding="utf-8")
    with pytest.raises(DataFault, match="befor"):
        read_invariants(tmp_path, FLOW, ["disclosure"])


# --- the abstraction covers the concrete ---------------------------------------------------------------------

MODEL = Model(FLOW, LAWS.values())
PROJECTIONS: list[tuple[Var, ...]] = [(MAIN, *(("side", kind),)) for kind in FLOW.sides] + [
    (OUTCOME, ("said", "secrecy_reviewed", "conclusion"), ("since", "secrecy_reviewed", "drafted")),
    (OUTCOME, ("taken", "search_recorded"), ("side", "third_party")),
    (("said", "third_party_answered", "opinion"), ("taken", "third_party_overridden")),
    (("since", "reviewed", "drafted"), ("taken", "signed"), ("taken", "written_down")),
]


@cache
def everywhere(variables: tuple[Var, ...]) -> tuple[Moves, frozenset[Values]]:
    moves = Moves(MODEL, MODEL.closed(variables))
    return moves, frozenset(explored(moves).parents)


def seen(var: Var, standing: Standing) -> Any:  # noqa: PLR0911 - one return for each kind of variable
    """Say, from the facts alone, what the variable holds: written anew, not by what the proof uses."""
    steps = [f.step for f in standing.facts]
    if var == MAIN:
        return standing.state
    if var[0] == "taken":
        return var[1] in steps
    if var[0] == "since":
        return var[1] in steps[len(steps) - steps[::-1].index(var[2]) :] if var[2] in steps else var[1] in steps
    if var[0] == "side":
        states = FLOW.sides[var[1]].states
        return tuple(sorted(b.state for b in standing.beside if b.kind == var[1] and not states[b.state].final))
    if var[0] == "said":
        latest = {f.id: f.facts.get(var[2], "") for f in standing.facts if f.step == var[1]}
        return plain(frozenset(MODEL.value(var[1], var[2], v) for v in latest.values() if v))
    chosen = next((f for f in reversed(standing.facts) if f.step == "drafted" or FLOW.steps[f.step].outcome), None)
    if chosen is None:
        return None
    if fixed := FLOW.steps[chosen.step].outcome:
        return MODEL.kind(fixed, ""), "fixed"
    kind = MODEL.kind(chosen.facts["outcome"], chosen.facts.get("way", ""))
    return kind, "items" if "found" in steps[: steps.index("drafted")] else "asked"


def said(step: Step, on: date, chance: Random) -> dict[str, Any]:
    """Return facts of every kind, so that each outcome can be chosen."""
    told = {f: "略" for f in step.may if step.may[f].type == "text" and f not in ("id", "way")}
    lists = {f: ["略", "又"] for f, known in step.may.items() if known.type == "list"}
    read: dict[str, Callable[[Field], Any]] = {
        "text": lambda _: "略",
        "date": lambda known: on + DAY * (chance.randint(0, 20) if known.ahead else 0),
        "int": lambda _: 1,
        "choice": lambda known: chance.choice([*known.choices]),
        "outcome": lambda _: chance.choice([*FLOW.outcomes]),
        "channel": lambda _: chance.choice([*FLOW.channels]),
        "list": lambda _: ["略", "又"],
        "object": lambda _: {"略": "略"},
        "file": lambda _: ["略.pdf"],
    }
    facts = {**told, **lists, **{n: read[need.type](need) for n, need in step.needs.items()}}
    if "until" in step.may:
        facts["until"] = on + DAY
    outcome = FLOW.outcomes.get(facts.get("outcome", facts.get("finding", "")))
    if outcome is not None and outcome.ways:
        facts["way"] = chance.choice([*outcome.ways])
    if "id" in step.may:
        facts["id"] = chance.choice(["1", "2"])
    if step.title == "更正记录":
        of, field, value = chance.choice(
            [(7, "conclusion", "withheld"), (1, "channel", "oral"), (4, "opinion", "objected")]
        )
        facts |= {"of": of, "field": field, "value": value}
    return facts


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_no_real_case_is_ever_where_the_exploration_was_not(unopened: Callable[[date], Walk], seed: int) -> None:
    chance, on = Random(seed), date(2024, 3, 4)  # noqa: S311 - a walk, not a secret
    standing = unopened(on).standing
    for _ in range(40):
        standing = replace(standing, workdays=standing.workdays.on(on))
        tries = [*FLOW.steps.items()]
        chance.shuffle(tries)
        onward = chance.random() < 0.6  # else the walk would hardly come beyond the draft
        tries.sort(key=lambda one: one[0] in LAST or (onward and one[0] not in ONWARD))
        for name, step in tries:
            facts = shaped(FLOW, step, said(step, on, chance))
            further = standing.plus(Fact(name, on, facts), name) if not _refused(standing, name, on, facts) else None
            if further is not None and not _beyond(further):
                standing = further
                break
        for variables in PROJECTIONS:
            moves, known = everywhere(variables)
            assert tuple(seen(v, standing) for v in moves.variables) in known, [f.step for f in standing.facts]
        on += DAY * chance.choice([0, 0, 1, 8])


def _refused(standing: Standing, name: str, on: date, facts: dict[str, Any]) -> bool:
    step = standing.workflow.steps[name]
    return bool(refusals(Attempt(standing, name, step, on, facts, f"{name}的经办人", step.by), on))


def _beyond(standing: Standing) -> bool:
    open_now = [len(seen(("side", kind), standing)) for kind in FLOW.sides]
    return max(open_now) > BOUND
