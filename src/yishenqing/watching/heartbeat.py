"""The heartbeat of the clock: each tick leaves one, so that a clock that stopped is noticed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from yishenqing.watching.tables import heartbeats

_UNSAID = 86_400  # seconds: a tick started by hand or by cron comes once a day at least
_LATE = 3  # heartbeats that may be missed: a tick that reckons a province anew takes its time
_SHORTEST = 600  # seconds that nobody is told of


class Beat(NamedTuple):
    """The last heartbeat of one machine."""

    machine: str
    at: str
    every: int

    def age(self, now: datetime) -> float:
        """Return how many seconds ago it was."""
        return max(0.0, (now - datetime.fromisoformat(self.at)).total_seconds())

    def is_late(self, now: datetime) -> bool:
        """Tell whether the next one should have come long since."""
        return self.age(now) > max(_SHORTEST, _LATE * (self.every or _UNSAID))


def beat(connection: Connection, agency: str, machine: str, at: str, every: int) -> None:
    """Leave a heartbeat."""
    this = (heartbeats.c.agency == agency, heartbeats.c.machine == machine)
    done = connection.execute(update(heartbeats).where(*this).values(at=at, every=every))
    if not done.rowcount:
        row = {"agency": agency, "machine": machine, "at": at, "every": every}
        connection.execute(insert(heartbeats).values(row))


def latest(connection: Connection, agency: str) -> Beat | None:
    """Return the last heartbeat of any machine; None where the clock never ran."""
    columns = (heartbeats.c.machine, heartbeats.c.at, heartbeats.c.every)
    query = select(*columns).where(heartbeats.c.agency == agency).order_by(heartbeats.c.at.desc()).limit(1)
    row = connection.execute(query).first()
    return Beat(*row) if row is not None else None
