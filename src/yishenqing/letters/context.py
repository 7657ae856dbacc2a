"""What the office hands over for a letter: whether it is complete, and made harmless for the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from yishenqing.core.errors import DataFault, Fault
from yishenqing.letters.model import APPLICANT, LetterKind

LONGEST = 20_000  # characters of one letter; more is an enclosure, and would take the renderer minutes
MOST_ROWS = 300  # rows of one list; a longer table takes the renderer minutes
PROSE_NEEDS = ("organ.name", "letter.date")
# All that a letter to anybody but the applicant is told (个人信息保护法第六条): nothing of the applicant, of what
# they wrote or of the rest of the file; no template can print more.
TOLD_TO_OTHERS = frozenset({"organ", "case", "letter", "facts", "due", "remedy", "side", "islands", "attachments"})
APPLICANTS_WORDS = frozenset({"items", "items_received"})  # of the case
_FORMS_ONLY = ("record", "history")  # the file itself: whole, with everything personal in it
_BLANK = "【待填写"

# C0 and C1 controls, zero-width and bidirectional marks, tags, variation selectors: they have no ink of their
# own and can only hide or reorder what an officer reads. A newline stays; a tab counts as a space.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e01ef]"
)
_BREAKS = re.compile("\r\n?|\n|\x85|\u2028|\u2029")

_NAMES = {
    "organ.name": "行政机关名称",
    "organ.mark": "机关代字",
    "organ.office": "政府信息公开工作机构名称",
    "organ.address": "机关地址",
    "organ.postcode": "邮政编码",
    "organ.phone": "联系电话",
    "applicant.name": "申请人姓名或者名称",
    "applicant.kind_title": "申请人类别",
    "letter.date": "成文日期",
    "letter.number": "发文字号",
    "case.number": "登记编号",
    "case.matter": "申请的种类",
    "case.received_on": "收到申请之日",
    "case.arrived_on": "申请到达之日",
    "case.channel_title": "申请渠道",
    "case.items": "申请公开的政府信息内容",
    "case.form_title": "申请的提供形式",
    "case.delivery_title": "获取信息的方式",
    "case.opened_on": "立卷日期",
    "due.reply.date": "答复期限届满之日",
    "due.reply.days": "答复期限（工作日）",
    "due.third_party_opinion.days": "第三方提出意见的期限（工作日）",
    "due.organ_opinion.date": "其他机关提出意见的最后一日",
    "due.organ_opinion.days": "其他机关提出意见的期限（工作日）",
    "due.fee_payment.days": "缴纳信息处理费的期限（工作日）",
    "facts.party": "第三方",
    "facts.organ": "被征求意见的机关",
    "facts.department": "协办科室",
    "facts.content": "征求意见或者决定公开的内容",
    "facts.task": "协办事项",
    "facts.volume": "数量、频次的事实",
    "facts.basis": "收费依据和标准",
    "facts.amount": "收费数额",
    "facts.payment": "缴纳方式",
    "facts.statement": "撤回的意思表示",
    "facts.why": "申请人书写确有困难的情形",
    "facts.confirmed_by": "申请人确认的方式",
    "side.opened_on": "发出征求意见书之日",
    "side.kind": "征求谁的意见",
    "document.title": "送达的文书",
    "document.number": "送达文书的文号",
    "document.date": "送达文书的日期",
    "document.recipient": "受送达人",
    "history.search_recorded": "检索记录",
    "record.drafted": "拟制的答复",
    "record.written_down": "代填记录",
    "applicant.identity": "申请人身份证明",
    "applicant.contact": "申请人联系方式",
    "facts.defects": "需要补正的事项",
    "facts.guidance": "指导和释明",
    "facts.until": "最后一日",
    "facts.reason": "理由",
    "facts.days": "延长的工作日数",
    "facts.approved_by": "同意延期的政府信息公开工作机构负责人",
    "facts.provided": "提供的政府信息",
    "facts.method": "提供方式",
    "facts.form_title": "提供形式",
    "remedy": "救济途径",
    "remedy.text": "救济途径",
    "remedy.law": "救济途径的依据",
    "remedy.online.text": "提交行政复议申请书的互联网渠道（机关设置的 reconsideration_online）",
    "search": "检索记录",
    "items": "各项申请内容的认定",
    "withheld.text": "不予公开部分的依据",
    "withheld.law": "不予公开部分的依据",
    "beside.third_party": "征求第三方意见的记录",
    "facts.way": "情形",
    "facts_title.way": "情形",
    "facts_title.interest": "第三方的什么权益",
    "facts.where_public": "主动公开的具体位置",
    "facts.withheld": "不予公开的部分及理由",
    "facts.severing": "区分处理的考虑",
    "facts.secret_mark": "密级、保密期限和定密依据",
    "facts.forbidding_law": "禁止公开的法律、行政法规条款",
    "facts.risk": "公开可能危及什么、怎样危及",
    "facts.weighing": "本机关的判断和公共利益的衡量",
    "facts.no_effect": "为何不对外产生影响",
    "facts.no_rule": "法律、法规、规章有无应当公开的规定",
    "facts.file_reason": "为何属于行政执法案卷信息",
    "facts.special_rule": "专门规定的名称和条款",
    "facts.special_office": "办理查询的机构和联系方式",
    "facts.not_ours_reason": "为何不由本机关负责公开",
    "facts.other_organ": "负责公开的机关",
    "facts.other_contact": "该机关的联系方式",
    "facts.creation": "为何需要加工、分析",
    "facts.still_unclear": "补正后仍不明确之处",
    "facts.petition_nature": "为何属于信访、投诉、举报等",
    "facts.earlier_reply": "此前答复的日期和文号",
    "facts.same_checked": "两次申请内容相同的核对情况",
    "facts.publication_access": "公开出版物的名称和获取途径",
    "facts.reissue_nature": "为何属于要求确认或者重新出具已获取的信息",
    "facts.not_government": "为何不属于政府信息",
    "due.correction.date": "答复更正申请的最后一日",
    "due.correction.days": "答复更正申请的期限（工作日）",
    "past.examined.about": "要求更正的记录",
    "past.examined.proof": "申请人提供的证据",
    "past.examined.checked": "审核的情况",
    "past.drafted.decision": "处理结果",
    "past.drafted.measure": "处理的内容",
    "past.supplement_requested.on": "告知补正之日",
    "past.supplement_requested.letter.number": "补正告知书的文号",
    "past.supplement_requested.until": "补正的最后一日",
    "past.supplement_received.on": "收到补正之日",
    "past.supplement_lapsed.served_on": "补正告知书送达之日",
    "past.supplement_lapsed.finding": "有无正当理由的认定",
    "past.fee_notified.on": "告知收费之日",
    "past.fee_notified.amount": "收费数额",
    "past.fee_notified.letter.number": "收费通知书的文号",
    "past.payment_lapsed.served_on": "收费通知书送达之日",
    "past.reasons_requested.on": "要求说明理由之日",
    "past.reasons_requested.volume": "数量、频次的事实",
    "past.reasons_weighed.why": "认定理由不合理的依据",
    "file.fonds": "全宗名称",
    "file.year": "年度",
    "file.retention": "保管期限",
    "file.code": "档号",
    "file.title": "案卷题名",
    "file.pages": "页数",
    "file.count": "件数",
    "papers": "卷内文件",
    "note": "备考表内容",
    "destruction.id": "销毁清册编号",
    "destruction.opinion": "鉴定意见",
    "destruction.cases": "所列案件",
    "destruction.proposed_by": "提出人",
    "destruction.approved_by": "批准人",
    "destruction.proposed_on": "提出日期",
    "destruction.on": "销毁日期",
    "destruction.law": "依据",
}


_EMPTY: Mapping[str, Any] = {
    "search": [],
    "islands": {},
    "attachments": [],
    "remedy": None,
    "past": {},
    "beside": {},
    "source": "entry:drafted",
}
_UNBOUNDED = (
    "past",
    "record",
    "history",
)  # the whole case, of which a letter prints little: what it prints is counted afterwards


def prepared(kind: LetterKind, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``context`` cleaned for ``kind``.

    Raises:
        DataFault: a needed field is missing or empty, or the text is too long; all faults, in Chinese.
    """
    clean = cleaned(context)
    faults = _missing(kind, clean) + _too_long(kind, clean)
    if faults:
        raise DataFault.of(faults)
    return {**_EMPTY, **_told(kind, clean)}


def _told(kind: LetterKind, clean: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template of ``kind`` may know."""
    if not kind.goes_out:
        return dict(clean)
    if kind.to == APPLICANT:
        return {k: v for k, v in clean.items() if k not in _FORMS_ONLY}
    told = {k: v for k, v in clean.items() if k in TOLD_TO_OTHERS}
    return {**told, "case": {k: v for k, v in told["case"].items() if k not in APPLICANTS_WORDS}}


def blank(title: str) -> str:
    """Return what a draft shows where ``title`` is still to be filled in."""
    return f"{_BLANK}：{title}】"


def is_blank(value: Any) -> bool:
    """Tell whether ``value`` is what ``blank`` has made."""
    return isinstance(value, str) and value.startswith(_BLANK)


def cleaned(value: Any) -> Any:
    """Return a copy without control characters; newlines become ``\\n``, tabs a space."""
    if isinstance(value, str):
        text = _INVISIBLE.sub("", _BREAKS.sub("\n", value).replace("\t", " "))
        return text.strip()
    if isinstance(value, Mapping):
        return {str(k): cleaned(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [cleaned(v) for v in value]
    if value is None or isinstance(value, bool | int | float | date):
        return value.date() if isinstance(value, datetime) else value
    raise TypeError(f"a letter's context holds plain data, not {type(value).__name__}")


def lookup(context: Mapping[str, Any], place: str) -> Any:
    """Return the value at a dotted place, None when any part of it is missing."""
    value: Any = context
    for part in place.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def name_of(place: str) -> str:
    """Return what officers call the field at ``place``."""
    return _NAMES.get(place, place)


def _missing(kind: LetterKind, context: Mapping[str, Any]) -> list[Fault]:
    places = dict(zip(kind.needs, kind.need_lines, strict=True))
    if kind.goes_out:
        places.update({p: None for p in (*PROSE_NEEDS, kind.addressee) if p not in places})
    if kind.remedy != "none":
        places.update({p: None for p in ("remedy.text", "remedy.law") if p not in places})
        if (context.get("remedy") or {}).get("online") is not None:
            places["remedy.online.text"] = None
    return [
        Fault(f"《{kind.title}》缺少“{name_of(place)}”，不能出具", str(kind.path), line, place)
        for place, line in places.items()
        if lookup(context, place) in (None, "", [], {}) or _blank_list(lookup(context, place))
    ]


def _blank_list(value: Any) -> bool:
    return isinstance(value, list) and any(item in (None, "", {}) for item in value)


def item_contexts(kind: LetterKind, clean: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return, for a letter that answers item by item, the kind that tells each item and what it is filled from."""
    if "items" not in kind.needs:
        return []
    return [(str(item.get("kind") or ""), {**clean, **item}) for item in clean.get("items") or []]


def missing_of_item(kind: LetterKind, context: Mapping[str, Any]) -> list[Fault]:
    """Return what one item's finding must say and does not."""
    own = ("facts", "facts_title", "withheld", "search", "beside", "past", "due")
    return [
        Fault(f"第{context.get('n')}项：{f.text}", f.file, f.line, f.field)
        for f in _missing(kind, context)
        if f.field and f.field.split(".")[0] in own
    ]


def too_much_text(kind: LetterKind, texts: Sequence[str]) -> list[Fault]:
    """Return the fault of a text too long for one letter."""
    total = sum(len(text) for text in texts)
    if total <= LONGEST:
        return []
    return [Fault(f"文字共{total}字，超过上限{LONGEST}字，请将过长的内容改作附件", str(kind.path))]


def _too_long(kind: LetterKind, whole: Mapping[str, Any]) -> list[Fault]:
    context = {k: v for k, v in whole.items() if k not in _UNBOUNDED}
    faults = [
        Fault(f"共{len(rows)}行，超过上限{MOST_ROWS}行，请分卷或者改作附件", str(kind.path), field=place)
        for place, rows in _lists(context, "")
        if len(rows) > MOST_ROWS
    ]
    return [*faults, *too_much_text(kind, _texts(context))]


def _lists(value: Any, place: str) -> list[tuple[str, list[Any]]]:
    if isinstance(value, Mapping):
        return [found for k, v in value.items() for found in _lists(v, f"{place}.{k}" if place else k)]
    if isinstance(value, list):
        return [(place, value), *(found for v in value for found in _lists(v, place))]
    return []


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return [text for item in items for text in _texts(item)]
