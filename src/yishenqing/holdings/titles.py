"""Titles found by the pairs of characters that they share with a question, the rare pairs first."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import log
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from yishenqing.holdings.model import plain
from yishenqing.holdings.tables import frequencies, grams
from yishenqing.hot import insert_of

_PLACES = (1 << 64) - 1
_AT_ONCE = 400  # values that one statement names
_ASKED = 64  # pairs of characters of a question that are looked up, the rarest of them
_POSTINGS = 20_000  # entries of the index that one question reads
_CANDIDATES = 100
_SHARED = 2  # pairs that two titles must have in common


class Sums:
    """Sums over all pairs of characters of many titles, under a key drawn for this once: no change leaves them."""

    def __init__(self) -> None:
        """Begin with no title."""
        self._key = secrets.randbits(60)
        self.pairs = self.counts = 0

    def keyed(self, gram: int, identifier: int) -> int:
        """Return what a pair of a title adds."""
        return hash((self._key, gram, identifier)) & _PLACES

    def add(self, identifier: int, title: str) -> None:
        """Add a title."""
        for gram in pairs(title):
            self.pairs += self.keyed(gram, identifier)
            self.counts += self.keyed(gram, 0)


class Titles:
    """The index of titles of one agency inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def put(self, entered: Sequence[tuple[int, str]], sign: int) -> None:
        """Enter titles by the ids of their documents (``sign`` 1), or take them out again (-1)."""
        counts: Counter[int] = Counter()
        rows = []
        for identifier, title in entered:
            mine = pairs(title)
            counts.update(mine)
            rows += [{"a": self._agency, "g": gram, "i": identifier} for gram in mine]
        if not rows:
            return
        if sign > 0:
            statement: Any = insert(grams).values(agency=bindparam("a"), gram=bindparam("g"), id=bindparam("i"))
        else:
            statement = delete(grams).where(
                grams.c.agency == bindparam("a"), grams.c.gram == bindparam("g"), grams.c.id == bindparam("i")
            )
        self._connection.execute(statement, rows)
        self._count(counts, sign)

    def hold(self, sums: Sums) -> bool:
        """Tell whether the index says of the titles exactly what ``sums`` were made of."""
        mine = select(grams.c.gram, grams.c.id).where(grams.c.agency == self._agency)
        said = select(frequencies.c.gram, frequencies.c.documents).where(frequencies.c.agency == self._agency)
        pairs_here, counts = (self._connection.execute(q.execution_options(yield_per=_AT_ONCE)) for q in (mine, said))
        return (
            sum(sums.keyed(gram, identifier) for gram, identifier in pairs_here) == sums.pairs
            and sum(int(n) * sums.keyed(gram, 0) for gram, n in counts)  # SQLite keeps text in a column of numbers
            == sums.counts
        )

    def _count(self, counts: Mapping[int, int], sign: int) -> None:
        statement = insert_of(self._connection.dialect.name)(frequencies)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["agency", "gram"],
                set_={"documents": frequencies.c.documents + statement.excluded.documents},
            ),
            [{"agency": self._agency, "gram": g, "documents": sign * n} for g, n in sorted(counts.items())],
        )

    def _frequencies(self, asked: Iterable[int]) -> dict[int, int]:
        wanted = sorted(asked)
        found: dict[int, int] = {}
        query = select(frequencies.c.gram, frequencies.c.documents).where(
            frequencies.c.agency == self._agency,
            frequencies.c.documents > 0,
            frequencies.c.gram.in_(bindparam("grams", expanding=True)),
        )
        for start in range(0, len(wanted), _AT_ONCE):
            rows = self._connection.execute(query, {"grams": wanted[start : start + _AT_ONCE]})
            found.update((row.gram, row.documents) for row in rows)
        return found

    def weights(self, of: Iterable[int], documents: int) -> Weights:
        """Return how much each of these pairs tells among ``documents`` titles."""
        return Weights(self._frequencies(of), documents)

    def near(self, asked: frozenset[int]) -> list[int]:
        """Return the documents that have most of the rare pairs; pairs that nearly all have are not looked at."""
        known = self._frequencies(asked)
        chosen: list[int] = []
        read = 0
        for gram in sorted(known, key=lambda g: (known[g], g))[:_ASKED]:
            read += known[gram]
            if chosen and read > _POSTINGS:
                break
            chosen.append(gram)
        if not chosen:
            return []
        query = (
            select(grams.c.id)
            .where(grams.c.agency == self._agency, grams.c.gram.in_(chosen))
            .group_by(grams.c.id)
            .order_by(func.count().desc(), grams.c.id)
            .limit(_CANDIDATES)
        )
        return list(self._connection.execute(query).scalars())


class Weights:
    """How much each pair tells: a pair that nearly every title has tells nearly nothing."""

    def __init__(self, known: Mapping[int, int], documents: int) -> None:
        """Know how many of ``documents`` titles have each pair; a pair that none has is the rarest."""
        self._known, self._documents = known, documents

    def compare(self, asked: frozenset[int], title: frozenset[int]) -> tuple[float, float]:
        """Return how much of the shorter text stands in the longer, and how much of both they share (0 to 1)."""
        shared = asked & title
        if len(shared) < min(_SHARED, len(asked), len(title)) or not shared:
            return 0.0, 0.0
        common, mine, other = (sum(map(self._of, sorted(x))) for x in (shared, asked, title))
        return common / min(mine, other), 2 * common / (mine + other)

    def _of(self, gram: int) -> float:
        return log(1 + (self._documents + 1) / self._known.get(gram, 1))


def pairs(text: str) -> frozenset[int]:
    """Return the pairs of neighbouring characters of ``text``, as numbers; of a single character, itself."""
    codes = [ord(c) for c in plain(text)]
    if len(codes) == 1:
        return frozenset(codes)
    return frozenset(left << 21 | right for left, right in pairwise(codes))
