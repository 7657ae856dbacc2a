"""The queue: written with the entry, taken case by case under a lease, confirmed in order, never deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, and_, case, func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from yishenqing.exchange.tables import cases, events
from yishenqing.hot import insert_of


class Waiting(Struct, frozen=True):
    """An event that has to be sent."""

    number: str
    seq: int
    revision: int
    content: str
    attempts: int


def put(
    connection: Connection, agency: str, receivers: Sequence[str], number: str, seq: int, content: str, now: str
) -> None:
    """Keep an event for each receiver; it waits behind the earlier events of its case."""
    key = {"agency": agency, "number": number}
    rows = [
        {**key, "receiver": r, "seq": seq, "revision": 1, "content": content, "created_at": now} for r in receivers
    ]
    connection.execute(insert(events), rows)
    for receiver in receivers:
        _queue(connection, {**key, "receiver": receiver}, seq, now)


def put_again(
    connection: Connection, agency: str, receiver: str, number: str, contents: Sequence[tuple[int, str]], now: str
) -> None:
    """Queue a case's events anew from the first: they go under new keys, whatever was sent before."""
    _queue(connection, {"agency": agency, "receiver": receiver, "number": number}, contents[-1][0], now)
    fresh = {"attempts": 0, "next_try": now, "lease": "", "last_error": "", "given_up_at": None}
    connection.execute(update(cases).where(_this(agency, receiver, number)).values(fresh))
    build = insert_of(connection.dialect.name)
    for seq, content in contents:
        row = {"agency": agency, "receiver": receiver, "number": number, "seq": seq}
        new = build(events).values({**row, "revision": 1, "content": content, "created_at": now, "sent_at": None})
        again = {"revision": events.c.revision + 1, "content": content, "sent_at": None}
        connection.execute(new.on_conflict_do_update(index_elements=[*row], set_=again))


def _queue(connection: Connection, key: dict[str, str], seq: int, now: str) -> None:
    row = {**key, "last": seq, "waiting": True, "attempts": 0, "next_try": now, "lease": "", "last_error": ""}
    next_try = case((cases.c.waiting, cases.c.next_try), else_=now)  # what is being sent, or waits, keeps its day
    connection.execute(
        insert_of(connection.dialect.name)(cases)
        .values(row)
        .on_conflict_do_update(index_elements=[*key], set_={"last": seq, "waiting": True, "next_try": next_try})
    )


def take(
    connection: Connection, agency: str, receiver: str, now: str, *, until: str, beyond: str, lease: str, most: int
) -> list[Waiting]:
    """Take up to ``most`` events of the cases that have waited longest; until ``until`` nobody else has these cases.

    A case that is to wait beyond ``beyond``, longer than any may, was put off by a clock that was wrong.
    """
    query = (
        select(cases.c.number, cases.c.attempts)
        .where(
            cases.c.agency == agency,
            cases.c.receiver == receiver,
            cases.c.waiting.is_(True),
            cases.c.given_up_at.is_(None),
            or_(cases.c.next_try <= now, cases.c.next_try > beyond),
        )
        .order_by(cases.c.next_try, cases.c.number)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    attempts = {row.number: row.attempts for row in connection.execute(query)}
    found = _unsent(connection, agency, receiver, attempts, most)
    if found:
        mine = and_(
            cases.c.agency == agency, cases.c.receiver == receiver, cases.c.number.in_({w.number for w in found})
        )
        taken = {"next_try": until, "lease": lease, "attempts": cases.c.attempts + 1}
        connection.execute(update(cases).where(mine).values(taken))
    return found


def _unsent(connection: Connection, agency: str, receiver: str, attempts: dict[str, int], most: int) -> list[Waiting]:
    query = (
        select(events.c.number, events.c.seq, events.c.revision, events.c.content)
        .where(
            events.c.agency == agency,
            events.c.receiver == receiver,
            events.c.number.in_(attempts),
            events.c.sent_at.is_(None),
        )
        .order_by(events.c.number, events.c.seq)
    )
    by_case: dict[str, list[Waiting]] = {}
    for number, seq, revision, content in connection.execute(query):
        by_case.setdefault(number, []).append(Waiting(number, seq, revision, content, attempts[number] + 1))
    found: list[Waiting] = []
    for number in attempts:  # the longest waiting first; the first of them goes even where it fills more than a batch
        mine = by_case.get(number, [])
        if found and len(found) + len(mine) > most:
            break
        found += mine[:most]
    return found


class Held(Struct, frozen=True):
    """The cases that a sender has under its lease; what somebody else has taken since, the lease over, is theirs."""

    connection: Connection
    agency: str
    receiver: str
    lease: str

    def sent(self, number: str, seqs: Sequence[int], now: str, *, over: bool) -> None:
        """Note which events of a case have arrived; with nothing more to send the case leaves the queue.

        ``over``: nothing more of it is tried under this lease.
        """
        lease = "" if over else self.lease
        done = {"lease": lease, "attempts": 0, "next_try": now, "last_error": "", "waiting": cases.c.last > max(seqs)}
        if self._change(number, done):
            those = and_(
                events.c.agency == self.agency,
                events.c.receiver == self.receiver,
                events.c.number == number,
                events.c.seq.in_(seqs),
            )
            self.connection.execute(update(events).where(those).values(sent_at=now))

    def failed(self, number: str, **said: str | None) -> None:
        """Note why a case could not be sent (``last_error``), when it is tried again or since when given up."""
        self._change(number, {**said, "lease": ""})

    def _change(self, number: str, values: dict[str, Any]) -> bool:
        held = and_(_this(self.agency, self.receiver, number), cases.c.lease == self.lease)
        return self.connection.execute(update(cases).where(held).values(values)).rowcount == 1


def troubles(connection: Connection, agency: str) -> list[dict[str, Any]]:
    """Return the cases that could not be sent, those given up first."""
    columns = [c for c in cases.c if c.name not in ("agency", "lease", "waiting")]
    query = (
        select(*columns)
        .where(cases.c.agency == agency, cases.c.waiting.is_(True), cases.c.last_error != "")
        .order_by(cases.c.given_up_at.is_(None), cases.c.receiver, cases.c.number)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection, agency: str, receiver: str) -> dict[str, int]:
    """Return how many events were sent, how many wait, and in how many cases that were given up."""
    mine = and_(events.c.agency == agency, events.c.receiver == receiver)
    one = select(func.count()).select_from(events).where(mine)
    given_up = and_(cases.c.agency == agency, cases.c.receiver == receiver, cases.c.given_up_at.is_not(None))
    return {
        "sent": connection.execute(one.where(events.c.sent_at.is_not(None))).scalar_one(),
        "waiting": connection.execute(one.where(events.c.sent_at.is_(None))).scalar_one(),
        "given_up": connection.execute(select(func.count()).select_from(cases).where(given_up)).scalar_one(),
    }


def stopped(connection: Connection, agency: str, receiver: str) -> list[str]:
    """Return the cases that were given up."""
    query = select(cases.c.number).where(
        cases.c.agency == agency, cases.c.receiver == receiver, cases.c.given_up_at.is_not(None)
    )
    return list(connection.execute(query.order_by(cases.c.number)).scalars())


def _this(agency: str, receiver: str, number: str) -> ColumnElement[bool]:
    return and_(cases.c.agency == agency, cases.c.receiver == receiver, cases.c.number == number)
