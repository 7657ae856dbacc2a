"""``ysq calendar import FILE``: next year's notice turns provisional days firm, and says which of them moved.

The notices for 2027 and 2028 here are invented; the real ones are announced in the autumn before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, rows

from yishenqing.almanac import read_year
from yishenqing.cli import run
from yishenqing.office import Office, casework
from yishenqing.office.renewing import Renewal

Answer = Mapping[str, Any]
Said = Callable[..., tuple[int, Answer]]
TODAY = "2026-12-11"
NOTICE = """\
year: 2027
notices:
  - {number: 虚构〔2026〕1号}
source: 虚构的通知，仅供测试
off: [2027-01-01, 2027-01-02, 2027-01-03, 2027-05-01]
worked: [2027-01-09]
"""
HOLIDAY_CN: dict[str, Any] = {
    "$schema": "https://raw.githubusercontent.com/NateScarlet/holiday-cn/master/schema.json",
    "year": 2027,
    "papers": ["https://example.invalid/虚构"],
    "days": [
        {"name": "元旦", "date": "2027-01-01", "isOffDay": True},
        {"name": "元旦", "date": "2027-01-02", "isOffDay": True},
        {"name": "元旦", "date": "2027-01-03", "isOffDay": True},
        {"name": "劳动节", "date": "2027-05-01", "isOffDay": True},
        {"name": "元旦", "date": "2027-01-09", "isOffDay": False},
    ],
}
# Received, last day as long as 2027 is unannounced, last day under the notice.
CASES = (
    ("2026-11-05", "2026-12-03", "2026-12-03"),
    ("2026-12-03", "2026-12-31", "2026-12-31"),
    ("2026-12-10", "2027-01-07", "2027-01-08"),
    ("2026-12-11", "2027-01-08", "2027-01-09"),  # the worked Saturday
)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YISHENQING_TODAY", TODAY)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], home: Path) -> Said:
    def ask(*words: str | Path) -> tuple[int, Answer]:
        code = run(["--home", str(home), "--as", USER, "--json", *map(str, words)])
        return code, json.loads(capsys.readouterr().out)

    return ask


@pytest.fixture
def numbers(office: Office, calendar: Calendar) -> list[str]:
    """Return the cases of the table, registered each on its day."""
    found = []
    for received, *_ in CASES:
        calendar.day = date.fromisoformat(received)
        found.append(office.register({**APPLICATION, "arrived_on": received})["number"])
    return found


@pytest.fixture
def notice(tmp_path: Path) -> Path:
    path = tmp_path / "二〇二七年.yaml"
    path.write_text(NOTICE, encoding="utf-8")
    return path


def replies(found: Answer) -> list[tuple[str, bool]]:
    """Return day and doubt of every reply in the due list, by number."""
    lines = [x for x in found["cases"] if x["clock"] == "reply"]
    return [(x["due"], x["provisional"]) for x in sorted(lines, key=lambda x: str(x["number"]))]


BEFORE = [(CASES[0][1], False), *((due, True) for _, due, _ in CASES[1:])]
AFTER = [(due, False) for *_, due in CASES]


@pytest.mark.parametrize("kind", ["yaml", "holiday-cn"])
def test_a_notice_turns_provisional_days_firm(
    said: Said, numbers: list[str], notice: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "holiday-cn":
        notice = tmp_path / "2027.json"
        notice.write_text(json.dumps(HOLIDAY_CN, ensure_ascii=False), encoding="utf-8")
    assert replies(said("due")[1]) == BEFORE
    code, found = said("calendar", "import", notice)
    assert (code, found["year"]) == (0, 2027)
    assert found["changes"] == [{"date": "2027-01-01", "works": False}, {"date": "2027-01-09", "works": True}]
    moved = [m for m in found["moved"] if m["clock"] == "reply"]
    assert [(m["number"], m["was"], m["now"]) for m in moved] == [
        (number, was, now) for number, (_, was, now) in zip(numbers[1:], CASES[1:], strict=True)
    ]
    assert {(m["was_provisional"], m["provisional"], m["title"]) for m in moved} == {(True, False, "答复期限")}
    # Without any tick: the rows were written with the notice.
    assert replies(said("due")[1]) == AFTER
    assert said("check")[0] == said("archive", "verify", numbers[2])[0] == 0
    _, shown = said("show", numbers[2])
    reasons = "".join(r["text"] for d in shown["deadlines"] for r in d["reasons"])
    assert "尚未公布" not in reasons
    assert ("虚构〔2026〕1号" in reasons) is (kind == "yaml")  # the data set names papers, not numbers


def test_the_names_of_the_holidays_are_kept(said: Said, home: Path, tmp_path: Path) -> None:
    notice = tmp_path / "2027.json"
    unnamed = {"date": "2027-05-02", "isOffDay": True}
    notice.write_text(json.dumps({**HOLIDAY_CN, "days": [*HOLIDAY_CN["days"], unnamed]}), encoding="utf-8")
    kept = read_year(Path(said("calendar", "import", notice)[1]["path"]))
    assert {name: [str(d) for d in sorted(days)] for name, days in kept.names.items()} == {
        "元旦": ["2027-01-01", "2027-01-02", "2027-01-03"],
        "劳动节": ["2027-05-01"],
        "未写明名称": ["2027-05-02"],
    }
    assert kept.off == frozenset().union(*kept.names.values())


def test_an_officer_reads_what_moved(
    capsys: pytest.CaptureFixture[str], home: Path, numbers: list[str], notice: Path
) -> None:
    words = ["--home", str(home), "--as", USER, "calendar", "import", str(notice)]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1:4] == [
        "放假（原按工作日计）：2027-01-01",
        "上班（原按休息日计）：2027-01-09",
        "重新计算后有变化的期限：3项",
    ]
    assert f"  {numbers[2]}　答复期限：2027-01-07（暂定） → 2027-01-08\n" in out
    assert run(words) == 0
    assert "没有期限因此变化。" in capsys.readouterr().out


def test_the_clock_without_a_case_takes_the_offices_notice(
    said: Said, home: Path, notice: Path, tmp_path: Path
) -> None:
    file = tmp_path / "经过.json"
    file.write_text('{"facts": [{"on": "2026-12-10", "fact": "received", "channel": "in_person"}]}')

    def reply() -> tuple[str, bool]:
        found = said("clock", file)[1]["deadlines"][0]
        return found["due"], found["provisional"]

    assert reply() == ("2027-01-07", True)
    assert said("calendar", "import", notice)[0] == 0
    assert reply() == ("2027-01-08", False)


def test_importing_twice_changes_nothing_more(said: Said, home: Path, numbers: list[str], notice: Path) -> None:
    first = said("calendar", "import", notice)[1]
    kept = rows(home, "SELECT * FROM deadlines ORDER BY number, clock")
    code, again = said("calendar", "import", notice)
    assert (code, again["changes"], again["moved"], again["path"]) == (0, [], [], first["path"])
    assert rows(home, "SELECT * FROM deadlines ORDER BY number, clock") == kept


def test_what_the_office_keeps_can_be_imported_elsewhere(said: Said, notice: Path, tmp_path: Path) -> None:
    written = Path(said("calendar", "import", notice)[1]["path"])
    copy = tmp_path / "copy.yaml"
    copy.write_bytes(written.read_bytes())
    code, again = said("calendar", "import", copy)
    assert (code, again["changes"]) == (0, [])
    assert "载入自 copy.yaml" in written.read_text(encoding="utf-8")


def test_a_corrected_notice_moves_the_days_back(said: Said, numbers: list[str], notice: Path) -> None:
    said("calendar", "import", notice)
    notice.write_text(NOTICE.replace("2027-01-01, ", ""), encoding="utf-8")
    code, found = said("calendar", "import", notice)
    assert (code, found["changes"]) == (0, [{"date": "2027-01-01", "works": True}])
    moved = {m["number"]: (m["was"], m["now"]) for m in found["moved"] if m["clock"] == "reply"}
    assert moved == {numbers[2]: ("2027-01-08", "2027-01-07"), numbers[3]: ("2027-01-09", "2027-01-08")}
    assert [due for due, _ in replies(said("due")[1])] == ["2026-12-03", "2026-12-31", "2027-01-07", "2027-01-08"]


def test_a_notice_can_name_days_of_the_december_before(said: Said, numbers: list[str], notice: Path) -> None:
    notice.write_text(NOTICE.replace("off: [", "off: [2026-12-31, "), encoding="utf-8")
    code, found = said("calendar", "import", notice)
    moved = {m["number"]: m["now"] for m in found["moved"] if m["clock"] == "reply"}
    assert (code, moved[numbers[1]]) == (0, "2027-01-04")
    assert found["changes"][0] == {"date": "2026-12-31", "works": False}


def test_the_end_of_december_waits_for_the_notice_after(
    said: Said, notice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said("calendar", "import", notice)[0] == 0
    monkeypatch.setenv("YISHENQING_TODAY", "2027-11-29")
    for day, due, provisional in (("26", "2027-12-24", False), ("29", "2027-12-27", True)):
        file = tmp_path / f"{day}.json"
        file.write_text(json.dumps({**APPLICATION, "arrived_on": f"2027-11-{day}"}), encoding="utf-8")
        reply = said("register", file)[1]["deadlines"][0]
        assert (reply["due"], reply["provisional"]) == (due, provisional)
    after = tmp_path / "2028.yaml"
    after.write_text("year: 2028\noff: [2028-01-01]\n", encoding="utf-8")
    code, found = said("calendar", "import", after)
    assert (code, found["changes"]) == (0, [])  # New Year's Day of 2028 is a Saturday
    assert [(m["was"], m["now"], m["provisional"]) for m in found["moved"]] == [("2027-12-27", "2027-12-27", False)]


def test_a_closed_period_is_not_opened_again(
    said: Said, office: Office, calendar: Calendar, numbers: list[str], notice: Path
) -> None:
    calendar.day = date.fromisoformat(TODAY)
    office.act(numbers[2], "withdrawn", {"statement": "书面撤回"})
    _, found = said("calendar", "import", notice)
    assert {m["number"] for m in found["moved"]} == {numbers[1], numbers[3]}
    states = {d["clock"]: d["state"] for d in said("show", numbers[2])[1]["deadlines"]}
    assert states["reply"] == "met"
    assert numbers[2] not in {x["number"] for x in said("due")[1]["cases"]}


MALFORMED = {
    "no year": "off: [2027-01-01]",
    "the year in words": "year: 二〇二七\noff: [2027-01-01]",
    "no free day": "year: 2027\noff: []\nworked: [2027-01-09]",
    "a day on both lists": "year: 2027\noff: [2027-01-09]\nworked: [2027-01-09]",
    "a Monday worked": "year: 2027\noff: [2027-01-01]\nworked: [2027-01-04]",
    "a day of another year": "year: 2027\noff: [2026-05-01]",
    "a day that is none": "year: 2027\noff: [2027-02-30]",
    "text for a day": "year: 2027\noff: [元旦]",
    "a day under two names": "year: 2027\noff: {元旦: [2027-01-01], 春节: [2027-01-01]}",
    "a name without a list": "year: 2027\noff: {元旦: 2027-01-01}",
    "no list": "year: 2027\noff: 2027-01-01",
    "an unknown key": "year: 2027\noff: [2027-01-01]\nfree: [2027-01-02]",
    "a key twice": "year: 2027\nyear: 2028\noff: [2027-01-01]",
    "no YAML": "year: [",
    "empty": "",
    "a list": "- 2027-01-01",
}
MALFORMED_JSON: Mapping[str, Any] = {
    "no date": {"year": 2027, "days": [{"name": "元旦", "isOffDay": True}]},
    "no isOffDay": {"year": 2027, "days": [{"name": "元旦", "date": "2027-01-01"}]},
    "31 February": {"year": 2027, "days": [{"date": "2027-02-31", "isOffDay": True}]},
    "a day in words": {"year": 2027, "days": ["2027-01-01"]},
    "days no list": {"year": 2027, "days": {"2027-01-01": True}},
    "no days": {"year": 2027, "days": []},
    "no year": {"days": HOLIDAY_CN["days"]},
    "another year's days": {**HOLIDAY_CN, "year": 2028},
}


@pytest.mark.parametrize("name", [*MALFORMED, *(f"holiday-cn: {n}" for n in MALFORMED_JSON)])
def test_a_malformed_notice_changes_nothing(
    said: Said, home: Path, numbers: list[str], tmp_path: Path, name: str
) -> None:
    if name in MALFORMED:
        file, text = tmp_path / "坏.yaml", MALFORMED[name]
    else:
        file, text = tmp_path / "坏.json", json.dumps(MALFORMED_JSON[name.removeprefix("holiday-cn: ")])
    file.write_text(text, encoding="utf-8")
    kept = rows(home, "SELECT * FROM deadlines ORDER BY number, clock")
    code, found = said("calendar", "import", file)
    assert (code, found["error"]["code"]) == (6, "data_fault")
    assert all(f["file"] == str(file) for f in found["error"]["faults"])
    assert not list((home / "workflows").rglob("20*.yaml"))
    assert rows(home, "SELECT * FROM deadlines ORDER BY number, clock") == kept


def test_a_malformed_correction_leaves_the_notice_before(
    said: Said, home: Path, numbers: list[str], notice: Path
) -> None:
    written = Path(said("calendar", "import", notice)[1]["path"])
    kept = written.read_bytes()
    notice.write_text(NOTICE + "again: 1\n", encoding="utf-8")
    assert said("calendar", "import", notice)[0] == 6
    assert written.read_bytes() == kept
    assert replies(said("due")[1]) == AFTER


def test_a_notice_that_is_not_there(said: Said, tmp_path: Path) -> None:
    assert said("calendar", "import", tmp_path / "没有.yaml")[0] == 5
    assert said("calendar", "import", tmp_path)[0] == 6


def test_no_invented_notice_is_shipped() -> None:
    shipped = Path(__file__).parents[2] / "workflows" / "calendar"
    assert sorted(p.stem for p in shipped.glob("*.yaml"))[-1] == "2026"


SEARCHED = {"systems": "档案管理系统", "keywords": "征收公告", "result": "检索到一份"}
ASKED = ("third_party_consulted", {"party": "某公司", "content": "合同"})
TOLD = ("third_party_answered", {"opinion": "agreed"})
BEGUN: list[tuple[str, Mapping[str, Any]]] = [("acknowledged", {}), ("accepted", {"handler": "征地管理科"})]
EVERY_DEADLINE = "SELECT * FROM deadlines ORDER BY number, clock"
ROADS: tuple[list[tuple[str, Mapping[str, Any]]], ...] = (
    [],
    BEGUN,
    [*BEGUN, ("search_recorded", SEARCHED)],
    [*BEGUN, ASKED],
    [*BEGUN, ASKED, TOLD],
)


def test_what_is_counted_anew_is_what_every_ledger_gives(
    office: Office, calendar: Calendar, notice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar.day = date.fromisoformat(TODAY)
    for road in ROADS:
        number = office.register({**APPLICATION, "arrived_on": "2026-12-10"})["number"]
        for step, facts in road:
            office.act(number, step, facts)
    folded: list[str] = []
    monkeypatch.setattr(casework, "load_many", _noting(casework.load_many, folded))
    office.import_calendar(notice)
    assert len(folded) == 2  # those that somebody was asked about; the others were counted from what is stored
    counted = rows(office.home, EVERY_DEADLINE)
    numbers = sorted({row[1] for row in counted})
    with office._transactions.writing() as connection:
        moved, unread = Renewal(office._transactions, office._practice).batch(connection, numbers)
    assert (moved, unread, len(folded)) == ([], [], 2 + len(ROADS))
    assert rows(office.home, EVERY_DEADLINE) == counted


def _noting(load_many: Callable[..., Any], folded: list[str]) -> Callable[..., Any]:
    def noting(connection: Any, practice: Any, numbers: Any, **how: Any) -> Any:
        folded.extend(numbers)
        return load_many(connection, practice, numbers, **how)

    return noting
