"""A tick over a million stored deadlines of which a thousand are due, against the bare indexed query and its writes.

    python benchmarks/tick.py [FOLDER]      FOLDER: where the databases lie (default: /dev/shm, a tmpfs)

Aim: within 3 times of the bare driver that reads and writes the same rows in the same batches, and a cost that does
not depend on how many are not due. Rounds are interleaved and the ratio is taken within a round.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from yishenqing import Office
from yishenqing.shipped import shipped

STORED, FEW, DUE, BATCH, ROUNDS = 1_000_000, 10_000, 1_000, 50, 7
OPENED, DAY = date(2026, 3, 2), date(2026, 3, 23)  # the yellow mark of what was received on 2 March
FAR = DAY + timedelta(days=400)


def million(home: Path, stored: int) -> Office:
    """Return an office with so many cases, one deadline each, all of them far from due."""
    Office.init(home, "bench")
    office = Office.open(home, user="bench", today=lambda: OPENED)
    office.register(shipped("samples") / "applications" / "01.json")
    office.close()
    with sqlite3.connect(home / "office.db") as connection:
        for table, columns in (("cases", None), ("entries", None), ("deadlines", "clock = 'reply'")):
            names = [r[1] for r in connection.execute(f"PRAGMA table_info({table})")]
            wanted = ", ".join(f'"{n}"' for n in names)
            chosen = ", ".join("printf('C%07d', n)" if n == "number" else f'"{n}"' for n in names)
            connection.execute(
                f"WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {stored}) "
                f"INSERT INTO {table} ({wanted}) SELECT {chosen} FROM count, {table} "
                f"WHERE number = '2026-0001'" + (f" AND {columns}" if columns else "")
            )
        connection.execute("UPDATE deadlines SET remind_on = ?", (FAR.isoformat(),))
    connection.close()
    office = Office.open(home, user="bench", today=lambda: DAY)
    practice = office._practice  # noqa: SLF001 - the deadlines count as reckoned by today's settings
    from yishenqing.office import reminding  # noqa: PLC0415
    from yishenqing.store import due  # noqa: PLC0415

    with office._transactions.writing() as connection_:  # noqa: SLF001
        due.put_basis(connection_, practice.agency, reminding.basis(practice))
    return office


def make_due(home: Path, turn: int, stored: int) -> None:
    """Let a thousand cases, spread over all, fall due today; take back what was given before."""
    step = stored // DUE
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute("DELETE FROM reminders")
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare AS SELECT * FROM reminders")
        connection.execute("CREATE UNIQUE INDEX bare_key ON bare(agency, number, clock, mark, due)")
        numbers = [(DAY.isoformat(), f"C{n * step + 1 + turn:07d}") for n in range(DUE)]
        fall_due = "UPDATE deadlines SET remind_on = ? WHERE agency = 'yunxi-zrzy' AND number = ?"
        connection.executemany(fall_due, numbers)
    connection.close()


def bare(home: Path) -> int:
    """The floor: the due rows by the index; per batch the rows again, one reminder and one next day each."""
    connection = sqlite3.connect(home / "office.db", isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    run = connection.execute
    numbers = [
        r[0]
        for r in run(
            "SELECT number FROM deadlines WHERE agency = ? AND remind_on <= ? ORDER BY remind_on, number",
            ("yunxi-zrzy", DAY.isoformat()),
        )
    ]
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        marks = ",".join("?" * len(batch))
        run("BEGIN IMMEDIATE")
        rows = run(
            "SELECT d.number, d.clock, d.due, c.state, c.rulebook "
            "FROM deadlines d JOIN cases c USING (agency, number) "
            f"WHERE agency = ? AND number IN ({marks}) AND remind_on <= ?",
            ("yunxi-zrzy", *batch, DAY.isoformat()),
        ).fetchall()
        connection.executemany(
            "INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?)",
            [("yunxi-zrzy", n, clock, "yellow", due, "2026-03-23T00:00:00.000000Z") for n, clock, due, *_ in rows],
        )
        connection.executemany(
            "UPDATE deadlines SET remind_on = ? WHERE agency = ? AND number = ? AND clock = ?",
            [("2026-03-26", "yunxi-zrzy", n, clock) for n, clock, *_ in rows],
        )
        run("COMMIT")
    connection.close()
    return len(numbers)


def measured(run: Callable[[], int]) -> float:
    begun = time.perf_counter()
    given = run()
    spent = time.perf_counter() - begun
    assert given == DUE, given
    return spent * 1000


def compared(home: Path, stored: int) -> tuple[float, float, float, float]:
    """Return the milliseconds of tick and floor, their ratio, and the milliseconds of a tick with nothing due."""
    office = million(home, stored)
    ours, floor = [], []
    for turn in range(ROUNDS):
        make_due(home, turn, stored)
        floor.append(measured(lambda: bare(home)))
        make_due(home, turn, stored)
        ours.append(measured(lambda: len(office.tick()["reminders"])))
    begun = time.perf_counter()
    for _ in range(50):
        assert not office.tick()["reminders"]
    idle = (time.perf_counter() - begun) * 20
    office.close()
    ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
    return statistics.median(ours), statistics.median(floor), ratio, idle


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else "/dev/shm"
    print(f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}, {base}")
    with tempfile.TemporaryDirectory(dir=base) as folder:
        for stored in (FEW, STORED):
            ours, floor, ratio, idle = compared(Path(folder) / str(stored), stored)
            print(
                f"{stored:>9,} stored, {DUE:,} due: tick {ours:.0f} ms, bare {floor:.0f} ms, "
                f"ratio {ratio:.2f} (aim ≤ 3); nothing due: {idle:.2f} ms"
            )


if __name__ == "__main__":
    main()
