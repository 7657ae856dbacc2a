"""What people write becomes a fact of its type, or a fault that names the field; nothing unknown gets through."""

from __future__ import annotations

import sys
import unicodedata
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from yishenqing.core.errors import DataFault
from yishenqing.core.facts import bounded, shaped
from yishenqing.core.workflow import Field, Step
from yishenqing.rulebook import Rulebook

STEP = Step(
    "试办",
    ("handler",),
    ("条例第四十五条",),
    ("handling",),
    needs={
        "words": Field("文字"),
        "day": Field("日期", "date"),
        "number": Field("数目", "int"),
        "flag": Field("是否", "bool"),
        "kind": Field("种类", "choice", {"a": "甲", "b": "乙"}),
    },
    may={
        "ending": Field("结果", "outcome"),
        "points": Field("各项", "list"),
        "paper": Field("材料", "file"),
        "thing": Field("其他", "object"),
    },
)
NAMES = sorted(STEP.fields)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "date": date,
    "int": int,
    "bool": bool,
    "choice": str,
    "outcome": str,
    "list": list,
}


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), JUNK, max_size=6))
def test_nothing_unknown_and_nothing_of_another_type_gets_through(rules: Rulebook, raw: dict[str, Any]) -> None:
    unknown = raw.keys() - STEP.fields.keys()
    faults: set[str] = set()
    facts: dict[str, Any] = {}
    try:
        facts = shaped(rules.workflow, STEP, raw)
    except DataFault as fault:
        faults = {f.field for f in fault.faults}
    assert unknown <= faults <= raw.keys()
    assert facts.keys() <= raw.keys() - unknown
    for name, value in facts.items():
        kind = STEP.fields[name].type
        assert isinstance(value, TYPES.get(kind, object))
        assert value not in (None, "", [])
        assert kind != "int" or not isinstance(value, bool)
        assert kind != "choice" or value in STEP.fields[name].choices
        assert kind != "outcome" or value in rules.workflow.outcomes


@pytest.mark.parametrize(
    ("name", "given_value", "read"),
    [
        ("words", "  依法 办理 ", "依法 办理"),
        ("words", "一行\n二行\t三", "一行\n二行\t三"),
        ("day", "2026-03-02", date(2026, 3, 2)),
        ("day", date(2026, 3, 2), date(2026, 3, 2)),
        ("number", "20", 20),
        ("number", 20, 20),
        ("flag", "是", True),
        ("flag", "No", False),
        ("flag", True, True),
        ("flag", 1, True),
        ("kind", "乙", "b"),
        ("kind", "b", "b"),
        ("ending", "予以公开", "granted"),
        ("points", "甲；乙; ;丙", ["甲", "乙", "丙"]),
        ("points", ["甲 ", "", "乙;丙"], ["甲", "乙;丙"]),
        ("points", ("甲",), ["甲"]),
        ("paper", {"any": "thing"}, {"any": "thing"}),
        ("thing", [1, 2], [1, 2]),
    ],
)
def test_each_type_reads_what_people_write(rules: Rulebook, name: str, given_value: Any, read: Any) -> None:
    assert shaped(rules.workflow, STEP, {name: given_value}) == {name: read}


@pytest.mark.parametrize(
    "raw", [{"words": None}, {"day": ""}, {"words": " \n "}, {"points": "；;"}, {"points": []}, {"number": None}]
)
def test_what_is_absent_is_left_out(rules: Rulebook, raw: dict[str, Any]) -> None:
    assert shaped(rules.workflow, STEP, raw) == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("words", 3, "文字：应为文字"),
        ("words", "好" * 20_001, "超过20000字"),
        ("words", "乱\x00码", "U+0000"),
        ("words", "反\u202e转", "U+202E"),
        ("words", "左\u200e右", "U+200E"),
        ("words", "半\ud800个", "U+D800"),
        ("day", "2026-02-29", "“2026-02-29”不是存在的日期"),
        ("day", "三月二日", "应写作 2026-03-02"),
        ("day", datetime(2026, 3, 2, 9), "不是存在的日期"),  # noqa: DTZ001 - what a host might hand over
        ("day", 20260302.5, "不是存在的日期"),
        ("day", "20260302", "不是存在的日期"),
        ("day", "2026-W10-1", "不是存在的日期"),
        ("number", "二十", "“二十”不是整数"),
        ("number", True, "应为整数"),
        ("number", 2.0, "应为整数"),
        ("number", "9" * 5000, "不是整数"),
        ("flag", "也许", "应为“是”或“否”"),
        ("kind", "丙", "不在可选之列：a（甲）、b（乙）"),
        ("ending", "随便", "不在可选之列：granted（予以公开）"),
        ("points", ["甲", 3], "应为文字"),
    ],
)
def test_what_is_not_of_its_type_is_a_fault_of_that_field(rules: Rulebook, name: str, value: Any, says: str) -> None:
    with pytest.raises(DataFault) as caught:
        shaped(rules.workflow, STEP, {name: value})
    (fault,) = caught.value.faults
    assert (fault.field, says in fault.text) == (name, True)


def test_all_faults_come_at_once_and_say_what_may_be_written(rules: Rulebook) -> None:
    with pytest.raises(DataFault) as caught:
        shaped(rules.workflow, STEP, {"dya": "2026-03-02", "number": "x", "kind": "y", "words": "可以"})
    assert [f.field for f in caught.value.faults] == ["dya", "number", "kind"]
    assert "“试办”没有这一事实；可以填写：words（文字）、day（日期）" in caught.value.text
    with pytest.raises(DataFault, match="可以填写：无"):
        shaped(rules.workflow, replace(STEP, needs={}, may={}), {"a": 1})


def test_the_longest_text_is_still_taken() -> None:
    assert len(bounded("好" * 20_000 + "  ")) == 20_000


# Control characters, line and paragraph separators, lone surrogates; and what Unicode calls Bidi_Control.
_UNSEEN = {"Cc", "Zl", "Zp", "Cs"}
_TURNS = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def test_no_control_character_and_no_direction_mark_gets_through() -> None:
    for code in [*range(0x3000), *range(0xD7F0, 0xE010), *range(0xFE00, 0x10000), 0x20000, sys.maxunicode]:
        try:
            taken = bounded(f"甲{chr(code)}乙") == f"甲{chr(code)}乙"
        except ValueError:
            taken = False
        unseen = unicodedata.category(chr(code)) in _UNSEEN or code in _TURNS
        assert taken is (chr(code) in "\n\t" or not unseen), hex(code)


def test_a_count_is_taken_of_the_list_that_was_given_and_of_nothing_else(rules: Rulebook) -> None:
    counting = replace(STEP, may={**STEP.may, "how_many": Field("项数", "int", counts="points")})
    assert shaped(rules.workflow, counting, {"points": ["甲", " ", "乙"]}) == {"points": ["甲", "乙"], "how_many": 2}
    assert shaped(rules.workflow, counting, {"points": "甲；乙；丙", "how_many": 9})["how_many"] == 3
    assert "how_many" not in shaped(rules.workflow, counting, {"points": " ； "})
    assert "how_many" not in shaped(rules.workflow, counting, {})
    received = {"channel": "in_person", "items": ["甲", "乙"], "leads": ["丙"]}
    facts = shaped(rules.workflow, rules.workflow.steps["received"], received)
    assert (facts["item_count"], facts["lead_count"]) == (2, 1)
