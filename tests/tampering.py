"""Do thousands of random harms to packages and databases, and kill exports at random: each must be found.

Too long for every run of the tests: ``make tamper``. The same seed does the same harms, but for when a kill meets the
export.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent / "shell"), str(Path(__file__).parent)]

import test_volumes as volumes  # noqa: E402 - the folders of the tests are put on the path first
from offices import APPLICATION, OPENED, USER, Calendar, quick_pdf, walked  # noqa: E402
from test_archive import names  # noqa: E402

from yishenqing.archive import verify  # noqa: E402
from yishenqing.core.errors import YishenqingError  # noqa: E402
from yishenqing.letters import Letterbook  # noqa: E402
from yishenqing.office import Office, casework  # noqa: E402

# What an office's evidence stands on; ``remind_on`` is only when somebody is told.
TABLES = ("cases", "entries", "sealed", "files", "letters", "deadlines", "anchors", "checkpoints", "reads")
FREE = {("deadlines", "remind_on")}


def packages(place: Path, chance: random.Random, count: int) -> Counter[str]:
    """Harm files of a volume; return what was not found, by kind."""
    package, missed, done = volumes.exported(place / "卷").path, Counter[str](), 0
    listed = volumes.files_of(package)
    while done < count:
        name, harm = chance.choice(listed), chance.choice(volumes.HARMS)
        path = package / name
        content = path.read_bytes()
        changed = harm(content, chance)
        if changed != content:
            path.write_bytes(changed)
            if name not in names(verify(package)):
                missed[f"{name} {harm.__name__}"] += 1
            path.write_bytes(content)
            done += 1
    return missed


def office_of_three(home: Path) -> None:
    """Make an office of three cases, two checkpoints and some looks."""
    setattr(Letterbook, "pdf", quick_pdf)  # noqa: B010 - letters whose looks do not matter; an assignment is not typed
    Office.init(home, USER)
    calendar = Calendar(OPENED)
    with Office.open(home, user=USER, today=calendar) as office:
        for until in ("archived", "delivered", "accepted"):
            calendar.day = OPENED
            walked(office, calendar, office.register(APPLICATION)["number"], until)
            office.checkpoint()


def harmed(database: Path, chance: random.Random) -> str | None:
    """Do one harm to a row; return what it was, None where the database would not have it or nothing changed."""
    with sqlite3.connect(database) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        table = chance.choice(TABLES)
        rows = connection.execute(f"SELECT rowid, * FROM {table}").fetchall()  # noqa: S608 - a name of ours
        columns = [c[1] for c in connection.execute(f"PRAGMA table_info({table})") if (table, c[1]) not in FREE]
        one, column, kind = chance.choice(rows), chance.choice(columns), chance.choice(_KINDS)
        before = connection.total_changes
        try:
            changed = kind(connection, table, column, one, rows, chance)
        except sqlite3.IntegrityError:
            changed = False
        done = changed and connection.total_changes > before
    connection.close()
    return f"{table}.{column} {kind.__name__}" if done else None


def flip(c: Any, table: str, column: str, one: Any, rows: Any, chance: random.Random) -> bool:
    """Change one character of one cell."""
    (value,) = c.execute(f'SELECT "{column}" FROM {table} WHERE rowid = ?', (one[0],)).fetchone()  # noqa: S608
    text = "" if value is None else str(value)
    place = chance.randrange(len(text) + 1)
    other = text[:place] + chance.choice("0123456789abcdef王") + text[place + 1 :]
    new: Any = int(other) if isinstance(value, int) and other.isdecimal() and len(other) < 9 else other
    c.execute(f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?', (new, one[0]))  # noqa: S608
    return bool(new != value)


def delete(c: Any, table: str, column: str, one: Any, rows: Any, chance: random.Random) -> bool:
    """Take one row away."""
    c.execute(f"DELETE FROM {table} WHERE rowid = ?", (one[0],))  # noqa: S608
    return True


def swap(c: Any, table: str, column: str, one: Any, rows: Any, chance: random.Random) -> bool:
    """Exchange one cell with that of another row."""
    other = chance.choice(rows)
    get = f'SELECT "{column}" FROM {table} WHERE rowid = ?'  # noqa: S608
    put = f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?'  # noqa: S608
    (a,), (b,) = c.execute(get, (one[0],)).fetchone(), c.execute(get, (other[0],)).fetchone()
    c.execute(put, (b, one[0]))
    c.execute(put, (a, other[0]))
    return bool(a != b)


def insert(c: Any, table: str, column: str, one: Any, rows: Any, chance: random.Random) -> bool:
    """Put a row in that is like another but for one cell."""
    if column == "agency":
        return False  # a row of another agency is that one's matter
    known = [x[1] for x in c.execute(f"PRAGMA table_info({table})")]
    values = list(one[1:])
    place = known.index(column)
    values[place] = values[place] + 1 if isinstance(values[place], int) else f"{values[place]}0"
    c.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)  # noqa: S608
    return True


_KINDS = (flip, flip, flip, delete, swap, insert)


def rows(place: Path, chance: random.Random, count: int) -> Counter[str]:
    """Harm rows of an office's database; return what was not found, by table, column and kind."""
    home, missed, done = place / "机关", Counter[str](), 0
    office_of_three(home)
    sound = (home / "office.db").read_bytes()
    while done < count:
        (home / "office.db").write_bytes(sound)
        what = harmed(home / "office.db", chance)
        if what is None:
            continue
        casework._KNOWN_RULES.clear()
        try:
            with Office.open(home, user=USER, today=lambda: date(2026, 4, 9)) as office:
                found = bool(office.audit()["faults"])
        except YishenqingError:
            found = True
        missed[what] += not found
        done += 1
    return +missed


def kills(place: Path, chance: random.Random, count: int) -> tuple[int, int]:
    """Kill exports of a volume at random; return how many were killed, and how many half packages passed."""
    target, killed, half = place / "年", 0, 0
    slow = volumes.volume(made=lambda n: time.sleep(0.004) or volumes.case(n))  # type: ignore[func-returns-value]
    while killed < count:
        pid = os.fork()
        if pid == 0:
            try:
                volumes.exported(target, slow)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0.0, 0.06))
        os.kill(pid, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        if target.exists():
            half += bool(verify(target))
            shutil.rmtree(target)
            shutil.rmtree(place / ".年.ysq-volume", ignore_errors=True)
    volumes.exported(target)
    return killed, half + bool(verify(target))


def said(text: str, missed: Counter[str]) -> None:
    """Say how a part went, and what was not found."""
    sys.stdout.write(f"{text}\n" + "".join(f"  {what}　{n}\n" for what, n in missed.items()))
    sys.stdout.flush()


def main() -> int:
    """Do the harms that are asked for and say what was found."""
    parser = argparse.ArgumentParser(description="篡改试验：每一处改动都必须被发现")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--packages", type=int, default=3000)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=300)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 - repeatable, not secret
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        missed = packages(place, chance, asked.packages)
        said(f"封存包：{asked.packages}处，未发现{missed.total()}处", missed)
        lost = rows(place, chance, asked.rows)
        said(f"数据库：{asked.rows}处，未发现{lost.total()}处", lost)
        killed, half = kills(place, chance, asked.kills)
        said(f"终止导出：{killed}次，半个封存包被当作完整的{half}次", Counter())
    return 7 if missed or lost or half else 0


if __name__ == "__main__":
    sys.exit(main())
