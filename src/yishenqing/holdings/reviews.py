"""When refusals are to be assessed again (条例第十八条), and what was found: history is only ever added to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update

from yishenqing.holdings.tables import assessments, reviews

Kind = Literal["holding", "case"]
Decision = Literal["kept", "opened"]
DECISIONS = {"kept": "维持不予公开", "opened": "予以公开"}


class Review(Struct, frozen=True):
    """A refusal that falls due; ``subject`` is the id of the holding or the number of the case."""

    kind: Kind
    subject: str
    due_on: date
    reminded_on: date | None


class Assessment(Struct, frozen=True):
    """One re-assessment: what was decided on which day, why, by whom, and when the next one is due."""

    kind: Kind
    subject: str
    on: date
    decision: Decision
    reason: str
    actor: str
    recorded_at: str
    rehearsal: bool
    attribute: str = ""
    next_on: date | None = None


class Reviews:
    """The re-assessments of one agency, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def schedule(self, kind: Kind, subjects: Sequence[tuple[str, date]]) -> None:
        """Note the days; an earlier day of the same subject gives way, and somebody will be told of the new one."""
        if not subjects:
            return
        self.cancel(kind, [subject for subject, _ in subjects])
        fixed = {"agency": self._agency, "kind": kind, "reminded_on": None}
        self._connection.execute(insert(reviews), [{**fixed, "subject": s, "due_on": d} for s, d in subjects])

    def cancel(self, kind: Kind, subjects: Sequence[str]) -> None:
        """Forget the days of these subjects."""
        if subjects:
            statement = delete(reviews).where(self._this(kind), reviews.c.subject == bindparam("s"))
            self._connection.execute(statement, [{"s": s} for s in subjects])

    def days_of(self, kind: Kind, subject: str) -> Review | None:
        """Return what is noted for one subject."""
        row = self._connection.execute(
            select(*_COLUMNS).where(self._this(kind), reviews.c.subject == subject)
        ).one_or_none()
        return Review(*row) if row else None

    def due(self, until: date | None = None) -> list[Review]:
        """Return what falls due up to ``until`` (None: all that is noted), the longest overdue first."""
        query = select(*_COLUMNS).where(reviews.c.agency == self._agency)
        if until is not None:
            query = query.where(reviews.c.due_on <= until)
        rows = self._connection.execute(query.order_by(reviews.c.due_on, reviews.c.kind, reviews.c.subject))
        return [Review(*row) for row in rows]

    def waiting(self, today: date) -> bool:
        """Tell whether something is due that nobody was told of."""
        query = select(reviews.c.subject).where(self._untold(today)).limit(1)
        return self._connection.execute(query).first() is not None

    def claim(self, today: date) -> list[Review]:
        """Return what is due and nobody was told of; from then on it counts as told."""
        statement = update(reviews).where(self._untold(today)).values(reminded_on=today).returning(*_COLUMNS)
        found = [Review(*row) for row in self._connection.execute(statement)]
        return sorted(found, key=lambda r: (r.due_on, r.kind, len(r.subject), r.subject))

    def record(self, assessment: Assessment) -> int:
        """Add a re-assessment to the history of its subject; note the next day. Returns its number."""
        here = and_(
            assessments.c.agency == self._agency,
            assessments.c.kind == assessment.kind,
            assessments.c.subject == assessment.subject,
        )
        last = self._connection.execute(select(func.max(assessments.c.n)).where(here)).scalar() or 0
        self._connection.execute(insert(assessments), {"agency": self._agency, "n": last + 1, **asdict(assessment)})
        if assessment.next_on is None:
            self.cancel(assessment.kind, [assessment.subject])
        else:
            self.schedule(assessment.kind, [(assessment.subject, assessment.next_on)])
        return int(last) + 1

    def history(self, kind: Kind, subject: str) -> list[Assessment]:
        """Return the re-assessments of one subject, the first one first."""
        columns: list[Any] = [assessments.c[name] for name in Assessment.__struct_fields__]
        query = select(*columns).where(
            assessments.c.agency == self._agency, assessments.c.kind == kind, assessments.c.subject == subject
        )
        return [Assessment(*row) for row in self._connection.execute(query.order_by(assessments.c.n))]

    def _this(self, kind: Kind) -> Any:
        return and_(reviews.c.agency == self._agency, reviews.c.kind == kind)

    def _untold(self, today: date) -> Any:
        return and_(reviews.c.agency == self._agency, reviews.c.due_on <= today, reviews.c.reminded_on.is_(None))


_COLUMNS = (reviews.c.kind, reviews.c.subject, reviews.c.due_on, reviews.c.reminded_on)
