"""Passwords: kept as argon2id, tried a few times, then locked for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from yishenqing.agencies.tables import access_log, sessions, users
from yishenqing.core.errors import Fault
from yishenqing.core.ledger import instant

_OPENED, _REHASHED, _CLOSED = "password_set", "rehashed", "closed"  # the events that say how a user stands


class Wrong(Exception):
    """No such user, or not the password; which of both is not said."""


class Locked(Exception):
    """Too many wrong passwords; ``args[0]`` is the UTC instant until which the user stays locked."""


class User(Struct, frozen=True):
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


def mark(password_hash: str) -> str:
    """Return what the log keeps of a hash, to tell it from another: its SHA-256."""
    return hashlib.sha256(password_hash.encode()).hexdigest()


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
) -> str | None:
    """Note a right password, or one more wrong one; the caller keeps either.

    Returns the hash where the password was hashed anew, which the caller notes as well.

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
        stronger = _stronger(found.hash, password)
        _change(connection, agency, login, {"failed": 0, "locked_until": "", **stronger})
        return stronger.get("hash")
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


def faults(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield the users whose rows are not what the log says was last done to them.

    What was noted by an earlier program, without a mark of the hash, tells only that there is such a user.
    """
    said: dict[str, list[tuple[str, str, str]]] = {}
    lines = select(access_log.c.login, access_log.c.at, access_log.c.event, access_log.c.detail).where(
        access_log.c.agency == agency, access_log.c.event.in_((_OPENED, _REHASHED, _CLOSED))
    )
    for login, *line in connection.execute(lines):
        said.setdefault(login, []).append((line[0], line[1], line[2]))
    known = {found.login: found for found in users_of(connection, agency)}
    for login in sorted(said.keys() | known.keys()):
        if login not in known:
            yield Fault(f"用户“{login}”（users）：设置过口令，登记却已被删除")
        elif login not in said:
            yield Fault(f"用户“{login}”（users）：没有设置口令的记录，系另行插入")
        elif not _stands(known[login], said[login]):
            yield Fault(f"用户“{login}”（users）：口令或者停用状态与最后一次办理的记录（access_log）不符")


def _stands(row: User, lines: list[tuple[str, str, str]]) -> bool:
    """Tell whether a row stands as its lines say; of lines of one instant (a clock set back) any may be the last."""
    hashes = [(at, detail) for at, event, detail in lines if event != _CLOSED]
    states = [(at, event) for at, event, _ in lines if event != _REHASHED]
    return bool(_last(hashes) & {"", mark(row.hash)}) and (_CLOSED if row.closed else _OPENED) in _last(states)


def _last(lines: list[tuple[str, str]]) -> set[str]:
    latest = max((at for at, _ in lines), default="")
    return {said for at, said in lines if at == latest}
