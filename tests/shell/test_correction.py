"""A correction of a record of oneself (条例第四十一条): a case of its own, registered as such or recognised later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from offices import APPLICATION, Calendar

from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.letters import Letterbook
from yishenqing.office import Office

RECORD = "公告附表第17号地块的承包面积，应由2.1亩更正为2.4亩"
ASKED: Mapping[str, Any] = {**APPLICATION, "request": "correction", "items": [RECORD]}
EXAMINED = {
    "about": RECORD,
    "proof": "承包经营权证复印件",
    "checked": "与登记簿核对，确为2.4亩",
    "truth": "proved",
    "competence": "ours",
}
ROAD: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("acknowledged", {}),
    ("accepted", {"handler": "征地科"}),
    ("examined", EXAMINED),
    ("drafted", {"decision": "corrected", "measure": "已更正为2.4亩"}),
    ("reviewed", {"opinion": "同意"}),
    ("signed", {}),
    ("replied", {"method": "mail"}),
    ("delivered", {"signed_by": "本人"}),
)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of each letter as it is printed."""
    texts: list[str] = []

    def plain(book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
        texts.append(book.prose(kind, context))
        return texts[-1].encode()

    monkeypatch.setattr(Letterbook, "pdf", plain)
    return texts


def test_it_goes_its_own_road_and_is_told_where_to_turn(office: Office, told: list[str]) -> None:
    opened = office.register(ASKED)
    assert (opened["workflow"]["id"], opened["outcome"]) == ("correction", None)
    assert "没有随附证据" in opened["warnings"][0]["text"]
    for step, facts in ROAD:
        found = office.act(opened["number"], step, facts)
    clocks = {d["clock"]: d["state"] for d in found["deadlines"]}
    assert clocks == {"correction": "met", "reconsideration": "running", "litigation": "running"}
    assert [x["kind"] for x in found["letters"]] == ["correction_receipt", "correction_notice"]
    assert "20个工作日内" in told[0]
    assert f"要求更正：{RECORD}。" in told[1]
    assert "本机关予以更正。更正的情况：已更正为2.4亩。" in told[1]
    assert "如对本答复不服，可以自收到本告知书之日起60日内" in told[1]
    sheet = office.letter(opened["number"], "approval_sheet")
    assert (sheet["title"], sheet["draft"]) == ("政府信息更正申请办理审批单", False)
    assert told[-1].startswith("政府信息更正申请办理审批单")
    for part in ("答复期限届满\t2026年3月30日", "审核属实；有权更正", "予以更正：已更正为2.4亩", "审核意见\t同意"):
        assert part in told[-1]
    assert "保密审查" not in told[-1]
    assert office.act(opened["number"], "archived", {"retention": "D10"})["state"] == "archived"
    with pytest.raises(Refused, match="没有可供选择的办理结果"):
        office.draft(opened["number"])


def test_the_case_that_provided_the_record_is_named_and_names_it(
    office: Office, calendar: Calendar, quick_letters: None
) -> None:
    first = office.register(APPLICATION)["number"]
    second = office.register({**ASKED, "concerns": first})
    assert [(x["number"], x["relation"]) for x in second["linked"]] == [(first, "names")]
    (known,) = office.show(first)["linked"]
    assert (known["number"], known["kind"], known["title"]) == (second["number"], "correction", "更正申请")
    with pytest.raises(NotFound):
        office.register({**ASKED, "concerns": "2026-0999"})
    with pytest.raises(DataFault, match="只有更正申请"):
        office.register({**APPLICATION, "concerns": first})
    assert [c["number"] for c in office.cases()["cases"]] == [first, second["number"]]


def test_one_registered_as_something_else_is_moved_when_it_is_recognised(office: Office, quick_letters: None) -> None:
    opened = office.register({**APPLICATION, "items": ["请将登记表中本人的姓名更正为周某某"]})
    assert any("ysq move" in w["text"] for w in opened["warnings"])
    number = opened["number"]
    office.act(number, "acknowledged", {})
    moved = office.move(number, "要求更正与自身相关的记录", "correction")
    assert (moved["workflow"]["id"], moved["state"]) == ("correction", "under_review")
    assert [d["clock"] for d in moved["deadlines"]] == ["correction"]
    for step, facts in ROAD[1:]:
        office.act(number, step, facts)
    assert office.letter(number, "approval_sheet")["title"] == "政府信息更正申请办理审批单"
    assert office.verify(number) == []
