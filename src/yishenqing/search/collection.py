"""What one capability keeps in the index of one agency: entered, taken out and found in the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, select, text, update

from yishenqing.hot import Hot, HotBatch, insertion
from yishenqing.search import consistency
from yishenqing.search.asking import Asked
from yishenqing.search.facets import Properties, Wanted
from yishenqing.search.index import Candidate, index_for
from yishenqing.search.ranking import CANDIDATES, CANDIDATES_TOGETHER, Query, choose, ranked, score, total_of
from yishenqing.search.tables import documents, frequencies, install, totals
from yishenqing.search.terms import Vector, count, looked_up

__all__ = ["ANALYSIS", "Collection", "Document", "Hit", "install"]

ANALYSIS = 1  # raise it whenever texts are split into other terms
_AT_ONCE = 500
_ASKED = 2000  # distinct terms of a query that are looked up; a whole judgment has several thousand


@dataclass(frozen=True, slots=True)
class Document:
    """What is entered: texts, each with its weight, and by what the document can be narrowed."""

    fields: Sequence[tuple[str, int]]
    properties: Properties = field(default_factory=Properties)


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found: its name, its score (comparable within one search only), what each term added to it."""

    ref: str
    score: float
    parts: Mapping[int, float]


class Stored(NamedTuple):
    """How a document lies in the index: the sum of its counts, its packed vector."""

    length: int
    vector: bytes


def stored(document: Document) -> Stored:
    """Return how a document would be entered now."""
    length, counts = _counted(document)
    return Stored(length, Vector.pack(counts))


def _counted(document: Document) -> tuple[int, Mapping[int, int]]:
    counts = count(document.fields)
    length = sum(counts.values())
    counts.update(dict.fromkeys(document.properties.terms(), 0))
    return length, counts


class Collection:
    """The documents of one kind of ``agency``; nothing is committed here, and what is put in is found at once."""

    def __init__(self, connection: Connection, agency: str, name: str) -> None:
        """Open a collection; the tables must be installed."""
        self._connection, self._agency, self._name = connection, agency, name
        self._index = index_for(connection, agency, name)

    def put(self, entered: Mapping[str, Document]) -> None:
        """Enter documents by name, each replacing the one of that name."""
        if not entered:
            return
        self._lock()
        self._take_out(list(entered))
        counted = {ref: _counted(document) for ref, document in entered.items()}
        lengths = {ref: length for ref, (length, _) in counted.items()}
        rows = [
            {**self._here(), "ref": ref, "length": length, "vector": Vector.pack(counts)}
            for ref, (length, counts) in counted.items()
        ]
        _ENTER.run_many(self._connection, rows)
        terms = {ref: sorted(counts) for ref, (_, counts) in counted.items()}
        self._index.put({ref: list(filter(looked_up, mine)) for ref, mine in terms.items()})
        self._statistics(terms, 1, sum(lengths.values()))

    def drop(self, refs: Iterable[str]) -> None:
        """Take documents out."""
        self._lock()
        self._take_out(list(refs))

    def holds(self, ref: str) -> Stored | None:
        """Return how a document is entered; None where it is not."""
        row = _HELD.run(self._connection, [ref], self._here()).fetchone()
        return None if row is None else Stored(*row[1:])

    def faults(self) -> list[str]:
        """Return what of the index does not follow from its documents: which is not for a reader to name by term."""
        found = consistency.faults(self._connection, self._agency, self._name)
        known = self._connection.execute(select(totals.c.analysis).where(*self._mine(totals))).scalar()
        return found if known in (None, ANALYSIS) else [*found, "各文是按另一种切分方法编入的，无从核对"]

    def refs(self) -> Iterator[str]:
        """Yield the names of the documents."""
        query = select(documents.c.ref).where(*self._mine(documents)).order_by(documents.c.ref)
        return iter(self._connection.execute(query).scalars().all())

    def current(self) -> bool:
        """Tell whether the documents were entered as texts are split now; an empty collection says nothing."""
        query = select(totals.c.analysis).where(*self._mine(totals))
        return self._connection.execute(query).scalar() == ANALYSIS

    def begin_anew(self) -> None:
        """Empty the collection, to be entered anew as texts are split now."""
        self._lock()
        names = list(self.refs())
        for start in range(0, len(names), _AT_ONCE):
            self._take_out(names[start : start + _AT_ONCE])
        here = update(totals).where(*self._mine(totals))
        self._connection.execute(here.values(analysis=ANALYSIS, documents=0, length=0))
        self._connection.execute(delete(frequencies).where(*self._mine(frequencies)))

    def find(self, question: Asked | None, limit: int = 10, wanted: Wanted | None = None) -> list[Hit]:
        """Return the documents nearest to ``question``, best first, ties by name; without one the newest wanted."""
        wanted = wanted or Wanted()
        if question is None:
            newest = self._index.newest((), wanted, limit) if wanted else []
            return [Hit(c.ref, 0.0, {}) for c in newest]
        total, length = self._totals()
        query = self._query(question, total)
        if not query.rarity:
            return []
        found = self._candidates(query, wanted, limit)
        mean = length / total
        parts = {c.ref: score(query, Vector(c.vector), c.length, mean) for c in found}
        scores = {ref: total_of(said) for ref, said in parts.items()}
        return [Hit(ref, scores[ref], parts[ref]) for ref in ranked(scores, limit)]

    def _candidates(self, query: Query, wanted: Wanted, limit: int) -> list[Candidate]:
        """Return the documents worth ranking: of the rare terms the heaviest, of the common ones who says most."""
        probes = query.probes()
        found = self._index.candidates(probes, wanted, max(limit, CANDIDATES)) if probes else []
        known = {c.ref: c for c in found}
        most = len(known) + CANDIDATES_TOGETHER if known else max(limit, CANDIDATES)
        for terms in query.common():
            if len(known) >= most:
                break
            known |= {c.ref: c for c in self._index.newest(terms, wanted, most - len(found))}
        return list(known.values())

    def _query(self, question: Asked, total: int) -> Query:
        if (span := question.units.span_of_single()) is not None:
            begun = self._index.between(*span)
            return choose(dict.fromkeys(begun, 1), begun, total)
        return choose(question.counts, self._index.said([*islice(question.counts, _ASKED)]), total)

    def _here(self) -> dict[str, str]:
        return {"agency": self._agency, "collection": self._name}

    def _mine(self, table: Table) -> tuple[Any, Any]:
        return table.c.agency == self._agency, table.c.collection == self._name

    def _lock(self) -> None:
        """Let one writer at a time into the statistics of a collection, so that two imports cannot deadlock."""
        _BEGIN.run(self._connection, {**self._here(), "analysis": ANALYSIS})
        _LOCK.run(self._connection, self._here())

    def _take_out(self, refs: Sequence[str]) -> None:
        rows = _HELD.run(self._connection, refs, self._here()).fetchall() if refs else []
        if not rows:
            return
        vectors = {ref: Vector(vector).keys for ref, _, vector in rows}
        self._index.drop({ref: list(filter(looked_up, keys)) for ref, keys in vectors.items()})
        _LEAVE.run(self._connection, list(vectors), self._here())
        self._statistics(vectors, -1, sum(length for _, length, _ in rows))

    def _statistics(self, terms: Mapping[str, Iterable[int]], sign: int, length: int) -> None:
        said = Counter(term for keys in terms.values() for term in keys)
        if said:
            self._index.count({term: sign * number for term, number in said.items()})
        _ADD.run(self._connection, {**self._here(), "more": sign * len(terms), "longer": sign * length})

    def _totals(self) -> tuple[int, int]:
        row = _TOTALS.run(self._connection, self._here()).fetchone()
        return (row[0], row[1]) if row else (0, 0)


def _of(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.agency == bindparam("agency"), table.c.collection == bindparam("collection")


def _named(names: Sequence[ColumnElement[str]]) -> tuple[ColumnElement[bool], ...]:
    return *_of(documents), documents.c.ref.in_(names)


_ENTER = Hot(insertion(documents))
_HELD = HotBatch(lambda n: select(documents.c.ref, documents.c.length, documents.c.vector).where(*_named(n)))
_LEAVE = HotBatch(lambda n: delete(documents).where(*_named(n)))
_BEGIN = Hot(
    text(
        "INSERT INTO search_totals (agency, collection, documents, length, analysis)"
        " VALUES (:agency, :collection, 0, 0, :analysis) ON CONFLICT DO NOTHING"
    )
)
_LOCK = Hot(select(totals.c.agency).where(*_of(totals)).with_for_update())
_TOTALS = Hot(select(totals.c.documents, totals.c.length).where(*_of(totals)))
_ADD = Hot(
    update(totals)
    .where(*_of(totals))
    .values(documents=totals.c.documents + bindparam("more"), length=totals.c.length + bindparam("longer"))
)
