"""Where the applicant may turn: by the outcome, by what is withheld, by every item."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from yishenqing.core.deadline import Fact
from yishenqing.core.errors import DataFault
from yishenqing.core.remedies import remedies
from yishenqing.rulebook import Rulebook

DAY = date(2026, 3, 18)
FIRST, FREE = "reconsideration_first", "free_choice"


def found(*findings: dict[str, Any]) -> list[Fact]:
    return [Fact("found", DAY, {"item": n, **facts}) for n, facts in enumerate(findings, 1)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], set()),
        ([Fact("drafted", DAY, {"outcome": "granted"})], {FREE}),
        ([Fact("drafted", DAY, {"outcome": "denied_process"})], {FIRST}),
        ([Fact("drafted", DAY, {"outcome": "partial"})], {FIRST, FREE}),
        ([Fact("drafted", DAY, {"outcome": "partial", "withheld_outcome": "denied_internal"})], {FIRST, FREE}),
        ([Fact("drafted", DAY, {"outcome": "partial", "withheld_outcome": "denied_admin_query"})], {FREE}),
        ([Fact("answered_on_spot", DAY, {})], {FREE}),
        (found({"finding": "denied_internal"}, {"finding": "denied_process"}), {FIRST}),
        (found({"finding": "denied_internal"}, {"finding": "unable_not_held"}), {FIRST, FREE}),
        (found({"finding": "granted"}, {"finding": "unable_not_held"}), {FREE}),
        (found({"finding": "granted"}, {"finding": "partial", "withheld_outcome": "denied_admin_query"}), {FREE}),
        (
            [*found({"finding": "denied_internal"}), Fact("found", DAY, {"item": 1, "finding": "granted"})],
            {FREE},
        ),
        (  # what another step calls a finding is none of an item
            [Fact("supplement_lapsed", DAY, {"finding": "无正当理由"}), Fact("drafted", DAY, {"outcome": "granted"})],
            {FREE},
        ),
    ],
)
def test_follow_from_what_is_answered(rules: Rulebook, facts: list[Fact], expected: set[str]) -> None:
    assert remedies(rules.workflow, rules.law, facts) == expected


@pytest.mark.parametrize(
    ("parts", "name"), [((), "none"), ((FREE,), FREE), ((FIRST,), FIRST), ((FREE, FIRST), "partly_first")]
)
def test_are_joined_by_the_law_files(rules: Rulebook, parts: tuple[str, ...], name: str) -> None:
    assert rules.law.joined(frozenset(parts)) == name


def test_that_nothing_joins_are_a_fault_of_the_law_files(rules: Rulebook) -> None:
    with pytest.raises(DataFault, match=r"没有兼具“.+”的救济告知"):
        rules.law.joined(frozenset({FREE, "online"}))


@pytest.mark.parametrize(
    ("citation", "text"),
    [
        ("条例第三十六条第三项", "《中华人民共和国政府信息公开条例》第三十六条第（三）项"),
        ("条例第十六条第一款", "《中华人民共和国政府信息公开条例》第十六条第一款"),
        ("信息处理费办法第六条", "《政府信息公开信息处理费管理办法》第六条"),
        ("不知何法第六条", "不知何法第六条"),
    ],
)
def test_a_citation_is_written_out(rules: Rulebook, citation: str, text: str) -> None:
    assert rules.law.written(citation) == text
