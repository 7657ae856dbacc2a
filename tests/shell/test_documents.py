"""Files are read strictly: what a sloppy reader would let pass in silence is a fault with its line."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.core.written import Written
from yishenqing.documents import parse, read, validated


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", "no"),
        ("a: yes", "yes"),
        ("a: on", "on"),
        ("a: true", True),
        ("a: False", False),
        ("a: 0999", "0999"),
        ("a: 010", "010"),
        ("a: 0", 0),
        ("a: 1_000", 1000),
        ("a: 2026-03-02", date(2026, 3, 2)),
        ("a: 1.5", 1.5),
        ("a:", None),
        ("a: ~", None),
        ("a: 12:30", "12:30"),
        ("a: " + "9" * 50, "9" * 50),
        ("a: 2026-03-02T10:00:00", "2026-03-02T10:00:00"),
    ],
)
def test_a_scalar_is_what_a_person_meant(text: str, value: Any) -> None:
    found = parse(text, "f.yaml").data["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("a: 1\na: 2", "键“a”重复", 2),
        ("x: {b: 1, b: 2}", "键“b”重复", 1),
        ("a: 2026-02-30", "“2026-02-30”是不存在的日期", 1),
        ("a: .inf", "“.inf”不是合法的数值", 1),
        ("a: &x 1\nb: *x", "不能使用引用", 2),
        ("? [a]\n: 1", "键必须是文字", 1),
        ("a: [1", "不是合法的 YAML", None),
        ("a: !!python/object/apply:os.system [x]", None, None),
        ("a: 'x", "不是合法的 YAML", None),
        ("a: \x01", "不是合法的 YAML", None),
        ("- " * 20_000, "嵌套层数过多", None),
    ],
)
def test_yaml_faults(text: str, said: str | None, line: int | None) -> None:
    if said is None:  # a tag is only a name here: nothing is ever built from it
        assert parse(text, "f.yaml").data == {"a": ["x"]}
        return
    with pytest.raises(DataFault) as caught:
        parse(text, "f.yaml")
    assert said in str(caught.value)
    assert line is None or f"f.yaml 第{line}行" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "键“a”重复"),
        ('{"a": 1,}', "不是合法的 JSON"),
        ("", "不是合法的 JSON"),
        ("[" * 100_000, "嵌套层数过多"),
        ("9" * 10_000, "数字过长"),
    ],
)
def test_json_faults(text: str, said: str) -> None:
    with pytest.raises(DataFault, match=said):
        parse(text, "f.json", as_json=True)


def test_json_fields_have_lines_and_tabs_do_no_harm() -> None:
    assert parse('{\n "a": {\n  "b": 1}}', "f.json", as_json=True).line(("a", "b")) == 3
    assert parse('{\n\t"a": "x\\ty"}', "f.json", as_json=True).data == {"a": "x\ty"}


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a: \xb9\xfa\n", "不是 UTF-8"), (b"a: 1\nb: \xff\n", "第2行")],
)
def test_other_encodings_are_said_so(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "f.yaml").write_bytes(content)
    with pytest.raises(DataFault, match=said):
        read(tmp_path / "f.yaml")


def test_places_that_hold_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="找不到文件"):
        read(tmp_path / "none.yaml")
    with pytest.raises(DataFault, match="文件夹"):
        read(tmp_path)
    (tmp_path / "bom.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read(tmp_path / "bom.json").data == {"a": 1}


class Thing(Written, frozen=True):
    """Something with a required name and a bounded number."""

    name: str
    number: int = 0
    days: tuple[date, ...] = ()


def test_all_faults_at_once_with_lines_and_near_names() -> None:
    with pytest.raises(DataFault) as caught:
        validated(TypeAdapter(Thing), parse("nmae: x\nnumber: many\ndays: [2026-03-02, soon]\n", "f.yaml"))
    said = str(caught.value)
    assert "f.yaml 第1行 “nmae”：未知的键，是否想写“name”？" in said
    assert "f.yaml 第2行 “number”：应为整数" in said
    assert "f.yaml 第3行 “days.2”：应为存在的日期" in said
    assert len(caught.value.faults) == 4


@given(st.text(max_size=60) | st.text("{}[]:,-#&*!|>'\"%@`? \n\ta1", max_size=60))
@settings(max_examples=60)
@example("\x85")
@example("{\u2028: 1}")
@example("a: 1e999999")
@example("a: .inf")
@example("a: 0x")
@example("a: 1:2:3")
@example("a: 0b12")
@example("a: -0o8")
@example("a: +")
@example('{"a": NaN}')
def test_no_text_breaks_the_reader(text: str) -> None:
    for as_json in (False, True):
        with contextlib.suppress(DataFault):
            parse(text, "f", as_json=as_json)
