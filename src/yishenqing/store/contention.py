"""A whole verb once more, when the database let it give way to another.

PostgreSQL may end a transaction for the sake of others (40001 under SERIALIZABLE, 40P01 a deadlock). Nothing of it
was kept, so the verb is done anew from its beginning: what it read before may not be true any more.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import TypeVar

from yishenqing.core.errors import Moved, YishenqingError

T = TypeVar("T")

GIVEN_WAY = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, a lock that was not waited for
_ATTEMPTS = 10
_ATTEMPTS_SEVERED = 30  # a server that is started anew is back within seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0  # seconds


class Contended(Moved):
    """The database gave way to another transaction; nothing was kept, and the same may be tried again."""


class Severed(YishenqingError):
    """The connection broke before anything was to be kept: the server has dropped it all, the same may be tried."""


class Unsure(YishenqingError):
    """The connection broke while a commit was on its way: somebody must look before the same is done again."""


def once_more(do: Callable[[], T], may: Callable[[], bool] = lambda: True, patience: float = math.inf) -> T:
    """Return what ``do`` returns, trying again after a pause of chance as long as ``may`` says so.

    Nothing is begun anew when ``patience`` (seconds) has run out: whoever waited that long for a lock has waited.

    Raises:
        Contended: it gave way every time.
        Severed: the database could not be reached any more.
    """
    begun, turn = time.monotonic(), 0
    while True:
        turn += 1
        try:
            return do()
        except (Contended, Severed) as error:
            most = _ATTEMPTS if isinstance(error, Contended) else _ATTEMPTS_SEVERED
            if turn >= most or not may() or time.monotonic() - begun > patience:
                raise
        time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**turn)))  # noqa: S311 - nothing secret
