"""The routing table: which department handles, which organ holds; it proposes with its words and its article."""

from __future__ import annotations

from pathlib import Path

import pytest
from offices import APPLICATION, Calendar, ysq

from yishenqing.core.errors import DataFault
from yishenqing.office import Office
from yishenqing.routing import read_routing
from yishenqing.rulebook import read_rulebook

RULE = """rules:
  - topic: 规划
    stage: 许可
    words: [建设工程规划许可证]
    level: 县级
    law: 条例第十条
"""


def test_every_rule_that_ships_cites_an_article_that_the_law_data_hold() -> None:
    law = read_rulebook().law
    assert [p for rule in read_routing(None).rules if (p := law.unresolved(rule.law))] == []


def test_each_item_gets_its_own_proposals_the_closest_first() -> None:
    found = read_routing(None).proposals(["石桥乡的征地批复及勘测定界图", "２０２３年预算", "分户补偿表"])
    assert [(f["item"], f["stage"]) for f in found] == [(1, "建设用地审批"), (1, "组卷报批材料"), (3, "补偿安置")]
    assert found[1]["department"]
    assert not found[1]["organ"]
    assert found[0]["sentence"].endswith("提出申请。")
    assert found[0]["matched"] == ["征地批复"]


def test_places_and_further_words_narrow_a_rule(tmp_path: Path) -> None:
    (tmp_path / "workflows").mkdir()
    own = RULE + "    department: 规划科\n    places: [石桥乡, 青禾镇]\n    all: [总平面图]\n"
    (tmp_path / "workflows" / "routing.yaml").write_text(own)
    table = read_routing(tmp_path)
    (hit,) = table.proposals(["石桥乡某项目建设工程规划许可证和总平面图"])
    assert hit["matched"] == ["建设工程规划许可证", "总平面图", "石桥乡"]
    assert table.proposals(["建设工程规划许可证和总平面图", "石桥乡建设工程规划许可证"]) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "二者择一"),
        ("    department: 规划科\n    organ: 县政府\n    contact: 甲\n    sentence: 乙\n", "二者择一"),
        ("    organ: 县政府\n    contact: 甲\n", "须有告知申请人的话"),
        ("    department: 规划科\n    wordz: [甲]\n", "未知的键"),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(tmp_path: Path, more: str, says: str) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "routing.yaml").write_text(RULE + more)
    with pytest.raises(DataFault, match=says) as raised:
        read_routing(tmp_path)
    assert all(f.line for f in raised.value.faults)
    found = ysq("--home", tmp_path, "route", "甲")
    assert (found.returncode, "routing.yaml" in found.stderr) == (6, True)


def test_a_case_shows_the_proposals_until_somebody_handles_it(office: Office, calendar: Calendar) -> None:
    number = str(office.register({**APPLICATION, "items": ["某地块的勘测定界图"]})["number"])
    assert office.show(number)["routing"] == []  # nobody can be asked to handle it yet
    office.act(number, "acknowledged")
    assert [r["department"] for r in office.show(number)["routing"]] == ["用地审批科室"]
    office.act(number, "accepted", {"handler": "用地审批科"})
    assert office.show(number)["routing"] == []
    office.act(number, "assignment_returned", {"reason": "应由权籍科承办"})
    back = office.show(number)
    assert (back["state"], [r["department"] for r in back["routing"]]) == ("unassigned", ["用地审批科室"])


def test_talks_with_the_applicant_come_before_a_supplement_and_a_reply(office: Office) -> None:
    number = str(office.register(APPLICATION)["number"])
    office.act(number, "acknowledged")
    (recall,) = office.show(number)["recalls"]
    assert (recall["step"], recall["missing"]) == ("supplement_requested", ["与申请人沟通"])
    office.act(number, "contacted", {"how": "3月2日电话", "gist": "询问所需年份", "result": "只要2023年"})
    (recall,) = office.show(number)["recalls"]
    assert recall["missing"] == []
    assert recall["entries"][0]["facts"]["沟通的结果"] == "只要2023年"
