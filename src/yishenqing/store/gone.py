"""Take the values and papers of a case out of the database for good, at the end of its retention."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, delete, select, text

from yishenqing.store.tables import cases, files, given_keys, letters, sealed


def destroy(connection: Connection, agency: str, number: str, kept: frozenset[str]) -> None:
    """Delete what is sealed of a case, its answers under keys, and its papers but for the digests in ``kept``.

    SQLite overwrites what it deletes (else it would stay readable in the file); PostgreSQL frees it at the next
    VACUUM.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete=ON"))
    connection.execute(delete(sealed).where(sealed.c.agency == agency, sealed.c.number == number))
    connection.execute(delete(given_keys).where(given_keys.c.agency == agency, given_keys.c.number == number))
    connection.execute(
        delete(files).where(files.c.agency == agency, files.c.number == number, files.c.digest.not_in(kept))
    )


def settle(connection: Connection) -> None:
    """Let nothing of what was deleted stay in SQLite's write-ahead log; outside any transaction of others."""
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def needed(connection: Connection, agency: str, sha256: str, destroyed: str) -> bool:
    """Tell whether a paper of any case, or a letter of a case not in state ``destroyed``, has this content."""
    paper = select(files.c.digest).where(files.c.agency == agency, files.c.sha256 == sha256).limit(1)
    if connection.execute(paper).first() is not None:
        return True
    letter = (
        select(letters.c.number)
        .join(cases, (cases.c.agency == letters.c.agency) & (cases.c.number == letters.c.number))
        .where(letters.c.agency == agency, letters.c.sha256 == sha256, cases.c.state != destroyed)
        .limit(1)
    )
    return connection.execute(letter).first() is not None


def resting(connection: Connection, agency: str, opened_before: int, but: str) -> list[str]:
    """Return the cases opened before a year, the oldest first, but for those in the state ``but``."""
    query = (
        select(cases.c.number)
        .where(cases.c.agency == agency, cases.c.opened_on < date(opened_before, 1, 1), cases.c.state != but)
        .order_by(cases.c.opened_on, cases.c.number)
    )
    return list(connection.execute(query).scalars())
