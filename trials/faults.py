"""Faults of every kind, one after the other; after each, what was lost.

    python -m trials.faults [--kills N] [--seed N] [--only NAME …] [--base FOLDER]

Prints one line a fault, in Chinese, and ends with 1 when anything was lost. The same seed takes the same choices;
when exactly a process dies is the machine's affair.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from trials import calamities, hosts, judge, killing
from trials.deeds import DEEDS, Diary
from trials.ground import DUE_DAY, made, seed
from trials.server import Server


class Bench(Struct):
    """What the faults share: how many kills, by which seed, where."""

    kills: int
    seed: int
    base: Path
    server: Server

    @contextmanager
    def office(self, where: str) -> Iterator[tuple[Path, Diary]]:
        """Give an office with cases that fall due, and a diary for its officers."""
        folder = Path(tempfile.mkdtemp(prefix="ysq-faults-", dir=self.base))
        try:
            url = "" if where == "sqlite" else self.address(folder)
            home = made(folder / "home", url)
            seed(home, 120)
            yield home, Diary(folder / "diary.jsonl")
        finally:
            shutil.rmtree(folder)

    def address(self, folder: Path) -> str:
        name = folder.name.replace("-", "_").lower()
        return self.server.database(name).render_as_string(hide_password=False)


Told = tuple[str, list[str]]  # what was done, what was lost


def judged(home: Path, diary: Diary) -> list[str]:
    """Take up what is left, as the next morning would, and return everything that is lost."""
    faults = [f"接续办理时：{fault}" for fault in judge.ticked_out(home)]
    return [*faults, *judge.losses(home, diary), *judge.timer_losses(home)]


def of_chance(bench: Bench, where: str) -> Told:
    with bench.office(where) as (home, diary):
        kills = killing.kill_at_chance(home, diary, bench.kills, bench.seed)
        return f"随机时刻 kill -9 共{kills}次，办成{_done(diary)}件次", judged(home, diary)


def of_each_statement(bench: Bench, where: str) -> Told:
    with bench.office(where) as (home, diary):
        kills, stride = 0, max(1, 6000 // bench.kills)
        for n, deed in enumerate(DEEDS):
            kills += killing.kill_at_each_statement(home, diary, deed, bench.seed + n, stride=stride)
        return f"在每{stride}条语句之前 kill -9 共{kills}次（{len(DEEDS)}类办理）", judged(home, diary)


def of_ticks(bench: Bench, where: str) -> Told:
    """Several processes tick on the day on which everything falls due, and are killed."""
    with bench.office(where) as (home, diary):
        kills = calamities.killed_ticks(home, diary, max(20, bench.kills // 20), bench.seed, DUE_DAY)
        return f"到期日提醒途中 kill -9 共{kills}次（4个进程同时）", judged(home, diary)


def _done(diary: Diary) -> int:
    return sum("done" in line for line in diary.read())


def full_disk(bench: Bench, where: str) -> Told:
    with calamities.small_disk(bench.base) as (folder, how):
        home = made(folder / "home", "" if where == "sqlite" else bench.address(folder.parent))
        seed(home, 20)
        diary = Diary(folder.parent / "diary.jsonl")
        said, refused = calamities.filled(home, diary, folder, bench.seed)
        return f"磁盘写满（{how}），报错{refused}次：{said}", judged(home, diary)


def read_only_disk(bench: Bench, where: str) -> Told:
    with calamities.small_disk(bench.base) as (folder, how):
        home = made(folder / "home", "" if where == "sqlite" else bench.address(folder.parent))
        seed(home, 20)
        diary = Diary(folder.parent / "diary.jsonl")
        said = calamities.read_only(home, diary, folder, bench.seed)
        return f"磁盘变为只读（{how}）：{said}", judged(home, diary)


def restarted(bench: Bench, _where: str) -> Told:
    with bench.office("postgresql") as (home, diary):
        done = calamities.disturbed(home, diary, bench.seed, [bench.server.restart] * 3, pause=1.5)
        return f"数据库重新启动3次，其间办成{done}件次", judged(home, diary)


def crashed(bench: Bench, _where: str) -> Told:
    def crash() -> None:
        bench.server.kill()
        time.sleep(0.5)
        bench.server.start()

    with bench.office("postgresql") as (home, diary):
        done = calamities.disturbed(home, diary, bench.seed, [crash] * 3, pause=1.5)
        return f"数据库全部进程 kill -9 共3次，其间办成{done}件次", judged(home, diary)


def cut(bench: Bench, _where: str) -> Told:
    with bench.office("postgresql") as (home, diary):
        cuts = max(6, bench.kills // 100)
        done = calamities.cut_off(home, diary, bench.seed, bench.server.port, cuts)
        unsure = sum(line.get("refused") == "Unsure" for line in diary.read())
        told = f"客户端与数据库之间断网{cuts}次，其间办成{done}件次，提交途中断开而告知“不能确定”{unsure}次"
        return told, judged(home, diary)


def clock_back(bench: Bench, where: str) -> Told:
    with bench.office(where) as (home, diary):
        told = calamities.clock_stepped_back(home, diary, bench.seed)
        return f"时钟倒退：{told}", judged(home, diary)


def suspended(bench: Bench, where: str) -> Told:
    with bench.office(where) as (home, diary):
        said = calamities.suspended_writer(home, diary, bench.seed)
        return f"一个写入者被挂起：{said}", judged(home, diary)


def two_hosts(bench: Bench, _where: str) -> Told:
    with bench.office("postgresql") as (home, diary):
        told = hosts.two_hosts(home, diary, bench.seed, bench.server.port)
        return f"两台主机共用一个数据库：{told}", judged(home, diary)


BOTH, SERVER = ("sqlite", "postgresql"), ("postgresql",)
FAULTS: tuple[tuple[str, Callable[[Bench, str], Told], tuple[str, ...]], ...] = (
    ("kill", of_chance, BOTH),
    ("statements", of_each_statement, BOTH),
    ("ticks", of_ticks, BOTH),
    ("full", full_disk, BOTH),
    ("readonly", read_only_disk, BOTH),
    ("suspended", suspended, BOTH),
    ("clock", clock_back, BOTH),
    ("restart", restarted, SERVER),
    ("crash", crashed, SERVER),
    ("cut", cut, SERVER),
    ("hosts", two_hosts, SERVER),
)
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def run(bench: Bench, only: set[str]) -> int:
    """Go through the faults; return how many things were lost."""
    lost = 0
    for name, fault, places in FAULTS:
        for where in places:
            if only and name not in only:
                continue
            begun = time.monotonic()
            told, losses = fault(bench, where)
            lost += len(losses)
            spent = time.monotonic() - begun
            print(f"[{TITLES[where]}] {told}。丢失、重复：{len(losses) or '无'}（{spent:.0f}秒）", flush=True)
            for line in losses[:20]:
                print(f"    {line}")
    return lost


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument(
        "--kills", type=int, default=int(os.environ.get("KILLS", "1000")), help="每种数据库随机终止几次"
    )
    read.add_argument("--seed", type=int, default=int(os.environ.get("SEED", time.time_ns() % 1_000_000)))
    read.add_argument("--only", nargs="*", default=[], choices=[name for name, *_ in FAULTS])
    read.add_argument("--base", type=Path, default=Path(os.environ.get("BASE", tempfile.gettempdir())))
    given = read.parse_args()
    print(f"种子 {given.seed}；每种数据库随机终止{given.kills}次，另在语句之间、提醒途中终止", flush=True)
    with tempfile.TemporaryDirectory(prefix="ysq-warm-", dir=given.base) as warm:
        killing.warmed(made(Path(warm) / "home"))
    server = Server(str(given.base))
    try:
        lost = run(Bench(given.kills, given.seed, given.base, server), set(given.only))
    finally:
        server.close()
    print("丢失：无" if not lost else f"丢失或者重复{lost}项")
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
