"""Say in Chinese what a document and a question have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from yishenqing.search.asking import Asked
from yishenqing.search.facets import article_keys, cited
from yishenqing.search.terms import Units, key_term

_PHRASES = 6


def in_common(asked: Asked | None, matched: Collection[int], citations: Iterable[str]) -> list[str]:
    """Return what a question and a document of these citations have in common: numbers, words, articles."""
    if asked is None:
        return []
    found = marks_said(asked.units, matched)
    if words := phrases(asked, matched):
        found.append("命中词语：" + "、".join(words))
    if articles := shared_articles(asked.text, citations):
        found.append("共同条款：" + "、".join(articles))
    return found


def phrases(asked: Asked, matched: Collection[int]) -> list[str]:
    """Return the longest stretches of the question that the document says pair by pair, longest first."""
    text = asked.units.text
    if asked.units.span_of_single() is not None:
        return [text[0]]
    stretches: list[list[int]] = []
    said = ((start, end) for term, start, end in asked.terms if term in matched)
    for start, end in sorted(said, key=lambda place: (place[0], -place[1])):
        if stretches and start < stretches[-1][1]:
            stretches[-1][1] = max(end, stretches[-1][1])
        else:
            stretches.append([start, end])
    words = dict.fromkeys("".join(text[a:b]) for a, b in stretches)
    return sorted(words, key=lambda w: -len(w))[:_PHRASES]


def marks_said(asked: Units, matched: Collection[int]) -> list[str]:
    """Return which numbers, dates and plots of the question the document names too; articles are told apart."""
    found = [
        f"{mark.kind}相同：{mark.said}"
        for mark in asked.marks
        if mark.kind != "条款" and key_term(mark.keys[0]) in matched
    ]
    return list(dict.fromkeys(found))


def shared_articles(text: str, citations: Iterable[str]) -> list[str]:
    """Return the citations whose article ``text`` names, of the same statute where it names one."""
    named = _named(text)
    return [citation for citation in citations if named & article_keys(citation)]


@lru_cache(maxsize=1)  # every document found is compared with one question
def _named(text: str) -> frozenset[str]:
    return frozenset(f"{names[0]}{key}" if names else key for names, key in cited(text))
