"""What one capability keeps in the index of one agency: entered, taken out and found in the caller's transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct, field
from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, delete, func, select, text, update

from yishenqing.hot import Among, Hot, HotBatch, insertion
from yishenqing.search import consistency, uncounted
from yishenqing.search.asking import Asked
from yishenqing.search.facets import Properties, Wanted
from yishenqing.search.index import Candidate, index_for
from yishenqing.search.ranking import CANDIDATES, CANDIDATES_TOGETHER, DEEPER, Query, choose, ranked, score, total_of
from yishenqing.search.tables import documents, frequencies, install, totals
from yishenqing.search.tables import uncounted as uncounted_changes
from yishenqing.search.terms import Vector, count, looked_up
from yishenqing.search.uncounted import Change

__all__ = ["ANALYSIS", "Collection", "Document", "Hit", "install"]

ANALYSIS = 1  # raise it whenever texts are split into other terms
_AT_ONCE = 500
_UNCOUNTED = 32  # changes that a search adds to what is counted
_NUMBER_BITS = 62
_ASKED = 2000  # distinct terms of a query that are looked up; a whole judgment has several thousand


class Document(Struct, frozen=True):
    """What is entered: texts, each with its weight, and by what the document can be narrowed."""

    fields: Sequence[tuple[str, int]]
    properties: Properties = field(default_factory=Properties)


class Hit(Struct, frozen=True):
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

    def put(self, entered: Mapping[str, Document], *, alone: bool = False) -> None:
        """Enter documents by name, each replacing the one of that name.

        Whoever does not see to it that nobody else enters documents of these names meanwhile enters them ``alone``.
        """
        if not entered:
            return
        self._begin(alone=alone)
        changes = self._take_out(list(entered))
        counted = {ref: _counted(document) for ref, document in entered.items()}
        kept = {ref: Stored(length, Vector.pack(counts)) for ref, (length, counts) in counted.items()}
        _ENTER.run_many(self._connection, [{**self._here(), "ref": r, **k._asdict()} for r, k in kept.items()])
        self._index.put({ref: sorted(filter(looked_up, counts)) for ref, (_, counts) in counted.items()})
        changes += [Change(1, *row) for row in kept.values()]
        if len(changes) > _UNCOUNTED or self._turn_to_count(len(changes)):
            self._count(changes)
        else:
            self._count_later(changes)

    def drop(self, refs: Iterable[str]) -> None:
        """Take documents out; nothing of them is kept to be counted later."""
        self._begin(alone=True)
        self._count(self._take_out(list(refs)))

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
        self._begin(alone=True)
        names = list(self.refs())
        for start in range(0, len(names), _AT_ONCE):
            self._take_out(names[start : start + _AT_ONCE])
        here = update(totals).where(*self._mine(totals))
        self._connection.execute(here.values(analysis=ANALYSIS, documents=0, length=0))
        for table in (frequencies, uncounted_changes):
            self._connection.execute(delete(table).where(*self._mine(table)))

    def find(self, question: Asked | None, limit: int = 10, wanted: Wanted | None = None) -> list[Hit]:
        """Return the documents nearest to ``question``, best first, ties by name; without one the newest wanted."""
        wanted = wanted or Wanted()
        if question is None:
            newest = self._index.newest((), wanted, limit) if wanted else []
            return [Hit(c.ref, 0.0, {}) for c in newest]
        # Before the counts: what somebody counts meanwhile is known twice for this once, and never not at all.
        waiting = [Change(*row) for row in _WAITING.run(self._connection, self._here()).fetchall()]
        total, length = self._totals(waiting)
        query = self._query(question, total, waiting)
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
        enough = max(DEEPER * limit, CANDIDATES)
        found = self._index.candidates(probes, wanted, enough) if probes else []
        known = {c.ref: c for c in found}
        most = len(known) + CANDIDATES_TOGETHER if known else enough
        for terms in query.common():
            if len(known) >= most:
                break
            known |= {c.ref: c for c in self._index.newest(terms, wanted, most - len(found))}
        return list(known.values())

    def _query(self, question: Asked, total: int, waiting: Sequence[Change]) -> Query:
        if (span := question.units.span_of_single()) is not None:
            begun = uncounted.between(waiting, *span)
            begun.update(self._index.between(*span))
            return choose(dict.fromkeys(begun, 1), begun, total)
        terms = [*islice(question.counts, _ASKED)]
        said = uncounted.said(waiting, frozenset(terms))
        said.update(self._index.said(terms))
        return choose(question.counts, said, total)

    def _here(self) -> dict[str, str]:
        return {"agency": self._agency, "collection": self._name}

    def _mine(self, table: Table) -> tuple[Any, Any]:
        return table.c.agency == self._agency, table.c.collection == self._name

    def _begin(self, *, alone: bool) -> None:
        """Enter beside others, or let nobody else enter until the end of the transaction."""
        lock = _ALONE if alone else _BESIDE
        if lock.run(self._connection, self._here()).fetchone() is None:
            _BEGIN.run(self._connection, {**self._here(), "analysis": ANALYSIS})
            lock.run(self._connection, self._here())

    def _take_out(self, refs: Sequence[str]) -> list[Change]:
        rows = _HELD_FIRMLY.run(self._connection, refs, self._here()).fetchall() if refs else []
        if not rows:
            return []
        self._index.drop({ref: list(filter(looked_up, Vector(vector).keys)) for ref, _, vector in rows})
        _LEAVE.run(self._connection, [ref for ref, _, _ in rows], self._here())
        return [Change(-1, length, vector) for _, length, vector in rows]

    def _turn_to_count(self, more: int) -> bool:
        """Tell whether too many changes wait to be counted, and nobody else is counting."""
        waiting = _HOW_MANY.run(self._connection, self._here()).fetchone()[0]
        if waiting + more <= _UNCOUNTED:
            return False
        return _COUNTING_IF_FREE.run(self._connection, self._here()).fetchone() is not None

    def _count_later(self, changes: Sequence[Change]) -> None:
        rows = [{**self._here(), "number": secrets.randbits(_NUMBER_BITS), **c._asdict()} for c in changes]
        _KEEP.run_many(self._connection, rows)

    def _count(self, changes: Sequence[Change]) -> None:
        """Count ``changes`` and all that waits."""
        _COUNTING.run(self._connection, self._here())
        waiting = [Change(*row) for row in _TAKE.run(self._connection, self._here()).fetchall()]
        every = [*changes, *waiting]
        if more := uncounted.terms(every):
            self._index.count(more)
        grown = {"more": uncounted.documents(every), "longer": uncounted.length(every)}
        _ADD.run(self._connection, {**self._here(), **grown})

    def _totals(self, waiting: Sequence[Change]) -> tuple[int, int]:
        row = _TOTALS.run(self._connection, self._here()).fetchone() or (0, 0)
        return row[0] + uncounted.documents(waiting), row[1] + uncounted.length(waiting)


def _of(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.agency == bindparam("agency"), table.c.collection == bindparam("collection")


def _named(among: Among) -> tuple[ColumnElement[bool], ...]:
    return *_of(documents), among(documents.c.ref)


def _select_named(among: Among) -> Select[tuple[str, int, bytes]]:
    return select(documents.c.ref, documents.c.length, documents.c.vector).where(*_named(among))


_ENTER = Hot(insertion(documents))
_HELD = HotBatch(_select_named)
_HELD_FIRMLY = HotBatch(lambda among: _select_named(among).order_by(documents.c.ref).with_for_update())
_LEAVE = HotBatch(lambda among: delete(documents).where(*_named(among)))
_BEGIN = Hot(
    text(
        "INSERT INTO search_totals (agency, collection, documents, length, analysis)"
        " VALUES (:agency, :collection, 0, 0, :analysis) ON CONFLICT DO NOTHING"
    )
)
_ONE = select(totals.c.agency).where(*_of(totals))
# FOR UPDATE waits for everybody who enters (FOR KEY SHARE); who counts lets them enter (FOR NO KEY UPDATE).
_ALONE = Hot(_ONE.with_for_update())
_BESIDE = Hot(_ONE.with_for_update(read=True, key_share=True))
_COUNTING = Hot(_ONE.with_for_update(key_share=True))
_COUNTING_IF_FREE = Hot(_ONE.with_for_update(key_share=True, skip_locked=True))
_CHANGE = (uncounted_changes.c.sign, uncounted_changes.c.length, uncounted_changes.c.vector)
_KEEP = Hot(insertion(uncounted_changes))
_HOW_MANY = Hot(select(func.count()).select_from(uncounted_changes).where(*_of(uncounted_changes)))
_WAITING = Hot(select(*_CHANGE).where(*_of(uncounted_changes)))
_TAKE = Hot(delete(uncounted_changes).where(*_of(uncounted_changes)).returning(*_CHANGE))
_TOTALS = Hot(select(totals.c.documents, totals.c.length).where(*_of(totals)))
_ADD = Hot(
    update(totals)
    .where(*_of(totals))
    .values(documents=totals.c.documents + bindparam("more"), length=totals.c.length + bindparam("longer"))
)
