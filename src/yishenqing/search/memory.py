"""The same ranking over a few documents that no database keeps: the articles of the law data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from yishenqing.search.asking import Asked
from yishenqing.search.collection import Document, Hit
from yishenqing.search.facets import Wanted
from yishenqing.search.ranking import choose, ranked, score, total_of
from yishenqing.search.terms import Vector, count


def nearest(documents: Mapping[str, Document], question: Asked | None, limit: int, wanted: Wanted) -> list[Hit]:
    """Return the documents nearest to ``question`` among those wanted; without one all of those, in their order."""
    fitting = {ref: d for ref, d in documents.items() if wanted.fits(d.properties)}
    if question is None:
        return [Hit(ref, 0.0, {}) for ref in list(fitting)[:limit]]
    counted = {ref: count(d.fields) for ref, d in fitting.items()}
    lengths = {ref: sum(counts.values()) for ref, counts in counted.items()}
    said = Counter(term for counts in counted.values() for term in counts)
    query = choose(question.counts, said, len(counted))
    if not query.rarity:
        return []
    mean = sum(lengths.values()) / len(counted)
    parts = {ref: score(query, Vector(Vector.pack(c)), lengths[ref], mean) for ref, c in counted.items()}
    scores = {ref: total_of(found) for ref, found in parts.items() if found}
    return [Hit(ref, scores[ref], parts[ref]) for ref in ranked(scores, limit)]


def matched(document: Document, question: Asked) -> dict[int, float]:
    """Return the terms of the question that a document says, all worth the same."""
    said = count(document.fields)
    return {term: 1.0 for term in question.counts if term in said}
