"""The library of precedents of one agency, inside the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.precedents.index import index_for
from yishenqing.precedents.model import Match, Precedent
from yishenqing.precedents.ranking import CANDIDATES, Query, choose, ranked, score, total_of
from yishenqing.precedents.reasons import why
from yishenqing.precedents.tables import frequencies, precedents, totals
from yishenqing.precedents.terms import Units, Vector, count, units

MOST_MATCHES = 1000
_BATCH = 500  # documents entered with one set of statements
_READ = 20_000  # characters of a query that are read
_ASKED = 2000  # distinct terms of a query that are looked up; a whole judgment has several thousand
_WEIGHTS = {"title": 3, "holding": 2, "request": 2, "facts": 1, "reply": 1, "source": 1, "id": 1}
_LIST_WEIGHTS = {"legal_basis": 2, "topics": 2}


class Library:
    """The precedents of ``agency``; nothing is committed here, and what is added is found at once."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Open the library of ``agency``; the tables must be installed."""
        self._connection = connection
        self._agency = agency
        self._index = index_for(connection, agency)

    def add(self, records: Iterable[Precedent]) -> int:
        """Enter precedents, each replacing the one with its id; return how many ids were written."""
        written: set[str] = set()
        source = iter(records)
        while batch := {p.id: p for p in islice(source, _BATCH)}:
            self._lock()
            self._take_out(list(batch))
            self._put_in(batch)
            written |= batch.keys()
        return len(written)

    def remove(self, identifiers: Sequence[str]) -> None:
        """Take precedents out; an id that is not there is passed over."""
        self._lock()
        self._take_out(identifiers)

    def get(self, identifier: str) -> Precedent:
        """Return one precedent.

        Raises:
            NotFound: the library has none with this id.
        """
        found = self._records([identifier])
        if identifier not in found:
            raise NotFound(f"案例库中没有编号为“{identifier}”的案例。")
        return found[identifier]

    def all(self) -> Iterator[Precedent]:
        """Yield every precedent, in the order of ids."""
        rows = self._connection.execute(
            select(precedents.c.record).where(precedents.c.agency == self._agency).order_by(precedents.c.id)
        )
        return (Precedent.loaded(text) for text in rows.scalars())

    def count(self) -> int:
        """Return how many precedents the library has."""
        return self._totals()[0]

    def unindex(self) -> None:
        """Forget by what the precedents are found; ``index_anew`` enters it again."""
        ids = self._connection.execute(select(precedents.c.id).where(precedents.c.agency == self._agency)).scalars()
        self._index.drop(dict.fromkeys(ids, ()))

    def index_anew(self) -> None:
        """Enter by what the precedents are found, where rows came from another database without their index."""
        here = select(precedents.c.id, precedents.c.vector).where(precedents.c.agency == self._agency)
        for part in self._connection.execute(here.order_by(precedents.c.id)).partitions(_BATCH):
            self._index.put({row.id: sorted(Vector(row.vector).keys) for row in part})

    def search(self, text: str, limit: int = 10) -> list[Match]:
        """Return the precedents nearest to ``text``, best first, ties by id.

        Raises:
            DataFault: the text holds no letter, digit or character, or ``limit`` is not 1 to 1000.
        """
        asked, scores = self._scored(text, limit)
        best = ranked({i: total_of(parts) for i, parts in scores.items()}, limit)
        records = self._records(best)
        matches = []
        for i in best:
            reasons = why(asked, text, scores[i], records[i])
            matches.append(Match(i, total_of(scores[i]), records[i].title, reasons, records[i]))
        return matches

    def rank(self, text: str, limit: int = 10) -> list[tuple[str, float]]:
        """Return ids and scores of ``search`` alone, without reading the records."""
        scores = {i: total_of(parts) for i, parts in self._scored(text, limit)[1].items()}
        return [(i, scores[i]) for i in ranked(scores, limit)]

    def _scored(self, text: str, limit: int) -> tuple[Units, dict[str, dict[int, float]]]:
        asked = units(text[:_READ])
        if not asked.text:
            raise DataFault.of([Fault("检索词为空，请写出至少一个汉字、字母或者数字")])
        if not 1 <= limit <= MOST_MATCHES:
            raise DataFault.of([Fault(f"检索条数应在 1 至 {MOST_MATCHES} 之间，现为 {limit}")])
        documents, length = self._totals()
        query = self._query(asked, documents)
        if not query.rarity:
            return asked, {}
        found = self._index.candidates(query.probes(), max(limit, CANDIDATES))
        mean = length / documents
        return asked, {c.id: score(query, Vector(c.vector), c.length, mean) for c in found}

    def _query(self, asked: Units, total: int) -> Query:
        counts = Counter(term for term, _, _ in asked.terms())
        table = frequencies.c
        known = select(table.term, table.documents).where(table.agency == self._agency, table.documents > 0)
        if (span := asked.span_of_single()) is not None:
            begun = dict(self._rows(known.where(table.term >= span[0], table.term < span[1])))
            return choose(dict.fromkeys(begun, 1), begun, total)
        terms = list(islice(counts, _ASKED))
        return choose(counts, dict(self._rows(known.where(table.term.in_(terms)))), total)

    def _rows(self, statement: Select[int, int]) -> Sequence[tuple[int, int]]:
        return self._connection.execute(statement).all()

    def _lock(self) -> None:
        """Let one writer at a time into the statistics of an agency, so that two imports cannot deadlock."""
        self._connection.execute(
            self._insert(totals).values(agency=self._agency, documents=0, length=0).on_conflict_do_nothing()
        )
        self._connection.execute(select(totals.c.agency).where(totals.c.agency == self._agency).with_for_update())

    def _insert(self, table: Table) -> Any:
        kind = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        return kind.insert(table)

    def _take_out(self, identifiers: Sequence[str]) -> None:
        here = (precedents.c.agency == self._agency, precedents.c.id.in_(identifiers))
        rows = self._connection.execute(
            select(precedents.c.id, precedents.c.length, precedents.c.vector).where(*here)
        ).all()
        if not rows:
            return
        vectors = {row.id: Vector(row.vector).keys for row in rows}
        self._index.drop(vectors)
        self._connection.execute(delete(precedents).where(*here))
        self._statistics(vectors, -1, sum(row.length for row in rows))

    def _put_in(self, batch: Mapping[str, Precedent]) -> None:
        counted = {i: _counts(p) for i, p in batch.items()}
        rows = [
            {
                "agency": self._agency,
                "id": i,
                "record": batch[i].dumped(),
                "length": sum(counts.values()),
                "vector": Vector.pack(counts),
            }
            for i, counts in counted.items()
        ]
        self._connection.execute(insert(precedents), rows)
        terms = {i: sorted(counts) for i, counts in counted.items()}
        self._index.put(terms)
        self._statistics(terms, 1, sum(sum(counts.values()) for counts in counted.values()))

    def _statistics(self, terms: Mapping[str, Iterable[int]], sign: int, length: int) -> None:
        documents = Counter(term for keys in terms.values() for term in keys)
        if documents:
            self._index.count({term: sign * number for term, number in documents.items()})
        self._connection.execute(
            update(totals)
            .where(totals.c.agency == self._agency)
            .values(documents=totals.c.documents + sign * len(terms), length=totals.c.length + sign * length)
        )

    def _totals(self) -> tuple[int, int]:
        row = self._connection.execute(
            select(func.sum(totals.c.documents), func.sum(totals.c.length)).where(totals.c.agency == self._agency)
        ).one()
        return int(row[0] or 0), int(row[1] or 0)

    def _records(self, identifiers: Sequence[str]) -> dict[str, Precedent]:
        rows = self._connection.execute(
            select(precedents.c.id, precedents.c.record).where(
                precedents.c.agency == self._agency, precedents.c.id.in_(identifiers)
            )
        )
        return {i: Precedent.loaded(record) for i, record in rows}


def _counts(precedent: Precedent) -> Counter[int]:
    """Count a record's terms; what names the case and what it decides weighs more than its story."""
    fields = [(getattr(precedent, name), weight) for name, weight in _WEIGHTS.items()]
    fields += [(t, w) for name, w in _LIST_WEIGHTS.items() for t in getattr(precedent, name)]
    return count(fields)
