"""Runs the lawyers' tables beside this file; ``README.md`` says how they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from yishenqing.core.deadline import STATE_TITLES
from yishenqing.core.decide import permitted, refusals
from yishenqing.core.errors import CalendarGap, Refused
from yishenqing.core.standing import Attempt
from yishenqing.documents import read
from yishenqing.rulebook import read_rulebook

if TYPE_CHECKING:
    from tests.conftest import Walk

RULES, FLOW = read_rulebook(), read_rulebook().workflow
ROWS = [(f.stem, row) for f in sorted(Path(__file__).parent.glob("*.yaml")) for row in read(f).data]


def _code(named: Mapping[str, Any], title: str) -> str:
    found = [k for k, v in named.items() if title in (k, v if isinstance(v, str) else v.title)]
    assert len(found) == 1, f"“{title}”不在可选之列：{'、'.join(named)}"
    return found[0]


def _walk(walk: Walk, line: str) -> Walk:
    day, title, *words = line.split(" ")
    if title == "办至":
        return walk.to(_code(FLOW.states, " ".join(words)), date.fromisoformat(day))
    name, said = _code(FLOW.steps, title), dict(word.split("=", 1) for word in words)
    actor, posts = said.pop("办理人", ""), said.pop("岗位", "")
    roles = [_code(FLOW.roles, r) for r in posts.split("、") if posts]
    facts: dict[str, Any] = {_code(FLOW.steps[name].fields, key): value for key, value in said.items()}
    if name == FLOW.opening:
        facts["channel"] = _code(FLOW.channels, facts.get("channel", "registered_mail"))
    return walk.take(name, date.fromisoformat(day), actor, roles, **facts)


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


def _check_offers(walk: Walk, wanted: Mapping[str, list[str]]) -> None:
    """What is listed is offered to exactly these roles; everything else is refused to everybody."""
    allowed = {_code(FLOW.steps, t): {_code(FLOW.roles, r) for r in who} for t, who in wanted.items()}
    assert {p.step for p in permitted(walk.standing, walk.today, walk.today)} == set(allowed)
    by_hand = {n: s for n, s in FLOW.steps.items() if s.offered}  # the others echo what is done in another case
    for name, step in by_hand.items():
        tries = {r: Attempt(walk.standing, name, step, walk.today, None, "某人", {r}) for r in FLOW.roles}
        assert {r for r, a in tries.items() if not refusals(a, walk.today)} == allowed.get(name, set()), name


def _readings(named: Mapping[str, str]) -> dict[str, str]:
    """The readings that a row lets the office take, by their titles."""
    points = {_code(FLOW.readings, title): option for title, option in named.items()}
    return {point: _code(FLOW.readings[point].options, option) for point, option in points.items()}


def _holds(row: Mapping[str, Any], unopened: Callable[[date], Walk]) -> set[str]:
    """Hold a row against the program; return what the reasons and refusals cite that the row asks for."""
    walk, wanted, article, cited = unopened(row["今天"]), dict(row["应当"]), row["依据"], set[str]()
    walk = replace(walk, standing=replace(walk.standing, readings=_readings(row.get("读法", {}))))
    assert wanted, "没有写明应当如何"
    assert RULES.law.unresolved(article) is None
    expected = next((e for word, e in (("拒绝", Refused), ("缺少安排", CalendarGap)) if word in wanted), None)
    for line in row["经过"][: -1 if expected else None]:
        walk = _walk(walk, line)
    if expected:
        with pytest.raises(expected, match=re.escape(wanted.pop("拒绝", "") or wanted.pop("缺少安排"))) as caught:
            assert not _walk(walk, row["经过"][-1]).deadlines
        cited |= set(caught.value.law)
    if state := wanted.pop("案件状态", None):
        assert FLOW.states[walk.standing.state].title == state
    if (offers := wanted.pop("可以办理", None)) is not None:
        _check_offers(walk, offers)
    for title, deadline in wanted.items():
        cited |= _check(walk, _code(FLOW.clocks, title), deadline)
    assert not cited or article in cited
    return cited


@pytest.mark.parametrize("row", [pytest.param(r, id=f"{f}：{r.get('名称')}") for f, r in ROWS])
def test_the_table_holds(
    row: dict[str, Any], unopened: Callable[[date], Walk], record_property: Callable[[str, object], None]
) -> None:
    assert set(row) - {"读法"} == {"名称", "依据", "经过", "今天", "应当"}
    record_property("cited", sorted(_holds(row, unopened)))  # counted in the summary, see conftest.py


def test_every_article_that_sets_a_period_is_exercised(
    setting_periods: set[str], unopened: Callable[[date], Walk]
) -> None:
    """Measured, not declared: an article counts when a reason or refusal that a row asks for cites it."""
    exercised = {law for _, row in ROWS for law in _holds(row, unopened)}
    assert setting_periods - exercised == set()


def test_every_state_has_a_table_of_its_permitted_steps() -> None:
    seen = {r["应当"]["案件状态"] for _, r in ROWS if "可以办理" in r["应当"]}
    assert seen == {s.title for s in FLOW.states.values()}
