"""Events on their way to the receivers of the exchange: batch by batch under a lease, each case in its order.

At least once: a batch whose answer was lost goes again, with the same keys, by which the receiver knows its events.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from yishenqing.core.errors import YishenqingError, why
from yishenqing.core.ledger import instant
from yishenqing.exchange import queue
from yishenqing.exchange.queue import Waiting
from yishenqing.exchange.records import record_of
from yishenqing.exchange.transport import Folder, Rejected, Unreachable, Webhook
from yishenqing.keyfile import exposed
from yishenqing.office import casework

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.exchange.transport import Way
    from yishenqing.office.casework import Practice, Row
    from yishenqing.office.departing import Departures
    from yishenqing.store.engine import Transactions
    from yishenqing.store.vault import Papers

_BUDGET = 30.0  # seconds that one round spends on a receiver: the next tick must not wait for a slow one
_MARGIN = 10.0  # seconds that a lease must still have after the next call could have run out of time


class Sender(Struct, frozen=True):
    """What sending needs of the office."""

    transactions: Transactions
    practice: Practice
    departures: Departures
    papers: Papers
    now: Callable[[], datetime]

    def round(self, only: str = "") -> Row:
        """Send to every receiver, or one, what may be sent now; answer how much went, and what waits and why."""
        sent = {name: self._over(name) for name in self.departures.settings.exchange.receivers if only in ("", name)}
        return self.outcome(sent)

    def outcome(self, sent: Mapping[str, int] | None = None) -> Row:
        """Return what went (``now``), what has gone, what waits, and which cases could not be sent."""
        agency = self.practice.agency
        with self.transactions.reading() as connection:
            receivers = [
                {"receiver": name, "now": (sent or {}).get(name, 0), **queue.counts(connection, agency, name)}
                for name in self.departures.settings.exchange.receivers
            ]
            return {"receivers": receivers, "failed": queue.troubles(connection, agency)}

    def way(self, receiver: str) -> Way:
        """Return the way to a receiver.

        Raises:
            Unreachable: its secret is not there, or others may read it.
        """
        known, home = self.departures.settings.exchange.receivers[receiver], self.departures.home
        if known.folder:
            return Folder((home / Path(known.folder).expanduser()).resolve())
        ca = str((home / known.ca).resolve()) if known.ca else ""
        return Webhook(known.url, _secret(home, known.secret_file, known.secret_env), known.timeout, ca)

    def _over(self, receiver: str) -> int:
        sent, begun = 0, time.monotonic()
        vocabulary, mapping = self.departures.vocabulary, self.departures.mappings[receiver]
        most = (mapping.batch if mapping is not None else 0) or vocabulary.batch
        while time.monotonic() - begun < _BUDGET:
            batch = self._take(receiver, most)
            if not batch.cases:
                break
            try:
                if batch.events:
                    batch.send(self.way(receiver))
            except Unreachable as error:
                batch.put_off(error)
            sent += batch.note_all()
            if batch.broken_off:
                break
        return sent

    def _take(self, receiver: str, most: int) -> _Batch:
        now, figures = self.now(), self.departures.vocabulary
        known = self.departures.settings.exchange.receivers[receiver]
        seconds = max(figures.lease_seconds, 2 * known.timeout + _MARGIN)
        lease, agency = secrets.token_hex(8), self.practice.agency
        found = self.transactions.kept(
            lambda connection: queue.take(
                connection,
                agency,
                receiver,
                instant(now),
                until=instant(now + timedelta(seconds=seconds)),
                beyond=instant(now + timedelta(seconds=max(seconds, figures.longest_pause_seconds))),
                lease=lease,
                most=most,
            )
        )
        batch = _Batch(self, receiver, lease, time.monotonic() + seconds - known.timeout - _MARGIN)
        for number, events in groupby(found, key=lambda w: w.number):
            batch.add(number, list(events))
        return batch

    def written(self, receiver: str, number: str, events: Sequence[Waiting]) -> tuple[list[Row], str]:
        """Return the events of a case as they are sent, up to the first that does not fit, and why that does not."""
        mapping = self.departures.mappings[receiver]
        found: list[Row] = []
        with self.transactions.reading() as connection:
            case = casework.load(connection, self.practice, number) if mapping is not None else None
            for event in events:
                again = f"~{event.revision}" if event.revision > 1 else ""
                key = f"{self.practice.agency}/{number}/{event.seq}{again}"
                told: Row = {"key": key, "revision": event.revision, **json.loads(event.content)}
                if mapping is not None and case is not None:
                    from yishenqing.office.outward import Outward  # noqa: PLC0415 - where a receiver has fields

                    settings = self.departures.settings
                    known = settings.exchange.receivers[receiver]
                    outward = Outward.of(connection, case, event.seq, settings, self.papers, known)
                    told["record"], misfits = record_of(mapping, outward.value)
                    if misfits:
                        return found, "；".join(map(str, misfits))
                found.append(told)
        return found, ""


class _Batch(Struct):
    """Cases taken under one lease, their events in order; what became of each is noted at the end."""

    sender: Sender
    receiver: str
    lease: str
    ends: float  # by the monotonic clock: after this the lease could run out during a call
    events: list[Row] = field(default_factory=list)
    broken_off: bool = False
    cases: dict[str, int] = field(default_factory=dict)  # each with how often it was tried
    _sent: dict[str, list[int]] = field(default_factory=dict)
    _wrong: dict[str, tuple[str, bool]] = field(default_factory=dict)  # why, and whether for good
    _stopped: set[str] = field(default_factory=set)  # cases of which the receiver did not take an event

    def add(self, number: str, waiting: Sequence[Waiting]) -> None:
        """Add the events of a case; one that cannot be put into the receiver's fields stops its case."""
        self.cases[number] = waiting[0].attempts
        try:
            events, why = self.sender.written(self.receiver, number, waiting)
        except YishenqingError as error:  # a damaged case must not stop the others
            events, why = [], str(error)
        self.events += events
        if why:
            self._wrong[number] = (why, True)

    def send(self, way: Way) -> None:
        """Hand the batch over; where the receiver does not take it as a whole, event by event.

        Raises:
            Unreachable: the receiver cannot be used now.
        """
        try:
            self._hand_over(way, self.events)
        except Rejected as error:
            if len(self.events) == 1:
                self._stop(self.events[0]["number"], str(error))
            else:
                self._send_singly(way)

    def _send_singly(self, way: Way) -> None:
        for event in self.events:
            if event["number"] in self._stopped:
                continue  # it would overtake what was not taken
            if time.monotonic() > self.ends:
                raise Unreachable("对方过慢，余下的稍后再发")
            try:
                self._hand_over(way, [event])
            except Rejected as error:
                self._stop(event["number"], str(error))

    def _hand_over(self, way: Way, events: Sequence[Row]) -> None:
        taken = way.send(events)
        for event in events:
            number = event["number"]
            if number in self._stopped:
                continue  # it goes again behind the one that was not taken
            if event["key"] in taken.rejected:
                self._stop(number, f"对方不收：{taken.rejected[event['key']]}")
            else:
                self._sent.setdefault(number, []).append(event["seq"])

    def _stop(self, number: str, why: str) -> None:
        self._stopped.add(number)
        self._wrong[number] = (why, True)

    def put_off(self, error: Unreachable) -> None:
        """Let everything that has not arrived wait: the receiver cannot be used now."""
        self.broken_off = True
        for event in self.events:
            if event["seq"] not in self._sent.get(event["number"], ()):
                self._wrong.setdefault(event["number"], (str(error), False))

    def note_all(self) -> int:
        """Note what has arrived, and what has not and why; return how many events have."""
        self.sender.transactions.kept(self._note)
        return sum(map(len, self._sent.values()))

    def _note(self, connection: Connection) -> None:
        now = self.sender.now()
        held = queue.Held(connection, self.sender.practice.agency, self.receiver, self.lease)
        for number, attempts in self.cases.items():
            why, for_good = self._wrong.get(number, ("", False))
            if seqs := self._sent.get(number):
                held.sent(number, seqs, instant(now), over=not why)
            if why:
                held.failed(number, last_error=why, **self._again(now, attempts, for_good=for_good))

    def _again(self, now: datetime, attempts: int, *, for_good: bool) -> dict[str, str | None]:
        figures = self.sender.departures.vocabulary
        if for_good or attempts >= figures.attempts:
            return {"given_up_at": instant(now), "next_try": instant(now)}
        seconds = min(figures.first_pause_seconds * 2 ** min(attempts - 1, 20), figures.longest_pause_seconds)
        return {"given_up_at": None, "next_try": instant(now + timedelta(seconds=seconds))}


def _secret(home: Path, name: str, variable: str) -> bytes:
    """Return what both sides hold: from the environment, or from a file that nobody else may read.

    Raises:
        Unreachable: it is not there, empty, or others may read it.
    """
    if variable:
        text = os.environ.get(variable, "").strip()
        if not text:
            raise Unreachable(f"没有设置环境变量 {variable}（签名的密钥）")
        return text.encode()
    path = (home / Path(name).expanduser()).resolve()
    try:
        if exposed(path):
            raise Unreachable(f"他人可以读取密钥“{path}”；请运行 chmod 600 改正")
        content = path.read_bytes().strip()
    except OSError as error:
        raise Unreachable(f"读不到密钥“{path}”（{why(error)}）") from None
    if not content:
        raise Unreachable(f"密钥“{path}”是空的")
    return content
