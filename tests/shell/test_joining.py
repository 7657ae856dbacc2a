"""One application becomes two cases, two become one: both entries or neither, and no day is gained by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, Calendar, walked, ysq

from yishenqing.core.errors import DataFault, Refused
from yishenqing.office import Office

THREE = ("土地征收公告", "补偿安置方案", "拨付凭证")


def opened(office: Office, **changes: Any) -> str:
    number = str(office.register({**APPLICATION, "items": list(THREE), **changes})["number"])
    office.act(number, "acknowledged")
    return number


def due(found: Mapping[str, Any]) -> str:
    return str(next(d["due"] for d in found["deadlines"] if d["clock"] == "reply"))


def test_the_new_case_keeps_the_day_of_receipt_and_both_keep_their_history(
    office: Office, calendar: Calendar
) -> None:
    number = opened(office)
    calendar.day = date(2026, 3, 9)
    found = office.split(number, [2, 3], "事项不同，分别办理")
    child = office.show(found["split_into"])
    assert due(child) == due(found) == "2026-03-30"
    assert child["entries"][0]["facts"]["items"] == ["补偿安置方案", "拨付凭证"]
    assert child["entries"][0]["facts"]["split_from"] == number
    assert found["entries"][-1]["facts"]["items"] == ["土地征收公告"]
    assert found["entries"][-1]["facts"]["into"] == child["number"]
    assert (child["state"], found["state"]) == ("registered", "under_review")
    assert office.verify(number) == office.verify(child["number"]) == []


def test_a_case_that_was_split_off_is_recognised_and_its_item_is_met_once(
    office: Office, calendar: Calendar, quick_letters: None
) -> None:
    asked = ["关于柳湾片区安置房项目的土地征收公告", "青禾镇2025年度财政预算"]
    first = office.register({**APPLICATION, "items": asked})["number"]
    office.act(first, "acknowledged", {})
    second = office.split(first, [1], "一事一申请")["split_into"]
    assert office.show(second)["recognised"]["same_text"] == []
    assert [c["number"] for c in office.show(second)["recognised"]["same_person"]["cases"]] == [first]
    walked(office, calendar, second)
    stranger = {**APPLICATION["applicant"], "name": "吴某", "id_number": "", "phone": "", "address": ""}
    later = office.register({**APPLICATION, "items": asked[:1], "applicant": stranger})["number"]
    for step, facts in (("acknowledged", {}), ("accepted", {"handler": "征地科"})):
        office.act(later, step, facts)
    alarms = office.draft(later, "unable_not_held", {"way": "nonexistent"})["differing"]
    assert [(a["number"], a["earlier_item"], a["earlier"]) for a in alarms] == [(second, 1, "granted")]


@pytest.mark.parametrize(("items", "says"), [([4], "没有第4项"), ([], "请写明"), ([1, 2, 3], "至少要保留一项")])
def test_what_cannot_be_split_leaves_one_case(office: Office, items: list[int], says: str) -> None:
    number = opened(office)
    with pytest.raises(DataFault, match=says):
        office.split(number, items, "试")
    assert len(office.cases()["cases"]) == 1
    assert len(office.show(number)["entries"]) == 2


def test_a_case_that_is_drafted_is_not_split(office: Office) -> None:
    number = str(office.register({**APPLICATION, "items": list(THREE)})["number"])
    with pytest.raises(Refused, match="不在可以办理该步骤的状态"):  # not reviewed yet
        office.split(number, [1], "试")
    assert len(office.cases()["cases"]) == 1


def test_two_cases_of_one_applicant_are_handled_as_one(office: Office) -> None:
    first, second = opened(office), opened(office, items=["另一件公告"])
    found = office.merge(second, first, "同一申请人，事项相关")
    assert found["entries"][-1]["facts"]["items"] == [*THREE, "另一件公告"]
    assert found["entries"][-1]["facts"]["item_count"] == 4
    gone = office.show(second)
    assert (gone["state"], gone["outcome"]) == ("merged", "other_other")
    assert [p["step"] for p in gone["permitted"]] == ["archived"]
    assert office.verify(first) == office.verify(second) == []


def test_another_applicant_or_more_time_is_refused(office: Office) -> None:
    first = opened(office)
    other = opened(office, applicant={**APPLICATION["applicant"], "name": "周德发"})
    with pytest.raises(Refused, match="不是同一申请人") as unlike:
        office.merge(other, first, "试")
    older = opened(office, arrived_on="2026-02-26")
    with pytest.raises(Refused, match=f"请把{first}并入{older}") as more_time:
        office.merge(older, first, "试")
    for refused, number, law in ((unlike, other, "条例第四十五条"), (more_time, older, "条例第三十三条第二款")):
        offered = [p["step"] for p in office.show(number)["permitted"]]
        assert ([p.step for p in refused.value.permitted], refused.value.law) == (offered, [law])
        assert offered
    later = opened(office, arrived_on="2026-03-02", channel="fax", confirmed_on="2026-03-02")
    with pytest.raises(DataFault, match="自身"):
        office.merge(first, first, "试")
    office.act(later, "supplement_requested", {"defects": "甲", "guidance": "乙", "until": "2026-03-20"})
    office.act(later, "supplement_received", {"note": "补正"})
    assert office.merge(first, later, "期限相同") is not None


def test_into_a_case_with_more_time_nothing_is_merged(office: Office, calendar: Calendar) -> None:
    calendar.day = date(2026, 3, 9)
    first, later = opened(office), opened(office, arrived_on="2026-03-05")
    with pytest.raises(Refused, match="并入后将逾期"):
        office.merge(first, later, "试")
    assert office.merge(later, first, "事项相关")["number"] == first


def test_act_does_not_take_the_steps_of_two_cases(office: Office) -> None:
    number = opened(office)
    with pytest.raises(Refused, match="请用 ysq split 办理"):
        office.act(number, "split", {"items": "甲", "moved": "乙", "into": "x", "reason": "试"})
    offers = {p["step"]: p.get("verb") for p in office.show(number)["permitted"]}
    assert (offers["split"], offers["merged"], offers.get("joined", "none")) == ("split", "merge", "none")


def test_the_command_line_splits_and_merges(home: Path, office: Office) -> None:
    number = opened(office)
    done = ysq(
        "--home", home, "--as", "经办人", "split", number, "1", "--reason", "分别办理", YISHENQING_TODAY="2026-03-02"
    )
    assert done.returncode == 0, done.stderr
    assert "已分出案件：2026-0002" in done.stdout
    back = ysq("--home", home, "--as", "经办人", "act", "2026-0002", "acknowledged", YISHENQING_TODAY="2026-03-02")
    assert back.returncode == 0, back.stderr
    done = ysq(
        "--home",
        home,
        "--as",
        "经办人",
        "merge",
        "2026-0002",
        number,
        "--reason",
        "仍一并办理",
        YISHENQING_TODAY="2026-03-02",
    )
    assert done.returncode == 0, done.stderr
    wrong = ysq(
        "--home", home, "--as", "经办人", "split", number, "9", "--reason", "试", YISHENQING_TODAY="2026-03-02"
    )
    assert (wrong.returncode, "没有第9项" in wrong.stderr) == (6, True)


def test_joint_applicants_are_all_named_and_asked_for_their_papers(office: Office) -> None:
    found = office.register({**APPLICATION, "joint_applicants": [{"name": "李某"}, {"name": "王某"}]})
    assert [w["text"] for w in found["warnings"]] == [
        "缺少共同申请人李某的身份证明，可以要求补正",
        "缺少共同申请人王某的身份证明，可以要求补正",
    ]
    assert "joint_applicants" in found["entries"][0]["facts"]
