"""Runs ``evidence.yaml``: what the file must hold before an outcome may be chosen, and that nothing else is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wording import FLOW, RULES, code, walked

from yishenqing.core.decide import refusals
from yishenqing.core.errors import Reason
from yishenqing.core.facts import shaped
from yishenqing.core.standing import Attempt
from yishenqing.documents import read

if TYPE_CHECKING:
    from tests.conftest import Walk

Row = Mapping[str, Any]
DAY = date(2026, 4, 10)  # after whatever the rows wait for
ROWS: list[Row] = read(Path(__file__).parent / "evidence.yaml").data
JUST_ASSIGNED = ["2026-03-02 收到申请并登记", "2026-03-03 办至 办理中"]
JUDGING = [("drafted", "outcome"), ("found", "finding")]


def _named(row: Row) -> str:
    return "：".join(str(row[word]) for word in ("结果", "情形", "名称") if word in row)


def _chosen(row: Row) -> tuple[str, str]:
    outcome = code(FLOW.outcomes, row["结果"])
    return outcome, code(FLOW.outcomes[outcome].ways, row["情形"]) if "情形" in row else ""


def _against(walk: Walk, row: Row, step: str, field: str, said: Mapping[str, Any]) -> list[Reason]:
    """Return what speaks against choosing the row's outcome as a step that judges, with the facts ``said``."""
    outcome, way = _chosen(row)
    given = {field: outcome, "way": way, "item": 1} | {code(FLOW.steps[step].fields, k): v for k, v in said.items()}
    known = {k: v for k, v in given.items() if k in FLOW.steps[step].fields}
    facts = shaped(FLOW, FLOW.steps[step], known)
    return refusals(Attempt(walk.standing, step, FLOW.steps[step], DAY, facts, "张某", ("handler",)), DAY)


def _is_exactly(found: list[Reason], wanted: Mapping[str, str]) -> None:
    """Each reason is one that is wanted, by its words and its article, and none is left over."""
    for text, law in wanted.items():
        assert [r.law for r in found if text in r.text] == [law], (text, [str(r) for r in found])
    assert len(found) == len(wanted), [str(r) for r in found]
    assert not found or "尚缺：" in found[0].text


@pytest.fixture
def case(unopened: Callable[[date], Walk]) -> Callable[[list[str]], Walk]:
    return lambda rows: walked(unopened(DAY), rows)


@pytest.mark.parametrize(("step", "field"), JUDGING)
@pytest.mark.parametrize("row", [pytest.param(r, id=_named(r)) for r in ROWS])
def test_what_is_missing_is_named_with_its_article_and_what_is_whole_passes(
    row: Row, step: str, field: str, case: Callable[[list[str]], Walk]
) -> None:
    assert set(row) - {"情形", "名称", "起点", "随之应有"} == {"结果", "依据", "应有", "经过", "写明"}
    outcome, way = _chosen(row)
    told = FLOW.outcomes[outcome].told(way)
    assert told is not None
    assert row["依据"] in (*told.law, *FLOW.outcomes[outcome].law, *row["应有"].values())
    assert all(RULES.law.unresolved(law) is None for law in (row["依据"], *row["应有"].values()))
    _is_exactly(_against(case(row.get("起点", JUST_ASSIGNED)), row, step, field, {}), row["应有"])
    whole = case(row["经过"])
    assert _against(whole, row, step, field, row["写明"]) == []
    for left_out in row["写明"]:
        rest = {k: v for k, v in row["写明"].items() if k != left_out}
        asked = {**row["应有"], **row.get("随之应有", {})}  # the latter only because of what is stated
        (law,) = [law for text, law in asked.items() if text == left_out]
        _is_exactly(_against(whole, row, step, field, rest), {left_out: law})


def test_masking_what_is_plainly_private_needs_no_consultation(case: Callable[[list[str]], Walk]) -> None:
    row = next(r for r in ROWS if r["结果"] == "部分公开")
    searched = case([*JUST_ASSIGNED, "2026-03-04 记录检索情况"])
    (reason,) = _against(searched, row, "drafted", "outcome", row["写明"])
    assert (reason.law, "须先办理“征求第三方意见”" in reason.text) == ("条例第三十二条", True)
    assert _against(searched, row, "drafted", "outcome", {**row["写明"], "masked_only": "是"}) == []


def test_an_outcome_told_in_several_ways_asks_which(case: Callable[[list[str]], Walk]) -> None:
    walk = case(JUST_ASSIGNED)
    undecided = [o for o in FLOW.outcomes.values() if o.ways and not o.letter]
    assert len(undecided) == 3
    for outcome in undecided:
        (reason,) = _against(walk, {"结果": outcome.title}, "drafted", "outcome", {})
        assert "须以“情形”（way）写明是哪一种" in reason.text
        assert all(way.title in reason.text for way in outcome.ways.values())


def test_a_way_of_another_outcome_is_no_way(case: Callable[[list[str]], Walk]) -> None:
    row = {"结果": "不予公开：属于四类过程性信息"}
    (reason,) = _against(case(JUST_ASSIGNED), row, "drafted", "outcome", {"情形": "personnel"})
    assert "须以“情形”（way）写明是哪一种" in reason.text


def test_the_table_covers_every_outcome_and_way() -> None:
    def ways() -> Iterator[tuple[str, str]]:
        for name, outcome in FLOW.outcomes.items():
            yield from ((name, way) for way in outcome.ways)
            if outcome.letter:
                yield name, ""

    assert {_chosen(row) for row in ROWS} == set(ways())
