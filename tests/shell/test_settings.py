"""An office's settings: read strictly, written whole, and never such that two papers get one number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.settings import FILE, read_settings, write_settings


def changed(home: Path, name: str, value: str) -> Path:
    path = home / FILE
    path.write_text(re.sub(rf"(?m)^{name}:.*$", f"{name}: {value}", path.read_text()))
    return home


@pytest.mark.parametrize(
    "user", ["root", "张三", "1001", "no", "a: b", "DOMAIN\\li", 'o"x', "#x", "- x", "2026-03-02", "~", "李\t四"]
)
def test_any_user_gets_an_office(tmp_path: Path, user: str) -> None:
    write_settings(tmp_path / "新 机关", user)
    settings = read_settings(tmp_path / "新 机关")
    assert (settings.people[user].name, len(settings.people[user].roles)) == (user, 8)
    assert [p.name for p in (tmp_path / "新 机关").iterdir() if p.name != ".cache"] == [FILE]


def test_existing_settings_are_left_alone(home: Path) -> None:
    before = changed(home, "name", "另一机关").joinpath(FILE).read_bytes()
    write_settings(home, "别人")
    assert (home / FILE).read_bytes() == before
    assert read_settings(home).name == "另一机关"


def test_numbers_are_written_as_the_office_says(home: Path) -> None:
    settings = read_settings(changed(home, "case_number", '"依{year}第{n}号"'))
    assert settings.numbered_case(2026, 7) == "依2026第7号"
    assert settings.numbered_letter("告", 2026, 7) == "云自然资依申请告〔2026〕7号"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("court", '" "', "不能为空"),
        ("agency", '""', "不能为空"),
        ("people", "{}", "至少要有一名人员"),
        ("case_number", '"{year}"', "编号会重复"),
        ("case_number", '"{n}"', "编号会重复"),
        ("case_number", '"../{year}-{n}"', "不能含有"),
        ("case_number", '"{year}/{n}"', "不能含有"),
        ("case_number", '"{year}\\t{n}"', "不能含有"),
        ("case_number", '".{year}.{n}"', "以点"),
        ("case_number", '"{jahr}-{n}"', "样式有误"),
        ("case_number", '"{year-{n}"', "样式有误"),
        ("case_number", '"{year.real.x}{n}"', "样式有误"),
        ("letter_number", '"{mark}〔{year}〕{n}号"', "编号会重复"),
        ("letter_number", '"{series}{n}"', "编号会重复"),
        ("letter_number", "5", "应为文字"),
        ("letter_numbers", '{延: "{mark}〔{year}〕号"}', "编号会重复"),
        ("letter_numbers", '{延: "{jahr}{n}"}', "样式有误"),
        ("letter_numbers", '{延: "{mark}告〔{year}〕{n}号"}', "与“告”系列的编号相同"),
        ("letter_numbers", '{延: "甲{year}-{n}", 补: "甲{year}-{n}"}', "与“延”系列的编号相同"),
        ("switched_off", "separate_signer", "应为列表"),
    ],
)
def test_faults_are_named_with_their_line(home: Path, name: str, value: str, said: str) -> None:
    if name == "people":
        path = home / FILE
        path.write_text(path.read_text().partition("people:")[0] + "people: {}\n")
    else:
        changed(home, name, value)
    line = next(n for n, t in enumerate((home / FILE).read_text().splitlines(), 1) if t.startswith(f"{name}:"))
    with pytest.raises(DataFault) as caught:
        read_settings(home)
    assert said in str(caught.value)
    assert f"第{line}行 “{name}" in str(caught.value)


def test_unknown_missing_and_repeated_keys_are_all_named(home: Path) -> None:
    path = home / FILE
    path.write_text(path.read_text().replace("court:", "cuort:"))
    with pytest.raises(DataFault) as caught:
        read_settings(home)
    assert "是否想写“court”" in str(caught.value)
    assert len(caught.value.faults) == 2
    path.write_text(path.read_text().replace("cuort:", "court:") + "agency: other\n")
    with pytest.raises(DataFault, match="键“agency”重复"):
        read_settings(home)


def test_a_change_counts_at_once(home: Path) -> None:
    """What is remembered of a file is remembered under its content."""
    assert read_settings(home).office == "云溪县自然资源局办公室"
    assert read_settings(changed(home, "office", "办公室甲")).office == "办公室甲"
    for damage in (b"{damaged", b"[]", b"{}", b'"x"', b'{"people": 5}', b"\xff"):
        for kept in (home / ".cache").iterdir():
            kept.write_bytes(damage)
        assert read_settings(home).office == "办公室甲"


def test_no_office_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="ysq init"):
        read_settings(tmp_path)


def test_a_pattern_of_a_series_that_no_letter_has_is_named(home: Path) -> None:
    from yishenqing.office.checking import check  # noqa: PLC0415

    changed(home, "letter_numbers", '{廷: "廷{year}-{n}", 延: "延{year}-{n}"}')
    faults = [f["text"] for f in check(home)["faults"]]
    assert [f for f in faults if "编号系列" in f and "廷" in f], faults
    assert not [f for f in faults if "“延”" in f]
