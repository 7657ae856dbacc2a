"""Say in Chinese why a precedent was found and what became of the decision in it."""

from __future__ import annotations

import re
from collections.abc import Collection

from yishenqing.precedents.model import OUTCOMES, Precedent
from yishenqing.precedents.terms import Units, normalised

_ARTICLE = re.compile(r"第[零一二三四五六七八九十百千]+条")
_PHRASES = 6
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


def why(asked: Units, text: str, matched: Collection[int], precedent: Precedent) -> tuple[str, ...]:
    """Return the reasons: words in common, fate, outcome, articles in common, and warnings."""
    reasons = [fate(precedent)]
    if words := phrases(asked, matched):
        reasons.insert(0, "命中词语：" + "、".join(words))
    if precedent.outcome is not None:
        reasons.append("机关当时的处理：" + OUTCOMES[precedent.outcome])
    if articles := shared_articles(text, precedent):
        reasons.append("共同条款：" + "、".join(articles))
    if precedent.law_note:
        reasons.append(precedent.law_note)
    reasons.extend(precedent.marks)
    if precedent.verification in _VERIFIED:
        reasons.append(_VERIFIED[precedent.verification])
    return tuple(reasons)


def fate(precedent: Precedent) -> str:
    """Return what reconsideration or the courts made of what the organ did."""
    if precedent.overturned is None:
        return "复议诉讼结果不详"
    if not precedent.overturned:
        return "经复议诉讼维持或者未被纠正"
    kind = (precedent.outcome or "").split("_", 1)[0]
    return _OVERTURNED.get(kind, _OVERTURNED[""])


def phrases(asked: Units, matched: Collection[int]) -> list[str]:
    """Return the longest stretches of the query that the document says pair by pair, longest first."""
    if asked.span_of_single() is not None:
        return [asked.text[0]]
    stretches: list[list[int]] = []
    for term, start, end in sorted(asked.terms(), key=lambda t: (t[1], -t[2])):
        if term not in matched:
            continue
        if stretches and start < stretches[-1][1]:
            stretches[-1][1] = max(end, stretches[-1][1])
        else:
            stretches.append([start, end])
    words = dict.fromkeys("".join(asked.text[a:b]) for a, b in stretches)
    return sorted(words, key=lambda w: -len(w))[:_PHRASES]


def shared_articles(text: str, precedent: Precedent) -> list[str]:
    """Return the provisions of the precedent whose article the query names."""
    named = set(_ARTICLE.findall(normalised(text)))
    return [law for law in precedent.legal_basis if named & set(_ARTICLE.findall(normalised(law)))]
