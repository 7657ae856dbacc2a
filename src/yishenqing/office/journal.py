"""Note every look: in the database at once where nobody else is writing, else in a file that is taken in later.

Whoever looks never waits for a writer. What cannot be noted anywhere is said aloud: the look itself goes on, since a
copy on a read-only disk must be readable too.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec.structs import asdict

from yishenqing.core.errors import YishenqingError
from yishenqing.core.ledger import canonical
from yishenqing.store.engine import Transactions

if TYPE_CHECKING:
    from yishenqing.checkpoints import Read

WAITING = "reads-waiting.jsonl"


class Journal:
    """The journal of one office: its table, and the file of looks that still have to be entered."""

    def __init__(self, home: Path, agency: str, transactions: Transactions) -> None:
        """Keep the journal of ``agency``, with the waiting looks in ``home``."""
        self._agency, self._transactions = agency, transactions
        self._waiting = home / WAITING

    def note_all(self, looks: list[Read]) -> None:
        """Note looks that were made together."""
        if not self._transactions.hosted and self._entered(looks):
            return
        try:
            with _alone(self._waiting) as stream:
                stream.write("".join(f"{canonical(asdict(look))}\n" for look in looks).encode())
        except OSError as error:
            _say_aloud(looks[0], error)

    def enter_waiting(self) -> None:
        """Enter the looks that could not be entered at once.

        Raises:
            YishenqingError: the database cannot be written to.
        """
        self._enter([])

    def _entered(self, looks: list[Read]) -> bool:
        try:
            self._enter(looks)
        except (YishenqingError, OSError):  # noted in the file instead, and said aloud where that fails too
            return False
        return True

    def _enter(self, looks: list[Read]) -> None:
        from yishenqing.checkpoints import record_reads

        if not self._waiting.exists():
            if looks:
                with self._transactions.noting() as connection:
                    record_reads(connection, self._agency, looks)
            return
        with _alone(self._waiting) as stream:
            stream.seek(0)
            earlier = list(_read(stream))
            with self._transactions.noting() as connection:
                record_reads(connection, self._agency, [*earlier, *looks])
            stream.truncate(0)

    def waiting(self) -> bool:
        """Tell whether looks wait to be entered."""
        return self._waiting.is_file() and self._waiting.stat().st_size > 0


def _read(stream: IO[bytes]) -> Iterator[Read]:
    """Yield the waiting looks; a line that is none is kept as what it is, so that meddling leaves a trace."""
    from yishenqing.checkpoints import Read

    for raw in stream:
        try:
            yield Read(**json.loads(raw))
        except (ValueError, TypeError):
            yield Read("", "", "unreadable", "", raw.decode("utf-8", "replace").strip(), rehearsal=False)


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """Open the file for appending while nobody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a+b") as stream:
        if os.name == "posix":
            import fcntl  # noqa: PLC0415 - not on every system

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream


def _say_aloud(look: Read, error: OSError) -> None:
    # Without any set-up this goes to the error stream; a host directs it where its other warnings go.
    logging.getLogger("yishenqing").warning("本次查阅（%s）没有能够记入查阅记录：%s", look.number or look.act, error)
