"""Officers and ticking processes on PostgreSQL, killed at moments of chance: nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path

import pytest
from offices import USER, quick_pdf, use_database
from sqlalchemy import URL
from timing import YELLOW, configure, looked, many, ticked

from yishenqing import Office
from yishenqing.letters import Letterbook

pytest_plugins = ["pg"]

CASES = 300
_TICKING = """
    import sys
    from datetime import date
    from yishenqing import Office
    print("ready", flush=True)
    while True:
        with Office.open(sys.argv[1], today=lambda: date.fromisoformat(sys.argv[2])) as office:
            office.tick()
"""
_ACTING = """
    import sys
    from datetime import date
    from offices import APPLICATION, quick_pdf
    from yishenqing import Office
    from yishenqing.letters import Letterbook
    Letterbook.pdf = quick_pdf
    day = date.fromisoformat(sys.argv[2])
    facts = {"received_on": day.isoformat(), "organ": "县政府办", "matter": "逾期"}
    with Office.open(sys.argv[1], user=sys.argv[3], today=lambda: day) as office:
        print("ready", flush=True)
        while True:
            number = office.register({**APPLICATION, "arrived_on": day.isoformat()})["number"]
            office.act(number, "acknowledged")
            office.link(number, "complaint", facts)
"""
# Told of every message; a message told twice (killed between telling and noting) bears the same key.
_TOLD = "import json, sys; open(sys.argv[1], 'a').write(json.dumps(json.load(sys.stdin)) + chr(10))"


def started(program: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(program), *words]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(Path(__file__).parent)]),
    }
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def opened(home: Path) -> int:
    return int(looked(home, "SELECT count(*) FROM cases WHERE number LIKE '2026-%'")[0][0])


def one_more(home: Path) -> None:
    """Wait until an officer has opened one more case."""
    known, end = opened(home), time.monotonic() + 60
    while opened(home) == known:
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def test_processes_killed_at_any_moment_lose_nothing_and_do_nothing_twice(
    home: Path, postgres_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database(home, postgres_url)
    Office.upgrade(home)
    numbers = many(home, CASES)
    told = tmp_path / "told.jsonl"
    configure(home, hook=[sys.executable, "-c", _TOLD, str(told)])
    day, chance = YELLOW.isoformat(), random.Random(os.getpid())  # noqa: S311 - nothing secret
    programs = [(_TICKING, day), (_TICKING, day), (_TICKING, day), (_ACTING, day, USER), (_ACTING, day, USER)]
    running = [started(program, str(home), *words) for program, *words in programs]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for _ in range(6):
        one_more(home)
        time.sleep(chance.uniform(0, 0.3))
        place = chance.randrange(len(running))
        killed(running[place])
        program, *words = programs[place]
        running[place] = started(program, str(home), *words)
    for process in running:
        killed(process)
    for _ in range(3):  # what the dead had taken is taken up
        last = ticked(home, YELLOW)
    assert last["faults"] == []
    assert last["reminders"] == []
    once = "SELECT count(*), count(DISTINCT number) FROM reminders WHERE clock = 'reply' AND number LIKE 'C-%'"
    assert looked(home, once) == [(CASES, CASES)]
    assert looked(home, "SELECT count(*) FROM pg_locks WHERE locktype = 'tuple'") == [(0,)]
    monkeypatch.setattr(Letterbook, "pdf", quick_pdf)
    with Office.open(home, user=USER, today=lambda: YELLOW + timedelta(days=1)) as office:
        office.act("2026-0001", "acknowledged")  # its deadlines, which `many` has silenced, are written anew
        made = [x["number"] for x in office.cases()["cases"] if x["number"] not in numbers]
        own = sorted(n for n in made if "-诉" not in n and "-投" not in n)
        assert own == [f"2026-{n:04d}" for n in range(1, len(own) + 1)]
        assert len(own) > 3
        for number in made[:40]:
            assert office.verify(number) == []
    keys = [json.loads(line)["key"] for line in told.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    (kept,) = looked(home, "SELECT count(*) FROM messages WHERE channel = 'hook' AND sent_at IS NOT NULL")[0]
    assert len(set(keys)) >= kept > 0
