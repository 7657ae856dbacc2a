"""What holds a case, and what of destroyed cases is still to be removed from the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, insert, select, update

from yishenqing.retention.tables import holds, removals

FOLDERS = ""  # stands for the folders of readable copies where a content's SHA-256 stands otherwise


class Hold(Struct, frozen=True):
    """A hold as it was placed or lifted."""

    number: str
    on: date
    placed: bool
    reason: str
    actor: str
    recorded_at: str
    rehearsal: bool


class Removal(Struct, frozen=True):
    """A content of a destroyed case (or its folders) that still lies on the disk."""

    number: str
    sha256: str


class Holds:
    """The holds of one agency, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def put(self, hold: Hold) -> None:
        """Place or lift a hold."""
        here = (holds.c.agency == self._agency, holds.c.number == hold.number)
        last = self._connection.execute(select(func.max(holds.c.n)).where(*here)).scalar() or 0
        values: dict[str, Any] = {name: getattr(hold, name) for name in Hold.__struct_fields__}
        self._connection.execute(insert(holds).values(agency=self._agency, n=last + 1, **values))

    def history(self, number: str) -> list[Hold]:
        """Return every hold of a case, placed and lifted, the first one first."""
        query = select(*_HOLD).where(holds.c.agency == self._agency, holds.c.number == number)
        return [Hold(*row) for row in self._connection.execute(query.order_by(holds.c.n))]

    def placed(self) -> dict[str, Hold]:
        """Return the holds that stand, by case."""
        query = select(*_HOLD).where(holds.c.agency == self._agency).order_by(holds.c.number, holds.c.n)
        last = {row.number: Hold(*row) for row in self._connection.execute(query)}
        return {number: hold for number, hold in last.items() if hold.placed}


class Removals:
    """What of destroyed cases lies on the disk still, inside the caller's transaction."""

    def __init__(self, connection: Connection, agency: str) -> None:
        """Work for ``agency``."""
        self._connection, self._agency = connection, agency

    def note(self, number: str, contents: Iterable[str]) -> None:
        """Note that these contents (by SHA-256), and the folders of the case, are to be removed."""
        rows = [
            {"agency": self._agency, "number": number, "sha256": sha256, "done_at": None}
            for sha256 in sorted({*contents, FOLDERS})
        ]
        self._connection.execute(insert(removals), rows)

    def waiting(self) -> list[Removal]:
        """Return what was not removed yet."""
        query = select(removals.c.number, removals.c.sha256).where(
            removals.c.agency == self._agency, removals.c.done_at.is_(None)
        )
        found = self._connection.execute(query.order_by(removals.c.number, removals.c.sha256))
        return [Removal(*row) for row in found]

    def done(self, removed: Sequence[Removal], at: str) -> None:
        """Note that these are gone."""
        statement = (
            update(removals)
            .where(
                removals.c.agency == self._agency,
                removals.c.number == bindparam("case"),
                removals.c.sha256 == bindparam("content"),
            )
            .values(done_at=at)
        )
        if removed:
            self._connection.execute(statement, [{"case": r.number, "content": r.sha256} for r in removed])


_HOLD = tuple(holds.c[name] for name in Hold.__struct_fields__)
