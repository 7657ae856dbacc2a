"""What a tick could not do, and why: kept until it could be done, and after; nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from yishenqing.store.tables import failures

CASE = "case"  # a case that could not be looked at; the only kind so far


def open_of(connection: Connection, agency: str) -> dict[str, str]:
    """Return what is failing now: subject and reason."""
    query = select(failures.c.subject, failures.c.text).where(
        failures.c.agency == agency, failures.c.kind == CASE, failures.c.over_at.is_(None)
    )
    return {row.subject: row.text for row in connection.execute(query)}


def note(connection: Connection, agency: str, faults: Sequence[Mapping[str, str]], now: str) -> None:
    """Note what failed this time; what failed before and does not any more is over."""
    known = {row["subject"]: row for row in all_of(connection, agency)}
    for fault in faults:
        row = known.get(fault["number"])
        said = {"code": fault["code"], "text": fault["text"], "last_at": now, "over_at": None}
        if row is None:
            key = {"agency": agency, "kind": CASE, "subject": fault["number"]}
            connection.execute(insert(failures).values({**key, **said, "first_at": now, "times": 1}))
        else:
            again = row["over_at"] is not None
            first = now if again else row["first_at"]
            _change(connection, agency, fault["number"], {**said, "first_at": first, "times": row["times"] + 1})
        known.pop(fault["number"], None)
    for subject, row in known.items():
        if row["over_at"] is None:
            _change(connection, agency, subject, {"over_at": now})


def all_of(connection: Connection, agency: str) -> list[dict[str, Any]]:
    """Return everything that ever failed, the latest first."""
    columns = [c for c in failures.c if c.name != "agency"]
    query = select(*columns).where(failures.c.agency == agency, failures.c.kind == CASE)
    ordered = query.order_by(failures.c.last_at.desc(), failures.c.subject)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def _change(connection: Connection, agency: str, subject: str, values: Mapping[str, Any]) -> None:
    this = (failures.c.agency == agency, failures.c.kind == CASE, failures.c.subject == subject)
    connection.execute(update(failures).where(*this).values(dict(values)))
