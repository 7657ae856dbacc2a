"""One ``act`` against the bare driver doing the same six statements, in one run.

    python benchmarks/act.py [FOLDER]      FOLDER: where the databases lie (default: /dev/shm, a tmpfs)

Aim: at least 0.15 of ``raw6`` for a case of 20 entries. The cost of the ledger fold and of the clock is printed
apart. Rounds are interleaved and the ratio is taken within a round, so that a busy machine spoils both alike.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from yishenqing import Office
from yishenqing.core.clock import deadlines
from yishenqing.core.deadline import Fact
from yishenqing.core.decide import permitted
from yishenqing.core.standing import Standing
from yishenqing.shipped import shipped

ENTRIES, ROUNDS, CASES_A_ROUND = 20, 7, 24
DAY = date(2026, 3, 12)
PAYLOAD = json.dumps(
    {"note": "经审查，申请内容明确，交承办科室办理。", "attachments": ["a1b2c3d4"]}, ensure_ascii=False
)
FACTS = {"systems": "档案管理系统", "keywords": "土地征收公告", "result": "检索到一份"}

RAW_TABLES = """
CREATE TABLE cases(id INTEGER PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL,
  last_hash TEXT NOT NULL);
CREATE TABLE events(case_id INTEGER NOT NULL REFERENCES cases(id), seq INTEGER NOT NULL, at TEXT NOT NULL,
  actor TEXT NOT NULL, payload TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(case_id, seq));
CREATE TABLE deadlines(case_id INTEGER NOT NULL, kind TEXT NOT NULL, due_at TEXT NOT NULL,
  PRIMARY KEY(case_id, kind));
CREATE TABLE idem(key TEXT PRIMARY KEY, case_id INTEGER NOT NULL);
CREATE TABLE outbox(id INTEGER PRIMARY KEY, payload TEXT NOT NULL, created_at TEXT NOT NULL);
"""


class Raw6:
    """The floor: idempotency key, case read, case update, event, deadline, outbox; no rule, no law."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.executescript(RAW_TABLES)
        rows = [(n, "handling", 1, 0, "0" * 64) for n in range(1000)]
        self.connection.executemany("INSERT INTO cases VALUES(?,?,?,?,?)", rows)

    def act(self, case: int) -> None:
        run, moment = self.connection.execute, datetime.now(UTC).isoformat()
        run("BEGIN IMMEDIATE")
        run("INSERT INTO idem VALUES(?,?)", (uuid.uuid4().hex, case))
        state, version, seq, prev = run(
            "SELECT state, version, seq, last_hash FROM cases WHERE id=?", (case,)
        ).fetchone()
        text = json.dumps([case, seq + 1, moment, "u1", state, PAYLOAD, prev], ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        run(
            "UPDATE cases SET version=version+1, seq=?, last_hash=? WHERE id=? AND version=?",
            (seq + 1, digest, case, version),
        )
        run("INSERT INTO events VALUES(?,?,?,?,?,?,?)", (case, seq + 1, moment, "u1", PAYLOAD, prev, digest))
        run(
            "INSERT INTO deadlines VALUES(?,?,?) ON CONFLICT(case_id, kind) DO UPDATE SET due_at=excluded.due_at",
            (case, "reply", moment),
        )
        run("INSERT INTO outbox(payload, created_at) VALUES(?,?)", (PAYLOAD, moment))
        run("COMMIT")


def prepared(home: Path) -> tuple[Office, list[str]]:
    """Return an office with cases that stand one entry short of the length measured."""
    Office.init(home, "bench")
    office = Office.open(home, user="bench", today=lambda: DAY)
    numbers = []
    for _ in range(ROUNDS * CASES_A_ROUND):
        number = office.register(shipped("samples") / "applications" / "01.json")["number"]
        _fill(office, number)
        numbers.append(number)
    return office, numbers


def _fill(office: Office, number: str) -> None:
    office.act(number, "acknowledged")
    office.act(number, "accepted", {"handler": "征地管理科"})
    for _ in range(ENTRIES - 4):
        office.act(number, "search_recorded", FACTS)


def per_second(run: Callable[[], object], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        run()
    return times / (time.perf_counter() - begun)


def raw_round(raw: Raw6) -> float:
    ids = iter(range(1000))
    return per_second(lambda: raw.act(next(ids)), 300)


def our_round(office: Office, numbers: list[str], *, read: bool) -> float:
    """Acts per second; with ``read`` the whole answer is worked out too, as the command line does."""
    cases = iter(numbers)

    def once() -> object:
        found = office.act(next(cases), "search_recorded", FACTS)
        return dict(found) if read else found["state"]

    return per_second(once, len(numbers))


def costs(office: Office, number: str) -> dict[str, float]:
    """Return the microseconds of the pure parts: fold and clock, and the offers."""
    entries = office.show(number)["entries"]
    with office._transactions.reading() as connection:  # noqa: SLF001 - the parts are measured, not the verb
        standing = office._load(connection, number).standing  # noqa: SLF001
    workflow, law, workdays = standing.workflow, standing.law, standing.workdays
    facts = [Fact(f.step, f.on, f.facts) for f in standing.facts]

    def fold() -> None:
        assert Standing(workflow, law, workdays, facts).state

    def clock() -> None:
        deadlines(workflow, law, workdays, facts, DAY)

    def offers() -> None:
        permitted(Standing(workflow, law, workdays, facts), DAY, DAY)

    print(f"case of {len(entries)} entries")
    return {name: 1e6 / per_second(run, 300) for name, run in (("fold", fold), ("clock", clock), ("offers", offers))}


def _ratio(ours: list[float], floor: list[float]) -> float:
    """The median of the ratios within each round: a busy machine spoils both sides alike."""
    return statistics.median(a / b for a, b in zip(ours, floor, strict=True))


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else "/dev/shm"
    with tempfile.TemporaryDirectory(dir=base) as folder:
        raw = Raw6(Path(folder) / "raw.db")
        office, numbers = prepared(Path(folder) / "office")
        floor, ours, whole = [], [], []
        for turn in range(ROUNDS):
            cases = numbers[turn * CASES_A_ROUND : (turn + 1) * CASES_A_ROUND]
            floor.append(raw_round(raw))
            ours.append(our_round(office, cases[::2], read=False))
            whole.append(our_round(office, cases[1::2], read=True))
        print(f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}, {base}")
        print(f"raw6 {statistics.median(floor):.0f}/s   act {statistics.median(ours):.0f}/s")
        print(f"act ÷ raw6: {_ratio(ours, floor):.3f}  (aim ≥ 0.15)")
        print(f"act with its whole answer read ÷ raw6: {_ratio(whole, floor):.3f}")
        for name, cost in costs(office, numbers[0]).items():
            print(f"  {name}: {cost:.0f} µs")
        office.close()


if __name__ == "__main__":
    main()
