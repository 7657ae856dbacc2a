"""Choose the terms of a query and rank documents by BM25; pure arithmetic, the same on every database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import fsum, log

from msgspec import Struct

from yishenqing.search.terms import Vector, looked_up

# Measured on public sets: whole judgments want repetition to count for long and length in full, short texts do not.
LONG = 2000  # counts; a collection of a greater mean length is one of long texts
K1_LONG, B_LONG = 3.0, 1.0
K1, B = 1.2, 0.75
TERMS = 64  # more terms of a long text cost time and found nothing more
CHARACTERS = 16  # single characters besides, the rarest of them
ONCE = 16  # at most so many of them said by one document only: they find that one, but compare nothing
POSTINGS = 20_000  # documents read from the index for one search, rarest terms first
CANDIDATES = 100  # on STARD (1,543 questions, the first ten) 200 found nothing more; 50 lose
DEEPER = 2  # candidates for each document that is wished for
TOGETHER = (16, 4, 1)  # common terms that a document must say all of
CANDIDATES_TOGETHER = 50
_SCALE = 1000  # integer weights add up alike in every order


class Query(Struct, frozen=True, dict=True):
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
        """Return what each term is worth: its rarity, as often as the query says it."""
        return {term: self.counts[term] * rarity for term, rarity in self.rarity.items()}

    @cached_property
    def _looked_up(self) -> dict[int, float]:
        return {term: rarity for term, rarity in self.rarity.items() if looked_up(term)}

    def probes(self) -> dict[int, int]:
        """Return the terms whose documents are added up, with integer weights: the rarest, within the budget."""
        chosen: dict[int, int] = {}
        budget = POSTINGS
        for term, rarity in self._looked_up.items():
            budget -= self.documents[term]
            if budget < 0:
                break
            chosen[term] = round(rarity * _SCALE)
        return chosen

    def common(self) -> list[list[int]]:
        """Return the terms beyond the budget: too common alone, they are asked for together, ever fewer of them."""
        left = list(self._looked_up)[len(self.probes()) :]
        sizes = dict.fromkeys(min(size, len(left)) for size in TOGETHER)
        return [left[:size] for size in sizes if size]


def choose(counts: Mapping[int, int], documents: Mapping[int, int], total: int) -> Query:
    """Reduce a query to its rarest known terms.

    ``counts``: terms of the query; ``documents``: in how many documents each known term stands; ``total``:
    all documents of the library.
    """
    known = sorted((t for t in counts if documents.get(t, 0) > 0), key=lambda t: (documents[t], t))
    characters = [t for t in known if not looked_up(t)][:CHARACTERS]
    once = [t for t in known if documents[t] == 1 and looked_up(t)]
    shared = [t for t in known if documents[t] > 1 and looked_up(t)]
    spare = max(ONCE, TERMS - len(shared))
    chosen = [*once[:spare], *shared][:TERMS] + characters
    rarity = {t: log(1 + (total - documents[t] + 0.5) / (documents[t] + 0.5)) for t in chosen}
    return Query({t: counts[t] for t in chosen}, rarity, {t: documents[t] for t in chosen})


def score(query: Query, vector: Vector, length: int, mean_length: float) -> dict[int, float]:
    """Return what each term of the query that the document says adds to its BM25 score."""
    k1, b = (K1_LONG, B_LONG) if mean_length > LONG else (K1, B)
    norm = k1 * (1 - b + b * length / mean_length)
    gains, most = query.gains, k1 + 1
    return {
        term: gains[term] * most * count / (count + norm) for term, count in vector.counts_of(query.terms).items()
    }


def total_of(parts: Mapping[int, float]) -> float:
    """Return the score of a document: added up exactly and rounded, so that equal documents tie in every order."""
    return round(fsum(parts.values()), 6)


def ranked(scores: Mapping[str, float], limit: int) -> Sequence[str]:
    """Return the ids of the best ``limit`` documents, ties by id."""
    return sorted(scores, key=lambda i: (-scores[i], i))[:limit]
