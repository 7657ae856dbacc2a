"""The inverted index of each database: which documents say a term, added up by weight.

Both answer the same question from the same integers, so that both databases return the same candidates.
Postings of different agencies are kept apart by shifting the terms of each by an offset of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from sqlalchemy import Connection, text

from yishenqing.precedents.tables import supported

_RANGE = 1 << 63


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document worth ranking: its id, its length in counts and its packed vector."""

    id: str
    length: int
    vector: bytes


class Index(Protocol):
    """What the library needs of a database beyond plain tables."""

    def put(self, documents: Mapping[str, Iterable[int]]) -> None:
        """Enter documents by id with their terms; their rows in ``precedents`` must stand already."""

    def drop(self, documents: Mapping[str, Iterable[int]]) -> None:
        """Take documents out again; their terms must be those that were entered."""

    def count(self, documents: Mapping[int, int]) -> None:
        """Add to the number of documents of each term."""

    def candidates(self, weights: Mapping[int, int], limit: int) -> list[Candidate]:
        """Return the documents with the greatest sum of weights over the terms they say, ties by id."""


def index_for(connection: Connection, agency: str) -> Index:
    """Return the index of ``agency`` in the database of ``connection``."""
    kind = _SqliteIndex if supported(connection) == "sqlite" else _PostgresIndex
    return kind(connection, agency)


class _Postings:
    def __init__(self, connection: Connection, agency: str) -> None:
        self._connection = connection
        self._agency = agency
        self._offset = int.from_bytes(blake2b(agency.encode(), digest_size=8).digest(), "big")

    def _posting(self, term: int) -> int:
        return (term + self._offset) % _RANGE

    def _run(self, sql: str, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
        return self._connection.execute(text(sql), parameters)


class _SqliteIndex(_Postings):
    def put(self, documents: Mapping[str, Iterable[int]]) -> None:
        keys = [{"agency": self._agency, "id": i} for i in documents]
        self._run("INSERT INTO precedent_rows (agency, id) VALUES (:agency, :id)", keys)
        rows = self._rows(documents)
        self._run("INSERT INTO precedent_grams (rowid, grams) VALUES (:number, :grams)", rows)

    def drop(self, documents: Mapping[str, Iterable[int]]) -> None:
        rows = self._rows(documents)
        self._run(
            "INSERT INTO precedent_grams (precedent_grams, rowid, grams) VALUES ('delete', :number, :grams)",
            rows,
        )
        numbers = [{"number": row["number"]} for row in rows]
        self._run("DELETE FROM precedent_rows WHERE number = :number", numbers)

    def _rows(self, documents: Mapping[str, Iterable[int]]) -> list[dict[str, Any]]:
        sql = "SELECT number FROM precedent_rows WHERE agency = :agency AND id = :id"
        return [
            {
                "number": self._run(sql, {"agency": self._agency, "id": i}).scalar_one(),
                "grams": " ".join(map(self._token, terms)),
            }
            for i, terms in documents.items()
        ]

    def _token(self, term: int) -> str:
        return f"{self._posting(term):x}"

    def count(self, documents: Mapping[int, int]) -> None:
        self._run(
            "INSERT INTO precedent_frequencies (agency, term, documents)"
            " SELECT :agency, CAST(key AS INTEGER), value FROM json_each(:documents) WHERE true"
            " ON CONFLICT (agency, term) DO UPDATE SET documents = documents + excluded.documents",
            # one statement, because binding a row for every term takes longer than writing it
            {"agency": self._agency, "documents": json.dumps(dict(sorted(documents.items())))},
        )

    def candidates(self, weights: Mapping[int, int], limit: int) -> list[Candidate]:
        parameters: dict[str, Any] = {"agency": self._agency, "limit": limit, "before": limit - 1}
        parts = []
        for place, (term, weight) in enumerate(weights.items()):
            parts.append(  # without positions (detail=none) FTS5 can add nothing up itself
                f"SELECT rowid AS number, :w{place} AS weight"  # noqa: S608 - only our own numbers go in
                f" FROM precedent_grams WHERE precedent_grams MATCH :t{place}"
            )
            parameters |= {f"t{place}": f'"{self._token(term)}"', f"w{place}": weight}
        sql = _SQLITE_CANDIDATES.format(" UNION ALL ".join(parts))
        return [Candidate(*row) for row in self._run(sql, parameters)]


class _PostgresIndex(_Postings):
    def put(self, documents: Mapping[str, Iterable[int]]) -> None:
        self._run(
            "INSERT INTO precedent_grams (agency, id, grams) VALUES (:agency, :id, CAST(:grams AS bigint[]))",
            [
                {"agency": self._agency, "id": i, "grams": [self._posting(t) for t in terms]}
                for i, terms in documents.items()
            ],
        )

    def drop(self, documents: Mapping[str, Iterable[int]]) -> None:
        self._run(
            "DELETE FROM precedent_grams WHERE agency = :agency AND id = ANY (:ids)",
            {"agency": self._agency, "ids": list(documents)},
        )

    def count(self, documents: Mapping[int, int]) -> None:
        terms = sorted(documents)
        self._run(
            "INSERT INTO precedent_frequencies AS f (agency, term, documents)"
            " SELECT CAST(:agency AS text), n.term, n.documents"
            " FROM unnest(CAST(:terms AS bigint[]), CAST(:counts AS integer[])) AS n (term, documents)"
            " ON CONFLICT (agency, term) DO UPDATE SET documents = f.documents + excluded.documents",
            {"agency": self._agency, "terms": terms, "counts": [documents[t] for t in terms]},
        )

    def candidates(self, weights: Mapping[int, int], limit: int) -> list[Candidate]:
        parameters = {
            "agency": self._agency,
            "limit": limit,
            "terms": [self._posting(t) for t in weights],
            "weights": list(weights.values()),
        }
        return [Candidate(*row) for row in self._run(_POSTGRES_CANDIDATES, parameters)]


# The cut is found before ids are looked up: a common term hits thousands of documents, and few are wanted.
_SQLITE_CANDIDATES = """
WITH hits (number, weight) AS MATERIALIZED (
    SELECT number, sum(weight) FROM ({}) GROUP BY number
), cut (weight) AS (
    SELECT weight FROM hits ORDER BY weight DESC LIMIT 1 OFFSET :before
), best (id, weight) AS MATERIALIZED (
    SELECT r.id, h.weight FROM hits h JOIN precedent_rows r ON r.number = h.number
    WHERE r.agency = :agency AND h.weight >= coalesce((SELECT weight FROM cut), 0)
    ORDER BY h.weight DESC, r.id LIMIT :limit
)
SELECT p.id, p.length, p.vector FROM best b
JOIN precedents p ON p.agency = :agency AND p.id = b.id
ORDER BY b.weight DESC, b.id
"""

_POSTGRES_CANDIDATES = """
SELECT p.id, p.length, p.vector
FROM precedent_candidates(:agency, CAST(:terms AS bigint[]), CAST(:weights AS bigint[]), :limit) b
JOIN precedents p ON p.agency = :agency AND p.id = b.id
ORDER BY b.weight DESC, p.id
"""
