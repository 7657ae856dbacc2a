"""The inverted index of each database: which documents say a term, added up by weight.

Both answer the same question from the same integers, so that both databases return the same candidates. Postings of
different agencies and collections are kept apart by shifting the terms of each by an offset of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection, text

from yishenqing.hot import Hot
from yishenqing.search.facets import Wanted
from yishenqing.search.tables import supported

_RANGE = 1 << 63
_ANY = 0  # stands for "no choice is asked for"


class Candidate(Struct, frozen=True):
    """A document worth ranking: its name, its length in counts and its packed vector."""

    ref: str
    length: int
    vector: bytes


def posting(agency: str, collection: str, term: int) -> int:
    """Return under which number a term of a collection is looked up."""
    return (term + _offset(agency, collection)) % _RANGE


def token(word: str) -> int:
    """Return the number that SQLite's index keeps as a word."""
    return int(word, 16)


@lru_cache(maxsize=64)
def _offset(agency: str, collection: str) -> int:
    name = f"{agency}\0{collection}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


class Index(Protocol):
    """What a collection needs of a database beyond plain tables."""

    def put(self, documents: Mapping[str, Iterable[int]]) -> None:
        """Enter documents by name with their terms; their rows in ``search_documents`` must stand already."""

    def drop(self, documents: Mapping[str, Iterable[int]]) -> None:
        """Take documents out again; their terms must be those that were entered."""

    def count(self, documents: Mapping[int, int]) -> None:
        """Add to the number of documents of each term."""

    def said(self, terms: Sequence[int]) -> dict[int, int]:
        """Return in how many documents each of ``terms`` stands; those in none are left out."""

    def between(self, first: int, after: int) -> dict[int, int]:
        """Return the same of every term from ``first`` up to ``after``."""

    def candidates(self, weights: Mapping[int, int], wanted: Wanted, limit: int) -> list[Candidate]:
        """Return the documents with the greatest sum of weights over the terms they say, of equals the newest."""

    def newest(self, terms: Sequence[int], wanted: Wanted, limit: int) -> list[Candidate]:
        """Return the newest documents that say all of ``terms``; something must be asked for."""


def index_for(connection: Connection, agency: str, collection: str) -> Index:
    """Return the index of a collection of ``agency`` in the database of ``connection``."""
    kind = _SqliteIndex if supported(connection) == "sqlite" else _PostgresIndex
    return kind(connection, agency, collection)


class _Postings:
    def __init__(self, connection: Connection, agency: str, collection: str) -> None:
        self._connection = connection
        self._here = {"agency": agency, "collection": collection}
        self._offset = _offset(agency, collection)

    def _posting(self, term: int) -> int:
        return (term + self._offset) % _RANGE

    def _run(self, statement: Hot, **given: Any) -> Any:
        return statement.run(self._connection, {**self._here, **given})

    def _candidates(self, statement: Hot, **given: Any) -> list[Candidate]:
        return [Candidate(*row) for row in self._run(statement, **given).fetchall()]

    def _counts(self, statement: Hot, **given: Any) -> dict[int, int]:
        return dict(self._run(statement, **given).fetchall())

    def between(self, first: int, after: int) -> dict[int, int]:
        return self._counts(_BETWEEN, first=first, after=after)


class _SqliteIndex(_Postings):
    def put(self, documents: Mapping[str, Iterable[int]]) -> None:
        for ref, terms in documents.items():
            number = self._run(_SQLITE_ENTER, ref=ref).lastrowid
            self._run(_SQLITE_SAY, number=number, grams=self._grams(terms))

    def drop(self, documents: Mapping[str, Iterable[int]]) -> None:
        for ref, terms in documents.items():
            (number,) = self._run(_SQLITE_NUMBER, ref=ref).fetchone()
            self._run(_SQLITE_UNSAY, number=number, grams=self._grams(terms))
            self._run(_SQLITE_LEAVE, number=number)

    def _grams(self, terms: Iterable[int]) -> str:
        return " ".join(map(self._token, terms))

    def _token(self, term: int) -> str:
        return f"{self._posting(term):x}"

    def count(self, documents: Mapping[int, int]) -> None:
        # one statement, because binding a row for every term takes longer than writing it
        self._run(_SQLITE_COUNT, documents=json.dumps(dict(sorted(documents.items()))))

    def said(self, terms: Sequence[int]) -> dict[int, int]:
        return self._counts(_SQLITE_SAID, terms=json.dumps(terms))

    def candidates(self, weights: Mapping[int, int], wanted: Wanted, limit: int) -> list[Candidate]:
        said = {self._said([term], wanted): weight for term, weight in weights.items()}
        return self._candidates(_SQLITE_CANDIDATES, said=json.dumps(said), limit=limit)

    def newest(self, terms: Sequence[int], wanted: Wanted, limit: int) -> list[Candidate]:
        return self._candidates(_SQLITE_NEWEST, said=self._said(terms, wanted), limit=limit)

    def _said(self, terms: Sequence[int], wanted: Wanted) -> str:
        parts = [f'"{self._token(term)}"' for term in (*terms, *wanted.must)]
        if wanted.one_of:
            parts.append("(" + " OR ".join(f'"{self._token(term)}"' for term in wanted.one_of) + ")")
        return " AND ".join(parts)


class _PostgresIndex(_Postings):
    def put(self, documents: Mapping[str, Iterable[int]]) -> None:
        rows = [{**self._here, "ref": ref, "grams": self._postings(terms)} for ref, terms in documents.items()]
        _POSTGRES_SAY.run_many(self._connection, rows)

    def drop(self, documents: Mapping[str, Iterable[int]]) -> None:
        self._run(_POSTGRES_UNSAY, refs=list(documents))

    def count(self, documents: Mapping[int, int]) -> None:
        terms = sorted(documents)
        self._run(_POSTGRES_COUNT, terms=_array(terms), counts=_array(documents[t] for t in terms))

    def said(self, terms: Sequence[int]) -> dict[int, int]:
        return self._counts(_POSTGRES_SAID, terms=_array(terms))

    def candidates(self, weights: Mapping[int, int], wanted: Wanted, limit: int) -> list[Candidate]:
        said = {"terms": self._postings(weights), "weights": _array(weights.values())}
        return self._candidates(_POSTGRES_CANDIDATES, **said, **self._narrowed(wanted), limit=limit)

    def newest(self, terms: Sequence[int], wanted: Wanted, limit: int) -> list[Candidate]:
        return self._candidates(_POSTGRES_NEWEST, **self._narrowed(wanted, terms), limit=limit)

    def _narrowed(self, wanted: Wanted, also: Sequence[int] = ()) -> dict[str, str]:
        must = self._postings((*also, *wanted.must))
        return {"must": must, "one_of": self._postings(wanted.one_of) if wanted.one_of else _array([_ANY])}

    def _postings(self, terms: Iterable[int]) -> str:
        return _array(self._posting(term) for term in terms)


def _array(numbers: Iterable[int]) -> str:
    """Return an array as PostgreSQL reads it: psycopg would look at each of some hundred numbers for its size."""
    return f"{{{','.join(map(str, numbers))}}}"


_SAID = (
    "SELECT term, documents FROM search_frequencies"
    " WHERE agency = :agency AND collection = :collection AND documents > 0 AND "
)
_BETWEEN = Hot(text(_SAID + "term >= :first AND term < :after"))
_ANY_OF = "term IN (SELECT value FROM json_each(:terms))"
_SQLITE_SAID = Hot(text(_SAID + _ANY_OF))
_POSTGRES_SAID = Hot(text(_SAID + "term = ANY (CAST(:terms AS bigint[]))"))

_SQLITE_ENTER = Hot(text("INSERT INTO search_rows (agency, collection, ref) VALUES (:agency, :collection, :ref)"))
_SQLITE_NUMBER = Hot(
    text("SELECT number FROM search_rows WHERE agency = :agency AND collection = :collection AND ref = :ref")
)
_SQLITE_LEAVE = Hot(text("DELETE FROM search_rows WHERE number = :number"))
_SQLITE_SAY = Hot(text("INSERT INTO search_grams (rowid, grams) VALUES (:number, :grams)"))
_SQLITE_UNSAY = Hot(text("INSERT INTO search_grams (search_grams, rowid, grams) VALUES ('delete', :number, :grams)"))
_SQLITE_COUNT = Hot(
    text(
        "INSERT INTO search_frequencies (agency, collection, term, documents)"
        " SELECT :agency, :collection, CAST(key AS INTEGER), value FROM json_each(:documents) WHERE true"
        " ON CONFLICT (agency, collection, term) DO UPDATE SET documents = documents + excluded.documents"
    )
)
# CROSS JOIN keeps SQLite from walking through an agency's rows instead.
# The best are found by their numbers alone: a common term hits thousands of documents, and few are wanted.
_SQLITE_BEST = """
SELECT d.ref, d.length, d.vector FROM best b
CROSS JOIN search_rows r ON r.number = b.number
CROSS JOIN search_documents d ON d.agency = r.agency AND d.collection = r.collection AND d.ref = r.ref
WHERE r.agency = :agency AND r.collection = :collection
ORDER BY b.weight DESC, b.number DESC
"""
# Without positions (detail=none) FTS5 can add nothing up itself.
_SQLITE_CANDIDATES = Hot(
    text(f"""
WITH best (number, weight) AS MATERIALIZED (
    SELECT g.rowid, sum(said.value) FROM json_each(:said) said CROSS JOIN search_grams g
    WHERE g.search_grams MATCH said.key
    GROUP BY g.rowid ORDER BY sum(said.value) DESC, g.rowid DESC LIMIT :limit
)
{_SQLITE_BEST}""")  # noqa: S608 - two constants
)
_SQLITE_NEWEST = Hot(
    text(f"""
WITH best (number, weight) AS MATERIALIZED (
    SELECT rowid, 0 FROM search_grams WHERE search_grams MATCH :said ORDER BY rowid DESC LIMIT :limit
)
{_SQLITE_BEST}""")  # noqa: S608 - two constants
)

_POSTGRES_SAY = Hot(
    text(
        "INSERT INTO search_grams (agency, collection, ref, grams)"
        " VALUES (:agency, :collection, :ref, CAST(:grams AS bigint[]))"
    )
)
_POSTGRES_UNSAY = Hot(
    text("DELETE FROM search_grams WHERE agency = :agency AND collection = :collection AND ref = ANY (:refs)")
)
_POSTGRES_COUNT = Hot(
    text(
        "INSERT INTO search_frequencies AS f (agency, collection, term, documents)"
        " SELECT CAST(:agency AS text), CAST(:collection AS text), n.term, n.documents"
        " FROM unnest(CAST(:terms AS bigint[]), CAST(:counts AS integer[])) AS n (term, documents)"
        " ON CONFLICT (agency, collection, term) DO UPDATE SET documents = f.documents + excluded.documents"
    )
)
# Looked up one by one (LIMIT): joined, all documents of a library were read through for the fifty that were found.
_POSTGRES_FOUND = """
CROSS JOIN LATERAL (
    SELECT length, vector FROM search_documents
    WHERE agency = :agency AND collection = :collection AND ref = b.ref LIMIT 1
) d
"""
_POSTGRES_CANDIDATES = Hot(
    text(f"""
SELECT b.ref, d.length, d.vector
FROM search_candidates(
    CAST(:terms AS bigint[]), CAST(:weights AS bigint[]), CAST(:must AS bigint[]), CAST(:one_of AS bigint[]), :limit
) b {_POSTGRES_FOUND}
ORDER BY b.weight DESC, b.number DESC
""")  # noqa: S608 - two constants
)
_POSTGRES_NEWEST = Hot(
    text(f"""
SELECT b.ref, d.length, d.vector
FROM search_newest(CAST(:must AS bigint[]), CAST(:one_of AS bigint[]), :limit) b {_POSTGRES_FOUND}
ORDER BY b.number DESC
""")  # noqa: S608 - two constants
)
