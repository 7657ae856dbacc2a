"""The calamities themselves: a disk that is full or read-only, a server that goes, a wire that breaks, a clock."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Self

from trials import deeds, killing
from trials.deeds import LIGHT, Diary, Officer
from trials.ground import DUE_DAY, OPENED, opened, set_line
from trials.server import Wire
from yishenqing.core.errors import YishenqingError

_SMALL = 24 << 20
_LIGHT = dict.fromkeys(LIGHT, 1)


def killed_ticks(home: Path, diary: Diary, kills: int, seed: int, day: date) -> int:
    """Let four processes tick on ``day`` without end, and kill one after the other."""
    chance, done = random.Random(seed), 0
    running: list[int] = []

    def ticking() -> None:
        killing.at_work(home, diary, 1, deeds={deeds.tick: 1}, day=day)

    try:
        for _ in range(kills):
            while len(running) < 4:
                running.append(killing.forked(ticking))
            time.sleep(chance.uniform(0.0, 0.12))
            done += killing.killed(running.pop(chance.randrange(4))) == -signal.SIGKILL
    finally:
        for child in running:
            killing.killed(child)
    return done


@contextmanager
def small_disk(base: Path) -> Iterator[tuple[Path, str]]:
    """Give a folder on a disk of its own, where one may be mounted; else a common folder."""
    outer = Path(tempfile.mkdtemp(prefix="ysq-disk-", dir=base))
    folder = outer / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and not _run("mount", "-t", "tmpfs", "-o", f"size={_SMALL}", "tmpfs", str(folder))
    try:
        yield folder, "单独挂载的小盘" if mounted else "不能挂载，以文件大小上限、权限代替"
    finally:
        if mounted:
            _run("umount", "-l", str(folder))
        shutil.rmtree(outer)


def _run(*words: str) -> int:
    return subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode


def filled(home: Path, diary: Diary, disk: Path, seed: int) -> tuple[str, int]:
    """Let officers work while the disk fills up and is emptied again; return what they were told, and how often."""
    ballast = disk / "ballast"
    mounted = disk.is_mount()

    def fill(left: int) -> None:
        with ballast.open("ab") as stream:
            free = shutil.disk_usage(disk).free
            stream.write(b"\0" * max(0, free - left))

    for left in (400_000, 120_000, 40_000, 8_000, 0):
        if mounted:
            fill(left)
        killing.ended(killing.forked(partial(_hemmed, home, diary, seed + left, 0 if mounted else left + 1)))
        if mounted:
            ballast.unlink()
        killing.ended(killing.forked(partial(killing.at_work, home, diary, seed + left + 1, times=4)))
    told = _refusals(diary)
    return "；".join(told) or "没有写满", sum(told.values())


def _hemmed(home: Path, diary: Diary, seed: int, largest: int) -> None:
    """Work with files that may not grow, where no disk could be mounted."""
    if largest:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = (home / "office.db").stat().st_size + largest if (home / "office.db").exists() else largest
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    _patiently(home, diary, seed, 25)


def _patiently(home: Path, diary: Diary, seed: int, times: int) -> None:
    """Try deed after deed, opening the office anew for each, as officers at a command line do."""
    chance = random.Random(seed)
    for turn in range(times):
        try:
            with opened(home) as office:
                known = [row["number"] for row in office.cases()["cases"] if row["number"].startswith("2026-")]
                officer = Officer(office, diary, chance, home.parent, f"{seed:x}e{turn:x}", known[-6:])
                chance.choice(LIGHT)(officer)
        except (YishenqingError, OSError) as error:
            code = error.code if isinstance(error, YishenqingError) else "os"
            diary.say(refused=type(error).__name__, code=code, text=str(error), deed="patiently")


def _refusals(diary: Diary) -> Counter[str]:
    """Return what officers were told about the machine, not about their cases."""
    words = ("磁盘", "只读", "写不到", "打不开", "No space", "Read-only", "File too large", "空间")
    texts = (line["text"] for line in diary.read() if "refused" in line)
    return Counter(text.split("，")[0].split("；")[0][:40] for text in texts if any(word in text for word in words))


def read_only(home: Path, diary: Diary, disk: Path, seed: int) -> str:
    """Let officers work while the disk turns read-only under them, and is writable again."""
    if disk.is_mount():
        child = killing.forked(lambda: killing.at_work(home, diary, seed, deeds=_LIGHT))
        time.sleep(1.0)
        busy = _run("mount", "-o", "remount,ro", str(disk))  # files that are open for writing forbid it
        killing.killed(child)
        if busy:
            _run("mount", "-o", "remount,ro", str(disk))
        killing.ended(killing.forked(lambda: _patiently(home, diary, seed + 1, 12)))
        _run("mount", "-o", "remount,rw", str(disk))
    else:
        modes = {path: path.stat().st_mode for path in [home, *home.rglob("*")]}
        for path in modes:
            path.chmod(0o555 if path.is_dir() else 0o444)
        killing.ended(killing.forked(lambda: _patiently(home, diary, seed + 1, 12)))
        for path, mode in modes.items():
            path.chmod(mode)
    killing.ended(killing.forked(lambda: killing.at_work(home, diary, seed + 2, times=4)))
    told = _refusals(diary)
    return f"报错{sum(told.values())}次（{'；'.join(told) or '无'}）"


def disturbed(
    home: Path, diary: Diary, seed: int, blows: Sequence[Callable[[], None]], *, pause: float, officers: int = 3
) -> int:
    """Let officers work on while blow after blow falls; return how much they got done after the first."""
    running = [killing.forked(partial(killing.at_work, home, diary, seed + n, deeds=_LIGHT)) for n in range(officers)]
    try:
        time.sleep(pause)
        before = _done(diary)
        for blow in blows:
            blow()
            time.sleep(pause)
        for _ in range(100):  # they go on by themselves: nobody had to start them anew
            if _done(diary) > before + officers:
                break
            time.sleep(0.2)
        return _done(diary) - before
    finally:
        for child in running:
            killing.killed(child)


def _done(diary: Diary) -> int:
    return sum("done" in line for line in diary.read())


def cut_off(home: Path, diary: Diary, seed: int, port: int, cuts: int) -> int:
    """Put a wire between the officers and the server and cut it again and again."""
    wire, chance = Wire(port), random.Random(seed)
    settings = (home / "office.yaml").read_text(encoding="utf-8")

    def cut() -> None:
        wire.cut()
        time.sleep(chance.uniform(0.0, 0.2))
        wire.mend()
        time.sleep(chance.uniform(0.1, 0.6))

    try:
        (home / "office.yaml").write_text(settings.replace(f":{port}/", f":{wire.port}/"), encoding="utf-8")
        return disturbed(home, diary, seed, [cut] * cuts, pause=0.8)
    finally:
        wire.close()
        (home / "office.yaml").write_text(settings, encoding="utf-8")


class _Shifted(datetime):
    """A clock that was set back; every module of the program is given it."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time() + cls.by.total_seconds(), tz)


def clock_stepped_back(home: Path, diary: Diary, seed: int, officers: int = 4) -> str:
    """Work and tick, then the same with the clock ten days back, then as before."""
    days = (DUE_DAY, OPENED + timedelta(days=8), DUE_DAY)

    def work(day: date, n: int) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("yishenqing") and getattr(module, "datetime", None) is datetime:
                vars(module)["datetime"] = _Shifted
        _Shifted.by = datetime.combine(day, datetime.min.time(), UTC) - datetime.now(UTC)
        for one in range(officers):
            killing.at_work(home, diary, seed + 10 * n + one, times=2, deeds=_LIGHT, day=day)
        killing.at_work(home, diary, seed + n, times=2, deeds={deeds.tick: 1}, day=day)

    for n, day in enumerate(days):
        assert killing.ended(killing.forked(partial(work, day, n))) == 0
    return f"{days[0]}→{days[1]}→{days[2]}，照常办理和提醒"


def suspended_writer(home: Path, diary: Diary, seed: int) -> str:
    """Stop a writer in the middle of its work: the others are told, and go on when it is gone."""
    set_line(home, "wait_seconds", "1")

    def writing() -> None:
        with opened(home) as office, office._transactions.writing() as connection:  # noqa: SLF001 - the very lock
            from yishenqing.store import ledger  # noqa: PLC0415

            ledger.next_number(connection, office.settings.agency, "case", 2026)
            os.kill(os.getpid(), signal.SIGSTOP)

    child = killing.forked(writing)
    os.waitpid(child, os.WUNTRACED)
    begun = time.monotonic()
    killing.ended(killing.forked(lambda: killing.at_work(home, diary, seed, times=1, deeds={deeds.register: 1})))
    waited = time.monotonic() - begun
    said = next((line["text"] for line in diary.read() if "refused" in line), "没有报错")
    killing.killed(child)
    set_line(home, "wait_seconds", "60")
    killing.ended(killing.forked(lambda: killing.at_work(home, diary, seed + 1, times=3, deeds={deeds.register: 1})))
    return f"其他人等了{waited:.1f}秒后被告知“{said.split('，')[0]}……”，终止它之后照常"
