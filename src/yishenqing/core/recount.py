"""Running deadlines counted anew from what is stored of them: when working days change and no fact has.

The fold of the facts looks at working days only to decide *what* is counted (was a notice in time, when does a wait
end at the latest). It says how far it looked; where only days after that change, what is counted stays, and the
count itself is all that has to be made again. Whatever else there may be is folded anew from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Protocol

from yishenqing.core.deadline import Counting, Deadline
from yishenqing.core.ledger import canonical


class Kept(Protocol):
    """What is stored of a deadline, as far as it is asked here."""

    @property
    def clock(self) -> str:
        """Return its name among those of its case."""

    @property
    def due(self) -> date:
        """Return the last day as it was reckoned."""

    @property
    def state(self) -> str:
        """Return how it stood then."""

    @property
    def provisional(self) -> bool:
        """Tell whether a notice still to come might move it."""

    @property
    def recipe(self) -> str | None:
        """Return what ``recipe_of`` gave."""


def recipe_of(deadline: Deadline) -> str | None:
    """Return what to store beside a running deadline in working days; None for any other, which is folded anew."""
    if deadline.state != "running" or deadline.counting is None:
        return None
    start, number, excluded = deadline.counting
    return canonical([start, number, excluded, deadline.looked_until])


def _read(text: str) -> tuple[Counting, date | None]:
    start, number, excluded, looked_until = json.loads(text)
    spans = tuple((date.fromisoformat(after), date.fromisoformat(until)) for after, until in excluded)
    looked = date.fromisoformat(looked_until) if looked_until else None
    return Counting(date.fromisoformat(start), number, spans), looked


def still_counted(known: Iterable[Kept], changed: date) -> dict[str, Counting] | None:
    """Return what these deadlines of one case count, by clock, where new working days move nothing else of it.

    ``changed`` is the first day that is otherwise. What has no count of its own must have ended before. None: a clock
    stands still, its last day was rolled, the fold looked further, or nothing is known; then it is folded anew.
    """
    found: dict[str, Counting] = {}
    for one in known:
        if one.recipe is not None:
            counting, looked_until = _read(one.recipe)
            if looked_until is not None and looked_until >= changed:
                return None
            found[one.clock] = counting
        elif one.state == "stopped" or one.provisional or one.due >= changed:
            return None
    return found or None
