"""Officers who die at any moment: forked from one warm process, so that thousands can."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from trials.deeds import DEEDS, Deed, Diary, Officer, work
from trials.ground import OPENED, opened
from yishenqing.core.errors import YishenqingError
from yishenqing.letters import Letterbook

REAL_PDF = Letterbook.pdf
_REAL = 1 / 40  # of the officers print real letters, which takes most of a second; the others one line of text


def quick_pdf(_book: Letterbook, kind: str, context: Mapping[str, Any], *_: Any) -> bytes:
    """Return a letter whose looks do not matter."""
    about = context["case"]["number"] if "case" in context else context["destruction"]
    return f"%PDF-1.7 {kind} {context['letter']['number']} {about}".encode()


def forked(do: Callable[[], object]) -> int:
    """Run ``do`` in a child of its own; return its process id. The child never comes back."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 0
    try:
        do()
    except BaseException:  # noqa: BLE001 - the child ends here, and says why
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)
    raise AssertionError  # not reached


def ended(child: int) -> int:
    """Wait for a child; return how it ended (negative: the signal)."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(child: int) -> int:
    os.kill(child, signal.SIGKILL)
    return ended(child)


def at_work(
    home: Path,
    diary: Diary,
    seed: int,
    *,
    times: int = 0,
    deeds: Mapping[Deed, int] = DEEDS,
    day: date = OPENED,
    real: bool = False,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Be an officer until killed, or for ``times`` deeds; a database that cannot be reached is asked again."""
    chance = random.Random(seed)
    _print_quickly(real=real)
    while True:
        try:
            with opened(home, day) as office:
                known = [row["number"] for row in office.cases()["cases"] if row["number"].startswith("2026-")][-12:]
                officer = Officer(office, diary, chance, home.parent, f"{seed:x}", known)
                ready()
                work(officer, deeds, times=times)
                return
        except YishenqingError as error:
            diary.say(refused=type(error).__name__, code=error.code, text=str(error), deed="open")
            time.sleep(0.05)


def warmed(home: Path, *, times: int = 60, real: bool = False) -> None:
    """Do deeds in an office of its own, so that who is forked from here has nothing left to read."""
    at_work(home, Diary(home.parent / "warm"), 1, times=times, real=real)
    gc.collect()  # no connection of ours may be shared with a child


def kill_at_chance(
    home: Path, diary: Diary, kills: int, seed: int, *, together: int = 3, longest: float = 0.3
) -> int:
    """Let officers work, some together, and kill each after a while of chance; return how many were killed."""
    chance, done = random.Random(seed), 0
    running: list[tuple[int, int]] = []
    while done < kills:
        while len(running) < together:
            running.append(_begun(home, diary, chance.getrandbits(32), real=chance.random() < _REAL))
        child, ready = running.pop(0)
        os.read(ready, 1)  # it has its office open
        os.close(ready)
        time.sleep(chance.uniform(0.0, longest))
        done += killed(child) == -signal.SIGKILL
    for child, ready in running:
        os.close(ready)
        done += killed(child) == -signal.SIGKILL
    return done


def _begun(home: Path, diary: Diary, name: int, *, real: bool) -> tuple[int, int]:
    """Start an officer; return the process, and where it says that it is at work."""
    ready, say = os.pipe()
    child = forked(lambda: at_work(home, diary, name, real=real, ready=lambda: os.write(say, b".")))
    os.close(say)
    return child, ready


class Fuse:
    """Ends the process at its n-th statement, before the database has it: between any two, one after the other."""

    def __init__(self, at: int) -> None:
        """Burn until statement ``at``; 0 only counts."""
        self.at, self.count = at, 0
        event.listen(Engine, "connect", self._connected)
        event.listen(Engine, "commit", lambda _connection: self.burn())

    def burn(self, *_: object) -> None:
        """Count one statement."""
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _connected(self, driver: Any, _record: object) -> None:
        if hasattr(driver, "set_trace_callback"):
            driver.set_trace_callback(self.burn)  # SQLite tells of each statement as it begins
        else:
            driver.cursor_factory = _counting(type(driver), driver.cursor_factory, self.burn)


def _counting(_kind: type, cursor: Any, burn: Callable[[], None]) -> Any:
    class Counting(cursor):  # type: ignore[misc] # psycopg's own cursor, whatever it is
        def execute(self, *words: Any, **named: Any) -> Any:
            burn()
            return super().execute(*words, **named)

        def executemany(self, *words: Any, **named: Any) -> Any:
            burn()
            return super().executemany(*words, **named)

    return Counting


def kill_at_each_statement(
    home: Path, diary: Diary, deed: Callable[[Officer], None], seed: int, *, stride: int = 1, most: int = 10_000
) -> int:
    """Do one deed again and again, killed at its first, second, … statement until it comes to its end."""
    kills, at = 0, 1 + seed % stride
    while kills < most and ended(forked(_with_fuse(home, diary, deed, seed, at))) == -signal.SIGKILL:
        kills, at = kills + 1, at + stride
    return kills


def _with_fuse(home: Path, diary: Diary, deed: Deed, seed: int, at: int) -> Callable[[], None]:
    def once() -> None:
        _print_quickly(real=False)
        Fuse(at)
        with contextlib.suppress(YishenqingError), opened(home) as office:  # refused: at its end as well
            deed(Officer(office, diary, random.Random(seed + at), home.parent, f"{seed:x}f{at:x}"))

    return once


def _print_quickly(*, real: bool) -> None:
    setattr(Letterbook, "pdf", REAL_PDF if real else quick_pdf)  # noqa: B010 - how letters look is not on trial
