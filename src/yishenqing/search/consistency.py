"""Hold the index of a collection against the documents that it was made of: sums under a key drawn for this once.

Terms are hashes that tell a reader nothing, and there are hundreds of each document; so what is compared are sums
over all of them, in one pass and flat in memory, keyed so that no change can be made to leave them as they were.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, select, text

from yishenqing.search import uncounted
from yishenqing.search.index import posting, token
from yishenqing.search.tables import documents, frequencies, supported, totals
from yishenqing.search.tables import uncounted as waiting
from yishenqing.search.terms import Vector, looked_up
from yishenqing.search.uncounted import Change

_AT_ONCE = 200
_PLACES = (1 << 64) - 1
Sum = Callable[[int, int], int]


def faults(connection: Connection, agency: str, collection: str) -> list[str]:
    """Return what of the index does not follow from the documents of the collection."""
    key = secrets.randbits(60)

    def keyed(place: int, term: int) -> int:
        return hash((key, place, term)) & _PLACES

    said = counted = postings = size = length = 0
    numbers = dict(_numbers(connection, agency, collection))
    for ref, row_length, vector in _documents(connection, agency, collection):
        size, length = size + 1, length + int(row_length)
        for term in Vector(vector).keys:
            said += keyed(0, term)
            if looked_up(term):
                postings += keyed(numbers.get(ref, 0), posting(agency, collection, term))
    for term, times in _frequencies(connection, agency, collection):
        counted += int(times) * keyed(0, term)
    changes = _waiting(connection, agency, collection)
    counted += sum(times * keyed(0, term) for term, times in uncounted.terms(changes).items())
    found = []
    if counted != said:
        found.append("词频与各文不符")
    if size != len(numbers) or postings != _postings(connection, agency, collection, keyed):
        found.append("倒排索引与各文不符")
    known = _totals(connection, agency, collection)
    if (size, length) != (known[0] + uncounted.documents(changes), known[1] + uncounted.length(changes)):
        found.append("总数与各文不符")
    return found


def _here(table: Any, agency: str, collection: str) -> tuple[Any, Any]:
    return table.c.agency == agency, table.c.collection == collection


def _documents(connection: Connection, agency: str, collection: str) -> Iterator[Any]:
    query = select(documents.c.ref, documents.c.length, documents.c.vector).where(
        *_here(documents, agency, collection)
    )
    return iter(connection.execute(query.execution_options(yield_per=_AT_ONCE)))


def _frequencies(connection: Connection, agency: str, collection: str) -> Iterator[Any]:
    query = select(frequencies.c.term, frequencies.c.documents).where(*_here(frequencies, agency, collection))
    return iter(connection.execute(query.execution_options(yield_per=_AT_ONCE * 20)))


def _waiting(connection: Connection, agency: str, collection: str) -> list[Change]:
    query = select(waiting.c.sign, waiting.c.length, waiting.c.vector).where(*_here(waiting, agency, collection))
    return [Change(*row) for row in connection.execute(query)]


def _totals(connection: Connection, agency: str, collection: str) -> tuple[int, int]:
    query = select(totals.c.documents, totals.c.length).where(*_here(totals, agency, collection))
    row = connection.execute(query).first()
    return (int(row.documents), int(row.length)) if row else (0, 0)


def _numbers(connection: Connection, agency: str, collection: str) -> Iterator[tuple[str, int]]:
    """Yield under which number each document lies in the database's own index."""
    table = "search_rows" if supported(connection) == "sqlite" else "search_grams"
    sql = f"SELECT ref, number FROM {table} WHERE agency = :a AND collection = :c"  # noqa: S608 - a name of ours
    yield from ((row[0], row[1]) for row in connection.execute(text(sql), {"a": agency, "c": collection}))


def _postings(connection: Connection, agency: str, collection: str, keyed: Sum) -> int:
    """Return the sum over what is looked up, as the database's own index has it."""
    here = {"a": agency, "c": collection}
    if supported(connection) == "postgresql":
        sql = "SELECT number, unnest(grams) FROM search_grams WHERE agency = :a AND collection = :c"
        return sum(keyed(number, gram) for number, gram in connection.execute(text(sql), here))
    # What lies there of other collections is theirs to answer for; what is nobody's is told by SQLite itself.
    connection.execute(text("CREATE VIRTUAL TABLE temp.search_seen USING fts5vocab(main, search_grams, instance)"))
    try:
        sql = (
            "SELECT doc, term FROM temp.search_seen JOIN search_rows ON number = doc"
            " WHERE agency = :a AND collection = :c"
        )
        return sum(keyed(number, token(term)) for number, term in connection.execute(text(sql), here))
    finally:
        connection.execute(text("DROP TABLE temp.search_seen"))
