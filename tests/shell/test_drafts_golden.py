"""One draft for each row of table three, sentence by sentence with its source, for lawyers to check (drafts.yaml)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from offices import APPLICATION, Calendar

from yishenqing.core import citing
from yishenqing.office import Office

ROWS: list[Mapping[str, Any]] = yaml.safe_load((Path(__file__).parent / "drafts.yaml").read_text("utf-8"))
OTHERS = {"entry:received", "office"}  # salutation, opening and signature are those of every letter
SEARCH = {"systems": "档案管理系统;公文系统", "keywords": "柳湾片区;征收公告", "searched_by": "赵某"}
Step = tuple[str, str, Mapping[str, Any]]


def accepted() -> list[Step]:
    return [("2026-03-03", "acknowledged", {}), ("2026-03-04", "accepted", {"handler": "征地管理科"})]


def searched(result: str) -> list[Step]:
    return [*accepted(), ("2026-03-09", "search_recorded", {**SEARCH, "result": result})]


def asked_for_more() -> list[Step]:
    more = {"defects": "没有写明名称", "guidance": "写明项目名称", "until": "2026-03-20"}
    return [("2026-03-03", "acknowledged", {}), ("2026-03-04", "supplement_requested", more)]


ROADS: Mapping[str, Callable[[], list[Step]]] = {
    "受理": accepted,
    "征求第三方意见": lambda: [
        ("2026-03-10", "third_party_consulted", {"party": "清源水务公司", "content": "投标文件"}),
        ("2026-03-16", "third_party_answered", {"opinion": "objected", "reason": "报价未公开"}),
    ],
    "补正后受理": lambda: [
        *asked_for_more(),
        ("2026-03-09", "supplement_received", {"items": "就是那个项目的相关材料"}),
        ("2026-03-10", "accepted", {"handler": "征地管理科"}),
    ],
    "逾期不补正": lambda: [
        *asked_for_more(),
        ("2026-03-23", "supplement_lapsed", {"served_on": "2026-03-05", "excuse": "none", "finding": "没有提出理由"}),
    ],
    "理由不合理": lambda: [
        ("2026-03-05", "reasons_requested", {"volume": "近两个月提出申请120件", "until": "2026-03-12"}),
        ("2026-03-09", "reasons_received", {"reason": "个人兴趣"}),
        ("2026-03-10", "reasons_weighed", {"conclusion": "unreasonable", "why": "与所申请的信息没有关系"}),
    ],
    "逾期不缴费": lambda: [
        ("2026-03-05", "fee_notified", {"amount": "200", "basis": "按件计收", "payment": "县财政专户",
                                        "scale": "by_item", "units": "2", "prior": "28"}),
        ("2026-04-07", "payment_lapsed", {"served_on": "2026-03-06"}),
    ],
    "此前已答复同一申请": list,
}  # fmt: skip


def walked(office: Office, calendar: Calendar, row: Mapping[str, Any]) -> str:
    """Take a case along the row's road; an earlier case of the same request first, where the row says so."""
    if "此前已答复同一申请" in row["经过"]:
        answered(office, calendar, row["申请"])
    calendar.day = max(calendar.day, date(2026, 3, 2))
    number: str = office.register({**APPLICATION, "items": [row["申请"]]})["number"]
    for name in row["经过"]:
        for day, step, facts in ROADS[name]() if name in ROADS else searched(name.removeprefix("检索：")):
            calendar.day = max(calendar.day, date.fromisoformat(day))
            office.act(number, step, facts)
    return number


def answered(office: Office, calendar: Calendar, text: str) -> str:
    number: str = office.register({**APPLICATION, "arrived_on": "2026-02-02", "items": [text]})["number"]
    for step, facts in (
        ("acknowledged", {}),
        ("accepted", {"handler": "征地管理科"}),
        ("search_recorded", {**SEARCH, "result": "检索到一份"}),
        ("drafted", {"outcome": "granted", "provided": "土地征收公告"}),
        ("reviewed", {"opinion": "同意"}),
        ("secrecy_reviewed", {"conclusion": "releasable"}),
        ("signed", {}),
        ("replied", {"method": "mail", "posted_on": "2026-02-10", "tracking": "XA1"}),
        ("delivered", {"signed_by": "申请人本人"}),
    ):
        office.act(number, step, facts, on=date(2026, 2, 10))
    return number


def told(found: Mapping[str, Any]) -> list[str]:
    """Return the sentences of a draft's body as the file writes them: the words, then the source."""
    days = {s["paragraph"] for s in found["sentences"][-1:]}
    body = [s for s in found["sentences"] if s["source"] not in OTHERS and s["paragraph"] not in days]
    return [f"{s['text']}　←　{'；'.join([s['from'], *s.get('basis', [])])}" for s in body]


def _stated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**({"way": row["情形"]} if "情形" in row else {}), **row["补充"]}


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['结果']}.{r.get('情形', '')}")
def test_the_draft_says_what_the_specification_asks_and_where_each_sentence_comes_from(
    office: Office, calendar: Calendar, quick_letters: None, row: Mapping[str, Any]
) -> None:
    number = walked(office, calendar, row)
    assert row["结果"] in {c["outcome"] for c in office.draft(number)["candidates"]}
    found = office.draft(number, row["结果"], _stated(row), use=row.get("采用", ()))
    assert (found["missing"], found["unmet"], found["faults"]) == ([], [], [])
    assert found["title"] == row["标题"]
    assert told(found) == row["正文"]
    law = office._rules().law
    for sentence in found["sentences"]:
        assert sentence["source"]
        assert sentence["from"]
        if citing.unresolved(law, sentence["text"], calendar.day):  # only what a person wrote, who must then say why
            assert sentence["basis"] == ["承办人填写"]
            assert "citation_unknown" in {w["check"] for w in found["warnings"]}


def test_every_outcome_and_every_letter_has_its_draft(office: Office) -> None:
    outcomes = office._rules().workflow.outcomes
    assert {r["结果"] for r in ROWS} == set(outcomes)
    told_ = [outcomes[r["结果"]].told(r.get("情形", "")) for r in ROWS]
    assert {way.letter for way in told_ if way} == {letter for o in outcomes.values() for letter in o.letters}
