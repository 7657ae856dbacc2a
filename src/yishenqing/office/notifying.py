"""Who is told of a deadline, and the messages that go to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct, field

from yishenqing.core.ledger import canonical
from yishenqing.office.casework import Row
from yishenqing.settings import SUPERVISOR, Settings

MAIL, HOOK = "mail", "hook"


class Audience(Struct, frozen=True):
    """The persons of an office, as its settings name them."""

    settings: Settings
    rehearsal: bool = False
    known_holders: dict[str, list[str]] = field(default_factory=dict)

    def of(self, mark: str, owner: str, last_actor: str) -> tuple[str, ...]:
        """Return who is told: whoever holds the role that owes the next step; the supervisors of what was left lying.

        Where nobody in the office owes a step (it waits for an answer), it is whoever took the last one. A role that
        nobody holds is the supervisors' matter.
        """
        supervisors = self._holders(SUPERVISOR)
        actor = [last_actor] if last_actor in self.settings.people else []
        owing = self._holders(owner) if owner else actor
        first, second = (supervisors, owing) if mark == "escalated" else (owing, supervisors)
        return tuple(first or second)

    def _holders(self, role: str) -> list[str]:
        if role not in self.known_holders:
            self.known_holders[role] = self.settings.holders(role)
        return self.known_holders[role]

    def names(self, people: Sequence[str]) -> list[str]:
        """Return these persons' names."""
        return [self.settings.people[user].name for user in people]

    def messages(self, told: Sequence[tuple[Row, Sequence[str]]], now: str) -> list[Row]:
        """Return a message for each person and channel, holding all that this person is told now."""
        mine: dict[str, list[Row]] = {}
        for reminder, people in told:
            for user in people:
                mine.setdefault(user, []).append({k: v for k, v in reminder.items() if k != "to"})
        return [
            self._message(channel, user, reminders, now)
            for user, reminders in mine.items()
            for channel in self._channels(user)
        ]

    def unreachable(self, reminders: Sequence[Row]) -> list[str]:
        """Return the names of those who were told something and have no address for the office's mail."""
        if self.settings.mail is None:
            return []
        without = {p.name for p in self.settings.people.values() if not p.email}
        return sorted({name for r in reminders for name in r["to"]} & without)

    def _channels(self, user: str) -> list[str]:
        by_mail = self.settings.mail is not None and self.settings.people[user].email
        return [*([MAIL] if by_mail else []), *([HOOK] if self.settings.hook else [])]

    def _message(self, channel: str, user: str, reminders: Sequence[Row], now: str) -> Row:
        content = canonical({"rehearsal": self.rehearsal, "reminders": list(reminders)})
        keys = [[r["number"], r["clock"], r["mark"], r["due"]] for r in reminders]
        named = canonical([self.settings.agency, channel, user, keys])
        return {
            "agency": self.settings.agency,
            "id": hashlib.sha256(named.encode()).hexdigest()[:40],
            "channel": channel,
            "person": user,
            "content": content,
            "created_at": now,
        }
