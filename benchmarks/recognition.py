"""How long the recognition of a request takes among many earlier ones, against one indexed query of the same table.

    python benchmarks/recognition.py [REQUESTS]      1,000,000 is what it is designed for; 100,000 unless told

Aim: p95 at most 100 ms for one item among 1,000,000. Texts are invented; a tenth of them are copies of few texts, as
serial applicants send them.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour
from sqlalchemy import Connection, text

from yishenqing.kinship import Index, Keys, identifiers, metadata
from yishenqing.precedents import shipped_library
from yishenqing.precedents.evaluation import percentile
from yishenqing.store.engine import open_engine

AGENCY, SEED, QUERIES = "bench", 20190515, 300
FIRST = date(2016, 1, 4)
PLACES = [a + b for a in "青柳云禾桥石龙清白沙" for b in "湾溪镇村河山塘口坪岭"]


def requests(number: int) -> list[str]:
    """Return invented requests: a place, a clause of the shipped library, random characters."""
    chance = random.Random(SEED)
    clauses = [c for p in shipped_library() for t in (p.facts, p.request) for c in t.split("，") if len(c) > 6]
    characters = [chr(c) for c in range(0x4E00, 0x4E00 + 2500)]
    mass = [f"关于{place}村集体土地征收的批复、公告及补偿登记材料" for place in PLACES[:20]]
    found = []
    for _ in range(number):
        if chance.random() < 0.1:
            found.append(chance.choice(mass))
        else:
            unknown = "".join(chance.choices(characters, k=chance.randint(4, 16)))
            found.append(f"关于{chance.choice(PLACES)}{unknown}的{chance.choice(clauses)}")
    return found


def fill(connection: Connection, index: Index, said: Sequence[str]) -> None:
    for n, request in enumerate(said):
        who = identifiers({"name": f"某{n % 5000}", "id_number": f"E{n % 200_000:08}"})
        index.enter(f"{n:08}", FIRST + timedelta(days=n * 3650 // len(said)), who, [request])
        if n % 10_000 == 0:
            connection.commit()
    connection.commit()


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    said = requests(number)
    chance = random.Random(SEED + 1)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/office.db")
        with engine.connect() as connection:
            metadata.create_all(connection)
            index = Index(connection, AGENCY, Keys.of(Path(folder)))
            ours = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
            connection.exec_driver_sql("PRAGMA cache_size=-2000000")  # to be filled sooner; measured with ours
            begun = perf_counter()
            fill(connection, index, said)
            entered = (perf_counter() - begun) / number * 1000
            connection.exec_driver_sql(f"PRAGMA cache_size={ours}")

            def read(numbers: Sequence[str]) -> Mapping[str, Sequence[str]]:
                return {n: [said[int(n)]] for n in numbers}

            today = FIRST + timedelta(days=3651)
            floor, times, missed = [], [], 0
            for _ in range(QUERIES):
                asked = chance.randrange(number)
                begun = perf_counter()
                connection.execute(
                    text("SELECT * FROM request_texts WHERE agency = 'bench' AND id = :i"), {"i": asked}
                )
                floor.append((perf_counter() - begun) * 1000)
                begun = perf_counter()
                found = index.alike("99999999", today, said[asked], 0.7, read)
                index.kin(f"{asked:08}", today, today - timedelta(days=365), 10)
                times.append((perf_counter() - begun) * 1000)
                missed += not any(t.exact for t in found)
        engine.dispose()
    print(machine())
    print(f"{number} requests entered, {entered:.2f} ms each")
    print(f"floor (one row by its key): p50 {percentile(floor, 50)} ms, p95 {percentile(floor, 95)} ms")
    print(f"recognition: p50 {percentile(times, 50)} ms, p95 {percentile(times, 95)} ms  (aim: p95 ≤ 100)")
    print(f"texts not found again: {missed} of {QUERIES}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
