"""Recomputing every open case after a notice was imported.

    python benchmarks/recompute.py [CASES] [FOLDER]      (10,000 cases; FOLDER default: /dev/shm, a tmpfs)

Aim: at least 5,000 cases a second on one core. An invented notice for 2027 and its correction are imported in turn,
so that every reply moves every time. The floor reads the same ledgers with the bare driver, parses them, and writes
the same rows back, in batches of the same size: what no program could leave out. ``--profile`` says where time goes.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour
from sqlalchemy import insert

from yishenqing import Office
from yishenqing.core.ledger import Entry, append
from yishenqing.letters import Letterbook
from yishenqing.shipped import shipped
from yishenqing.store import tables

ROUNDS, BATCH = 7, 500
USER, TODAY = "bench", date(2026, 12, 22)
RECEIVED = "2026-12-10"
NOTICES = ("[2027-01-01, 2027-01-02, 2027-01-03]", "[2027-01-01, 2027-01-04]")
SEARCH = {"systems": "档案管理系统", "keywords": "土地征收公告", "result": "检索到一份"}
ASKED = ("third_party_consulted", {"party": "某公司", "content": "合同"})
TOLD = ("third_party_answered", {"opinion": "agreed"})
BEGUN: tuple[tuple[str, Mapping[str, Any]], ...] = (("acknowledged", {}), ("accepted", {"handler": "征地管理科"}))
EXTENDED = (
    ("extension_asked", {"reason": "数量较大"}),
    ("extension_approved", {"days": 10}),
    ("extended", {"days": 10, "reason": "数量较大"}),
)
# What an office's open cases look like: fresh, in hand, an opinion awaited, an opinion received, extended.
ROADS: tuple[Sequence[tuple[str, Mapping[str, Any]]], ...] = (
    (),
    BEGUN,
    (*BEGUN, ("search_recorded", SEARCH)),
    (*BEGUN, ("search_recorded", SEARCH), ASKED),
    (*BEGUN, ("search_recorded", SEARCH), ASKED, TOLD, *EXTENDED),
)


def filled(home: Path, number: int) -> Office:
    """Return an office of ``number`` cases: one of each kind by the verbs, the others cloned, rehashed."""
    Office.init(home, USER)
    office = Office.open(home, user=USER, today=lambda: TODAY)
    Letterbook.pdf = lambda *_: b"%PDF"  # type: ignore[method-assign]  # no letter is measured
    sample = json.loads((shipped("samples") / "applications" / "01.json").read_text(encoding="utf-8"))
    numbers = []
    for road in ROADS:
        numbers.append(office.register({**sample, "arrived_on": RECEIVED})["number"])
        for step, facts in road:
            office.act(numbers[-1], step, facts)
    with office._transactions.writing() as connection:  # noqa: SLF001 - no verb writes in bulk
        cases = [office._load(connection, n) for n in numbers]  # noqa: SLF001
        stored = [[dict(r) for r in connection.execute(_deadlines_of(n)).mappings()] for n in numbers]
        for start in range(0, number - len(numbers), BATCH):
            rows: dict[Any, list[dict[str, Any]]] = {tables.cases: [], tables.entries: [], tables.deadlines: []}
            for n in range(start, min(start + BATCH, number - len(numbers))):
                kind, name = n % len(cases), f"B{n:06}"
                entries = _cloned(cases[kind].entries, name, cases[kind].row.rulebook)
                head = {"number": name, "head_seq": entries[-1].seq, "head_hash": entries[-1].hash}
                case = {c.name: getattr(cases[kind].row, c.name) for c in tables.cases.columns}
                rows[tables.cases].append({**case, **head})
                rows[tables.entries] += [e._asdict() for e in entries]
                rows[tables.deadlines] += [{**r, "number": name} for r in stored[kind]]
            for table, found in rows.items():
                connection.execute(insert(table), found)
    return office


def _deadlines_of(number: str) -> Any:
    return tables.deadlines.select().where(tables.deadlines.c.number == number)


def _cloned(entries: Sequence[Entry], number: str, rulebook: str) -> list[Entry]:
    found: list[Entry] = []
    for e in entries:
        found.append(
            append(
                found[-1] if found else None,
                agency=e.agency,
                number=number,
                rulebook=rulebook,
                on=e.on,
                recorded_at=e.recorded_at,
                actor=e.actor,
                step=e.step,
                rehearsal=e.rehearsal,
                payload=e.payload,
            )
        )
    return found


def floor(path: Path) -> None:
    """Read, parse and write back, with nothing in between."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    numbers = [n for (n,) in connection.execute("SELECT DISTINCT number FROM deadlines ORDER BY number")]
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        marks = ",".join("?" * len(some))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"SELECT * FROM cases WHERE number IN ({marks})", some).fetchall()
        for row in connection.execute(f"SELECT * FROM entries WHERE number IN ({marks})", some):
            date.fromisoformat(row[3])
            json.loads(row[8])
        replies = (
            f"SELECT due, remind_on, agency, number, clock FROM deadlines WHERE clock='reply' AND number IN ({marks})"
        )
        known = connection.execute(replies, some).fetchall()
        connection.executemany(
            "UPDATE deadlines SET due=?, remind_on=? WHERE agency=? AND number=? AND clock=?", known
        )
        connection.execute("COMMIT")
    connection.close()


def main() -> None:
    words = [w for w in sys.argv[1:] if w != "--profile"]
    number = int(words[0]) if words else 10_000
    base = words[1] if len(words) > 1 else "/dev/shm"
    with tempfile.TemporaryDirectory(dir=base) as folder:
        home = Path(folder) / "office"
        office = filled(home, number)
        files = []
        for position, off in enumerate(NOTICES):
            files.append(Path(folder) / f"{position}.yaml")
            files[-1].write_text(f"year: 2027\noff: {off}\n", encoding="utf-8")
        measure(office, home / "office.db", files, number, base)
        if "--profile" in sys.argv:
            profile = cProfile.Profile()
            profile.runcall(office.import_calendar, files[1])
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        office.close()


def measure(office: Office, database: Path, files: Sequence[Path], number: int, base: str) -> None:
    rounds: list[tuple[float, float, float]] = []
    moved = 0
    for turn in range(ROUNDS):
        floor_begun = time.process_time()
        floor(database)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        moved = len(office.import_calendar(files[turn % 2])["moved"])
        rounds.append((time.perf_counter() - begun, time.process_time() - begun_cpu, begun_cpu - floor_begun))
    wall, cpu, bare = (statistics.median(x) for x in zip(*rounds, strict=True))
    print(machine(), base, sep=", ")
    print(f"{number} cases, {moved} deadlines moved")
    print(f"{number / cpu:.0f} cases a second of processor time (aim ≥ 5000), {number / wall:.0f} of waiting")
    ratio = statistics.median(cpu / bare for _, cpu, bare in rounds)
    print(f"floor {number / bare:.0f}/s, recompute ÷ floor: {ratio:.1f}")


if __name__ == "__main__":
    main()
