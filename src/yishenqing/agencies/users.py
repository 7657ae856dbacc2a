"""Passwords: kept as argon2id, tried a few times, then locked for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from yishenqing.agencies.tables import sessions, users
from yishenqing.core.ledger import instant


class Wrong(Exception):
    """No such user, or not the password; which of both is not said."""


class Locked(Exception):
    """Too many wrong passwords; ``args[0]`` is the UTC instant until which the user stays locked."""


@dataclass(frozen=True, slots=True)
class User:
    """Who signs in; the password's hash, wrong attempts since the last right one, and whether it is closed."""

    login: str
    hash: str
    failed: int
    locked_until: str
    changed_at: str
    closed: bool


_COLUMNS = (
    users.c.login,
    users.c.hash,
    users.c.failed,
    users.c.locked_until,
    users.c.changed_at,
    users.c.closed,
)


def hashed(password: str) -> str:
    """Return what is kept of a password: argon2id with the library's parameters (RFC 9106), salted."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def users_of(connection: Connection, agency: str) -> list[User]:
    """Return everybody who signs in at an agency, by login."""
    query = select(*_COLUMNS).where(users.c.agency == agency).order_by(users.c.login)
    return [User(*row) for row in connection.execute(query)]


def user(connection: Connection, agency: str, login: str, *, lock: bool = False) -> User | None:
    """Return one who signs in; with ``lock`` nobody else can try at the same time."""
    query = select(*_COLUMNS).where(users.c.agency == agency, users.c.login == login)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return User(*row) if row else None


def put(connection: Connection, agency: str, login: str, password_hash: str, now: str) -> None:
    """Keep a user's new password; whoever is signed in under the old one is signed in no more."""
    values = {"hash": password_hash, "failed": 0, "locked_until": "", "changed_at": now, "closed": False}
    if user(connection, agency, login, lock=True) is None:
        connection.execute(insert(users).values(agency=agency, login=login, **values))
    else:
        _change(connection, agency, login, values)
        _end_all(connection, agency, login, now)


def close(connection: Connection, agency: str, login: str, now: str) -> None:
    """Let a user sign in no more."""
    _change(connection, agency, login, {"closed": True})
    _end_all(connection, agency, login, now)


def verified(
    connection: Connection, agency: str, login: str, password: str, now: datetime, attempts: int, pause: timedelta
) -> None:
    """Note a right password, or one more wrong one; the caller keeps either.

    Raises:
        Wrong: it is not the password of any open user of that name.
        Locked: it was one too many, or the user is locked still.
    """
    found = user(connection, agency, login, lock=True)
    if found is None or found.closed:
        hashed(password)  # the time taken does not tell who there is
        raise Wrong
    right = _is_right(found.hash, password)
    if found.locked_until > instant(now):
        raise Locked(found.locked_until)
    if right:
        _change(connection, agency, login, {"failed": 0, "locked_until": "", **_stronger(found.hash, password)})
        return
    failed = found.failed + 1
    if failed < attempts:
        _change(connection, agency, login, {"failed": failed})
        raise Wrong
    until = instant(now + pause)
    _change(connection, agency, login, {"failed": 0, "locked_until": until})
    raise Locked(until)


def _is_right(kept: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _stronger(kept: str, password: str) -> dict[str, str]:
    """Hash anew what was hashed by weaker parameters than today's."""
    from argon2 import PasswordHasher

    return {"hash": hashed(password)} if PasswordHasher().check_needs_rehash(kept) else {}


def _change(connection: Connection, agency: str, login: str, values: dict[str, object]) -> None:
    connection.execute(update(users).where(users.c.agency == agency, users.c.login == login).values(values))


def _end_all(connection: Connection, agency: str, login: str, now: str) -> None:
    mine = (sessions.c.agency == agency, sessions.c.login == login, sessions.c.ends_at > now)
    connection.execute(update(sessions).where(*mine).values(ends_at=now))
