"""What a tick could not do stays on a list with its reason until it can be done; nothing is deleted."""

from __future__ import annotations

from pathlib import Path

from offices import USER, rows, tamper, ysq
from timing import YELLOW, configure, registered, ticked

from yishenqing import Office


def test_a_damaged_case_is_listed_until_it_is_whole(home: Path) -> None:
    (first, second) = registered(home, 2)
    tamper(home, f"UPDATE deadlines SET due = 'kaputt' WHERE number = '{second}' AND clock = 'reply'")  # noqa: S608
    for _ in range(2):
        assert {f["number"] for f in ticked(home, YELLOW)["faults"]} == {second}
    with Office.open(home, user=USER, today=lambda: YELLOW) as office:
        (failure,) = office.failures()["cases"]
    assert (failure["number"], failure["times"], failure["over_at"]) == (second, 2, None)
    done = ysq("failures", "--home", home)
    assert done.returncode == 0
    assert f"案件{second}：" in done.stdout
    assert "共2次" in done.stdout
    tamper(home, f"UPDATE deadlines SET due = '2026-03-30' WHERE number = '{second}' AND clock = 'reply'")  # noqa: S608
    assert ticked(home, YELLOW)["faults"] == []
    with Office.open(home, user=USER, today=lambda: YELLOW) as office:
        assert office.failures()["cases"] == []
        assert [x["number"] for x in office.failures(over=True)["cases"]] == [second]
    assert "已恢复" in ysq("failures", "--all", "--home", home).stdout
    assert rows(home, "SELECT count(*) FROM failures") == [(1,)]
    assert first


def test_a_message_that_did_not_arrive_is_listed(home: Path) -> None:
    registered(home)
    configure(home, hook=["/nowhere/notify"])
    ticked(home, YELLOW)
    said = ysq("failures", "--home", home).stdout
    assert "未能送达，已试1次" in said
    assert "后再试" in said


def test_nothing_failed_is_said_too(home: Path) -> None:
    assert "没有未办成的事项" in ysq("failures", "--home", home).stdout
