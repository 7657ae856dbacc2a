"""Say in Chinese why a precedent was found and what became of the decision in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from yishenqing.precedents.model import OUTCOMES, Precedent
from yishenqing.search import Asked, Passage, passage
from yishenqing.search.explaining import in_common

_OVERTURNED = {
    "denied": "原不予公开决定已被撤销或者纠正，不得照搬",
    "unable": "原无法提供的答复已被撤销或者纠正，不得照搬",
    "noproc": "原不予处理的告知已被撤销或者纠正，不得照搬",
    "": "原办理行为已被撤销、确认违法或者责令纠正，不得照搬",
}
_VERIFIED = {
    "二手": "仅据转载整理，引用前须核对裁判原文",
    "待核": "细节尚未核实，引用前须核对裁判原文",
}


# Where the words that were asked are shown, the telling places first, and how each is called.
_SHOWN = (("holding", "facts"), ("request", "reply"), ("title",))
_PLACES = {"holding": "要旨", "facts": "案情", "request": "申请内容", "reply": "可参考的表述", "title": "标题"}
# Of what outcome a question speaks, by the words that officers use.
_SPEAKS_OF = {
    "denied_state_secret": ("国家秘密",),
    "denied_third_party": ("商业秘密", "个人隐私"),
    "denied_internal": ("内部事务",),
    "denied_process": ("过程性信息", "过程信息"),
    "denied_enforcement_file": ("执法案卷",),
    "unable_not_held": ("信息不存在", "不掌握", "未制作"),
    "unable_need_create": ("加工", "汇总", "另行制作"),
    "noproc_petition": ("信访", "投诉举报"),
    "noproc_repeat": ("重复申请",),
    "noproc_mass": ("大量反复", "滥用"),
}


def why(asked: Asked | None, matched: Collection[int], precedent: Precedent) -> tuple[str, ...]:
    """Return the reasons: words in common, fate, outcome, articles in common, and warnings."""
    shared = in_common(asked, matched, precedent.legal_basis)
    reasons = [*shared, fate(precedent)]
    if precedent.outcome is not None:
        reasons.append("机关当时的处理：" + OUTCOMES[precedent.outcome])
        if asked is not None and precedent.outcome in spoken_of(asked.text):
            reasons.append("与所问的办理结果相同")
    if precedent.law_note:
        reasons.append(precedent.law_note)
    reasons.extend(precedent.marks)
    if precedent.verification in _VERIFIED:
        reasons.append(_VERIFIED[precedent.verification])
    return tuple(reasons)


def spoken_of(text: str) -> set[str]:
    """Return the outcomes that a question speaks of."""
    return {outcome for outcome, words in _SPEAKS_OF.items() if any(word in text for word in words)}


def best_passage(precedent: Precedent, matched: Mapping[int, float]) -> tuple[str, Passage]:
    """Return the passage of the record that says most of what was asked, after the name of its place."""
    best: tuple[str, Passage] | None = None
    for names in _SHOWN:
        for name in names:
            text = getattr(precedent, name)
            found = passage(text, matched) if text else None
            if found is not None and (best is None or found.weight > best[1].weight):
                best = (_PLACES[name], found)
        if best is not None and best[1].weight:
            return best
    return best or ("", passage("", matched))


def fate(precedent: Precedent) -> str:
    """Return what reconsideration or the courts made of what the organ did."""
    if precedent.overturned is None:
        return "复议诉讼结果不详"
    if not precedent.overturned:
        return "经复议诉讼维持或者未被纠正"
    kind = (precedent.outcome or "").split("_", 1)[0]
    return _OVERTURNED.get(kind, _OVERTURNED[""])
