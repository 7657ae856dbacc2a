"""How long a search for precedents takes, against SQLite's own bm25() over the same terms in the same run.

Run: ``python benchmarks/precedents.py [DOCUMENTS] [DATABASE_URL]`` (10,000 on SQLite unless told). Times are
milliseconds. The floor is what one would write first: an FTS5 table of the same pairs of characters and an OR of
all pairs of the query.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from sqlalchemy import Connection, create_engine, text

from yishenqing.precedents import Library, Precedent, install, shipped_library
from yishenqing.precedents.evaluation import percentile
from yishenqing.search.terms import units

QUERIES = 60
SEED = 20190515


def synthetic(number: int, seed: int = SEED) -> list[Precedent]:
    """Return invented records: clauses of the shipped library and random characters, mixed by a fixed seed."""
    chance = random.Random(seed)
    clauses = [c for p in shipped_library() for t in (p.facts, p.holding, p.reply) for c in t.split("，") if c]
    characters = [chr(c) for c in range(0x4E00, 0x4E00 + 2500)]

    def sentence(parts: int) -> str:
        words = []
        for _ in range(parts):
            words.append(chance.choice(clauses))
            words.append("".join(chance.choices(characters, k=chance.randint(2, 10))))
        return "，".join(words) + "。"

    return [
        Precedent(
            id=f"S{n:06}",
            title=sentence(1),
            facts=sentence(chance.randint(4, 12)),
            request=sentence(1),
            holding=sentence(chance.randint(2, 5)),
        )
        for n in range(number)
    ]


def questions(records: Sequence[Precedent], seed: int = SEED) -> dict[str, list[str]]:
    """Return keywords, questions and long texts drawn from ``records``."""
    chance = random.Random(seed + 1)
    drawn = chance.sample(list(records), QUERIES)
    return {
        "keywords": [p.title[-6:] for p in drawn],
        "question": [p.holding[:40] + "还能拒绝公开吗" for p in drawn],
        "long": [p.facts + p.holding for p in drawn],
    }


def fill_floor(connection: Connection, records: Sequence[Precedent]) -> None:
    """Index the same pairs of characters for bm25()."""
    connection.execute(text("CREATE VIRTUAL TABLE floor USING fts5(grams, detail=full, tokenize='unicode61')"))
    rows = [{"grams": pairs(f"{p.title} {p.facts} {p.request} {p.holding}")} for p in records]
    connection.execute(text("INSERT INTO floor (grams) VALUES (:grams)"), rows)


def pairs(document: str) -> str:
    return " ".join(a + b for a, b in pairwise(units(document).text))


def floor_search(connection: Connection, query: str) -> None:
    terms = " OR ".join(f'"{p}"' for p in dict.fromkeys(pairs(query).split()))
    sql = text("SELECT rowid FROM floor WHERE floor MATCH :terms ORDER BY bm25(floor), rowid LIMIT 10")
    connection.execute(sql, {"terms": terms}).all()


def p95(search: Callable[[str], object], queries: Sequence[str]) -> float:
    search(queries[0])
    times = []
    for query in queries:
        start = perf_counter()
        search(query)
        times.append((perf_counter() - start) * 1000)
    return percentile(times, 95)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    records = synthetic(number)
    with tempfile.TemporaryDirectory() as folder:
        local = f"sqlite:///{Path(folder) / 'floor.db'}"
        ours = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{Path(folder) / 'library.db'}"
        with create_engine(local).connect() as floor, create_engine(ours).connect() as connection:
            fill_floor(floor, records)
            measure(connection, floor, records)


def measure(connection: Connection, floor: Connection, records: Sequence[Precedent]) -> None:
    install(connection)
    library = Library(connection, "benchmark")
    start = perf_counter()
    library.add(records)  # never committed: a database given by address is left as it was
    each = (perf_counter() - start) * 1000 / len(records)
    print(f"{connection.dialect.name}, {len(records)} documents, {each:.1f} ms to add one")
    print(f"{'query':10} {'p95 ms':>8} {'floor ms':>9} {'ratio':>6}")
    for kind, queries in questions(records).items():
        spent, least = p95(library.search, queries), p95(partial(floor_search, floor), queries)
        print(f"{kind:10} {spent:8.1f} {least:9.1f} {spent / least:6.2f}")


if __name__ == "__main__":
    main()
