"""Runs the lawyers' tables of the other procedures (``linked/*.yaml``); written as those beside this file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from yishenqing.core.deadline import STATE_TITLES
from yishenqing.core.decide import permitted, refusals
from yishenqing.core.errors import Refused
from yishenqing.core.links import faults_between
from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workflow import Workflow
from yishenqing.documents import read
from yishenqing.rulebook import read_all

if TYPE_CHECKING:
    from tests.conftest import Walk

KNOWN, FAULTS = read_all()
LINKED = {name: rules for name, rules in KNOWN.items() if not rules.workflow.opens("disclosure")}
ROWS = [(f.stem, row) for f in sorted((Path(__file__).parent / "linked").glob("*.yaml")) for row in read(f).data]


def code(named: Mapping[str, Any], title: str) -> str:
    (found,) = [k for k, v in named.items() if title in (k, v if isinstance(v, str) else v.title)]
    return found


def taken(walk: Walk, flow: Workflow, line: str) -> Walk:
    day, title, *words = line.split(" ")
    name, said = code(flow.steps, title), dict(word.split("=", 1) for word in words)
    actor = said.pop("办理人", "")
    facts = {code(flow.steps[name].fields, key): value for key, value in said.items()}
    return walk.take(name, date.fromisoformat(day), actor, **facts)


def offers(walk: Walk, flow: Workflow) -> dict[str, set[str]]:
    """Return who may take which step, asked of every role and every step."""
    found: dict[str, set[str]] = {}
    for name, step in flow.steps.items():
        for role in flow.roles if step.offered else ():
            if not refusals(Attempt(walk.standing, name, step, walk.today, None, "某人", {role}), walk.today):
                found.setdefault(name, set()).add(role)
    assert {p.step for p in permitted(walk.standing, walk.today, walk.today)} == set(found)
    return found


@pytest.mark.parametrize("row", [pytest.param(r, id=f"{f}：{r['名称']}") for f, r in ROWS])
def test_the_table_holds(
    row: dict[str, Any], unopened: Callable[[date], Walk], record_property: Callable[[str, object], None]
) -> None:
    assert set(row) == {"名称", "流程", "依据", "经过", "今天", "应当"}
    record_property("cited", sorted(holds(row, unopened)))  # counted in the summary, see conftest.py


def holds(row: Mapping[str, Any], unopened: Callable[[date], Walk]) -> set[str]:
    """Hold a row against the program; return what the reasons and refusals cite that the row asks for."""
    rules, wanted, cited = LINKED[row["流程"]], dict(row["应当"]), set[str]()
    flow = rules.workflow
    assert wanted
    assert rules.law.unresolved(row["依据"]) is None
    empty = unopened(row["今天"])
    walk = replace(empty, standing=Standing(flow, rules.law, empty.standing.workdays))
    lines = list(row["经过"])
    if says := wanted.pop("拒绝", ""):
        last = lines.pop()
        for line in lines:
            walk = taken(walk, flow, line)
        with pytest.raises(Refused, match=re.escape(says)) as caught:
            taken(walk, flow, last)
        assert row["依据"] in caught.value.law
        return set(caught.value.law)
    for line in lines:
        walk = taken(walk, flow, line)
    if state := wanted.pop("案件状态", ""):
        assert flow.states[walk.standing.state].title == state
    if (allowed := wanted.pop("可以办理", None)) is not None:
        titles = {code(flow.steps, t): {code(flow.roles, r) for r in who} for t, who in allowed.items()}
        assert offers(walk, flow) == titles
    for title, deadline in wanted.items():
        clock = code(flow.clocks, title)
        if deadline == "未起算":
            assert clock not in walk.deadlines
            continue
        found = walk.deadlines[clock]
        assert (found.due, STATE_TITLES[found.state]) == (deadline["日期"], deadline["状态"])
        assert deadline["依据"] in {r.law for r in found.reasons}
        cited |= {r.law for r in found.reasons}
    assert not cited or row["依据"] in cited
    return cited


@pytest.mark.parametrize("name", sorted(LINKED))
def test_every_state_has_a_table_of_its_permitted_steps(name: str) -> None:
    seen = {r["应当"]["案件状态"] for _, r in ROWS if r["流程"] == name and "可以办理" in r["应当"]}
    assert seen == {s.title for s in LINKED[name].workflow.states.values()}


@pytest.mark.parametrize("name", sorted(LINKED))
def test_what_it_tells_its_parent_can_be_told(name: str) -> None:
    assert not FAULTS
    for parent in (r.workflow for r in KNOWN.values() if r.workflow.channels):
        assert list(faults_between(LINKED[name].workflow, parent)) == []


def test_every_other_procedure_has_its_tables() -> None:
    wanted = {"reconsideration", "litigation", "complaint", "correction", "takeover"}
    assert {r["流程"] for _, r in ROWS} == set(LINKED) == wanted
