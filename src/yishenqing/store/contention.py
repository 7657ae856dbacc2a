"""A whole verb once more, when the database let it give way to another.

PostgreSQL may end a transaction for the sake of others (40001 under SERIALIZABLE, 40P01 a deadlock). Nothing of it
was kept, so the verb is done anew from its beginning: what it read before may not be true any more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from yishenqing.core.errors import Moved

T = TypeVar("T")

GIVEN_WAY = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, a lock that was not waited for
_ATTEMPTS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0  # seconds


class Contended(Moved):
    """The database gave way to another transaction; nothing was kept, and the same may be tried again."""


def once_more(do: Callable[[], T], may: Callable[[], bool] = lambda: True) -> T:
    """Return what ``do`` returns, trying again after a pause of chance as long as ``may`` says so.

    Raises:
        Contended: it gave way every time.
    """
    for turn in range(1, _ATTEMPTS):
        try:
            return do()
        except Contended:
            if not may():
                raise
        time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**turn)))  # noqa: S311 - nothing secret
    return do()
