"""The weeks that ``--calendar`` draws, against the clock they explain and a count by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from offices import APPLICATION, USER, Calendar

from yishenqing.almanac import workdays as read_workdays
from yishenqing.cli import run, weeks
from yishenqing.core.workdays import Workdays
from yishenqing.office import Office
from yishenqing.office.reckoning import Reckoning
from yishenqing.rulebook import Rulebook

DAY = timedelta(days=1)
FAR = date(2026, 11, 21)
NEW_LAW = date(2019, 5, 15)
Row = dict[str, Any]


def walked(days: Workdays, start: date, length: int) -> date:
    """Walk on day by day until ``length`` working days are ticked off."""
    while length:
        start += DAY
        length -= days.is_working(start)
    return start


class Question(Struct, frozen=True):
    """An opinion asked for: the day it was sent, when it arrived there, when the answer came."""

    sent: date
    there: date | None
    answered: date | None

    def facts(self, number: int) -> Iterator[Row]:
        arrived = {"received_on": self.there.isoformat()} if self.there else {}
        yield {"on": self.sent.isoformat(), "fact": "third_party_consulted", "id": str(number), **arrived}
        if self.answered:
            yield {"on": self.answered.isoformat(), "fact": "third_party_answered", "id": str(number)}

    def leaves_out(self, day: date, today: date, days: Workdays) -> bool:
        """Tell whether ``day`` lies between the question and its answer, or the end of the fifteen days."""
        lapses = walked(days, self.there or self.sent, 15)
        return self.sent < day <= min(today, lapses, self.answered or lapses)


class History(Struct, frozen=True):
    arrived: date
    questions: tuple[Question, ...]
    extension: int
    today: date

    def said(self) -> Row:
        facts = [f for n, q in enumerate(self.questions) for f in q.facts(n)]
        facts = [f for f in sorted(facts, key=lambda f: str(f["on"])) if f["on"] <= self.today.isoformat()]
        first = {"on": self.arrived.isoformat(), "fact": "received", "channel": "in_person"}
        if self.extension:
            facts.insert(0, {"on": self.arrived.isoformat(), "fact": "extended", "days": self.extension})
        return {"today": self.today.isoformat(), "facts": [first, *facts]}

    def known(self, question: Question) -> Question:
        """Return what is known today: no answer that is still to come."""
        answered = question.answered if question.answered and question.answered <= self.today else None
        return Question(question.sent, question.there, answered)


@st.composite
def histories(draw: st.DrawFn) -> History:
    arrived = draw(st.dates(NEW_LAW, date(2026, 5, 1)))
    questions = []
    for after, to_arrive, to_answer in draw(st.lists(st.tuples(*[st.integers(0, 30)] * 3), max_size=4)):
        sent = arrived + DAY * min(after, 20)
        there = sent + DAY * min(to_arrive, 6) if to_arrive else None
        questions.append(Question(sent, there, sent + DAY * to_answer if to_answer < 28 else None))
    return History(arrived, tuple(questions), draw(st.integers(0, 20)), arrived + DAY * draw(st.integers(0, 90)))


@settings(max_examples=600)
@given(histories())
def test_exactly_the_days_of_the_period_are_numbered(rules: Rulebook, history: History) -> None:
    days = read_workdays_once()
    answer, code = Reckoning(rules, None).history(history.said(), "f", history.today)
    reply = next(d for d in answer["deadlines"] if d["clock"] == "reply")
    if code:  # a question of one who may not ask any more; other tests' business
        assert answer["refused"]
        return
    drawn = weeks.marked(reply, days)
    numbered = [d for d in drawn if d.number]
    asked = [history.known(q) for q in history.questions if q.sent <= history.today]
    assert [d.number for d in numbered] == list(range(1, 20 + history.extension + 1))
    assert all(days.is_working(d.on) for d in numbered)
    assert not any(q.leaves_out(d.on, history.today, days) for d in numbered for q in asked)
    for day in drawn[1:]:
        left_out = days.is_working(day.on) and any(q.leaves_out(day.on, history.today, days) for q in asked)
        assert day.mark.startswith("扣") is left_out
    assert (str(numbered[-1].on), drawn[-1], drawn[-1].mark[-1]) == (reply["due"], numbered[-1], "止")
    assert (drawn[0].on, drawn[0].mark) == (history.arrived, "起")
    assert [d.on for d in drawn] == [history.arrived + DAY * n for n in range(len(drawn))]
    assert all(weeks.width(line) <= weeks.WIDTH for line in weeks.drawing(reply, days))


_KEPT: list[Workdays] = []


def read_workdays_once() -> Workdays:
    """Return the shipped working days, read once; ``today`` plays no part in what a day is."""
    if not _KEPT:
        _KEPT.append(read_workdays(FAR))
    return _KEPT[0]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YISHENQING_TODAY", "2026-03-30")
    monkeypatch.delenv("YISHENQING_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path, data: Row) -> str:
    file = tmp_path / "经过.json"
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    assert run(["clock", str(file), "--calendar"]) == 0
    return capsys.readouterr().out


CONTRACT = {
    "today": "2026-03-30",
    "facts": [
        {"on": "2026-03-02", "fact": "received", "channel": "registered_mail"},
        {"on": "2026-03-10", "fact": "third_party_consulted", "received_on": "2026-03-12"},
        {"on": "2026-03-24", "fact": "third_party_answered"},
        {"on": "2026-03-27", "fact": "extended", "days": 20},
    ],
}


def test_the_drawing_of_the_contracts_example(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = drawn(capsys, tmp_path, CONTRACT)
    begun = out.index("答复期限：")
    assert out[begun:].splitlines() == [
        "答复期限：自2026-03-02的次日起算，扣除不计入的时间，第40个工作日为2026-05-14",
        "",
        "2026年3月",
        " 一         二         三         四         五         六         日",
        " 2 起       3 第1      4 第2      5 第3      6 第4      7 休       8 休",
        " 9 第5     10 第6     11 扣      12 扣      13 扣      14 休      15 休",
        "16 扣      17 扣      18 扣      19 扣      20 扣      21 休      22 休",
        "23 扣      24 扣      25 第7     26 第8     27 第9     28 休      29 休",
        "30 第10    31 第11",
        "",
        "2026年4月",
        " 一         二         三         四         五         六         日",
        "                       1 第12     2 第13     3 第14     4 假       5 假",
        " 6 假       7 第15     8 第16     9 第17    10 第18    11 休      12 休",
        "13 第19    14 第20    15 第21    16 第22    17 第23    18 休      19 休",
        "20 第24    21 第25    22 第26    23 第27    24 第28    25 休      26 休",
        "27 第29    28 第30    29 第31    30 第32",
        "",
        "2026年5月",
        " 一         二         三         四         五         六         日",
        "                                             1 假       2 假       3 假",
        " 4 假       5 假       6 第33     7 第34     8 第35     9 第36班  10 休",
        "11 第37    12 第38    13 第39    14 第40止",
        "",
        "图例：起 起算之日，不计入　第n 计入的第n个工作日",
        "      第n班 调休上班的星期六、星期日，计入　扣 不计入的工作日（征求意见等）",
        "      止 期限的最后一日　假 放假（含调休放假）　休 星期六、星期日",
        "放假：2026-04-04至2026-04-06　清明节　国办发明电〔2025〕7号",
        "放假：2026-05-01至2026-05-05　劳动节　国办发明电〔2025〕7号",
    ]


def test_every_line_fits_a_terminal_and_every_column_stands_under_its_weekday() -> None:
    days = read_workdays_once()
    counting = {"start": "2026-01-30", "number": 40, "excluded": []}
    reply = {"clock": "reply", "title": "答复期限", "due": "2026-04-07", "state": "running", "provisional": False}
    due = walked(days, date(2026, 1, 30), 40)
    lines = weeks.drawing({**reply, "due": due.isoformat(), "counting": counting}, days)
    assert max(map(weeks.width, lines)) <= weeks.WIDTH
    assert "班" in "".join(lines)
    month, found = (0, 0), []
    for line in lines[: next(n for n, text in enumerate(lines) if text.startswith("图例"))]:
        if heading := re.match(r"(\d{4})年(\d+)月", line):
            month = (int(heading[1]), int(heading[2]))
        columns = "".join(c if weeks.width(c) == 1 else f"{c}\0" for c in line)
        for weekday in range(7):
            if cell := re.match(r"([ \d]\d) (?=[第起扣假休])", columns[weekday * 11 :]):
                found.append(date(*month, int(cell[1])))
                assert found[-1].weekday() == weekday, line
    assert found == [date(2026, 1, 30) + DAY * n for n in range((due - date(2026, 1, 30)).days + 1)]


def test_a_made_up_day_that_does_not_count_is_marked_as_such() -> None:
    counting = {"start": "2026-05-06", "number": 1, "excluded": [{"after": "2026-05-06", "until": "2026-05-10"}]}
    row = {"due": "2026-05-11", "counting": counting}
    marks = {d.on.day: d.mark for d in weeks.marked(row, read_workdays_once())}
    assert marks == {6: "起", 7: "扣", 8: "扣", 9: "扣班", 10: "休", 11: "第1止"}


def test_days_of_december_are_the_next_notices() -> None:
    counting = {"start": "2018-12-28", "number": 3, "excluded": []}
    row = {"clock": "reply", "title": "期限", "due": "2019-01-03", "state": "met", "provisional": False}
    lines = weeks.drawing({**row, "counting": counting}, read_workdays_once())
    assert "29 第1班" in "".join(lines)
    assert lines[-2:] == ["放假：2018-12-30至2019-01-01　元旦　国办发明电〔2018〕15号", "      国办发明电〔2019〕3号"]


def test_each_holiday_of_a_stretch_is_named() -> None:
    counting = {"start": "2020-01-23", "number": 1, "excluded": []}
    row = {"clock": "reply", "title": "期限", "due": "2020-02-03", "state": "met", "provisional": False}
    lines = weeks.drawing({**row, "counting": counting}, read_workdays_once())
    assert lines[-2].startswith("放假：2020-01-24至2020-02-02　春节、春节假期延长　")


def test_an_unannounced_month_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    received = {"on": "2026-12-10", "fact": "received", "channel": "in_person"}
    out = drawn(capsys, tmp_path, {"today": "2026-12-10", "facts": [received]})
    assert "2027年1月（放假安排尚未公布，暂按周一至周五推算）\n" in out
    assert "第20个工作日为2027-01-07（暂定）" in out


def test_a_stopped_period_is_drawn_as_the_earliest_possible(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    facts = [
        {"on": "2026-03-02", "fact": "received", "channel": "in_person"},
        {"on": "2026-03-05", "fact": "supplement_requested", "until": "2026-03-31"},
    ]
    out = drawn(capsys, tmp_path, {"today": "2026-03-20", "facts": facts})
    assert "自2026-03-20的次日起算，第20个工作日最早为2026-04-20（暂定）" in out
    assert "申请人补正期限：" not in out  # a fixed day: nothing to count along


def test_without_a_period_in_working_days_there_is_nothing_to_draw(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "没有按工作日计算" in drawn(capsys, tmp_path, {"today": "2026-03-20", "facts": []})


def test_a_case_is_drawn_too(
    capsys: pytest.CaptureFixture[str], home: Path, office: Office, calendar: Calendar
) -> None:
    number = office.register(APPLICATION)["number"]
    words = ["--home", str(home), "--as", USER, "--on", "2026-03-02", "show", number, "--calendar"]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "30 第20止" in out
    assert "补正告知期限：自2026-03-02的次日起算，第7个工作日为2026-03-11" in out
    assert run([*words, "--json"]) == 0
    reply = json.loads(capsys.readouterr().out)["deadlines"][0]
    assert reply["counting"] == {"start": "2026-03-02", "number": 20, "excluded": []}
