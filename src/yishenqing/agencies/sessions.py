"""Signed in for a while: a token that the person's machine keeps, and its digest here."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from yishenqing.agencies.tables import sessions
from yishenqing.core.ledger import instant

_TOKEN_BYTES = 32
_NOTED_AFTER = timedelta(seconds=60)  # a use within this time of the last is not written down


class Session(Struct, frozen=True):
    """Who is signed in, and until when at most."""

    login: str
    ends_at: str


def begin(connection: Connection, agency: str, login: str, now: datetime, length: timedelta) -> str:
    """Sign somebody in; return the token, which is kept nowhere here."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    row = {"agency": agency, "digest": _digest(token), "login": login}
    times = {"begun_at": instant(now), "used_at": instant(now), "ends_at": instant(now + length)}
    connection.execute(insert(sessions).values({**row, **times}))
    return token


def holder(connection: Connection, agency: str, token: str, now: datetime, idle: timedelta) -> Session | None:
    """Return who is signed in with ``token``; None when nobody is, any more or at all."""
    columns = (sessions.c.login, sessions.c.ends_at, sessions.c.used_at)
    row = connection.execute(select(*columns).where(_this(agency, token))).first()
    if row is None or row.ends_at <= instant(now) or row.used_at <= instant(now - idle):
        return None
    return Session(row.login, row.ends_at)


def used(connection: Connection, agency: str, token: str, now: datetime) -> None:
    """Note that a session was used."""
    connection.execute(update(sessions).where(_this(agency, token)).values(used_at=instant(now)))


def stale(connection: Connection, agency: str, token: str, now: datetime) -> bool:
    """Tell whether the last use that was noted lies so far back that this one should be noted."""
    at = connection.execute(select(sessions.c.used_at).where(_this(agency, token))).scalar()
    return bool(at) and str(at) < instant(now - _NOTED_AFTER)


def end(connection: Connection, agency: str, token: str, now: datetime) -> bool:
    """Sign out; return whether anybody was signed in."""
    still = and_(_this(agency, token), sessions.c.ends_at > instant(now))
    ended = update(sessions).where(still).values(ends_at=instant(now)).returning(sessions.c.login)
    return connection.execute(ended).first() is not None


def _this(agency: str, token: str) -> ColumnElement[bool]:
    return and_(sessions.c.agency == agency, sessions.c.digest == _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
