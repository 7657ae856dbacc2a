"""Messages to persons: written with what they tell, taken one by one under a lease, kept when they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, and_, insert, or_, select, update

from yishenqing.store.tables import messages


class Letter(Struct, frozen=True):
    """One message as it lies in the database."""

    id: str
    channel: str
    person: str
    content: str
    created_at: str
    attempts: int
    next_try: str
    last_error: str


_COLUMNS = (
    messages.c.id,
    messages.c.channel,
    messages.c.person,
    messages.c.content,
    messages.c.created_at,
    messages.c.attempts,
    messages.c.next_try,
    messages.c.last_error,
)


def put(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep new messages, due at once."""
    if rows:
        never_tried = {"attempts": 0, "last_error": "", "sent_at": None}
        connection.execute(insert(messages), [{**never_tried, "next_try": r["created_at"], **r} for r in rows])


def take(connection: Connection, agency: str, channel: str, now: str, *, until: str, beyond: str) -> Letter | None:
    """Take the message that has waited longest; until the instant ``until`` nobody else takes it.

    A message that is to wait beyond ``beyond``, longer than any message may, was put off by a clock that was wrong.
    """
    query = (
        select(*_COLUMNS)
        .where(
            messages.c.agency == agency,
            messages.c.sent_at.is_(None),
            messages.c.channel == channel,
            or_(messages.c.next_try <= now, messages.c.next_try > beyond),
        )
        .order_by(messages.c.next_try, messages.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    found = Letter(*row)
    values = {"next_try": until, "attempts": found.attempts + 1}
    connection.execute(update(messages).where(_this(agency, found.id)).values(values))
    return found


def sent(connection: Connection, agency: str, name: str, now: str) -> None:
    """Note that a message has been handed over."""
    connection.execute(update(messages).where(_this(agency, name)).values(sent_at=now, last_error=""))


def failed(connection: Connection, agency: str, name: str, error: str, next_try: str) -> None:
    """Note why a message was not handed over, and when to try again."""
    unsent = and_(_this(agency, name), messages.c.sent_at.is_(None))
    connection.execute(update(messages).where(unsent).values(last_error=error, next_try=next_try))


def unsent(connection: Connection, agency: str) -> list[Letter]:
    """Return what has not reached its person yet, the oldest first."""
    query = (
        select(*_COLUMNS)
        .where(messages.c.agency == agency, messages.c.sent_at.is_(None))
        .order_by(messages.c.created_at, messages.c.id)
    )
    return [Letter(*row) for row in connection.execute(query)]


def _this(agency: str, name: str) -> Any:
    return and_(messages.c.agency == agency, messages.c.id == name)
