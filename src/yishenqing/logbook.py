"""What the program did, as JSON lines for a machine to collect: verbs, times, codes; never what a case says.

Nothing that anybody typed is written: no text of an error, no fact, no name of an applicant. The record of what was
done for the law's sake is the ledger; this file says how the program fared.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from yishenqing.core.errors import why

_LEVELS: Final = {"info": 0, "warning": 1, "error": 2}
_FRAMES = 12
_PACKAGE = Path(__file__).resolve().parent


class Logbook(Struct, frozen=True):
    """Appends lines to a file; a full one is put aside, the oldest goes. Without a file nothing is written."""

    path: Path | None = None
    level: str = "info"
    largest: int = 10_000_000  # bytes
    keep: int = 10

    def note(self, level: str, event: str, **told: str | float) -> None:
        """Write one line. What cannot be written is said aloud; nothing that is done fails for it."""
        if self.path is None or _LEVELS[level] < _LEVELS[self.level]:
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"at": at, "level": level, "event": event, "pid": os.getpid(), **told}, ensure_ascii=False)
        try:
            with self._alone(self.path) as descriptor:
                os.write(descriptor, line.encode("utf-8", "backslashreplace") + b"\n")
        except OSError as error:
            logging.getLogger("yishenqing").warning("运行日志写不到“%s”（%s）", self.path, why(error))

    @contextmanager
    def _alone(self, path: Path) -> Iterator[int]:
        """Open the file for appending while no other process does; put it aside first when it is full."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f"{path.name}.lock")):
            if path.exists() and path.stat().st_size >= self.largest:
                self._put_aside(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    def _put_aside(self, path: Path) -> None:
        for n in range(self.keep - 1, 0, -1):
            older = path.with_name(f"{path.name}.{n}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{n + 1}"))
        path.replace(path.with_name(f"{path.name}.1"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.name == "posix":
            import fcntl  # noqa: PLC0415 - not on every system

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def where(error: BaseException) -> str:
    """Return where in the program an error arose: modules and lines, without a word of what it says."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " < ".join(f"{_module(f.filename)}:{f.lineno}:{f.name}" for f in reversed(frames))


def _module(file: str) -> str:
    path = Path(file)
    return path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else path.name
