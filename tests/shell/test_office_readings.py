"""An office's own reading of what the law leaves contested: what it moves, how it is seen, what is no reading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, ysq
from timing import configure, looked, ticked

from yishenqing import Office
from yishenqing.core.errors import DataFault
from yishenqing.core.readings import CHOICES
from yishenqing.office.checking import check
from yishenqing.office.reckoning import Reckoning
from yishenqing.rulebook import Rulebook
from yishenqing.settings import read_settings

SUNDAY = date(2026, 3, 1)
STRICT, LATER = "2026-03-27", "2026-03-30"
MAIL: Mapping[str, Any] = {**APPLICATION, "channel": "email", "arrived_on": SUNDAY.isoformat()}
FACTS = {"today": "2026-03-02", "facts": [{"on": "2026-03-01", "fact": "received", "channel": "email"}]}


def reply(found: Mapping[str, Any]) -> tuple[str, list[str]]:
    (deadline,) = (d for d in found["deadlines"] if d["clock"] == "reply")
    return deadline["due"], [a["due"] for a in deadline["alternatives"]]


def shown(home: Path, number: str) -> Mapping[str, Any]:
    with Office.open(home, user=USER, today=lambda: SUNDAY) as office:
        return office.show(number)


def test_an_offices_choice_moves_the_deadline_and_keeps_the_strict_date_in_sight(
    home: Path, office: Office, calendar: Calendar
) -> None:
    calendar.day = SUNDAY
    number = office.register(MAIL)["number"]
    assert reply(office.show(number)) == (STRICT, [LATER])
    configure(home, readings={"rest_day": "next_workday"})
    found = shown(home, number)
    assert reply(found) == (LATER, [STRICT])
    deadline = next(d for d in found["deadlines"] if d["clock"] == "reply")
    assert deadline["alternatives"][0]["why"].startswith(f"从严为{STRICT}，以休息日当日为收到申请之日：")
    (why,) = (r for r in deadline["reasons"] if "本机关选用" in r["text"])
    assert "杨某诉某机关逾期答复案" in why["text"]
    assert why["law"] == "条例第三十一条"


def test_what_is_stored_follows_the_choice(home: Path, office: Office, calendar: Calendar) -> None:
    calendar.day = SUNDAY
    office.register(MAIL)
    query = "SELECT due FROM deadlines WHERE clock = 'reply'"
    ticked(home, SUNDAY)
    assert [str(due) for (due,) in looked(home, query)] == [STRICT]
    configure(home, readings={"rest_day": "next_workday"})
    ticked(home, SUNDAY)
    assert [str(due) for (due,) in looked(home, query)] == [LATER]


def test_a_letter_to_another_section_counts_as_the_office_reads_it(home: Path, calendar: Calendar) -> None:
    letter = {**APPLICATION, "channel": "registered_mail", "addressed_to": "信访科"}
    with Office.open(home, user=USER, today=calendar) as office:
        found = office.register(letter)
        assert reply(found) == ("2026-03-30", [])
        assert [w["law"] for w in found["warnings"]] == ["条例第三十一条"]  # of the reading that is taken
    configure(home, readings={"other_office": "confirmed_on"})
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.register(letter)["number"]
        calendar.day = date(2026, 3, 4)
        office.act(number, "receipt_confirmed", {"how": "电话"})
        assert reply(office.show(number)) == ("2026-04-01", ["2026-03-30"])
        office.act(number, "acknowledged")


def test_check_lists_every_reading_and_who_chose_it(home: Path, unproved: None) -> None:
    configure(home, readings={"late_notice": "restarts"})
    found = {r["reading"]: r for r in check(home)["readings"]}
    assert list(found) == list(CHOICES)
    assert [name for name, r in found.items() if not r["default"]] == ["late_notice"]
    assert all(r["why"] and r["source"] and r["law"] and r["others"] for r in found.values())
    out = ysq("--home", home, "check").stdout
    assert "      本机关选用：restarts　仍自收到补正材料之日起重新计算（条例第三十条）" in out
    assert "      默认：same_day　以休息日当日为收到申请之日（条例第三十一条）" in out


@pytest.mark.parametrize(
    ("readings", "field", "says"),
    [
        ({"weekend": "next_workday"}, "readings.weekend", "没有“weekend”这一争议问题；可用：online_receipt、"),
        ({"rest_day": "monday"}, "readings.rest_day", "没有“monday”这一读法；可用：same_day、next_workday"),
    ],
)
def test_what_is_no_reading_is_named_with_what_there_is(
    home: Path, rules: Rulebook, unproved: None, readings: Mapping[str, str], field: str, says: str
) -> None:
    configure(home, readings=readings)
    with pytest.raises(DataFault, match=says) as caught:
        read_settings(home)
    assert (caught.value.faults[0].field, caught.value.faults[0].line is None) == (field, False)
    assert any(says in f["text"] for f in check(home)["faults"])
    with pytest.raises(DataFault, match=says) as caught:
        Reckoning(rules, None).history({**FACTS, "readings": readings}, "f.json", SUNDAY)
    assert caught.value.faults[0].field == field


def test_readings_that_are_no_mapping_are_refused(rules: Rulebook) -> None:
    with pytest.raises(DataFault, match=r"应为 \{争议问题: 读法\}"):
        Reckoning(rules, None).history({**FACTS, "readings": ["rest_day"]}, "f.json", SUNDAY)


def test_the_clock_alone_takes_the_default_or_what_the_file_says(rules: Rulebook) -> None:
    reckoning = Reckoning(rules, None)
    assert reply(reckoning.history(FACTS, "f.json", SUNDAY)[0]) == (STRICT, [LATER])
    chosen = {**FACTS, "readings": {"rest_day": "next_workday"}}
    assert reply(reckoning.history(chosen, "f.json", SUNDAY)[0]) == (LATER, [STRICT])


def test_a_case_that_waits_for_confirmation_is_listed_and_reminded_the_same_day(
    home: Path, office: Office, calendar: Calendar
) -> None:
    number = office.register({**APPLICATION, "channel": "fax"})["number"]
    mine = {x["clock"]: (x["due"], x["working_days_left"], x["owed_by"]) for x in office.due()["cases"]}
    assert mine["receipt_confirmation"] == ("2026-03-02", 0, "organ")
    (reminder,) = ticked(home, calendar.day)["reminders"]
    assert (reminder["number"], reminder["mark"], reminder["law"]) == (number, "red", "条例第三十一条")
    assert "与申请人确认收到的期限今日（2026-03-02）届满" in reminder["text"]
    assert ticked(home, calendar.day)["reminders"] == []
    calendar.day = date(2026, 3, 3)
    (reminder,) = ticked(home, calendar.day)["reminders"]
    assert (reminder["clock"], reminder["mark"]) == ("receipt_confirmation", "expired")
    office.act(number, "receipt_confirmed", {"how": "电话"})
    assert "receipt_confirmation" not in {x["clock"] for x in office.due()["cases"]}


def test_who_cannot_be_reached_is_called_again_on_the_day_set(home: Path, office: Office, calendar: Calendar) -> None:
    number = office.register({**APPLICATION, "channel": "ordinary_mail"})["number"]
    office.act(number, "contact_failed", {"how": "无人接听", "retry_on": "2026-03-09"})
    given = {day: [r["mark"] for r in ticked(home, date(2026, 3, day))["reminders"]] for day in (2, 4, 6, 9, 10)}
    assert given == {2: [], 4: [], 6: ["red"], 9: [], 10: ["expired"]}
