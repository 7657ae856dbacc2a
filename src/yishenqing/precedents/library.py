"""The library of precedents of one agency, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select

from yishenqing.core.errors import NotFound
from yishenqing.hot import Among, Hot, HotBatch, insertion
from yishenqing.precedents.model import Match, Precedent
from yishenqing.precedents.reasons import best_passage, why
from yishenqing.precedents.tables import precedents
from yishenqing.search import Collection, Document, Properties, Wanted, asked

COLLECTION = "precedents"
_BATCH = 500  # documents entered with one set of statements
_WEIGHTS = {"title": 3, "holding": 2, "request": 2, "facts": 1, "reply": 1, "source": 1, "id": 1}
_LIST_WEIGHTS = {"legal_basis": 2, "topics": 2}


class Library:
    """The precedents of ``agency``; nothing is committed here, and what is added is found at once."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Open the library of ``agency``; the tables must be installed."""
        self._connection = connection
        self._agency = agency
        self._index = Collection(connection, agency, COLLECTION)

    def add(self, records: Iterable[Precedent]) -> int:
        """Enter precedents, each replacing the one with its id; return how many ids were written."""
        written: set[str] = set()
        source = iter(records)
        while batch := {p.id: p for p in islice(source, _BATCH)}:
            # first: it lets one writer in at a time
            self._index.put({i: document(p) for i, p in batch.items()}, alone=True)
            self._put_in(batch)
            written |= batch.keys()
        return len(written)

    def remove(self, identifiers: Sequence[str]) -> None:
        """Take precedents out; an id that is not there is passed over."""
        self._index.drop(identifiers)
        if identifiers:
            _LEAVE.run(self._connection, identifiers, {"agency": self._agency})

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

    def ids(self, *, after: str, most: int) -> list[str]:
        """Return up to ``most`` ids that come after ``after``, in order."""
        here = (precedents.c.agency == self._agency, precedents.c.id > after)
        return list(
            self._connection.scalars(select(precedents.c.id).where(*here).order_by(precedents.c.id).limit(most))
        )

    def known(self, identifiers: Iterable[str]) -> set[str]:
        """Return which of these ids the library has."""
        wanted = sorted(identifiers)
        return {i for n in range(0, len(wanted), _BATCH) for i in self._records(wanted[n : n + _BATCH])}

    def count(self) -> int:
        """Return how many precedents the library has."""
        query = select(func.count()).select_from(precedents).where(precedents.c.agency == self._agency)
        return int(self._connection.execute(query).scalar_one())

    def search(self, text: str, limit: int = 10, wanted: Wanted | None = None) -> list[Match]:
        """Return the precedents nearest to ``text``, best first, ties by id; without words the newest wanted.

        Raises:
            DataFault: the text holds no letter, digit or character, or ``limit`` is not 1 to 1000.
        """
        question = None if wanted and not text.strip() else asked(text, limit)
        hits = self._index.find(question, limit, wanted)
        records = self._records([h.ref for h in hits])
        matches = []
        for hit in hits:
            record = records[hit.ref]
            reasons = why(question, hit.parts, record)
            matches.append(Match(hit.ref, hit.score, record.title, reasons, record, best_passage(record, hit.parts)))
        return matches

    def rank(self, text: str, limit: int = 10) -> list[tuple[str, float]]:
        """Return ids and scores of ``search`` alone, without reading the records."""
        return [(hit.ref, hit.score) for hit in self._index.find(asked(text, limit), limit)]

    def current(self) -> bool:
        """Tell whether the precedents were entered into the index as texts are split now."""
        return self._index.current() or not self.count()

    def enter_anew(self, *, everything: bool = False) -> int:
        """Enter every precedent into the index again if it was entered otherwise than texts are split now."""
        known = self.count()
        if not known or (self._index.current() and not everything):
            return 0
        self._index.begin_anew()
        source = self.all()
        while batch := list(islice(source, _BATCH)):
            self._index.put({p.id: document(p) for p in batch}, alone=True)
        return known

    def _put_in(self, batch: Mapping[str, Precedent]) -> None:
        _LEAVE.run(self._connection, list(batch), {"agency": self._agency})
        rows = [{"agency": self._agency, "id": i, "record": p.dumped()} for i, p in batch.items()]
        _ENTER.run_many(self._connection, rows)

    def _records(self, identifiers: Sequence[str]) -> dict[str, Precedent]:
        if not identifiers:
            return {}
        rows = _RECORDS.run(self._connection, identifiers, {"agency": self._agency}).fetchall()
        return {i: Precedent.loaded(record) for i, record in rows}


def _named(among: Among) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return precedents.c.agency == bindparam("agency"), among(precedents.c.id)


_ENTER = Hot(insertion(precedents))
_LEAVE = HotBatch(lambda among: delete(precedents).where(*_named(among)))
_RECORDS = HotBatch(lambda among: select(precedents.c.id, precedents.c.record).where(*_named(among)))


def document(precedent: Precedent) -> Document:
    """Return a record as it is searched; what names the case and what it decides weighs more than its story."""
    fields = [(getattr(precedent, name), weight) for name, weight in _WEIGHTS.items()]
    fields += [(t, w) for name, w in _LIST_WEIGHTS.items() for t in getattr(precedent, name)]
    survived = None if precedent.overturned is None else not precedent.overturned
    decided = precedent.decided_on
    return Document(
        fields,
        Properties(
            outcome=precedent.outcome,
            articles=precedent.legal_basis,
            topics=precedent.topics,
            agency=f"{precedent.title} {precedent.source}",
            year=int(decided[:4]) if decided else None,
            survived=survived,
        ),
    )
