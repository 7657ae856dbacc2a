"""Whether what a tick has recorded was also shown: a mark in the office's folder stands from before it until after.

A process that is killed leaves its mark, and the lock on it is gone: the next one names what was recorded since.
"""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from yishenqing.core.ledger import instant

_MARK = ".ticking-"


class Mark:
    """A tick under way in this process."""

    def __init__(self, folder: Path) -> None:
        """Set the mark, before anything is recorded."""
        self._path = folder / f"{_MARK}{uuid4().hex}"
        self._file = self._path.open("w", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.write(instant(datetime.now(UTC)))
        self._file.flush()

    def shown(self) -> None:
        """Take the mark away: what was recorded has been shown."""
        self._path.unlink()
        self._file.close()


class LeftBehind:
    """The marks of ticks that came to no end; nobody else tells them while they are held here."""

    def __init__(self, folder: Path) -> None:
        """Take hold of every mark that no living process holds."""
        self._held: list[tuple[Path, IO[str]]] = []
        for path in sorted(folder.glob(f"{_MARK}*")):
            file = path.open(encoding="utf-8")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # a tick under way
                file.close()
            else:
                self._held.append((path, file))

    @property
    def since(self) -> str:
        """Return the instant from which reminders were perhaps not shown; empty where there is none."""
        begun = [file.read() for _, file in self._held]
        return min(begun, default="")

    def told(self) -> None:
        """Take the marks away."""
        for path, file in self._held:
            path.unlink(missing_ok=True)
            file.close()
