"""Rows beside the cases: what is changed in them is found by the audit, named, and what may change is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, tamper, use_database, walked
from sqlalchemy import URL
from test_holdings_office import LIST
from timing import configure

from yishenqing.checkpoints import rows
from yishenqing.core.errors import IntegrityFault
from yishenqing.office import Office

pytest_plugins = ["pg"]
pytestmark = pytest.mark.usefixtures("quick_letters")


def told(office: Office) -> str:
    return "\n".join(str(fault) for fault in office.audit()["faults"])


@pytest.fixture
def sound(home: Path, calendar: Calendar) -> Iterator[Office]:
    """An office of one delivered case, with a receiver of events, that made a checkpoint."""
    configure(home, exchange={"receivers": {"local": {"folder": "out"}}})
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.once("k").register(APPLICATION)["number"]
        walked(office, calendar, number, "delivered")
        office.hold(number, "法院调卷")
        office.checkpoint()
        assert told(office) == ""
        yield office


HARMS = {
    "UPDATE report_applications SET outcome = 'denied_process'": "2026-0001.*年度报告中的统计数据与记录推出的不符",
    "DELETE FROM report_applications": "2026-0001.*年度报告中的统计数据",
    "UPDATE request_persons SET person = 'x' WHERE kind = 'id'": "2026-0001.*识别索引与申请的内容不符",
    "DELETE FROM request_texts": "2026-0001.*识别索引",
    "UPDATE request_bands SET band = band + 1": "2026-0001.*识别索引",
    "DELETE FROM search_documents WHERE collection = 'cases'": "2026-0001.*检索索引与案卷的内容不符",
    "UPDATE search_frequencies SET documents = documents + 1": "检索索引（search_.）：词频与各文不符",
    "DELETE FROM search_rows WHERE ref = '2026-0001'": "倒排索引与各文不符",
    "UPDATE search_totals SET length = length + 1": "总数与各文不符",
    "UPDATE search_uncounted SET sign = -sign": "词频与各文不符",
    "DELETE FROM search_uncounted": "词频与各文不符",
    "UPDATE search_totals SET analysis = 0": "另一种切分方法",
    "UPDATE retention_holds SET reason = '无'": "暂缓销毁（retention_holds）中的“2026-0001、1”：.*已被改动",
    "DELETE FROM retention_holds": "暂缓销毁（retention_holds）中的“2026-0001、1”：.*已被删除",
    'INSERT INTO retention_holds SELECT agency, number, 2, "on", placed, reason, actor, recorded_at, rehearsal'
    " FROM retention_holds": "“2026-0001、2”：自称的记录时间早于检查点",
    "INSERT INTO report_applications SELECT agency, '2026-0009', received_on, applicant_kind, outcome, decided_on,"
    " extended, supplements, fee FROM report_applications": "2026-0009：没有这一案件.*report_applications",
    "UPDATE counters SET last = last + 1 WHERE series <> 'case'": "编号（counters）",
    "UPDATE counters SET last = 0 WHERE series = 'case'": "2026年的案件编号（counters）.*是0，而“2026-0001”",
    "UPDATE rulebooks SET snapshot = snapshot || ' '": "流程与法律数据（rulebooks）.*已被改动",
    "UPDATE given_keys SET answer = replace(answer, substr(answer, -6), 'AAAAAA')": "given_keys.*“k”：已被改动",
    "UPDATE exchange_events SET content = replace(content, 'accept', 'x') WHERE seq = 3": "第3条记录.*与记录不符",
    "UPDATE exchange_events SET number = '2026-0009' WHERE seq = 1": "2026-0009：没有这一案件",
    "UPDATE precedents SET record = replace(record, '案', '宗')": "案例.*precedents.*与其最后一版不符",
    "DELETE FROM precedent_versions WHERE version = 1": "案例的历次内容（precedent_versions）.*已被删除",
    "DELETE FROM precedents WHERE id = (SELECT min(id) FROM precedents)": "没有撤下，却不在案例库（precedents）中",
    "INSERT INTO reviews VALUES ('yunxi-zrzy', 'case', '2026-0009', '2026-04-01', NULL)": "没有“2026-0009”",
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_row_beside_the_cases_is_held(
    sound: Office, home: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "UNDER_WAY", timedelta(0))  # all of it was done within a second
    tamper(home, harm)
    assert re.search(HARMS[harm], told(sound)), told(sound)


def test_a_checkpoint_is_not_signed_over_a_changed_row(sound: Office, home: Path) -> None:
    tamper(home, "UPDATE retention_holds SET reason = '无'")
    with pytest.raises(IntegrityFault, match="retention_holds"):
        sound.checkpoint()


def test_what_lawfully_changes_is_no_fault(sound: Office, calendar: Calendar) -> None:
    """Rebuilt, entered anew, decided, moved on: each of it leaves the audit content."""
    calendar.day = date(2026, 4, 9)
    sound.act("2026-0001", "archived", {"retention": "D10"})
    assert told(sound) == ""
    sound.report_rebuild()
    sound.rebuild_recognition(new_key=True)
    sound.rebuild_search(everything=True)
    sound.lift_hold("2026-0001", "已归还")
    sound.rotate_keys()
    assert told(sound) == ""
    sound.checkpoint()
    assert told(sound) == ""


def test_an_office_of_an_earlier_program_is_not_accused(sound: Office, home: Path) -> None:
    """Its checkpoints anchored no rows: what it wrote before is anchored by the next one."""
    tamper(home, "DELETE FROM anchors", "DELETE FROM checkpoints")
    sound.checkpoint()
    assert told(sound) == ""


def test_an_office_without_the_key_of_recognition_is_verified_but_for_that(sound: Office, home: Path) -> None:
    (home / "recognition.key").unlink()
    assert told(sound) == ""
    assert not (home / "recognition.key").exists()


def test_on_postgresql_too(home: Path, calendar: Calendar, postgres_url: URL) -> None:
    use_database(home, postgres_url)
    Office.upgrade(home)
    (home / "清单.csv").write_text(LIST)
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.once("k").register(APPLICATION)["number"]
        walked(office, calendar, number, "delivered")
        office.import_holdings(home / "清单.csv")
        office.hold(number, "法院调卷")
        office.checkpoint()
        assert told(office) == ""
        with office._transactions.writing() as connection:
            connection.exec_driver_sql("UPDATE report_applications SET outcome = 'denied_process'")
            connection.exec_driver_sql("UPDATE holdings SET attribute = 'active'")
            connection.exec_driver_sql("UPDATE search_grams SET grams = grams[2:] WHERE collection = 'cases'")
            connection.exec_driver_sql("ALTER TABLE retention_holds DISABLE TRIGGER ALL")
            connection.exec_driver_sql("UPDATE retention_holds SET placed = false")
        found = told(office)
        for harm in ("年度报告中的统计数据", "登记簿第1号", "倒排索引", "“2026-0001、1”：检查点固定过，现已被改动"):
            assert harm in found


def test_what_was_withdrawn_and_taken_in_again_is_held(home: Path, office: Office, tmp_path: Path) -> None:
    """A withdrawal tells why a precedent is gone until it is taken in once more."""
    file = tmp_path / "案例.jsonl"
    file.write_text('{"id": "甲1", "holding": "水库除险加固工程图纸应当公开"}\n', encoding="utf-8")
    office.import_precedents(file)
    office.withdraw_precedent("甲1", "不合适")
    assert told(office) == ""
    office.import_precedents(file)
    assert told(office) == ""
    tamper(home, "DELETE FROM precedents WHERE id = '甲1'")
    assert "案例“甲1”：没有撤下，却不在案例库（precedents）中" in told(office)


@pytest.mark.parametrize("ticks", [1, 0])
def test_what_the_office_chose_anew_is_no_fault_of_closed_cases(home: Path, calendar: Calendar, ticks: int) -> None:
    """A figure and a reading of the office move deadlines of closed cases: the next tick writes them anew."""
    with Office.open(home, user=USER, today=calendar) as office:
        online = {**APPLICATION, "channel": "online", "arrived_on": "2026-03-01", "confirmed_on": "2026-03-01"}
        number = office.register(online)["number"]
        walked(office, calendar, number)
        for _ in range(ticks):
            office.tick()
        assert told(office) == ""
    configure(home, figures={"assignment_days": 4}, readings={"rest_day": "next_workday"})
    with Office.open(home, user=USER, today=calendar) as office:
        faults = told(office)
        assert "“分办时限”" in faults
        assert "“答复期限”" in faults
        assert "请先运行 ysq tick 再核验" in faults
        office.tick()
        assert told(office) == ""
    tamper(home, "UPDATE deadlines SET due = date(due, '+1 day') WHERE clock = 'assignment'")
    with Office.open(home, user=USER, today=calendar) as office:
        assert told(office).endswith("“分办时限”的期限数据与记录推出的不符")  # and no word of the settings


@pytest.mark.parametrize("day", [OPENED, date(2026, 3, 23), date(2026, 3, 31)])
@pytest.mark.parametrize("silenced", ["NULL", "'2099-01-01'"])
def test_a_reminder_that_was_silenced_is_found(home: Path, calendar: Calendar, day: date, silenced: str) -> None:
    """Before the first mark, between two, and after the last day: each time somebody has still to be told."""
    calendar.day = OPENED
    with Office.open(home, user=USER, today=calendar) as office:
        office.register(APPLICATION)
        calendar.day = day
        office.tick()
        assert told(office) == ""
        tamper(home, f"UPDATE deadlines SET remind_on = {silenced} WHERE clock = 'reply'")  # noqa: S608 - of the list above
        assert "“答复期限”的提醒日与期限推出的不符" in told(office)
