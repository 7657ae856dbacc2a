"""The standards promise that a slip of the pen is found; so do we."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishenqing.core.identity import credit_check, credit_code_fault, resident_check, resident_id_fault

CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _resident(area: int, born: date, serial: int) -> str:
    body = f"{area:06d}{born:%Y%m%d}".rjust(14, "0") + f"{serial:03d}"
    return body + resident_check(body)


RESIDENTS = st.builds(
    _resident,
    st.integers(110000, 999999),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
)
CODES = st.text(CREDIT, min_size=17, max_size=17).map(lambda body: body + credit_check(body))


def test_the_examples_of_the_standards() -> None:
    # GB 11643-1999, the two examples of the text itself
    assert resident_id_fault("11010519491231002X") is None
    assert resident_id_fault("440524188001010014") is None


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("110105491231002", "现为15位"),
        ("", "现为0位"),
        ("11010519491231002x", "大写字母X"),
        ("1101051949123100AX", "17位数字"),
        ("１１０１０５１９４９１２３１００２Ｘ", "17位数字"),
        ("110105194902300028", "出生日期“19490230”"),
        ("110105184912310029", "出生日期“18491231”"),
        ("110105194913310029", "出生日期“19491331”"),
        ("110105194900310029", "出生日期“19490031”"),
        ("110105190002290021", "出生日期“19000229”"),
        ("110105194912310021", "校验码不符"),
    ],
)
def test_what_is_wrong_with_an_identity_number_is_said(number: str, says: str) -> None:
    assert says in (resident_id_fault(number) or "")


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("91350100M000100Y4", "现为17位"),
        ("91350100M000100Y4I", "不含I、O、S、V、Z"),
        ("91350100m000100y43", "大写字母"),
        ("91350100M000100Y44", "校验码不符"),
    ],
)
def test_what_is_wrong_with_a_credit_code_is_said(number: str, says: str) -> None:
    assert says in (credit_code_fault(number) or "")


def test_the_well_known_sample_code_is_sound() -> None:
    assert credit_code_fault("91350100M000100Y43") is None  # the sample that circulates with GB 32100-2015


@given(RESIDENTS)
def test_a_number_made_by_the_rule_has_no_fault(number: str) -> None:
    assert resident_id_fault(number) is None


@given(CODES)
def test_a_code_made_by_the_rule_has_no_fault(number: str) -> None:
    assert credit_code_fault(number) is None


@given(RESIDENTS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_changed_character_of_an_identity_number_is_found(number: str, place: int, other: str) -> None:
    changed = number[:place] + other + number[place + 1 :]
    assert (resident_id_fault(changed) is None) == (changed == number)


@given(RESIDENTS)
def test_swapped_neighbours_in_an_identity_number_are_found(number: str) -> None:
    for place in range(17):
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert (resident_id_fault(swapped) is None) == (swapped == number)


@given(CODES, st.integers(0, 17), st.sampled_from(CREDIT))
def test_one_changed_character_of_a_credit_code_is_found(number: str, place: int, other: str) -> None:
    changed = number[:place] + other + number[place + 1 :]
    assert (credit_code_fault(changed) is None) == (changed == number)


@given(CODES)
def test_any_two_swapped_characters_of_a_credit_code_are_found(number: str) -> None:
    # but for the first and the check character, which weigh the same
    for one, two in set(combinations(range(18), 2)) - {(0, 17)}:
        characters = list(number)
        characters[one], characters[two] = characters[two], characters[one]
        swapped = "".join(characters)
        assert (credit_code_fault(swapped) is None) == (swapped == number)


@given(st.text(max_size=40))
def test_no_text_whatever_breaks_the_checks(text: str) -> None:
    assert isinstance(resident_id_fault(text), str | None)
    assert isinstance(credit_code_fault(text), str | None)
