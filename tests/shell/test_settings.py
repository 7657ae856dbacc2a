"""An office's settings: read strictly, written whole, and never such that two papers get one number."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.office.checking import check
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
    assert (settings.people[user].name, len(settings.people[user].roles)) == (user, 11)
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


def staffed(home: Path, people: str, figures: str = "{}") -> Path:
    changed(home, "figures", figures)
    path = home / FILE
    path.write_text(path.read_text().partition("\npeople:")[0] + f"\npeople: {people}\n")
    return home


AWAY = "[{since: 2026-03-02, until: 2026-03-06, to: 乙}]"
PEOPLE = f"{{甲: {{name: 甲, roles: [signer], away: {AWAY}}}, 乙: {{name: 乙, roles: [archivist]}}}}"


def test_who_is_away_is_stood_in_for_on_those_days_only(home: Path) -> None:
    settings = read_settings(staffed(home, PEOPLE))
    for day in (date(2026, 3, 2), date(2026, 3, 6)):
        assert settings.roles_on("乙", day) == {"signer": "甲", "archivist": "乙"}
    for day in (date(2026, 3, 1), date(2026, 3, 7)):
        assert settings.roles_on("乙", day) == {"archivist": "乙"}
    assert settings.roles_on("甲", date(2026, 3, 3)) == {"signer": "甲"}  # who is away may still act
    assert settings.staffed == {"signer", "archivist"}


def test_a_role_of_one_s_own_is_one_s_own_even_while_standing_in(home: Path) -> None:
    settings = read_settings(staffed(home, PEOPLE.replace("[archivist]", "[archivist, signer]")))
    assert settings.roles_on("乙", date(2026, 3, 3)) == {"signer": "乙", "archivist": "乙"}


@pytest.mark.parametrize(
    ("away", "said"),
    [
        ("{since: 2026-03-02, until: 2026-03-06, to: 丙}", "代理人“丙”不在人员之中"),
        ("{since: 2026-03-02, until: 2026-03-06, to: 甲}", "代理人“甲”不在人员之中"),
        ("{since: 2026-03-06, until: 2026-03-02, to: 乙}", "最后一日早于第一日"),
        ("{since: 2026-02-30, until: 2026-03-02, to: 乙}", "不存在的日期"),
        ("{since: 2026-03-02, to: 乙}", "until"),
        ("{since: 2026-03-02, until: 2026-03-06, to: 乙, why: 休假}", "why"),
    ],
)
def test_a_wrong_absence_is_named_with_its_line(home: Path, away: str, said: str) -> None:
    staffed(home, PEOPLE.replace(AWAY, f"[{away}]"))
    with pytest.raises(DataFault, match=said) as caught:
        read_settings(home)
    line = next(n for n, t in enumerate((home / FILE).read_text().splitlines(), 1) if t.startswith("people:"))
    assert {f.line for f in caught.value.faults} == {line}


def test_figures_are_whole_numbers_and_check_knows_them(home: Path, unproved: None) -> None:
    assert read_settings(staffed(home, PEOPLE, "{search_sources: 3}")).figures == {"search_sources": 3}
    faults = [f["text"] for f in check(staffed(home, PEOPLE, "{search_sorces: 3}"))["faults"]]
    assert any("没有自定的数“search_sorces”" in text for text in faults)
    with pytest.raises(DataFault, match="search_sources"):
        read_settings(staffed(home, PEOPLE, "{search_sources: 三处}"))


def test_a_pattern_of_a_series_that_no_letter_has_is_named(home: Path, unproved: None) -> None:
    from yishenqing.office.checking import check  # noqa: PLC0415

    changed(home, "letter_numbers", '{廷: "廷{year}-{n}", 延: "延{year}-{n}"}')
    faults = [f["text"] for f in check(home)["faults"]]
    assert [f for f in faults if "编号系列" in f and "廷" in f], faults
    assert not [f for f in faults if "“延”" in f]
