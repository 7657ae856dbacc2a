"""Runs the lawyers' tables beside this file; ``README.md`` says how they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from wording import FLOW, RULES, code, lines, of_office, sides_of, taken

from yishenqing.core.deadline import STATE_TITLES
from yishenqing.core.decide import permitted, refusals
from yishenqing.core.errors import CalendarGap, Refused
from yishenqing.core.standing import Attempt
from yishenqing.documents import read

if TYPE_CHECKING:
    from tests.conftest import Walk

OTHER_TABLES = {"evidence"}  # written in a form of their own, and run beside this
FILES = [f for f in sorted(Path(__file__).parent.glob("*.yaml")) if f.stem not in OTHER_TABLES]
ROWS = [(f.stem, row) for f in FILES for row in read(f).data]


def _check(walk: Walk, clock: str, wanted: Any) -> set[str]:
    if wanted == "未起算":
        assert clock not in walk.deadlines
        return set()
    found = walk.deadlines[clock]
    shown: dict[str, Any] = {"日期": found.due, "状态": STATE_TITLES[found.state], "责任方": found.owed_by}
    shown |= {"暂定": found.provisional, "另一算法": [a.due for a in found.alternatives]}
    said = "；".join(r.text for r in found.reasons)
    words = {"暂定": False, "另一算法": [], **(wanted if isinstance(wanted, dict) else {"日期": wanted})}
    assert words.pop("理由", "") in said
    assert words == {word: shown.get(word, f"没有“{word}”这一项") for word in words}
    return {r.law for r in found.reasons}


def _listed(wanted: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the steps of each role; a row may say how it differs from the first row of its state (比照)."""
    if "比照" not in wanted:
        return {code(FLOW.roles, r): {code(FLOW.steps, t) for t in titles} for r, titles in wanted.items()}
    shown = (r["应当"] for _, r in ROWS if "可以办理" in r["应当"])
    found = _listed(next(s["可以办理"] for s in shown if s["案件状态"] == wanted["比照"]))
    more, less = _listed(wanted.get("另加", {})), _listed(wanted.get("除去", {}))
    assert all(steps <= found.get(role, set()) for role, steps in less.items()), "除去的本来就没有"
    assert all(not steps & found.get(role, set()) for role, steps in more.items()), "另加的本来就有"
    return {r: (found.get(r, set()) | more.get(r, set())) - less.get(r, set()) for r in found.keys() | more.keys()}


def _check_offers(walk: Walk, wanted: Mapping[str, Any]) -> None:
    """What is listed is offered to exactly these roles; all else is refused to everybody, with an article."""
    allowed = _listed(wanted)
    assert {p.step for p in permitted(walk.standing, walk.today, walk.today)} == set().union(*allowed.values())
    by_hand = {n: s for n, s in FLOW.steps.items() if s.offered}  # the others echo what is done in another case
    for role in FLOW.roles:
        offered = set()
        for name, step in by_hand.items():
            found = refusals(Attempt(walk.standing, name, step, walk.today, None, "某人", {role}), walk.today)
            offered |= set() if found else {name}
            assert all(r.text and RULES.law.unresolved(r.law) is None for r in found)
        assert offered == allowed.get(role, set()), FLOW.roles[role]


def _readings(named: Mapping[str, str]) -> dict[str, str]:
    """The readings that a row lets the office take, by their titles."""
    points = {code(FLOW.readings, title): option for title, option in named.items()}
    return {point: code(FLOW.readings[point].options, option) for point, option in points.items()}


def _holds(row: Mapping[str, Any], unopened: Callable[[date], Walk]) -> set[str]:
    """Hold a row against the program; return what the reasons and refusals cite that the row asks for."""
    walk, wanted, article, cited = unopened(row["今天"]), dict(row["应当"]), row["依据"], set[str]()
    walk = replace(walk, standing=of_office(walk.standing, row.get("设置", {})))
    walk = replace(walk, standing=replace(walk.standing, readings=_readings(row.get("读法", {}))))
    assert wanted, "没有写明应当如何"
    assert RULES.law.unresolved(article) is None
    expected = next((e for word, e in (("拒绝", Refused), ("缺少安排", CalendarGap)) if word in wanted), None)
    road = list(lines(row["经过"]))
    for line in road[: -1 if expected else None]:
        walk = taken(walk, line)
    if expected:
        with pytest.raises(expected, match=re.escape(wanted.pop("拒绝", "") or wanted.pop("缺少安排"))) as caught:
            assert not taken(walk, road[-1]).deadlines
        cited |= set(caught.value.law)
    if state := wanted.pop("案件状态", None):
        assert FLOW.states[walk.standing.state].title == state
    if (beside := wanted.pop("并行程序", None)) is not None:
        assert sides_of(walk.standing) == beside
    if (offers := wanted.pop("可以办理", None)) is not None:
        _check_offers(walk, offers)
    for title, deadline in wanted.items():
        cited |= _check(walk, code(FLOW.clocks, title), deadline)
    assert not cited or article in cited
    return cited


@pytest.mark.parametrize("row", [pytest.param(r, id=f"{f}：{r.get('名称')}") for f, r in ROWS])
def test_the_table_holds(
    row: dict[str, Any], unopened: Callable[[date], Walk], record_property: Callable[[str, object], None]
) -> None:
    assert set(row) - {"读法", "设置"} == {"名称", "依据", "经过", "今天", "应当"}
    record_property("cited", sorted(_holds(row, unopened)))  # counted in the summary, see conftest.py


def test_every_article_that_sets_a_period_is_exercised(
    setting_periods: set[str], unopened: Callable[[date], Walk]
) -> None:
    """Measured, not declared: an article counts when a reason or refusal that a row asks for cites it."""
    exercised = {law for _, row in ROWS for law in _holds(row, unopened)}
    linked = import_module("test_linked")  # the tables of the linked procedures, beside this file
    exercised |= {law for _, row in linked.ROWS for law in linked.holds(row, unopened)}
    assert setting_periods - exercised == set()


def test_every_state_has_a_table_of_its_permitted_steps() -> None:
    seen = {r["应当"]["案件状态"] for _, r in ROWS if "可以办理" in r["应当"]}
    assert seen == {s.title for s in FLOW.states.values()}


def test_every_state_of_every_side_proceeding_has_a_table_of_its_permitted_steps() -> None:
    seen = {
        (kind.partition(" ")[0], state)
        for _, r in ROWS
        if "可以办理" in r["应当"]
        for kind, state in r["应当"].get("并行程序", {}).items()
    }
    assert seen == {(s.title, t.title) for s in FLOW.sides.values() for t in s.states.values()}
