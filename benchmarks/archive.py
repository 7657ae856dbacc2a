"""Seal and verify a year of cases against sha256sum over the same bytes; and the memory that a year takes.

    python benchmarks/archive.py [CASES [KILOBYTES-A-CASE]]

CPU seconds, children included, the least of three rounds; peak memory (RSS) of a process of its own for a quarter of
the cases and for all of them: what grows between the two is what a case costs that is long since sealed.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from yishenqing.archive import CaseFile, FilePaper, Planned, Volume, export_volume, verify
from yishenqing.core.ledger import Entry, append, canonical, digest, placeholder, seal

AGENCY, PAPERS, STEPS, ROUNDS = "jiangbin", 8, 11, 3
RULES_TEXT = canonical({"workflow": "x" * 200_000})
RULES = digest("rulebook", RULES_TEXT)


def case_file(number: str, size: int) -> CaseFile:
    chance = random.Random(number)
    values = [seal(f"{number} {n}", f"{n:032x}") for n in range(STEPS)]
    entries: list[Entry] = []
    for n, value in enumerate(values, 1):
        facts = {"hidden": placeholder(value), "note": "检索了档案系统和办公系统" * 8}
        entries.append(
            append(
                entries[-1] if entries else None,
                agency=AGENCY,
                number=number,
                rulebook=RULES,
                on=date(2025, 3, n),
                recorded_at=f"2025-03-{n:02}T01:02:03.000004Z",
                actor="张三",
                step=f"step{n}",
                rehearsal=False,
                payload=canonical(facts),
            )
        )
    papers = [FilePaper(f"{n:02}-文书.pdf", "文书", chance.randbytes(size // PAPERS)) for n in range(PAPERS)]
    metadata = {"metadata.json": "{}\n" * 500, "metadata.xml": "<a/>\n" * 900}
    return CaseFile(
        AGENCY, number, "张三申请案", RULES, RULES_TEXT, entries, values, [], [], papers, metadata=metadata
    )


def sealed(target: Path, cases: int, size: int) -> None:
    planned = []
    for n in range(1, cases + 1):
        number = f"2025-{n:05}"
        planned.append(Planned(number, number, lambda number=number: case_file(number, size)))  # type: ignore[misc]
    export_volume(target, Volume(AGENCY, "2025年卷宗", "1", planned, lambda _: RULES_TEXT))


def spent(do: Callable[[], object]) -> float:
    """Return the CPU seconds of ``do`` and of the children that it waits for."""
    before = os.times()
    do()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def summed(target: Path) -> None:
    command = ["sha256sum", "--quiet", "-c", "manifest-sha256.txt"]
    subprocess.run(command, cwd=target, check=True)


def peak(target: Path, cases: int, size: int) -> float:
    """Seal in a process of its own; return the most memory that it took, in MB."""
    here, there = multiprocessing.Pipe(duplex=False)

    def run() -> None:
        sealed(target, cases, size)
        there.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    found: float = here.recv()
    return found


def main(cases: int, size: int) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("YSQ_BENCH_DIR")) as folder:
        target = Path(folder) / "2025"
        few = peak(Path(folder) / "few", cases // 4, size)
        shutil.rmtree(Path(folder) / "few")
        many = peak(Path(folder) / "many", cases, size)
        shutil.rmtree(Path(folder) / "many")
        export = spent(lambda: sealed(target, cases, size))
        bytes_ = sum(p.stat().st_size for p in target.rglob("*") if p.is_file())
        summing = min(spent(lambda: summed(target)) for _ in range(ROUNDS))
        checking = min(spent(lambda: verify(target)) for _ in range(ROUNDS))
        alone = spent(lambda: subprocess.run([sys.executable, target / "verify.py"], check=True, capture_output=True))
        print(f"{cases} cases, {bytes_ / 1e6:.0f} MB, CPU seconds")
        print(f"sha256sum   {summing:8.2f}")
        print(f"verify      {checking:8.2f}   {checking / summing:5.2f} x")
        print(f"verify.py   {alone:8.2f}   {alone / summing:5.2f} x")
        print(
            f"export      {export:8.2f}   {export / summing:5.2f} x   (papers made beforehand; twice hashed, judged)"
        )
        growth = (many - few) / (cases - cases // 4) * 1000
        print(
            f"memory      {few:.0f} MB for {cases // 4}, {many:.0f} MB for {cases}: {growth:.1f} MB a thousand cases"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400, (int(sys.argv[2]) if len(sys.argv) > 2 else 400) * 1000)
