"""How long ``ysq`` takes to answer, against an interpreter that only imports SQLAlchemy and click.

    python benchmarks/startup.py [ROUNDS]

Aims: ``ysq --version`` at most 0.3 of the floor, ``ysq show`` of a case at most 1.5, ``ysq search`` at most 1.5 of
``show``. Also says what ``show`` and ``search`` may not import, and exits with 1 if they do.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour

from yishenqing import Office
from yishenqing.shipped import shipped

FLOOR = [sys.executable, "-c", "import sqlalchemy, click"]
YSQ = [sys.executable, "-m", "yishenqing"]
AIMS = {"version": 0.3, "show": 1.5}
HEAVY = ("weasyprint", "apscheduler", "jinja2", "pydantic", "yaml", "jieba")
DAY = "2026-03-12"
COMPILED = tempfile.TemporaryDirectory()


def seconds(words: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - begun


def environment() -> dict[str, str]:
    """Return ours, with compiled files kept as on any installed system, for the floor and for us alike."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "YISHENQING_TODAY": DAY, "PYTHONUTF8": "1", "PYTHONPYCACHEPREFIX": COMPILED.name}


def a_case(home: Path) -> str:
    Office.init(home, "bench")
    with Office.open(home, user="bench") as office:
        return str(office.register(shipped("samples") / "applications" / "01.json")["number"])


def heavy_imports(words: Sequence[str]) -> list[str]:
    """Return which of the heavy libraries a command imports."""
    probe = "import sys; from yishenqing.cli import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    found = subprocess.run(
        [sys.executable, "-c", probe, *words], check=True, capture_output=True, text=True, env=environment()
    )
    return [name for name in HEAVY if name in found.stderr.split()]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        os.environ["YISHENQING_TODAY"] = DAY
        home = Path(folder) / "office"
        show = ["--home", str(home), "--as", "bench", "show", a_case(home)]
        search = ["--home", str(home), "--as", "bench", "search", "会议纪要能否以过程性信息拒绝"]
        commands = {"floor": FLOOR, "version": [*YSQ, "--version"], "show": [*YSQ, *show], "search": [*YSQ, *search]}
        for words in commands.values():
            seconds(words)  # compiled files and remembered rules, as on an officer's second day
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, words in commands.items():
                times[name].append(seconds(words))
        heavy = [*heavy_imports(show), *heavy_imports(search)]
    print(machine())
    print(f"floor (import sqlalchemy, click): {statistics.median(times['floor']) * 1000:.0f} ms")
    for name, aim in AIMS.items():
        ratio = statistics.median(t / f for t, f in zip(times[name], times["floor"], strict=True))
        print(f"{name}: {statistics.median(times[name]) * 1000:.0f} ms, ÷ floor {ratio:.2f}  (aim ≤ {aim})")
    ratio = statistics.median(t / f for t, f in zip(times["search"], times["show"], strict=True))
    print(f"search: {statistics.median(times['search']) * 1000:.0f} ms, ÷ show {ratio:.2f}  (aim ≤ 1.5)")
    print(f"show and search import of {'、'.join(HEAVY)}: {'、'.join(heavy) or 'none'}")
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
