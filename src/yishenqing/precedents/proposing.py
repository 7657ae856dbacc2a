"""Masked texts of closed cases that wait for an adviser's review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select

from yishenqing.precedents.model import Precedent
from yishenqing.precedents.records import origins, proposals


class Draft(Struct, frozen=True):
    """A proposed precedent: of which case, its masked text, how much was masked by kind, by whom and when."""

    number: str
    precedent: Precedent
    found: Mapping[str, int]
    actor: str
    on: date


class Drafts:
    """The proposals of one agency, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def put(self, draft: Draft) -> None:
        """Enter a proposal in the place of an earlier one of the same precedent."""
        self.drop(draft.precedent.id)
        row = {
            "agency": self._agency,
            "id": draft.precedent.id,
            "record": draft.precedent.dumped(),
            "found": json.dumps(dict(draft.found)),
            "on": draft.on,
            "actor": draft.actor,
        }
        self._connection.execute(insert(proposals), row)

    def all(self, number: str = "") -> list[Draft]:
        """Return the proposals that wait, the oldest first; with ``number`` the one of that case."""
        joined = (origins.c.agency == proposals.c.agency) & (origins.c.id == proposals.c.id)
        query = (
            select(origins.c.number, proposals.c.record, proposals.c.found, proposals.c.actor, proposals.c.on)
            .join(origins, joined)
            .where(proposals.c.agency == self._agency)
            .order_by(proposals.c.on, proposals.c.id)
        )
        if number:
            query = query.where(origins.c.number == number)
        rows = self._connection.execute(query)
        return [Draft(n, Precedent.loaded(r), json.loads(f), actor, on) for n, r, f, actor, on in rows]

    def drop(self, identifier: str) -> None:
        """Forget a proposal: it was reviewed, or made anew."""
        here = (proposals.c.agency == self._agency, proposals.c.id == identifier)
        self._connection.execute(delete(proposals).where(*here))
