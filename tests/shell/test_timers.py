"""What the tick tells, when, and to whom; and that nothing it rests on grows stale."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, use_database
from sqlalchemy import create_engine, text
from timing import DUE, PEOPLE, RED, YELLOW, changed, configure, looked, many, marks, registered, ticked

from yishenqing import Office
from yishenqing.core.errors import YishenqingError
from yishenqing.office import reminding
from yishenqing.office.checking import check

pytest_plugins = ["pg"]

HOLD = "SELECT 1 FROM cases WHERE number = :n FOR UPDATE"


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, home: Path) -> Path:
    if request.param == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    return home


@pytest.fixture
def staffed(home: Path) -> Path:
    configure(home, people=PEOPLE)
    return home


def given(home: Path, since: date, until: date) -> dict[tuple[str, str], date]:
    """Tick every day and return on which day each mark was given; a second time is a fault."""
    found: dict[tuple[str, str], date] = {}
    for day in (date.fromordinal(o) for o in range(since.toordinal(), until.toordinal() + 1)):
        for mark in marks(ticked(home, day)):
            assert mark not in found
            found[mark] = day
    return found


class TestMarks:
    def test_come_on_the_workflows_days_and_escalate(self, home: Path) -> None:
        registered(home)
        assert given(home, OPENED, DUE + timedelta(days=12)) == {
            ("supplement_notice", "yellow"): date(2026, 3, 6),
            ("supplement_notice", "red"): date(2026, 3, 10),
            ("reply", "yellow"): YELLOW,
            ("reply", "red"): RED,
            ("reply", "expired"): date(2026, 3, 31),
            ("reply", "escalated"): date(2026, 4, 1),
        }

    def test_come_on_the_offices_own_days(self, home: Path) -> None:
        own = {"reply": {"yellow": 8, "red": 0}, "supplement_notice": {"yellow": 0, "red": 0}}
        configure(home, reminders=own, escalate_after=0)
        registered(home)
        assert given(home, OPENED, DUE + timedelta(days=12)) == {
            ("reply", "yellow"): date(2026, 3, 18),
            ("reply", "expired"): date(2026, 3, 31),
        }

    def test_follow_a_change_of_the_settings_for_what_is_already_open(self, home: Path) -> None:
        registered(home)
        assert ("reply", "yellow") not in marks(ticked(home, date(2026, 3, 18)))
        configure(home, reminders={"reply": {"yellow": 8}})
        found = ticked(home, date(2026, 3, 18))
        assert marks(found) == [("reply", "yellow")]
        assert found["reminders"][0]["working_days_left"] == 8

    def test_given_late_are_told_once_to_each_side(self, home: Path) -> None:
        registered(home)
        found = marks(ticked(home, date(2026, 5, 6)))
        assert found == [("reply", "escalated"), ("reply", "expired"), ("supplement_notice", "red")]
        assert looked(home, "SELECT count(*) FROM reminders") == [(6,)]

    def test_are_neither_sent_again_nor_lost_when_the_clock_steps_back(self, home: Path) -> None:
        registered(home)
        assert ("reply", "yellow") in marks(ticked(home, YELLOW))
        for day in (OPENED, date(2026, 3, 10), YELLOW):
            assert marks(ticked(home, day)) == []
        assert marks(ticked(home, RED)) == [("reply", "red")]

    def test_follow_a_regional_holiday_written_by_hand(self, home: Path) -> None:
        """The day of a firm deadline moves, and nobody ran an import."""
        registered(home)
        ticked(home, OPENED)
        folder = home / "workflows" / "calendar"
        folder.mkdir(parents=True)
        (folder / "regional.yaml").write_text("title: 自治州放假通知\noff: [2026-03-18]\n", encoding="utf-8")
        assert marks(ticked(home, YELLOW)) == [("supplement_notice", "red")]
        assert marks(ticked(home, YELLOW + timedelta(days=1))) == [("reply", "yellow")]


class TestProposals:
    def test_a_supplement_that_did_not_come_is_proposed_and_not_decided(
        self, staffed: Path, quick_letters: None
    ) -> None:
        configure(staffed, people={**PEOPLE, USER: {**PEOPLE[USER], "roles": ["registrar", "reviewer", "handler"]}})
        calendar = Calendar(OPENED)
        with Office.open(staffed, user=USER, today=calendar) as office:
            number = office.register(APPLICATION)["number"]
            office.act(number, "acknowledged")
            facts = {"defects": "文号不明", "guidance": "请写明", "until": "2026-03-25"}
            office.act(number, "supplement_requested", facts)
            calendar.day = date(2026, 3, 26)
            (told,) = office.tick()["reminders"]
            assert (told["clock"], told["mark"], told["law"]) == ("supplement", "expired", "条例第三十条")
            assert "视为放弃申请" in told["text"]
            assert "请承办人认定" in told["text"]
            assert told["to"] == ["经办人"]  # nobody owes a step: whoever took the last one
            assert office.show(number)["state"] == "awaiting_supplement"
            calendar.day = date(2026, 3, 27)
            (late,) = office.tick()["reminders"]
            assert (late["mark"], late["to"]) == ("escalated", ["简监督"])

    def test_a_fee_that_was_not_paid_is_proposed(self, home: Path, quick_letters: None) -> None:
        with handled(home) as (office, number, calendar):
            fee = {"amount": "700", "basis": "按量计收", "payment": "扫码", "scale": "by_page", "units": "100"}
            office.act(number, "fee_notified", fee)
            calendar.day = date(2026, 5, 6)
            found = [r for r in office.tick()["reminders"] if r["clock"] == "fee_payment"]
        assert [r["mark"] for r in found] == ["expired"]
        assert "视为放弃申请" in found[0]["text"]

    def test_a_consultation_that_ran_out_lets_the_reply_be_reminded_again(
        self, home: Path, quick_letters: None
    ) -> None:
        """No act wakes the reply's clock: it goes on by itself when the third party's time is over."""
        with handled(home) as (office, number, calendar):
            office.act(number, "third_party_consulted", {"party": "某公司", "content": "合同"})
            told: dict[str, date] = {}
            for n in range(120):
                calendar.day = OPENED + timedelta(days=n)
                told |= {f"{r['clock']} {r['mark']}": calendar.day for r in office.tick()["reminders"]}
            (due,) = [d["due"] for d in office.show(number)["deadlines"] if d["clock"] == "reply"]
            assert office.verify(number) == []
        assert told["third_party_opinion expired"] < told["reply yellow"] < told["reply red"]
        assert told["reply expired"].isoformat() == (date.fromisoformat(due) + timedelta(days=1)).isoformat()


class handled:  # noqa: N801 - reads as a verb
    """A case under way, at the desk of its handler."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __enter__(self) -> tuple[Office, str, Calendar]:
        calendar = Calendar(OPENED)
        self.office = Office.open(self.home, user=USER, today=calendar)
        number = self.office.register(APPLICATION)["number"]
        self.office.act(number, "acknowledged")
        self.office.act(number, "accepted", {"handler": "征地管理科"})
        return self.office, number, calendar

    def __exit__(self, *_: object) -> None:
        self.office.close()


class TestPersons:
    def test_are_those_who_owe_the_next_step_and_then_the_supervisors(self, staffed: Path) -> None:
        with Office.open(staffed, user="deng", today=lambda: OPENED) as office:
            office.register(APPLICATION)
        (red,) = [r for r in ticked(staffed, RED)["reminders"] if r["clock"] == "reply"]
        assert red["to"] == ["邓登记"]
        late = {r["mark"]: r["to"] for r in ticked(staffed, date(2026, 4, 1))["reminders"]}
        assert late == {"expired": ["邓登记"], "escalated": ["简监督"]}

    def test_of_a_role_that_nobody_holds_are_the_supervisors(self, staffed: Path) -> None:
        registered_by_nobody = {k: v for k, v in PEOPLE.items() if k != "deng"}
        with Office.open(staffed, user="deng", today=lambda: OPENED) as office:
            office.register(APPLICATION)
        configure(staffed, people=registered_by_nobody)
        assert {tuple(r["to"]) for r in ticked(staffed, RED)["reminders"]} == {("简监督",)}
        configure(staffed, people={USER: {"name": "经办人", "roles": ["signer"]}})
        (told,) = ticked(staffed, date(2026, 3, 31))["reminders"]
        assert told["to"] == []

    def test_check_names_roles_and_clocks_that_do_not_exist(self, staffed: Path, unproved: None) -> None:
        words = ("regstrar", "repyl", "reveiw")
        before = check(staffed)["faults"]
        told = [re.search(r"没有人担任\S+（(\w+)），“(\S+)流程”的.*将无人可办$", f["text"]) for f in before]
        disclosure = ["director", "legal", "secrecy", "signer", "dispatcher", "archivist"]
        correction = ["signer", "dispatcher", "archivist"]
        assert [m and m[1] for m in told] == [*disclosure, *correction]
        wrong = {**PEOPLE, "x": {"name": "某", "roles": ["regstrar"]}}
        configure(staffed, people=wrong, reminders={"repyl": {"red": 1}}, stage_limits={"reveiw": 3})
        new = [f["text"] for f in check(staffed)["faults"] if f not in before]
        assert [word for word in words for text in new if word in text] == list(words)
        assert len(new) == len(words)


class TestClaims:
    def test_a_case_that_an_officer_holds_waits_and_is_told_so(
        self, home: Path, postgres_url: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_database(home, postgres_url)  # type: ignore[arg-type]
        Office.upgrade(home)
        numbers = many(home, 60)
        monkeypatch.setattr(reminding, "_PAUSES", (0.0, 0.0))
        engine = create_engine(_url(home))
        with engine.begin() as officer:
            officer.execute(text(HOLD), {"n": numbers[7]})
            begun = time.monotonic()
            found = ticked(home, YELLOW)
            assert time.monotonic() - begun < 5
            assert [(f["number"], f["code"]) for f in found["faults"]] == [(numbers[7], "moved")]
            assert len(found["reminders"]) == 59
        engine.dispose()
        found = ticked(home, YELLOW)
        assert ([r["number"] for r in found["reminders"]], found["faults"]) == ([numbers[7]], [])

    def test_a_case_that_is_let_go_in_time_is_told_in_the_same_tick(
        self, home: Path, postgres_url: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use_database(home, postgres_url)  # type: ignore[arg-type]
        Office.upgrade(home)
        numbers = many(home, 60)
        engine = create_engine(_url(home))
        officer = engine.connect()
        officer.execute(text(HOLD), {"n": numbers[7]})

        def let_go(seconds: float) -> None:
            if seconds:
                officer.rollback()

        monkeypatch.setattr("yishenqing.office.reminding.time.sleep", let_go)
        found = ticked(home, YELLOW)
        officer.close()
        engine.dispose()
        assert (len(found["reminders"]), found["faults"]) == (60, [])

    def test_the_due_are_found_by_their_index(self, home: Path) -> None:
        many(home, 300, date(2027, 5, 5))
        query = "EXPLAIN QUERY PLAN SELECT number FROM deadlines WHERE agency = 'yunxi-zrzy' "
        plan = " ".join(str(r[3]) for r in looked(home, query + "AND remind_on <= '2026-03-23' GROUP BY number"))
        assert "ix_deadlines_agency_remind_on" in plan

    def test_what_was_given_is_told_when_the_database_fails_on_the_way(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        many(home, 120)
        claim, calls = reminding._claim, iter(range(9))

        def failing(*args: object) -> None:
            if next(calls) == 1:
                raise YishenqingError("磁盘空间不足")
            claim(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(reminding, "_claim", failing)
        found = ticked(home, YELLOW)
        assert (len(found["reminders"]), [f["text"] for f in found["faults"]]) == (50, ["磁盘空间不足"])
        monkeypatch.setattr(reminding, "_claim", claim)
        assert len(ticked(home, YELLOW)["reminders"]) == 70

    def test_a_damaged_deadline_keeps_nobody_elses_back(self, home: Path) -> None:
        numbers = many(home, 60)
        changed(home, ["UPDATE deadlines SET due = '二月' WHERE number = 'C-00003'"])
        found = ticked(home, YELLOW)
        assert [(f["number"], f["code"]) for f in found["faults"]] == [(numbers[3], "integrity")]
        assert len(found["reminders"]) == 59

    def test_in_a_hosts_transaction_everything_is_the_hosts(self, staffed: Path) -> None:
        from yishenqing.store.engine import open_engine  # noqa: PLC0415

        configure(staffed, hook=["/bin/false"])
        registered_number = many(staffed, 1)[0]
        engine = open_engine(_url(staffed))
        with engine.connect() as host:
            with Office.open(staffed, user=USER, today=lambda: YELLOW, connection=host) as office:
                found = office.tick()
                assert [r["number"] for r in found["reminders"]] == [registered_number]
                assert (found["delivery"]["waiting"], found["delivery"]["failed"]) == (1, [])
            host.rollback()
        engine.dispose()
        assert looked(staffed, "SELECT count(*) FROM reminders") == [(0,)]
        assert looked(staffed, "SELECT count(*) FROM messages") == [(0,)]


def _url(home: Path) -> str:
    from yishenqing.office.premises import database_url  # noqa: PLC0415
    from yishenqing.settings import read_settings  # noqa: PLC0415

    return database_url(home, read_settings(home))


def test_by_many_on_either_database_each_is_recorded_once(either: Path) -> None:
    numbers = many(either, 130)
    found = [r["number"] for r in ticked(either, YELLOW)["reminders"]]
    assert sorted(found) == numbers
    assert ticked(either, YELLOW)["reminders"] == []
    assert looked(either, "SELECT count(*), count(DISTINCT number) FROM reminders") == [(130, 130)]
