"""The fee by vectors reckoned by hand, and unit by unit as the tables of articles 4 and 5 read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishenqing.core.fees import Part, parts, total
from yishenqing.rulebook import Rulebook

ITEMS = {10: 0, 11: 100, 30: 2_000, 31: 2_200, 40: 4_000, 41: 4_300, 50: 7_000, 60: 11_000, 100: 37_000}
PAGES = {30: 0, 31: 10, 100: 700, 101: 720, 200: 2_700, 201: 2_740, 1_500: 54_700}


def nth_item(n: int) -> int:
    return 0 if n <= 10 else 100 if n <= 30 else (n - 1) // 10 * 100 - 100


def nth_page(n: int) -> int:
    return 0 if n <= 30 else 10 if n <= 100 else 20 if n <= 200 else 40


@pytest.mark.parametrize(("units", "yuan"), ITEMS.items())
def test_by_item(rules: Rulebook, units: int, yuan: int) -> None:
    assert total(rules.law.fees["by_item"], units) == yuan


@pytest.mark.parametrize(("units", "yuan"), PAGES.items())
def test_by_page(rules: Rulebook, units: int, yuan: int) -> None:
    assert total(rules.law.fees["by_page"], units) == yuan


@given(st.integers(0, 2_000))
def test_every_unit_has_the_price_of_its_own_place(rules: Rulebook, units: int) -> None:
    assert total(rules.law.fees["by_item"], units) == sum(nth_item(n) for n in range(1, units + 1))
    assert total(rules.law.fees["by_page"], units) == sum(nth_page(n) for n in range(1, units + 1))


@given(st.integers(1, 500), st.sampled_from(["by_item", "by_page"]))
def test_the_parts_cover_every_unit_once(rules: Rulebook, units: int, kind: str) -> None:
    found = parts(rules.law.fees[kind], units)
    assert [n for p in found for n in range(p.first, p.last + 1)] == [*range(1, units + 1)]
    assert sum(p.amount for p in found) == total(rules.law.fees[kind], units)


def test_the_computation_is_shown_and_nothing_costs_nothing(rules: Rulebook) -> None:
    assert parts(rules.law.fees["by_page"], 1_500)[1:] == [
        Part(31, 100, 10),
        Part(101, 200, 20),
        Part(201, 1_500, 40),
    ]
    assert parts(rules.law.fees["by_item"], 0) == []


def test_a_negative_number_is_refused(rules: Rulebook) -> None:
    with pytest.raises(ValueError, match="不能为负"):
        parts(rules.law.fees["by_item"], -1)
