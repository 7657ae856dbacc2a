"""From the record to the reply: what the file holds is what the letter says, with the remedy that follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, Calendar

from yishenqing.core.errors import DataFault, Refused
from yishenqing.letters import Letterbook
from yishenqing.office import Office

Step = tuple[str, Mapping[str, Any]]
Walk = Callable[..., str]
OPENED: list[Step] = [("acknowledged", {}), ("accepted", {"handler": "征地管理科"})]
SEARCHED: Step = (
    "search_recorded",
    {"systems": "档案系统;公文系统", "keywords": "征收公告", "result": "检索到一份", "searched_by": "赵某"},
)
INTERNAL = {"finding": "denied_internal", "way": "logistics", "no_effect": "只用于排班", "severing": "不能区分"}
PROCESS = {"finding": "denied_process", "way": "draft", "no_rule": "没有规定", "severing": "尚未定稿，不能区分"}
GRANTED = {"finding": "granted", "provided": "土地征收公告"}
ELSEWHERE = {
    "finding": "unable_not_held", "way": "not_ours", "not_ours_reason": "由住建局制作",
    "other_organ": "云溪县住房和城乡建设局", "other_contact": "0999-5550200",
}  # fmt: skip
FIRST, FREE = "应当自收到本告知书之日起60日内先向", "或者自收到本告知书之日起6个月内直接向"


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter is its text: its looks are measured elsewhere."""

    def said(book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
        return b"%PDF-1.7 " + book.prose(kind, context).encode()

    monkeypatch.setattr(Letterbook, "pdf", said)


@pytest.fixture
def replied(office: Office, calendar: Calendar, spoken: None) -> Walk:
    """Return a function that takes a case to the signed reply and returns the reply's text."""

    def walk(*steps: Step, conclusion: str = "nothing", **application: Any) -> str:
        number = office.register({**APPLICATION, **application})["number"]
        signing: list[Step] = [
            ("reviewed", {"opinion": "同意"}),
            ("secrecy_reviewed", {"conclusion": conclusion}),
            ("signed", {}),
        ]
        for step, facts in (*steps, *signing):
            calendar.day = max(calendar.day, date.fromisoformat(str(facts.get("_day", calendar.day))))
            office.act(number, step, {k: v for k, v in facts.items() if k != "_day"})
        return Path(office.show(number)["letters"][-1]["path"]).read_text(encoding="utf-8").removeprefix("%PDF-1.7 ")

    return walk


def drafted(outcome: str, **facts: Any) -> Step:
    return ("drafted", {"outcome": outcome, **facts})


def found(n: int, facts: Mapping[str, Any]) -> Step:
    return ("found", {"item": n, **facts})


def remedies(text: str) -> list[str]:
    return [way for way in (FIRST, FREE) if way in text]


@pytest.mark.parametrize(
    ("findings", "outcome", "expected"),
    [
        ((GRANTED, INTERNAL), "partial", [FIRST, FREE]),
        ((INTERNAL, PROCESS), "denied_internal", [FIRST]),
        ((INTERNAL, ELSEWHERE), "denied_internal", [FIRST, FREE]),
        ((ELSEWHERE, ELSEWHERE), "unable_not_held", [FREE]),
    ],
)
def test_each_item_is_answered_and_the_remedy_follows_from_all(
    replied: Walk, findings: tuple[Mapping[str, Any], ...], outcome: str, expected: list[str]
) -> None:
    steps = [found(n, facts) for n, facts in enumerate(findings, 1)]
    text = replied(
        *OPENED, SEARCHED, *steps, drafted(outcome), items=["征收公告", "值班安排"], conclusion="releasable"
    )
    assert "\n政府信息公开申请逐项答复告知书\n" in text
    assert re.search(r"\n1\.关于“征收公告”：\n经审查，.+\n2\.关于“值班安排”：\n经审查，", text, re.DOTALL)
    assert remedies(text) == expected


def test_the_only_item_is_answered_by_its_own_letter(replied: Walk) -> None:
    text = replied(*OPENED, SEARCHED, found(1, INTERNAL), drafted("denied_internal"), conclusion="withheld")
    assert "\n政府信息不予公开告知书\n" in text
    assert "内部事务信息中的后勤管理信息。该信息不对外产生影响，理由是：只用于排班。" in text
    assert remedies(text) == [FIRST]


@pytest.mark.parametrize(
    ("ground", "article"),
    [
        (
            {
                "withheld_outcome": "denied_third_party",
                "interest": "privacy",
                "weighing": "不公开为宜",
                "masked_only": "是",
            },
            "第十五条",
        ),
        ({"withheld_outcome": "denied_internal", "no_effect": "只用于排班"}, "第十六条第一款"),
    ],
)
def test_a_partial_reply_cites_the_ground_of_what_it_withholds(
    replied: Walk, ground: Mapping[str, str], article: str
) -> None:
    facts = {"provided": "土地征收公告", "withheld": "附表，涉及他人", "severing": "已删去附表", **ground}
    text = replied(*OPENED, SEARCHED, drafted("partial", **facts), conclusion="releasable")
    assert f"依照《中华人民共和国政府信息公开条例》{article}的规定，本机关对上述内容决定不予公开。" in text
    assert remedies(text) == [FIRST, FREE]


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"withheld_outcome": "denied_admin_query"}, "只能是：denied_state_secret"),
        (
            {"withheld_outcome": "denied_third_party", "interest": "privacy", "weighing": "不公开为宜"},
            "须先办理“征求第三方意见”",
        ),
    ],
)
def test_a_partial_reply_rests_on_articles_14_to_16_and_on_a_third_party_that_was_asked(
    office: Office, facts: Mapping[str, str], refusal: str
) -> None:
    number = office.register(APPLICATION)["number"]
    for step, given in (*OPENED, SEARCHED):
        office.act(number, step, given)
    with pytest.raises(Refused, match=refusal):
        office.act(number, *drafted("partial", provided="公告", withheld="附表", **facts))


def test_that_nothing_exists_is_said_with_the_whole_search(replied: Walk) -> None:
    search = (
        "search_recorded",
        {
            **SEARCHED[1],
            "keywords": "征收公告;柳湾片区",
            "result": "没有查到",
            "leads": "1;2",
            "searched_on": "2026-03-02",
        },
    )
    text = replied(
        *OPENED, search, drafted("unable_not_held", way="nonexistent"), leads=["云政征〔2025〕3号", "柳湾二期"]
    )
    assert (
        "检索日期：2026年3月2日；检索人：赵某；检索范围：档案系统、公文系统；检索词：征收公告、柳湾片区；检索结果：没有查到。"
        "你提供的下列线索已经核查：“云政征〔2025〕3号”“柳湾二期”。"
    ) in text


def test_a_refusal_for_a_third_party_tells_each_consultation(replied: Walk, home: Path) -> None:
    inquiry = (
        "---\nkind: third_party_inquiry\ntitle: 征求意见书\nwhen: 征求第三方意见\nlaw: [条例第三十二条]\n"
        'needs: []\nremedy: none\nseries: 征\nformat: letter\n---\n<p><s src="officer">请提出意见。</s></p>\n'
    )
    (home / "letters").mkdir(exist_ok=True)
    (home / "letters" / "third_party_inquiry.html").write_text(inquiry, encoding="utf-8")
    said = {"interest": "trade_secret", "weighing": "报价没有公开过", "severing": "不能区分"}
    text = replied(
        *OPENED,
        ("third_party_consulted", {"party": "甲公司", "content": "合同", "id": "甲"}),
        ("third_party_consulted", {"party": "乙公司", "content": "合同", "id": "乙"}),
        ("third_party_answered", {"opinion": "objected", "reason": "报价", "id": "乙", "_day": "2026-03-05"}),
        ("third_party_answered", {"opinion": "agreed", "id": "甲", "_day": "2026-03-06"}),
        drafted("denied_third_party", **said),
        conclusion="withheld",
    )
    assert "涉及第三方的商业秘密，" in text
    assert (
        "2026年3月2日发出征求意见书，第三方同意公开；2026年3月2日发出征求意见书，第三方不同意公开并说明理由。" in text
    )
    assert "甲公司" not in text


def test_what_lapsed_is_told_with_the_notice_its_number_and_its_service(replied: Walk) -> None:
    asked = {"defects": "未写明名称", "guidance": "写明项目", "until": "2026-03-20"}
    lapsed = {"served_on": "2026-03-03", "excuse": "none", "finding": "没有提出理由", "_day": "2026-03-23"}
    text = replied(
        OPENED[0], ("supplement_requested", asked), ("supplement_lapsed", lapsed), drafted("other_no_correction")
    )
    assert re.search(
        r"2026年3月2日，本机关作出补正告知书（[^）]+补〔2026〕1号），告知你于2026年3月20日前（含当日）补正申请。"
        r"该告知书于2026年3月3日送达你，你逾期没有补正。",
        text,
    )


def test_online_answers_name_the_online_way_or_are_refused(replied: Walk, office: Office, home: Path) -> None:
    steps = (*OPENED, SEARCHED, drafted("granted", provided="土地征收公告"))
    told = "行政复议申请书可以通过下列互联网渠道提交：https://"
    assert told in replied(*steps, conclusion="releasable", delivery="email")
    assert told not in replied(*steps, conclusion="releasable", delivery="mail")


def test_without_the_online_way_an_online_answer_is_refused(home: Path, calendar: Calendar, spoken: None) -> None:
    settings = home / "office.yaml"
    settings.write_text(re.sub(r"(?m)^reconsideration_online: .*$", "", settings.read_text(encoding="utf-8")))
    with Office.open(home, user="经办人", today=calendar) as office:
        number = office.register({**APPLICATION, "delivery": "online"})["number"]
        steps = (*OPENED, SEARCHED, drafted("granted", provided="公告"), ("reviewed", {"opinion": "同意"}))
        for step, facts in (*steps, ("secrecy_reviewed", {"conclusion": "releasable"})):
            office.act(number, step, facts)
        with pytest.raises(DataFault, match="互联网渠道（机关设置的 reconsideration_online）"):
            office.act(number, "signed")
        assert office.show(number)["state"] == "cleared"


def test_a_draft_shows_what_is_still_to_be_said(office: Office, calendar: Calendar, spoken: None) -> None:
    number = office.register(APPLICATION)["number"]
    for step, facts in (*OPENED, SEARCHED):
        office.act(number, step, facts)
    found_draft = office.draft(number, "denied_process", {"way": "draft"})
    assert {m["field"] for m in found_draft["missing"]} == {"no_rule", "severing"}
    text = "".join(s["text"] for s in found_draft["sentences"])
    assert "过程性信息中的过程稿。" in text
    assert "【待填写：法律、法规、规章有无应当公开的规定】" in text
