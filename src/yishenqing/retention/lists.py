"""销毁清册: which cases somebody proposes to destroy, as they stood then, and what another person decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, insert, select

from yishenqing.retention.tables import decisions, items, lists


class Item(Struct, frozen=True):
    """A case on a list: its 档号, its period, and the entry that its ledger ended with."""

    number: str
    code: str
    period: str
    filed_on: date
    kept_until: date
    head_seq: int
    head_hash: str


class Decision(Struct, frozen=True):
    """What was decided of a list, and the SHA-256 of the certificate."""

    on: date
    approved: bool
    reason: str
    certificate: str
    actor: str
    recorded_at: str
    rehearsal: bool


class Listed(Struct, frozen=True):
    """A list as it was proposed; ``decision`` is None while it waits."""

    id: str
    on: date
    opinion: str
    actor: str
    recorded_at: str
    rehearsal: bool
    items: tuple[Item, ...] = ()
    decision: Decision | None = None


class Lists:
    """The lists of one agency, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def propose(self, listed: Listed) -> None:
        """Keep a list as it is proposed."""
        head = {name: getattr(listed, name) for name in _HEAD}
        self._connection.execute(insert(lists).values(agency=self._agency, **head))
        rows = [{"agency": self._agency, "list": listed.id, **asdict(item)} for item in listed.items]
        self._connection.execute(insert(items), rows)

    def decide(self, identifier: str, decision: Decision) -> None:
        """Keep what was decided."""
        self._connection.execute(insert(decisions).values(agency=self._agency, list=identifier, **asdict(decision)))

    def next_id(self, year: int) -> str:
        """Return the number of the next list of a year."""
        query = select(lists.c.id).where(lists.c.agency == self._agency, lists.c.id.startswith(f"{year}-"))
        taken = [int(found.partition("-")[2]) for found in self._connection.execute(query).scalars()]
        return f"{year}-{max(taken, default=0) + 1}"

    def all(self) -> list[Listed]:
        """Return every list, the first one first."""
        query = select(*(lists.c[name] for name in _HEAD)).where(lists.c.agency == self._agency)
        heads = self._connection.execute(query.order_by(lists.c.recorded_at, lists.c.id)).all()
        return [self._whole(row) for row in heads]

    def one(self, identifier: str) -> Listed | None:
        """Return a list; None where there is none of this number."""
        query = select(*(lists.c[name] for name in _HEAD)).where(
            lists.c.agency == self._agency, lists.c.id == identifier
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else self._whole(row)

    def waiting(self) -> dict[str, str]:
        """Return the cases on lists that are not decided, each with its list."""
        decided = select(decisions.c.list).where(decisions.c.agency == self._agency)
        query = select(items.c.number, items.c.list).where(
            items.c.agency == self._agency, items.c.list.not_in(decided)
        )
        return {row.number: row.list for row in self._connection.execute(query)}

    def _whole(self, row: Sequence[Any]) -> Listed:
        head = Listed(*row)
        of_list = (items.c.agency == self._agency, items.c.list == head.id)
        query = select(*(items.c[name] for name in Item.__struct_fields__)).where(*of_list)
        known = tuple(Item(*found) for found in self._connection.execute(query.order_by(items.c.number)))
        made = select(*(decisions.c[name] for name in Decision.__struct_fields__)).where(
            decisions.c.agency == self._agency, decisions.c.list == head.id
        )
        decided = self._connection.execute(made).one_or_none()
        return replace(head, items=known, decision=Decision(*decided) if decided else None)


_HEAD = ("id", "on", "opinion", "actor", "recorded_at", "rehearsal")
