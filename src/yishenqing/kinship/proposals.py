"""转主动公开 (条例第四十四条): proposed when different applicants ask for the same, decided by people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, and_, insert, or_, select, update

from yishenqing.core.errors import NotFound
from yishenqing.hot import insert_of
from yishenqing.kinship.identifying import different
from yishenqing.kinship.index import Text, lock, persons_of
from yishenqing.kinship.tables import counters, decisions, proposals, requests

DECISIONS = {"open": "转为主动公开", "decline": "不转为主动公开"}


class Decision(Struct, frozen=True):
    """What was decided on a proposal: how far it is opened (``scope``, 公开范围), why, by whom, on which day."""

    on: date
    decision: Literal["open", "decline"]
    scope: str
    reason: str
    actor: str
    recorded_at: str
    rehearsal: bool


class Proposal(Struct, frozen=True):
    """A proposal with the requests behind it (case and item) and the decisions on it, the last one counts."""

    id: int
    on: date
    requests: tuple[tuple[str, int], ...]
    decisions: tuple[Decision, ...]

    @property
    def decided(self) -> Decision | None:
        """Return the decision that counts."""
        return self.decisions[-1] if self.decisions else None


class Proposals:
    """The proposals of one agency inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def consider(
        self, request: tuple[str, int], on: date, alike: Sequence[Text], since: date, needed: int, recorded_at: str
    ) -> Proposal | None:
        """Return the proposal that ``request`` belongs to with the requests like it; make one where it is time.

        A request joins a proposal that is still open. Where it was decided to open, nothing is proposed again; where
        it was declined, only ``needed`` different applicants after that day make a new proposal.
        """
        earlier = self._with_any([(t.number, t.item) for t in alike])
        newest = max(earlier, key=lambda p: p.id, default=None)
        if newest is not None and newest.decided is None:
            self._join(newest.id, [request])
            return self.get(newest.id)
        if newest is not None and newest.decided is not None:
            if newest.decided.decision == "open":
                return newest
            since = max(since, newest.decided.on)
        behind = [(t.number, t.item) for t in alike if t.on >= since]
        if newest is not None:  # what the declined proposal rested on was weighed already
            behind = [r for r in behind if r not in newest.requests]
        if self._different([request[0], *(number for number, _ in behind)]) < needed:
            return None
        return self._propose([*sorted(set(behind)), request], on, recorded_at)

    def get(self, identifier: int) -> Proposal:
        """Return one proposal.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._read([identifier])
        if not found:
            raise NotFound(f"没有第{identifier}号转主动公开建议；请用 ysq proposals list 查看。")
        return found[0]

    def all(self) -> list[Proposal]:
        """Return every proposal, the first one first."""
        query = select(proposals.c.id).where(proposals.c.agency == self._agency)
        return self._read(list(self._connection.execute(query).scalars()))

    def applicants(self, proposal: Proposal) -> int:
        """Return how many different applicants stand behind a proposal."""
        return self._different(sorted({number for number, _ in proposal.requests}))

    def of_case(self, number: str) -> list[Proposal]:
        """Return the proposals that a case stands behind."""
        query = select(requests.c.proposal).where(requests.c.agency == self._agency, requests.c.number == number)
        return self._read(sorted(set(self._connection.execute(query).scalars())))

    def decide(self, identifier: int, decision: Decision) -> Proposal:
        """Add a decision; an earlier one stays in the history.

        Raises:
            NotFound: there is no such proposal.
        """
        lock(self._connection, self._agency)
        known = self.get(identifier)
        row = {"agency": self._agency, "proposal": identifier, "n": len(known.decisions) + 1, **asdict(decision)}
        self._connection.execute(insert(decisions), row)
        return self.get(identifier)

    def _different(self, numbers: Sequence[str]) -> int:
        """Return how many different applicants these cases have."""
        return different(list(persons_of(self._connection, self._agency, numbers).values()))

    def _propose(self, behind: Sequence[tuple[str, int]], on: date, recorded_at: str) -> Proposal:
        here = counters.c.agency == self._agency
        statement = update(counters).where(here).values(last_proposal=counters.c.last_proposal + 1)
        identifier = int(self._connection.execute(statement.returning(counters.c.last_proposal)).scalar_one())
        row = {"agency": self._agency, "id": identifier, "on": on, "recorded_at": recorded_at}
        self._connection.execute(insert(proposals), row)
        self._join(identifier, behind)
        return self.get(identifier)

    def _join(self, identifier: int, behind: Sequence[tuple[str, int]]) -> None:
        rows = [{"agency": self._agency, "proposal": identifier, "number": n, "item": i} for n, i in behind]
        for row in rows:
            self._connection.execute(
                insert_of(self._connection.dialect.name)(requests).values(row).on_conflict_do_nothing()
            )

    def _with_any(self, behind: Sequence[tuple[str, int]]) -> list[Proposal]:
        if not behind:
            return []
        same = or_(*(and_(requests.c.number == n, requests.c.item == i) for n, i in behind))
        query = select(requests.c.proposal).where(requests.c.agency == self._agency, same)
        return self._read(sorted(set(self._connection.execute(query).scalars())))

    def _read(self, identifiers: Sequence[int]) -> list[Proposal]:
        if not identifiers:
            return []
        behind: dict[int, list[tuple[str, int]]] = defaultdict(list)
        decided: dict[int, list[Decision]] = defaultdict(list)
        mine = select(requests.c.proposal, requests.c.number, requests.c.item).where(
            requests.c.agency == self._agency, requests.c.proposal.in_(identifiers)
        )
        for identifier, number, item in self._connection.execute(mine.order_by(requests.c.number, requests.c.item)):
            behind[identifier].append((number, item))
        columns: list[Any] = [decisions.c[name] for name in Decision.__struct_fields__]
        taken = select(decisions.c.proposal, *columns).where(
            decisions.c.agency == self._agency, decisions.c.proposal.in_(identifiers)
        )
        for identifier, *values in self._connection.execute(taken.order_by(decisions.c.proposal, decisions.c.n)):
            decided[identifier].append(Decision(*values))
        query = select(proposals.c.id, proposals.c.on).where(
            proposals.c.agency == self._agency, proposals.c.id.in_(identifiers)
        )
        rows = self._connection.execute(query.order_by(proposals.c.id))
        return [Proposal(i, on, tuple(behind[i]), tuple(decided[i])) for i, on in rows]
