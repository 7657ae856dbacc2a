"""A province for an hour: many officers each acting once a second, several ``ysq run`` beside them, on PostgreSQL.

    python -m trials.soak [--minutes N] [--officers N] [--runs N] [--base FOLDER]

Prints memory over time, what went wrong, how long a verb takes, and which timers were lost or doubled; ends with 1
when anything was lost, failed, or grew.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.machine import machine
from sqlalchemy import Connection

from trials import judge, killing
from trials.deeds import ROAD, Diary, Officer
from trials.ground import APPLICATION, DUE_DAY, OPENED, copied, entered, made, opened, stored
from trials.server import Server
from yishenqing.core.errors import YishenqingError

_EVERY = 10.0  # seconds: between two looks at the memory, and between two loads of cases that fall due
_LOAD = 30  # as many as are registered meanwhile
_LETTERED = {"register": "登记", "act:acknowledged": "出具文书", "act:signed": "出具文书"}
_TICK = 5  # seconds between two looks of a run
_ROADS = 6  # cases that one officer takes along the road to find the machine's limit
_GROWTH, _SLACK = 1.10, 4 << 20  # flat: no more than a tenth and four megabytes between the middle and the end
_SLOWEST = 250.0  # milliseconds that one verb in a hundred may take


def officer(home: Path, diary: Diary, seed: int, until: float) -> None:
    """Take case after case along the road, one verb a second."""
    chance = random.Random(seed)
    with opened(home, OPENED) as office:
        me = Officer(office, diary, chance, home.parent, f"{seed:x}")
        time.sleep(chance.random() * (1 + len(ROAD)))  # a province does not register all its cases in one second
        turns = iter(_turns(me))
        while time.time() < until:
            begun = time.monotonic()
            try:
                turn = next(turns, None)
                if turn is None:  # the case is in the archive: on to the next
                    turns = iter(_turns(me))
                    turn = next(turns)
                turn()
            except YishenqingError as error:
                diary.say(refused=type(error).__name__, code=error.code, text=str(error), deed="soak")
                turns = iter(_turns(me))
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))


def _turns(me: Officer) -> Sequence[Callable[[], object]]:
    """Return the verbs of one case, one a second."""
    number: list[str] = []

    def register() -> None:
        number.append(me.register())

    return [register, *(partial(lambda step, facts: me.act(number[0], step, facts), *one) for one in ROAD)]


def _running(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "yishenqing", "run", "--home", str(home), "--every", str(_TICK)]
    env = {**os.environ, "YISHENQING_TODAY": DUE_DAY.isoformat(), "PYTHONUTF8": "1"}
    log = (home.parent / "run.log").open("ab")
    with contextlib.closing(log):
        return subprocess.Popen(command, env=env, stdout=log, stderr=log)


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def alone(home: Path, diary: Diary) -> float:
    """Let one officer take cases along the road without a pause, alone on the machine; return verbs a second."""

    def work() -> None:
        with opened(home, OPENED) as office:
            me = Officer(office, diary, random.Random(7), home.parent, "alone")
            for _ in range(_ROADS):
                for turn in _turns(me):
                    turn()

    assert killing.ended(killing.forked(work)) == 0
    spent = [line["ms"] for line in diary.read() if "ms" in line][len(ROAD) + 1 :]  # the first case still reads files
    return 1000 * len(spent) / float(sum(spent))


def busy() -> tuple[float, float]:
    """Return the seconds that all processors have spent working, for whomever, and the seconds there were."""
    user, nice, system, idle, wait, *rest = (
        float(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    worked = user + nice + system + sum(rest[:3])
    return worked, worked + idle + wait


class Soak:
    """One soak: who is at work, and what was seen of them."""

    def __init__(self, home: Path, diary: Diary, officers: int, runs: int, until: float) -> None:
        self.home, self.diary, self.until = home, diary, until
        self.numbers, self.memory = 0, []  # type: int, list[tuple[float, float]]
        with opened(home) as office:
            self.pattern = office.register(APPLICATION)["number"]
            office.tick()
            with office._transactions.reading() as connection:  # noqa: SLF001 - with the office's keys
                self.fresh = stored(connection, self.pattern)
        self.officers = [killing.forked(partial(officer, home, diary, 16 + n, until)) for n in range(officers)]
        self.runs = []
        for _ in range(runs):  # started by different people, they do not all look at the same moment
            self.runs.append(_running(home))
            time.sleep(_TICK / runs)

    def watch(self) -> None:
        """Let cases fall due and look at the memory until the time is over, then let everybody come to an end."""
        begun = time.time()
        while time.time() < self.until:
            self._load()
            every = [*self.officers, *(run.pid for run in self.runs)]
            mean = statistics.mean(filter(None, map(_resident, every))) / (1 << 20)
            if time.time() < self.until:  # whoever has ended holds nothing
                self.memory.append((time.time() - begun, mean))
            gone = [run.pid for run in self.runs if run.poll() is not None]
            print(
                f"{time.time() - begun:6.0f} 秒　平均每个进程 {mean:6.1f} MB　{'、'.join(map(str, gone))}", flush=True
            )
        for child in self.officers:
            killing.ended(child)
        for run in self.runs:
            run.send_signal(signal.SIGTERM)
        for run in self.runs:
            run.wait(60)

    def _load(self) -> None:
        """Enter cases that fall due, one by one as registrations come, for the time between two looks."""
        with opened(self.home) as office:
            for _ in range(_LOAD):
                begun = time.monotonic()
                name = f"C-{self.numbers:07d}"

                def put(connection: Connection, name: str = name) -> None:
                    copied(connection, self.pattern, [name], remind_on=DUE_DAY, fresh=self.fresh)
                    entered(office, connection, [name])

                office._transactions.kept(put)  # noqa: SLF001 - with the office's keys
                self.numbers += 1
                time.sleep(max(0.0, _EVERY / _LOAD - (time.monotonic() - begun)))

    def grown(self) -> float:
        """Return by how much the memory grew from the second quarter to the last; 1 is not at all."""
        quarter = max(1, len(self.memory) // 4)
        early = statistics.mean(m for _, m in self.memory[quarter : 2 * quarter] or self.memory)
        late = statistics.mean(m for _, m in self.memory[-quarter:])
        return 1.0 if late - early < _SLACK / (1 << 20) else late / early


def quarters(taken: Sequence[float]) -> list[float]:
    """Return what one verb in a hundred exceeded in each quarter: whether a growing database slows them down."""
    size = max(1, -(-len(taken) // 4))
    return [sorted(part)[int(len(part) * 0.99)] for n in range(0, len(taken), size) if (part := taken[n : n + size])]


def told(soak: Soak, seconds: float, load: float) -> int:
    """Print what came of it; return how many things are wrong."""
    lines = soak.diary.read()
    own = sum(os.times()[2:4]) / (seconds * (os.cpu_count() or 1))
    print(f"处理器忙 {100 * load:.0f}%（办理人和 ysq run 占 {100 * own:.0f}%，其余是数据库和别的程序）")
    taken = [line["ms"] for line in lines if "ms" in line]  # in the order in which they ended
    spent = sorted(taken)
    errors = Counter(line["text"][:80] for line in lines if "refused" in line)
    faults = judge.ticked_out(soak.home)
    losses = judge.losses(soak.home, soak.diary)
    timers = judge.timer_losses(soak.home)
    grown = soak.grown()
    p50, p99 = (spent[int(len(spent) * part)] if spent else 0.0 for part in (0.5, 0.99))
    each = f"p50 {p50:.1f} 毫秒，p99 {p99:.1f} 毫秒（≤ {_SLOWEST:.0f}）"
    print(f"动作 {len(spent)} 个（每秒 {len(spent) / seconds:.1f}），{each}")
    kinds: dict[str, list[float]] = {}
    for line in lines:
        if "ms" in line:
            kinds.setdefault(_LETTERED.get(line["deed"], "其余"), []).append(line["ms"])
    for title, part in kinds.items():
        part.sort()
        print(f"    {title}：p50 {part[len(part) // 2]:.1f} 毫秒，p99 {part[int(len(part) * 0.99)]:.1f} 毫秒")
    print(f"    四段时间各自的 p99：{'、'.join(f'{p99:.1f}' for p99 in quarters(taken))} 毫秒")
    print(f"内存：后段与前段之比 {grown:.2f}（≤ {_GROWTH:.2f}）")
    print(f"到期提醒 {soak.numbers} 项，遗漏、重复 {len(timers) or '无'}；记录丢失、重复 {len(losses) or '无'}")
    print(f"报错 {sum(errors.values()) or '无'}")
    for text, n in errors.most_common(10):
        print(f"    {n} 次：{text}")
    for said in [*faults, *timers, *losses][:20]:
        print(f"    {said}")
    wrong = len(faults) + len(timers) + len(losses) + sum(errors.values()) + (grown > _GROWTH)
    return wrong + (p99 > _SLOWEST)


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__)
    minutes = "5" if os.environ.get("SHORT") else "60"
    read.add_argument("--minutes", type=float, default=float(os.environ.get("MINUTES", minutes)))
    read.add_argument("--officers", type=int, default=int(os.environ.get("OFFICERS", "32")))
    read.add_argument("--runs", type=int, default=int(os.environ.get("RUNS", "4")))
    read.add_argument("--base", default=os.environ.get("BASE", tempfile.gettempdir()))
    given = read.parse_args()
    print(machine())
    print(
        f"{given.officers} 人各每秒一个动作，{given.runs} 个 ysq run，{given.minutes:g} 分钟，PostgreSQL", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="ysq-soak-", dir=given.base) as folder:
        (Path(folder) / "warm").mkdir()
        killing.warmed(made(Path(folder) / "warm" / "home"), times=20, real=True)
        server = Server(given.base)
        try:
            home = made(Path(folder) / "home", server.database("soak").render_as_string(hide_password=False))
            rate, cores = alone(home, Diary(Path(folder) / "alone.jsonl")), os.cpu_count() or 1
            most = f"{cores} 核（数据库也在其中）每秒至多约 {cores * rate:.0f} 个，要求每秒 {given.officers} 个"
            print(f"本机的限度：一人不停地办，每秒 {rate:.1f} 个；{most}", flush=True)
            before, there = busy()
            soak = Soak(
                home,
                Diary(Path(folder) / "diary.jsonl"),
                given.officers,
                given.runs,
                time.time() + 60 * given.minutes,
            )
            soak.watch()
            after, now = busy()
            wrong = told(soak, 60 * given.minutes, (after - before) / (now - there))
        finally:
            server.close()
    print("没有丢失" if not wrong else f"有{wrong}处不合要求")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
