"""The letters that went out: number, kind and content hash, one row each, never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, insert, literal, select

from yishenqing.hot import Hot, reader_of_days
from yishenqing.store.tables import letters

_NAMED = 20  # letters that one text is taken to name


class Issued(Struct, frozen=True):
    """A letter as issued; ``n`` is its number in the series of its year, ``seq`` the entry that issued it."""

    series: str
    year: int
    n: int
    number: str
    seq: int
    kind: str
    title: str
    letter_number: str
    issued_on: date
    sha256: str

    def as_json(self, path: str) -> dict[str, str]:
        """Return the letter in the words of the contract."""
        return {
            "kind": self.kind,
            "title": self.title,
            "number": self.letter_number,
            "path": path,
            "sha256": self.sha256,
        }


def put_letter(connection: Connection, agency: str, letter: Issued) -> None:
    """Record an issued letter; its number can never be used again."""
    connection.execute(
        insert(letters).values(
            agency=agency,
            series=letter.series,
            year=letter.year,
            n=letter.n,
            number=letter.number,
            seq=letter.seq,
            kind=letter.kind,
            title=letter.title,
            letter_number=letter.letter_number,
            issued_on=letter.issued_on,
            sha256=letter.sha256,
        )
    )


def letters_of(connection: Connection, agency: str, number: str) -> list[Issued]:
    """Return the letters of a case in the order of issue."""
    read = reader_of_days(connection)
    rows = _LETTERS_OF.run(connection, {"a": agency, "n": number}).fetchall()
    return [_issued(list(row), read) for row in rows]


def _issued(row: list[Any], read: Callable[[Any], date]) -> Issued:
    row[_DAY] = read(row[_DAY])
    return Issued(*row)


_COLUMNS = [c for c in letters.c if c.name != "agency"]
_DAY = _COLUMNS.index(letters.c.issued_on)
_LETTERS_OF = Hot(
    select(*_COLUMNS)
    .where(letters.c.agency == bindparam("a"), letters.c.number == bindparam("n"))
    .order_by(letters.c.seq)
)


def having_letters(connection: Connection, agency: str, numbers: Sequence[str]) -> set[str]:
    """Return which of these cases have issued a letter."""
    query = select(letters.c.number).where(letters.c.agency == agency, letters.c.number.in_(numbers)).distinct()
    return set(connection.scalars(query))


def named_in(connection: Connection, agency: str, text: str) -> list[Issued]:
    """Return the letters of the agency whose numbers stand in ``text``, in the order of issue."""
    query = (
        select(*_COLUMNS)
        .where(letters.c.agency == agency, literal(text).contains(letters.c.letter_number))
        .order_by(letters.c.issued_on, letters.c.number, letters.c.seq)
        .limit(_NAMED)
    )
    found = [Issued(*row) for row in connection.execute(query)]
    return [letter for letter in found if letter.letter_number in text]  # LIKE takes some signs for any sign


def file_name(letter_number: str, title: str) -> str:
    """Return the file name of an issued letter: its number and title, safe on every file system."""
    name = f"{letter_number}{title}.pdf"
    return "".join("_" if c in '/\\:*?"<>|\0' else c for c in name)


def signed_name(letter_number: str, title: str) -> str:
    """Return the file name of a letter that was signed electronically, beside the letter itself."""
    return file_name(letter_number, f"{title}（已签名）")


def letters_between(connection: Connection, agency: str, since: date, until: date) -> list[Issued]:
    """Return the letters issued from ``since`` to ``until`` (both included), by day, series and number."""
    query = (
        select(*_COLUMNS)
        .where(letters.c.agency == agency, letters.c.issued_on.between(since, until))
        .order_by(letters.c.issued_on, letters.c.series, letters.c.n)
    )
    return [Issued(*row) for row in connection.execute(query)]


def letter_numbered(connection: Connection, agency: str, letter_numbers: Sequence[str]) -> Issued | None:
    """Return the letter that bears one of these numbers (ways of writing the same); None when none does."""
    query = select(*_COLUMNS).where(letters.c.agency == agency, letters.c.letter_number.in_(letter_numbers))
    row = connection.execute(query).first()
    return Issued(*row) if row is not None else None
