"""Choose the terms of a query and rank documents by BM25; pure arithmetic, the same on every database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

from yishenqing.precedents.terms import Vector

K1 = 3.0  # measured on long judgments in Chinese: repetition counts for long,
B = 1.0  # and length in full
TERMS = 64  # more terms of a long text cost time and found nothing more
SINGLES = 16  # at most so many of them said by one document only: they find that one, but compare nothing
POSTINGS = 30_000  # documents read from the index for one search, rarest terms first
CANDIDATES = 300
_SCALE = 1000  # integer weights add up alike in every order


@dataclass(frozen=True)
class Query:
    """The chosen terms of a query, rarest first: how often the query says each, and its rarity (idf)."""

    counts: Mapping[int, int]
    rarity: Mapping[int, float]
    documents: Mapping[int, int]

    @cached_property
    def terms(self) -> frozenset[int]:
        """Return the chosen terms as a set."""
        return frozenset(self.rarity)

    @cached_property
    def gains(self) -> dict[int, float]:
        """Return the most that each term can add to a score."""
        return {t: self.counts[t] * rarity * (K1 + 1) for t, rarity in self.rarity.items()}

    def probes(self) -> dict[int, int]:
        """Return the terms to look up in the index with their integer weights, within the budget."""
        chosen: dict[int, int] = {}
        budget = POSTINGS
        for term, rarity in self.rarity.items():
            budget -= self.documents[term]
            if chosen and budget < 0:
                break
            chosen[term] = round(rarity * _SCALE)
        return chosen


def choose(counts: Mapping[int, int], documents: Mapping[int, int], total: int) -> Query:
    """Reduce a query to its rarest known terms.

    ``counts``: terms of the query; ``documents``: in how many documents each known term stands; ``total``:
    all documents of the library.
    """
    known = sorted((t for t in counts if documents.get(t, 0) > 0), key=lambda t: (documents[t], t))
    singles = [t for t in known if documents[t] == 1]
    shared = [t for t in known if documents[t] > 1]
    spare = max(SINGLES, TERMS - len(shared))
    chosen = [*singles[:spare], *shared][:TERMS]
    rarity = {t: log(1 + (total - documents[t] + 0.5) / (documents[t] + 0.5)) for t in chosen}
    return Query({t: counts[t] for t in chosen}, rarity, {t: documents[t] for t in chosen})


def score(query: Query, vector: Vector, length: int, mean_length: float) -> dict[int, float]:
    """Return what each term of the query that the document says adds to its BM25 score."""
    norm = K1 * (1 - B + B * length / mean_length)
    return {
        term: query.gains[term] * count / (count + norm)
        for term, count in sorted(vector.counts_of(query.terms).items())
    }


def total_of(parts: Mapping[int, float]) -> float:
    """Return the score of a document, rounded so that equal documents tie."""
    return round(sum(parts.values()), 6)


def ranked(scores: Mapping[str, float], limit: int) -> Sequence[str]:
    """Return the ids of the best ``limit`` documents, ties by id."""
    return sorted(scores, key=lambda i: (-scores[i], i))[:limit]
