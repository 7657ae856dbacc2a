"""Keys under which something was done: taken in its transaction before the work, kept with the first answer."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, and_, delete, select, update
from sqlalchemy.sql import ColumnElement

from yishenqing.hot import insert_of
from yishenqing.store.keyring import locked, unlocked
from yishenqing.store.tables import given_keys

LOCKED = ("digest", "answer")  # the columns that are encrypted


class Given(Struct, frozen=True):
    """A key, what it stands for, and what was answered; the answer is empty while the work goes on."""

    agency: str
    key: str
    digest: str
    said: str
    actor: str
    number: str
    answer: str
    given_at: str
    kept_until: str


def find(connection: Connection, agency: str, key: str, now: str) -> Given | None:
    """Return what the key was given for, unless its time is over."""
    query = select(given_keys).where(_this(agency, key), given_keys.c.kept_until >= now)
    row = connection.execute(query).first()
    if row is None:
        return None
    return opened(connection, Given(*row))


def opened(connection: Connection, given: Given) -> Given:
    """Return what was given with its encrypted columns opened.

    Raises:
        DataFault: the key is not at hand.
        IntegrityFault: what is there was changed.
    """
    return replace(
        given,
        **{c: unlocked(connection, given.agency, getattr(given, c), _about(given.key, c)) for c in LOCKED},
    )


def take(connection: Connection, given: Given) -> Given | None:
    """Take the key, and return None; or return who has it already.

    Whoever is about the same just now is waited for: the database lets one of two in, and then shows its answer.
    """
    old = and_(_this(given.agency, given.key), given_keys.c.kept_until < given.given_at)
    connection.execute(delete(given_keys).where(old))
    kept = locked(
        connection, given.agency, given.digest, _about(given.key, "digest")
    )  # else what was given is guessed
    statement = insert_of(connection.dialect.name)(given_keys).values({**asdict(given), "digest": kept})
    taken = connection.execute(statement.on_conflict_do_nothing().returning(given_keys.c.key)).first()
    return None if taken is not None else find(connection, given.agency, given.key, given.given_at)


def answer(connection: Connection, given: Given, text: str, number: str) -> None:
    """Keep what was answered under the key about the case ``number``; it may tell who applied."""
    kept = locked(connection, given.agency, text, _about(given.key, "answer"))
    connection.execute(update(given_keys).where(_this(given.agency, given.key)).values(answer=kept, number=number))


def forget_old(connection: Connection, agency: str, now: str) -> None:
    """Forget the keys whose time is over, and their answers."""
    connection.execute(delete(given_keys).where(given_keys.c.agency == agency, given_keys.c.kept_until < now))


def lock_anew(connection: Connection, row: Given) -> None:
    """Encrypt a row with the key that is current now, unless it is gone or was given anew meanwhile.

    Raises:
        IntegrityFault: what is there was changed.
    """
    said = {c: unlocked(connection, row.agency, getattr(row, c), _about(row.key, c)) for c in LOCKED}
    kept = {c: locked(connection, row.agency, text, _about(row.key, c)) for c, text in said.items()}
    same = and_(_this(row.agency, row.key), given_keys.c.answer == row.answer)
    connection.execute(update(given_keys).where(same).values(kept))


def _about(key: str, column: str) -> str:
    return f"given_keys\0{key}" if column == "answer" else f"given_keys\0{key}\0{column}"


def _this(agency: str, key: str) -> ColumnElement[bool]:
    return and_(given_keys.c.agency == agency, given_keys.c.key == key)
