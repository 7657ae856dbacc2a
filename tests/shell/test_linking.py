"""Linked cases: 复议, 诉讼, 投诉 hang on a case; each ledger tells of the other; an ordered reply begins anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import USER, Calendar

from yishenqing.core.errors import NotFound, Refused
from yishenqing.office import Office
from yishenqing.precedents import Library, Precedent

Make = Callable[[str], str]
RECONSIDERATION: Mapping[str, Any] = {
    "received_on": "2026-05-06",
    "accepted_on": "2026-05-04",
    "organ": "云溪县人民政府",
    "grounds": "未提供附图",
}


@pytest.fixture
def number(in_state: Make, calendar: Calendar) -> str:
    found = in_state("archived")
    calendar.day = date(2026, 5, 7)
    return found


def children(office: Office, number: str) -> list[tuple[str, str, str]]:
    return [(x["number"], x["kind"], x["result"]) for x in office.show(number)["linked"] if x["relation"] == "child"]


def test_both_ledgers_tell_of_each_other(office: Office, number: str) -> None:
    child = office.link(number, "reconsideration", RECONSIDERATION)
    assert (child["number"], child["state"]) == (f"{number}-复1", "answering")
    assert [(x["number"], x["relation"]) for x in child["linked"]] == [(number, "parent")]
    assert children(office, number) == [(f"{number}-复1", "reconsideration", "pending")]
    assert office.show(number)["entries"][-1]["facts"] == {"kind": "reconsideration", "number": f"{number}-复1"}
    assert office.show(number)["state"] == "archived"
    assert [x["clock"] for x in office.due()["cases"]] == ["reconsideration_answer", "reconsideration_decision"]
    assert f"{number}-复1" in {x["number"] for x in office.cases()["cases"]}
    assert office.verify(number) == office.verify(f"{number}-复1") == []


def test_each_kind_counts_by_itself(office: Office, number: str) -> None:
    names = [office.link(number, "reconsideration", RECONSIDERATION)["number"] for _ in range(2)]
    suit = {"received_on": "2026-05-06", "path": "复议后起诉", "court": "云溪县人民法院"}
    names.append(office.link(number, "litigation", suit)["number"])
    names.append(
        office.link(number, "complaint", {"received_on": "2026-05-06", "organ": "县政府办", "matter": "逾期"})[
            "number"
        ]
    )
    assert names == [f"{number}-{mark}" for mark in ("复1", "复2", "诉1", "投1")]
    assert [kind for _, kind, _ in children(office, number)] == [
        *("reconsideration", "reconsideration", "litigation_after_reconsideration", "complaint")
    ]


def test_the_result_is_told_in_the_same_transaction(office: Office, number: str, calendar: Calendar) -> None:
    child = office.link(number, "reconsideration", RECONSIDERATION)["number"]
    calendar.day = date(2026, 6, 10)
    office.act(child, "decided", {"result": "纠正", "served_on": "2026-06-09"})
    last = office.show(number)["entries"][-1]
    assert (last["step"], last["facts"]) == (
        "reconsideration_decided",
        {"received_on": "2026-06-09", "result": "corrected"},
    )
    assert children(office, number) == [(child, "reconsideration", "corrected")]
    (suit,) = [d for d in office.show(number)["deadlines"] if d["clock"] == "litigation"]
    assert suit["due"] == "2026-06-24"
    assert office.verify(number) == office.verify(child) == []


def test_what_the_parent_cannot_take_is_told_as_a_result(office: Office, in_state: Make) -> None:
    """A complaint, or a reconsideration for want of a reply: nothing has been delivered yet."""
    number = in_state("accepted")
    child = office.link(
        number, "reconsideration", {**RECONSIDERATION, "received_on": "2026-03-03", "accepted_on": "2026-03-02"}
    )
    office.act(child["number"], "decided", {"result": "other"})
    last = office.show(number)["entries"][-1]
    assert (last["step"], last["facts"]["result"]) == ("linked_result", "other")
    assert office.show(number)["state"] == "handling"


def test_when_the_parent_cannot_be_told_nothing_is_written(
    office: Office, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yishenqing.office import linking  # noqa: PLC0415

    child = office.link(number, "reconsideration", RECONSIDERATION)["number"]
    before = (office.show(child)["entries"], office.show(number)["entries"])
    monkeypatch.setattr(linking, "refusals", lambda *_: ["no"])
    with pytest.raises(Refused, match="现在不能记入"):
        office.act(child, "decided", {"result": "other"})
    assert (office.show(child)["entries"], office.show(number)["entries"]) == before


def test_nobody_tells_a_parent_by_hand(office: Office, number: str) -> None:
    with pytest.raises(Refused, match="ysq link"):
        office.act(number, "linked_opened", {"kind": "complaint", "number": f"{number}-投9"})
    with pytest.raises(Refused, match="ysq move"):
        office.act(number, "moved", {"workflow": "x", "reason": "x", "from_rules": "x", "to_rules": "x"})
    assert not {"linked_opened", "linked_result", "moved"} & {p["step"] for p in office.show(number)["permitted"]}


def test_reconsideration_decided_stands_by_itself_too(office: Office, number: str) -> None:
    office.act(number, "reconsideration_decided", {"received_on": "2026-05-06", "result": "维持"})
    child = office.link(number, "reconsideration", RECONSIDERATION)["number"]
    office.act(child, "decided", {"result": "maintained"})
    assert [e["step"] for e in office.show(number)["entries"][-3:]] == [
        "reconsideration_decided",
        "linked_opened",
        "linked_result",
    ]


def test_what_cannot_be_linked(office: Office, number: str) -> None:
    child = office.link(number, "complaint", {"received_on": "2026-05-06", "organ": "甲", "matter": "乙"})["number"]
    with pytest.raises(Refused, match=f"请在原案{number}上立案"):
        office.link(child, "complaint", {})
    with pytest.raises(NotFound, match="reconsideration（行政复议应复流程）"):
        office.link(number, "disclosure", {})
    with pytest.raises(Refused, match="缺少“复议机关”"):
        office.link(number, "reconsideration", {"received_on": "2026-05-06", "accepted_on": "2026-05-04"})
    assert f"{number}-复1" not in {x["number"] for x in office.cases()["cases"]}
    for asked in (office.letter, office.draft):
        with pytest.raises(Refused, match="没有由程序出具的文书"):
            asked(child, "reply_granted")


def test_a_linked_case_is_filed_by_itself(
    office: Office, number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yishenqing.office.filing._pages", lambda _: 1)  # quick letters have no pages
    from yishenqing.archive import verify  # noqa: PLC0415

    child = office.link(number, "complaint", {"received_on": "2026-05-06", "organ": "甲", "matter": "乙"})["number"]
    office.act(child, "concluded", {"result": "corrected"})
    office.act(child, "archived", {"retention": "D10"})
    for name in (child, number):  # the parent's last entry is no longer its filing
        office.archive(name, tmp_path / name)
        assert verify(tmp_path / name) == []
    assert "收到投诉举报的转办、督办" in next((tmp_path / child / "data").glob("01-*.txt")).read_text()


class TestAReplyThatWasOrdered:
    ORDER: Mapping[str, Any] = {
        "organ": "云溪县人民政府",
        "document": "云政复决〔2026〕3号",
        "decided_on": "2026-03-10",
        "until": "2026-06-01",
    }
    AGAIN: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("drafted", {"outcome": "granted", "provided": "公告及附图"}),
        ("reviewed", {"opinion": "同意"}),
        ("secrecy_reviewed", {"conclusion": "releasable"}),
        ("signed", {}),
        ("replied", {"method": "mail"}),
        ("delivered", {"signed_by": "本人"}),
        ("archived", {"retention": "D30"}),
    )

    def test_a_second_reply_beside_the_first(self, office: Office, number: str) -> None:
        found = office.act(number, "reply_ordered", self.ORDER)
        (reply,) = [d for d in found["deadlines"] if d["clock"] == "reply"]
        assert (found["state"], reply["due"], reply["state"]) == ("handling", "2026-06-01", "running")
        assert found["corrected"] is True
        assert [x["due"] for x in office.due()["cases"]] == ["2026-06-01"]
        for step, facts in self.AGAIN:
            found = office.act(number, step, facts)
        assert [x["number"] for x in found["letters"] if x["kind"] == "reply_granted"] == [
            *("云自然资依申请告〔2026〕1号", "云自然资依申请告〔2026〕2号")
        ]
        assert {d["clock"]: d["due"] for d in found["deadlines"]}["reconsideration"] == "2026-07-06"
        assert office.verify(number) == []

    def test_the_second_decision_can_be_recorded_too(self, office: Office, number: str) -> None:
        office.act(number, "reconsideration_decided", {"result": "corrected"})
        with pytest.raises(Refused, match="只能办理一次"):
            office.act(number, "reconsideration_decided", {"result": "maintained"})
        office.act(number, "reply_ordered", self.ORDER)
        for step, facts in self.AGAIN:
            office.act(number, step, facts)
        office.act(number, "reconsideration_decided", {"result": "maintained"})
        assert office.verify(number) == []

    def test_a_precedent_made_of_the_case_is_overturned(self, office: Office, number: str) -> None:
        with office._transactions.writing() as connection:
            Library(connection, office.settings.agency).add([Precedent(id=number, title="本机关的案例")])
        office.act(number, "reply_ordered", self.ORDER)
        assert office.precedent(number).overturned is True

    def test_without_one_the_ledger_says_so(self, office: Office, number: str) -> None:
        office.act(number, "reply_ordered", self.ORDER)
        assert office.show(number)["entries"][-1]["facts"]["corrected"] is True
        assert office.show(number)["entries"][-1]["actor"] == USER
