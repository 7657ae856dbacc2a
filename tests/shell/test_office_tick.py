"""Reminders: each once, however often and by however many the tick runs; none lost while nobody ticked."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, tamper, use_database
from sqlalchemy import create_engine, text

from yishenqing import Office, scheduler
from yishenqing.core.errors import NotFound

pytest_plugins = ["pg"]

DUE = date(2026, 3, 30)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, home: Path) -> Path:
    if request.param == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    return home


def ticked(home: Path, day: date) -> list[tuple[str, str, str]]:
    """Tick in an office opened for the purpose, as a scheduler started anew would."""
    found, faults = _ticked(home, day)
    assert faults == []
    return found


def ticked_beside(home: Path, day: date) -> list[tuple[str, str, str]]:
    """Tick beside another: what that one holds for longer than this one waits is left to it, and said."""
    found, faults = _ticked(home, day)
    assert [f for f in faults if f["code"] != "moved"] == []
    return found


def _ticked(home: Path, day: date) -> tuple[list[tuple[str, str, str]], list[dict[str, str]]]:
    with Office.open(home, user=USER, today=lambda: day) as office:
        found = office.tick()
    return [(r["number"], r["clock"], r["mark"]) for r in found["reminders"]], found["faults"]


def registered(home: Path, cases: int = 1, day: date = OPENED) -> list[str]:
    with Office.open(home, user=USER, today=lambda: day) as office:
        return [office.register({**APPLICATION, "arrived_on": day.isoformat()})["number"] for _ in range(cases)]


class TestTheTick:
    def test_gives_each_mark_on_its_day_and_once(self, either: Path) -> None:
        registered(either)
        given = {}
        for day in (date.fromordinal(o) for o in range(OPENED.toordinal(), DUE.toordinal() + 5)):
            for _, clock, mark in (*ticked(either, day), *ticked(either, day)):
                assert (clock, mark) not in given
                given[clock, mark] = day
        given.pop(("reply", "escalated"), None)  # when to go higher is each office's own setting
        assert given == {
            ("supplement_notice", "yellow"): date(2026, 3, 6),
            ("supplement_notice", "red"): date(2026, 3, 10),
            ("reply", "yellow"): date(2026, 3, 23),
            ("reply", "red"): date(2026, 3, 26),
            ("reply", "expired"): date(2026, 3, 31),
        }

    def test_catches_up_after_a_stop_with_the_latest_word_alone(self, either: Path) -> None:
        (number,) = registered(either)
        found = ticked(either, date(2026, 5, 6))
        by_clock = {clock: {m for n, c, m in found if (n, c) == (number, clock)} for _, clock, _ in found}
        assert by_clock.keys() == {"reply", "supplement_notice"}
        assert by_clock["reply"] <= {"expired", "escalated"}  # nobody needs the yellow light of long ago
        assert by_clock["supplement_notice"] == {"red"}
        assert ticked(either, date(2026, 5, 6)) == []

    def test_by_two_processes_at_once_gives_each_reminder_once(self, either: Path) -> None:
        numbers = registered(either, 12)
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            found = [r for told in pool.starmap(ticked_beside, [(either, date(2026, 3, 31))] * 4) for r in told]
        assert sorted(n for n, clock, _ in found if clock == "reply") == numbers
        assert len(found) == len(set(found)) == 24

    def test_says_nothing_of_what_was_done_in_time(
        self, in_state: Callable[[str], str], office: Office, calendar: Calendar
    ) -> None:
        number = in_state("replied")
        calendar.day = date(2026, 4, 30)
        assert [r for r in office.tick()["reminders"] if r["number"] == number and r["clock"] == "reply"] == []

    def test_does_not_repeat_itself_after_an_act(
        self, in_state: Callable[[str], str], office: Office, calendar: Calendar
    ) -> None:
        """An act writes the deadlines anew; what was told of them stays told."""
        number = in_state("accepted")
        calendar.day = date(2026, 3, 24)
        assert [r["mark"] for r in office.tick()["reminders"]] == ["yellow"]
        office.act(number, "search_recorded", {"systems": "档案系统", "keywords": "征收", "result": "无"})
        assert office.tick()["reminders"] == []

    def test_goes_on_with_the_calendar_while_it_runs(self, home: Path) -> None:
        """A scheduler runs for months: the day turns under it."""
        registered(home)
        calendar = Calendar(OPENED)
        with Office.open(home, user=USER, today=calendar) as office:
            assert office.tick()["reminders"] == []
            calendar.day = date(2026, 3, 31)
            assert {(r["clock"], r["mark"]) for r in office.tick()["reminders"]} >= {("reply", "expired")}

    def test_a_damaged_case_keeps_nobody_elses_reminders_back(self, home: Path) -> None:
        first, second = registered(home, 2)
        tamper(home, "UPDATE entries SET payload = '{' WHERE number = '2026-0001'")
        with Office.open(home, user=USER, today=lambda: date(2026, 3, 31)) as office:
            found = office.tick()
        assert second in {r["number"] for r in found["reminders"]}
        assert {f["number"] for f in found["faults"]} <= {first}

    def test_settles_what_was_provisional_when_the_year_is_announced(self, home: Path) -> None:
        day = date(2026, 12, 7)
        (number,) = registered(home, 1, day)
        with Office.open(home, user=USER, today=lambda: day) as office:
            (before,) = [x for x in office.due()["cases"] if x["clock"] == "reply"]
            assert before["provisional"] is True
            folder = home / "workflows" / "calendar"
            folder.mkdir(parents=True)
            (folder / "2027.yaml").write_text(
                "year: 2027\nsource: 试\nnotices: [{number: 国办发明电〔2026〕9号}]\n"
                f"off: [2027-01-01, {before['due']}]\nworked: []\n"
            )
        with Office.open(home, user=USER, today=lambda: day) as office:
            assert office.verify(number) == []  # no false alarm before the tick
            office.tick()
            (after,) = [x for x in office.due()["cases"] if x["clock"] == "reply"]
            assert (after["provisional"], after["due"] > before["due"]) == (False, True)
            assert office.verify(number) == []


def test_a_case_that_was_not_confirmed_moves_on_with_the_days(home: Path) -> None:
    """A stopped clock gives its earliest day, seen from today."""
    application = {**APPLICATION, "channel": "ordinary_mail"}
    with Office.open(home, user=USER, today=lambda: OPENED) as office:
        number = office.register(application)["number"]
        (early,) = [x for x in office.due()["cases"] if x["clock"] == "reply"]
    with Office.open(home, user=USER, today=lambda: date(2026, 3, 9)) as office:
        (late,) = [x for x in office.due()["cases"] if x["clock"] == "reply"]
        # The office is reminded to ask the applicant; of a period that has not begun nobody is.
        assert {r["clock"] for r in office.tick()["reminders"]} == {"receipt_confirmation"}
        assert office.verify(number) == []
    assert (early["clock_state"], early["provisional"]) == ("stopped", True)
    assert late["due"] > early["due"]


class TestTheScheduler:
    def test_goes_on_after_an_error(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        told: list[Any] = []
        answers = iter([NotFound("数据库没有了"), OSError(28, "No space left on device"), "好", KeyboardInterrupt()])

        def tick() -> Any:
            answer = next(answers)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        class Once:
            """A scheduler without waiting."""

            running = True

            def __init__(self, **_options: Any) -> None:
                self.job: Callable[[], None] = lambda: None

            def add_job(self, job: Callable[[], None], _trigger: str, **options: Any) -> None:
                assert options == {"seconds": 7, "coalesce": True, "max_instances": 1, "misfire_grace_time": None}
                self.job = job

            def start(self) -> None:
                while True:
                    self.job()

            def shutdown(self, *, wait: bool) -> None:
                told.append("停")

        monkeypatch.setattr("apscheduler.schedulers.blocking.BlockingScheduler", Once)
        scheduler.run(tick, 7, told.append)
        assert told == ["好", "停"]
        assert "数据库没有了" in caplog.text
        assert "No space" in caplog.text


def test_the_due_list_is_the_same_on_both_databases(either: Path) -> None:
    numbers = registered(either, 3)
    with Office.open(either, user=USER, today=lambda: date(2026, 3, 20)) as office:
        lines = office.due()["cases"]
    assert [(x["number"], x["clock"], x["due"], x["working_days_left"]) for x in lines] == [
        (n, "reply", "2026-03-30", 6) for n in numbers
    ]
    assert set(lines[0]) >= {"number", "state", "clock", "due", "working_days_left", "provisional", "owed_by"}


def test_the_database_keeps_each_reminder_once(home: Path) -> None:
    registered(home)
    ticked(home, date(2026, 3, 31))
    engine = create_engine(f"sqlite:///{home / 'office.db'}")
    with engine.connect() as connection:
        marks = connection.execute(text("SELECT clock, mark FROM reminders ORDER BY clock, mark")).all()
    engine.dispose()
    assert len(marks) == len(set(marks)) == 5
