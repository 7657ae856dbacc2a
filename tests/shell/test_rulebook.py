"""Rules from files: layered, checked whole, and kept with each case as they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from yishenqing import articles, rulebook
from yishenqing.almanac import read_year, workdays
from yishenqing.core.errors import CalendarGap, DataFault, NotFound
from yishenqing.rulebook import from_snapshot, read_rulebook, snapshot_digest
from yishenqing.shipped import layered, shipped

WORKFLOW = shipped("workflows") / "disclosure.yaml"


def own(home: Path, name: str, text: str) -> Path:
    path = home / "workflows" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_an_office_replaces_single_files(tmp_path: Path) -> None:
    own(tmp_path, "disclosure.yaml", WORKFLOW.read_text().replace("title: 已登记", "title: 已经登记"))
    rules = read_rulebook(tmp_path)
    assert rules.workflow.states["registered"].title == "已经登记"
    assert rules.law.terms == read_rulebook().law.terms
    assert layered("workflows", tmp_path) == [tmp_path / "workflows", shipped("workflows")]
    assert layered("letters", tmp_path) == [shipped("letters")]


CITATIONS = shipped("workflows") / "law" / "citations.yaml"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("law: 条例第四十五条", "law: 条例第九十九条", "没有收录第九十九条"),
        ("since: 2024-01-01, law: 行政复议法", "since: 2023-12-31, law: 行政复议法", "在2023-12-31不是现行有效"),
        ("law: 条例第十八条", "clause: 条例第十八条", "clause"),
    ],
)
def test_what_the_program_cites_must_be_law_in_force(tmp_path: Path, old: str, new: str, said: str) -> None:
    shutil.copytree(shipped("workflows"), tmp_path / "workflows")
    text = CITATIONS.read_text()
    assert old in text
    own(tmp_path, "law/citations.yaml", text.replace(old, new, 1))
    with pytest.raises(DataFault, match=said):
        rulebook._read_law([tmp_path / "workflows"])


def test_an_office_cannot_write_what_the_program_cites(tmp_path: Path) -> None:
    path = own(tmp_path, "law/citations.yaml", CITATIONS.read_text())
    with pytest.raises(DataFault, match="随程序提供") as caught:
        read_rulebook(tmp_path)
    assert [f.file for f in caught.value.faults] == [str(path)]


def test_a_citation_is_the_one_that_held_on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [{"since": date(2027, 1, 1), "law": "新"}, {"since": date(2019, 5, 15), "law": "旧"}]
    monkeypatch.setattr(articles, "_known", lambda: {articles.FILE: {"reply": {"values": values}}})
    assert [articles.article("reply", day) for day in (date(2026, 12, 31), date(2027, 1, 1), None)] == [
        "旧",
        "新",
        "新",
    ]


def test_a_snapshot_gives_the_rules_back() -> None:
    rules = read_rulebook()
    text = rules.snapshot()
    again = from_snapshot(text)
    assert again.snapshot() == text
    assert snapshot_digest(text) == snapshot_digest(again.snapshot())
    assert (again.workflow.since, again.workflow.steps.keys()) == (rules.workflow.since, rules.workflow.steps.keys())


@pytest.mark.parametrize("text", ["{}", "[]", '{"workflow": {}, "law": {}}', "nonsense"])
def test_a_snapshot_nobody_understands_is_said_so(text: str) -> None:
    with pytest.raises(DataFault, match="流程与法律数据"):
        from_snapshot(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.replace("\n    owner: handler", "", 1).replace("stage: handling,", "stge: handling,", 1),
            "stge",
        ),
        (lambda t: t.replace("to: under_review", "to: under_reveiw", 1), "没有状态“under_reveiw”"),
        (lambda t: t.replace("by: [registrar]", "by: [registar]", 1), "没有岗位“registar”"),
        (lambda t: t.replace("{guard: once", "{guard: twice", 1), "只能是"),
        (lambda t: t.replace("law: 条例第三十条", "law: 条例第九十九条", 1), "没有收录第九十九条"),
        (
            lambda t: t.replace(
                "steps:\n", "steps:\n  before: {title: x, by: [registrar], law: [], from: [], call: os.mkdir}\n", 1
            ),
            "call",
        ),
        (lambda t: t + "\nstates: {}\n", "键“states”重复"),
        (lambda t: t.replace("since: 2019-05-15", "since: 2019-02-29"), "不存在的日期"),
    ],
)
def test_a_typing_error_is_named_with_file_and_line(change: Callable[[str], str], said: str, tmp_path: Path) -> None:
    text = change(WORKFLOW.read_text())
    assert text != WORKFLOW.read_text()
    path = own(tmp_path, "disclosure.yaml", text)
    with pytest.raises(DataFault) as caught:
        read_rulebook(tmp_path)
    (fault, *_) = [f for f in caught.value.faults if said in str(f)]
    assert (fault.file, fault.line is not None) == (str(path), True)


def _line(text: str, start: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def test_facts_that_several_steps_share_stand_once() -> None:
    steps = read_rulebook().workflow.steps
    shared = [n for n, known in steps["found"].may.items() if steps["drafted"].may.get(n) == known]
    assert {"way", "provided", "severing", "not_government"} <= set(shared)
    assert {"finding", "item"} <= steps["found"].needs.keys()


def test_a_group_that_is_not_there_is_named_with_file_and_line(tmp_path: Path) -> None:
    text = WORKFLOW.read_text().replace("    shares: [finding]", "    shares: [fnding]", 1)
    path = own(tmp_path, "disclosure.yaml", text)
    with pytest.raises(DataFault) as caught:
        read_rulebook(tmp_path)
    (fault,) = caught.value.faults
    assert (fault.file, fault.line) == (str(path), _line(text, "    shares: [fnding]"))
    assert "没有共用的事实“fnding”" in fault.text


def test_a_fault_within_a_group_is_named_where_it_stands(tmp_path: Path) -> None:
    text = WORKFLOW.read_text().replace("    severing: {title: ", "    severing: {titel: ", 1)
    path = own(tmp_path, "disclosure.yaml", text)
    with pytest.raises(DataFault) as caught:
        read_rulebook(tmp_path)
    faults = [f for f in caught.value.faults if "titel" in str(f)]
    assert {(f.file, f.line) for f in faults} == {(str(path), _line(text, "    severing: {titel: "))}


def test_there_must_be_such_a_procedure() -> None:
    with pytest.raises(NotFound, match="nosuch"):
        read_rulebook(None, "nosuch")


class TestCalendar:
    def test_an_office_can_load_a_further_year(self, tmp_path: Path) -> None:
        today = date(2026, 12, 1)
        assert workdays(today, tmp_path).add(date(2026, 12, 25), 10).provisional
        own(
            tmp_path,
            "calendar/2027.yaml",
            "year: 2027\nsource: 试\nnotices: [{number: 国办发明电〔2026〕9号}]\noff: [2027-01-01]\nworked: []\n",
        )
        count = workdays(today, tmp_path).add(date(2026, 12, 25), 10)
        assert (count.day, count.provisional) == (date(2027, 1, 11), False)

    def test_a_past_year_that_is_missing_is_an_error(self) -> None:
        with pytest.raises(CalendarGap, match="2027"):
            workdays(date(2027, 1, 4)).add(date(2026, 12, 25), 10)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("yaer: 2027\n", "year"),
            ("year: 2027\noff: [2027-02-30]\n", "不存在的日期"),
            ("year: 2027\noff: [2027-01-01]\nworked: [2027-01-01]\n", "既列为放假又列为上班"),
            ("year: 2027\noff: [2025-01-01]\n", "不属于2027年"),
            ("year: 2027\noff: [soon]\n", "不是日期"),
            ("year: 2027\noff: [2027-01-01]\nofff: []\n", "未知的键"),
        ],
    )
    def test_faults(self, tmp_path: Path, text: str, said: str) -> None:
        with pytest.raises(DataFault, match=said):
            read_year(own(tmp_path, "calendar/2027.yaml", text))


def test_nothing_shipped_is_missing() -> None:
    for name in ("workflows", "letters", "alembic", "samples"):
        assert shipped(name).is_dir()
    with pytest.raises(NotFound, match="安装不完整"):
        shipped("nosuch")


def test_a_snapshot_is_plain_json() -> None:
    """Another program, years later, can read under which rules a case was handled."""
    assert json.loads(read_rulebook().snapshot()).keys() == {"workflow", "law"}
