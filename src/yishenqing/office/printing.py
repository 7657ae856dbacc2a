"""One printer at a time for each series of letters on this machine.

A letter bears its number, and the next number is the first one's who records: of several who print at once one prints
to some purpose, and the others print anew. In turn each prints once.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import ExitStack
from pathlib import Path

from yishenqing.core.errors import Moved
from yishenqing.store.turns import turn

_PATIENCE = 20.0  # seconds; then it is printed without the turn, and the number decides as between two machines


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.places: set[Path] = set()


_MINE = _OfThread()


def wait_to_print(held: ExitStack, home: Path, series: str) -> None:
    """Wait for the turn to print a letter of ``series``; it is kept until ``held`` is closed."""
    place = home / ".cache" / f"printing-{hashlib.sha256(series.encode()).hexdigest()[:16]}.lock"
    if place in _MINE.places:
        return  # an act within an act
    try:
        place.parent.mkdir(exist_ok=True)
        held.enter_context(turn(place, _PATIENCE))
        _MINE.places.add(place)
        held.callback(_MINE.places.discard, place)
    except (Moved, OSError):  # only a help: whether anything can be written is told by whoever writes the letter
        return
