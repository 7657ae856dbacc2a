"""The messages' way out: one at a time, each under a lease, at least once; a failing server holds nobody up.

A reminder is given when it is recorded; what happens here is told and tried again, and never takes one back.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from yishenqing import notices
from yishenqing.core.ledger import instant
from yishenqing.core.workdays import Workdays
from yishenqing.office.casework import Row
from yishenqing.office.notifying import HOOK, MAIL
from yishenqing.settings import Mail, Settings
from yishenqing.store import outbox
from yishenqing.store.engine import Transactions
from yishenqing.store.outbox import Letter

CHANNEL_TITLES = {MAIL: "邮件", HOOK: "提醒命令"}
_BUDGET = 30.0  # seconds that one round spends on a channel: the next tick must not wait for a slow server
_LEASE = timedelta(seconds=600)  # longer than a server can take over one message
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=4)


class _Way(Protocol):
    def send(self, message: notices.Message) -> None: ...


class Delivery(Struct, frozen=True):
    """What sending needs of the office."""

    transactions: Transactions
    settings: Settings
    workdays: Workdays
    now: Callable[[], datetime]

    def round(self) -> Row:
        """Send what may be sent now; answer like ``outcome``."""
        sent, mail = 0, self.settings.mail
        if mail is not None and not self._is_quiet():
            sent += self._over(MAIL, lambda: self._post(mail))
        if self.settings.hook:
            sent += self._over(HOOK, lambda: nullcontext(notices.Hook(self.settings.hook)))
        return self.outcome(sent)

    def outcome(self, sent: int = 0) -> Row:
        """Return how many messages went and wait, whether mail has to wait now, and what could not be delivered."""
        with self.transactions.reading() as connection:
            left = outbox.unsent(connection, self.settings.agency)
        failed = [self._failure(letter) for letter in left if letter.last_error]
        return {"sent": sent, "waiting": len(left), "quiet": self._is_quiet(), "failed": failed}

    def _is_quiet(self) -> bool:
        """Mail waits out the office's quiet hours and days that are not worked."""
        mail = self.settings.mail
        if mail is None:
            return False
        return notices.is_quiet(mail.quiet, self.now()) or not self.workdays.is_working(self.workdays.today)

    def _post(self, mail: Mail) -> notices.Post:
        post = notices.Post(mail.host, mail.port, mail.security, mail.from_)
        if not mail.user:
            return post
        password = os.environ.get(mail.password_env)
        if password is None:
            raise notices.Unreachable(f"没有设置环境变量 {mail.password_env}（邮件服务器的口令）")
        return post.log_in_as(mail.user, password)

    def _over(self, channel: str, opened: Callable[[], AbstractContextManager[_Way]]) -> int:
        """Send the messages of one channel until none is due, the server fails, or the time is over."""
        sent, begun = 0, time.monotonic()
        way: _Way | None = None
        with ExitStack() as stack:
            while time.monotonic() - begun < _BUDGET and (letter := self._take(channel)) is not None:
                try:
                    way = way or stack.enter_context(opened())
                    way.send(self._message(letter))
                except notices.Undelivered as error:
                    self._failed(letter, error)
                    if isinstance(error, notices.Unreachable):
                        break
                else:
                    self._sent(letter)
                    sent += 1
        return sent

    def _sent(self, letter: Letter) -> None:
        now = instant(self.now())
        self.transactions.kept(lambda connection: outbox.sent(connection, self.settings.agency, letter.id, now))

    def _take(self, channel: str) -> Letter | None:
        now = self.now()
        return self.transactions.kept(
            lambda connection: outbox.take(
                connection,
                self.settings.agency,
                channel,
                instant(now),
                until=instant(now + _LEASE),
                beyond=instant(now + _LONGEST_PAUSE),
            )
        )

    def _message(self, letter: Letter) -> notices.Message:
        """Return the message to whoever the person is now: an address may have been put right meanwhile."""
        person = self.settings.people.get(letter.person)
        if person is None:
            raise notices.Undelivered(f"office.yaml 的人员中已没有“{letter.person}”")
        if letter.channel == MAIL and not person.email:
            raise notices.Undelivered(f"office.yaml 中没有{person.name}的邮箱（email）")
        try:
            content = json.loads(letter.content)
            reminders, rehearsal = content["reminders"], content["rehearsal"]
        except (ValueError, KeyError, TypeError):
            raise notices.Undelivered("存下的内容已被改动，无法读取") from None
        return notices.Message(
            letter.id,
            self.settings.office,
            letter.person,
            person.name,
            person.email,
            reminders,
            rehearsal,
            datetime.fromisoformat(letter.created_at),
        )

    def _failed(self, letter: Letter, error: notices.Undelivered) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(letter.attempts, 10), _LONGEST_PAUSE)
        again, why = instant(self.now() + pause), str(error)
        self.transactions.kept(
            lambda connection: outbox.failed(connection, self.settings.agency, letter.id, why, again)
        )

    def _failure(self, letter: Letter) -> Row:
        person = self.settings.people.get(letter.person)
        return {
            "to": person.name if person else letter.person,
            "channel": letter.channel,
            "channel_title": CHANNEL_TITLES.get(letter.channel, letter.channel),
            "attempts": letter.attempts,
            "next_try": letter.next_try,
            "error": letter.last_error,
        }
