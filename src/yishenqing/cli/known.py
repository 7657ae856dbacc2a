"""What an office has met before, and what its register knows, in the words an officer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yishenqing.articles import article
from yishenqing.core.ledger import in_china

Row = Mapping[str, Any]
_STATES = {"proposed": "待决定", "open": "已决定转为主动公开", "decline": "已决定不转为主动公开"}


def known_lines(found: Row) -> list[str]:
    """Return what is to be shown of a case: earlier cases, like requests, proposals, the register."""
    out = recognised_lines(found["recognised"]) if "recognised" in found else []
    if "holdings" in found:
        out += _register_lines(found["holdings"])
    return out


def recognised_lines(found: Row) -> list[str]:
    """Return what was recognised; nothing when nothing was."""
    out = [*_person(found["same_person"]), *_texts(found["same_text"]), *map(_proposal, found["proposals"])]
    out += [f"  {note}" for note in found["notes"]]
    return ["", "登记时的识别（仅供参考，如何处理由承办人认定）", *out] if out else []


def _person(found: Row) -> Iterator[str]:
    if not found["cases"]:
        return
    yield f"  同一申请人：近{found['within_months']}个月另有{found['count']}件申请"
    for case in found["cases"]:
        yield f"    {case['number']}　{case['on']}　{'、'.join(case['why'])}　{_fate(case)}"


def _texts(found: list[Row]) -> Iterator[str]:
    for like in found:
        how = "内容相同" if like["exact"] else f"内容相近（{like['score']:.0%}）"
        who = "同一申请人" if like["same_person"] else "其他申请人"
        place = f"{like['number']} 第{like['earlier_item']}项　{like['on']}"
        yield f"  第{like['item']}项与 {place}{how}　{who}　{_fate(like)}"


def _fate(case: Row) -> str:
    """Return whether an earlier case was answered, and how."""
    if case.get("answered"):
        return f"{case['replied_on']}已答复：{case['outcome_title']}"
    if case.get("outcome_title"):
        return f"未答复，{case['state_title']}（{case['outcome_title']}）"
    return f"未答复，{case['state_title']}" if "state_title" in case else "（案件无法读取）"


def _proposal(found: Row) -> str:
    scope = f"，公开范围：{found['scope']}" if found["scope"] else ""
    said = f"{found['applicants']}个申请人要同样的信息，{_STATES[found['state']]}{scope}"
    return f"  转主动公开建议第{found['id']}号：{said}（{article('proactive')}）"


def _register_lines(found: Row) -> list[str]:
    if not found["entries"]:
        return []
    out = ["", "公文公开属性登记簿"]
    for item in found["items"]:
        if not item["found"]:
            out.append(f"  第{item['item']}项：{item['text']}")
        out += [f"  第{item['item']}项：{holding_line(h)}　［{h['how']}］" for h in item["found"]]
    return out


def holding_line(found: Row) -> str:
    """Return one document of the register."""
    parts = [f"第{found['id']}号", f"《{found['title']}》", found["number"], found["made_on"]]
    parts += [found["attribute_title"], "、".join(found["ground"]), found["reason"], found["place"]]
    return "　".join(p for p in parts if p)


def history_lines(found: Row) -> list[str]:
    """Return one document with its earlier states and re-assessments."""
    out = [holding_line(found)]
    rows = (("保存单位", found["unit"]), ("备注", found["note"]), ("下次评估审查", found["due"]))
    out += [f"  {name}：{text}" for name, text in (*rows, *found["other"].items()) if text]
    out.append("  历次登记")
    for state in found["history"]:
        record = state["record"]
        place = f"{in_china(state['recorded_at']):%Y-%m-%d}　{record['attribute_title']}"
        rehearsal = "　【演练】" if state["rehearsal"] else ""
        out.append(f"    {state['version']}　{place}　{state['source']}　办理人：{state['actor']}{rehearsal}")
    if found["assessments"]:
        out.append("  历次评估审查")
        out += [f"    {assessment_line(a)}" for a in found["assessments"]]
    return out


def assessment_line(found: Row) -> str:
    """Return one re-assessment."""
    after = f"　下次：{found['next_on']}" if found["next_on"] else ""
    rehearsal = "　【演练】" if found["rehearsal"] else ""
    return f"{found['on']}　{found['decision_title']}　{found['reason']}　办理人：{found['actor']}{after}{rehearsal}"


def due_lines(found: Row) -> list[str]:
    """Return the refusals that fall due, the longest overdue first."""
    if not found["due"]:
        return ["没有到期的评估审查。"]
    return [
        "　".join(
            part
            for part in (
                f"{line['due']}{'（已过）' if line['overdue'] else ''}",
                f"登记簿第{line['subject']}号" if line["kind"] == "holding" else f"案件 {line['subject']}",
                line["title"],
                line["number"],
                "、".join(line["ground"]),
            )
            if part
        )
        for line in found["due"]
    ]


def imported_lines(found: Row, headings: Mapping[str, str]) -> list[str]:
    """Return what a list changed."""
    counts = f"新增{len(found['new'])}件，变更{len(found['changed'])}件，未变{found['unchanged']}件"
    out = [f"已登记：{counts}。"]
    out += [f"  新增　{holding_line(h)}" for h in found["new"]]
    for holding in found["changed"]:
        names = "、".join(headings.get(n, n) for n in holding["fields"])
        out.append(f"  变更　{holding_line(holding)}　（{names}）")
    out += [f"  未改　{holding_line(h)}　（公开属性以评估审查的结论为准，清单所写的不采用）" for h in found["kept"]]
    if found["unknown"]:
        out.append(f"未识别的列：{'、'.join(found['unknown'])}（内容照存，不参与检索）")
    return out


def proposal_lines(found: Row) -> list[str]:
    """Return proposals, each with the cases behind it and what was decided."""
    if not found["proposals"]:
        return ["没有待决定的转主动公开建议。"]
    out: list[str] = []
    for proposal in found["proposals"]:
        state = _STATES[proposal["state"]]
        out.append(
            f"第{proposal['id']}号　{proposal['on']}　{proposal['applicants']}个申请人　{state}（{proposal['law']}）"
        )
        out += [
            f"    {c['number']} 第{c['item']}项　{c['text'] or '（已销毁）'}　{_fate(c)}" for c in proposal["cases"]
        ]
        for decision in proposal["decisions"]:
            scope = f"　公开范围：{decision['scope']}" if decision["scope"] else ""
            said = f"{decision['on']}　{decision['decision_title']}{scope}　{decision['reason']}"
            out.append(
                f"    决定　{said}　办理人：{decision['actor']}{'　【演练】' if decision['rehearsal'] else ''}"
            )
    return out
