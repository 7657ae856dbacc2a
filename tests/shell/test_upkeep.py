"""What the tick does from time to time: checkpoints, and released papers scanned again for personal data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, rows, tamper, walked
from timing import configure

from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.office import Office
from yishenqing.released import scanning

ID, PHONE = "999101196805170231", "13912345678"


# ---- checkpoints


def test_a_checkpoint_is_made_as_often_as_the_office_wishes(
    in_state: Callable[[str], str], office: Office, calendar: Calendar
) -> None:
    assert office.tick()["checkpoint"] is None  # there is nothing to anchor yet
    in_state("acknowledged")
    assert office.tick()["checkpoint"]["n"] == 1
    assert office.tick()["checkpoint"] is None
    calendar.day = date(2026, 3, 3)
    assert office.tick()["checkpoint"]["n"] == 2
    assert office.audit()["faults"] == []


@pytest.mark.parametrize(("days", "made"), [(0, 0), (7, 2)])
def test_the_setting_says_how_often(
    in_state: Callable[[str], str], home: Path, calendar: Calendar, days: int, made: int
) -> None:
    in_state("acknowledged")
    configure(home, checkpoint_days=days)
    with Office.open(home, user=USER, today=calendar) as office:
        for day in (2, 5, 8, 9, 12):
            calendar.day = date(2026, 3, day)
            office.tick()
        assert len(office.checkpoints()["checkpoints"]) == made


def test_a_broken_log_is_told_by_every_tick_and_keeps_no_reminder_back(
    in_state: Callable[[str], str], office: Office, home: Path, calendar: Calendar
) -> None:
    in_state("acknowledged")
    office.tick()
    (home / "checkpoint.key").unlink()
    calendar.day = date(2026, 3, 30)
    found = office.tick()
    assert any("检查点" in fault["text"] for fault in found["faults"])
    assert found["reminders"]


# ---- released papers


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"身份证号{ID}，联系电话{PHONE}。", ["id", "phone"]),
        ("开户行账号 6222 0212 3456 7890 128", ["bank"]),
        ("车牌号苏A12345", ["plate"]),
        ("电话1391234\r\n5678。", ["phone"]),
        ("云自然资〔2026〕12号，2026年3月2日", []),
        ("项目编号999101196805170232", []),
    ],
)
def test_what_is_found_and_what_is_not(text: str, kinds: list[str]) -> None:
    found = list(scanning.seen(text, ("id", "phone", "bank", "plate"), ()))
    assert [one.kind for one in found] == kinds
    assert not any(secret in one.excerpt for one in found for secret in (ID, PHONE))


@pytest.fixture
def leaked(office: Office, calendar: Calendar) -> str:
    """A reply (printed for real) in which somebody else's phone slipped through as what is provided."""
    number: str = office.register({**APPLICATION, "items": ["拆迁户名册"]})["number"]
    calendar.day = OPENED
    walked(office, calendar, number, "acknowledged")
    return number


def a_leak(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(scanning, "pdf_text", lambda _content: text)


def test_a_find_is_listed_masked_told_to_the_supervisor_and_decided(
    leaked: str, office: Office, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_leak(monkeypatch, f"联系人周某，电话{PHONE}，本机关电话0999-5550100，申请人电话19900000001")
    reminders = office.tick()["reminders"]
    assert any(r["clock"] == "released" and "1处" in r["text"] and r["to"] for r in reminders)
    (find,) = office.released()["finds"]
    assert (find["ref"], find["kind"], find["source"]) == (leaked, "phone", "letter")
    assert PHONE not in find["excerpt"]
    assert "139" in find["excerpt"]
    assert [PHONE in str(row) for row in rows(home, "SELECT * FROM released_finds")] == [False]
    with pytest.raises(DataFault, match="已处理、误报"):
        office.settle_find(1, "算了", "试")
    with pytest.raises(NotFound):
        office.settle_find(9, "误报", "试")
    assert office.settle_find(1, "误报", "系本机关值班电话")["decision"] == "mistaken"
    assert office.released()["finds"] == []
    assert len(office.released(everything=True)["finds"]) == 1


def test_it_is_done_once_a_quarter_and_what_was_decided_is_not_listed_again(
    leaked: str, office: Office, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_leak(monkeypatch, f"电话{PHONE}")
    office.tick()
    office.settle_find(1, "handled", "已经收回")
    assert office.tick()["released"] is None
    calendar.day = date(2026, 4, 1)
    assert office.tick()["released"]["turn"] == "2026-2"
    assert office.released()["finds"] == []
    a_leak(monkeypatch, f"又有电话{PHONE}和电话13812345678")
    calendar.day = date(2026, 7, 1)
    office.tick()
    assert len(office.released()["finds"]) == 2


def test_a_tick_scans_a_part_and_the_next_goes_on(
    in_state: Callable[[str], str], office: Office, home: Path, calendar: Calendar
) -> None:
    shipped = (Path(__file__).parents[2] / "workflows/upkeep.yaml").read_text("utf-8")
    (home / "workflows").mkdir(exist_ok=True)
    (home / "workflows/upkeep.yaml").write_text(shipped.replace("at_once: 100", "at_once: 7"), "utf-8")
    in_state("acknowledged")
    scans: list[Any] = []
    while not scans or scans[-1]["finished_at"] is None:
        scans.append(office.tick()["released"])
    assert len(scans) > 2
    assert office.released()["scan"]["papers"] == scans[-1]["papers"]


def test_what_cannot_be_read_is_counted(leaked: str, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "pdf_text", lambda _content: None)
    office.scan_released()
    assert office.released()["scan"]["unread"] == 1


def test_only_who_is_named_decides(leaked: str, home: Path, calendar: Calendar, office: Office) -> None:
    configure(home, people={USER: {"name": "经办人", "roles": ["handler"]}})
    with Office.open(home, user=USER, today=calendar) as again:
        with pytest.raises(Refused, match=r"没有处理复查所见的岗位（.*监督") as told:
            again.settle_find(1, "误报", "试")
        assert told.value.law


def test_nothing_is_decided_on_a_day_to_come(
    leaked: str, office: Office, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_leak(monkeypatch, f"电话{PHONE}")
    office.scan_released()
    with pytest.raises(Refused, match="晚于今天"):
        office.settle_find(1, "误报", "试", on=calendar.day + timedelta(days=1))
    assert [row["decision"] for row in office.released()["finds"]] == [None]


@pytest.mark.parametrize("row", ["anchors SET seq = 'x'", "checkpoints SET size = 'x'", "files SET size = 'x'"])
def test_another_kind_of_value_in_a_row_is_named_and_stops_no_audit(
    in_state: Callable[[str], str], office: Office, home: Path, row: str
) -> None:
    in_state("acknowledged")
    office.tick()
    tamper(home, f"UPDATE {row}")
    assert office.audit()["faults"]
