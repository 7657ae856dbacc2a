"""When the last checkpoint was made: asked by every process that writes, and light for that."""

from __future__ import annotations

from sqlalchemy import Connection, select

from yishenqing.checkpoints.tables import checkpoints


def latest(connection: Connection, agency: str) -> str:
    """Return the moment of the agency's last checkpoint; empty where there is none."""
    query = select(checkpoints.c.made_at).where(checkpoints.c.agency == agency).order_by(checkpoints.c.n.desc())
    return connection.execute(query.limit(1)).scalar() or ""
