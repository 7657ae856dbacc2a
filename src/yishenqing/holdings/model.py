"""What a document in the register is, and by which customs (data) an office keeps its register."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct, field

from yishenqing.core.plain import plain_of, read_back
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "holdings.yaml"


class Attribute(Written, frozen=True):
    """One way in which a document may be disclosed; ``grounded``: an article must say why it is withheld."""

    title: str
    also: tuple[str, ...] = ()
    grounded: bool = False
    reassessed: bool = False


class Customs(Written, frozen=True):
    """How an office keeps its register: headings, attributes, intervals. Every figure of it is data."""

    title: str
    law: str
    reassess_months: int
    reassess_by: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    reassessed_outcomes: tuple[str, ...]
    headings: Mapping[str, tuple[str, ...]]
    close_from: int  # per cent
    shown: int
    apart: int

    def attribute(self, word: str) -> str | None:
        """Return the code of the attribute that ``word`` (its code, its title or another name) means."""
        for code, known in self.attributes.items():
            if word in (code, known.title, *known.also):
                return code
        return None


def read_customs(home: Path | None) -> Customs:
    """Return the office's customs, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Customs, path, home, _read)


def _read(path: Path) -> Customs:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    return validated(TypeAdapter(Customs), read(path))


class Holding(Struct, frozen=True):
    """One document of the register. ``other`` keeps the columns that the program has no name for."""

    title: str
    attribute: str
    number: str = ""
    made_on: date | None = None
    ground: tuple[str, ...] = ()
    reason: str = ""
    review_on: date | None = None
    place: str = ""
    unit: str = ""
    note: str = ""
    other: Mapping[str, str] = field(default_factory=dict)

    @property
    def number_key(self) -> str:
        """Return the document number in the one form in which numbers are compared; empty when it has none."""
        return number_key(self.number)

    @property
    def title_key(self) -> str:
        """Return a name for title and date, which stand in for a number where there is none."""
        said = f"{plain(self.title)}|{self.made_on or ''}"
        return hashlib.sha256(said.encode()).hexdigest()[:40]

    def dumped(self) -> str:
        """Return the record as the text that is stored and compared."""
        return json.dumps(plain_of(self), ensure_ascii=False, sort_keys=True, default=date.isoformat)

    @classmethod
    def loaded(cls, text: str) -> Holding:
        """Return the record that ``dumped`` wrote."""
        return read_back(cls, text)


# 云政发〔2024〕3号: the organ's mark, the year, the running number.
_NUMBER = re.compile(r"([\w一-鿿]{0,30})[〔\[(【［（]\s*(\d{4})\s*[〕\])】］）]\s*第?\s*(\d{1,6})\s*号")


def number_key(text: str) -> str:
    """Return a document number with one kind of bracket, no blanks, no 第 and no leading zeros."""
    folded = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    match = _NUMBER.fullmatch(folded)
    return f"{match[1]}〔{match[2]}〕{int(match[3])}号" if match else folded


def numbers_in(text: str) -> list[str]:
    """Return every document number that ``text`` may name, the longest organ's mark first.

    Nothing separates a mark from the words before it, so each ending of them is a possible mark.
    """
    found: list[str] = []
    folded = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    for match in _NUMBER.finditer(folded):
        words = match[1]
        marks = [words[start:] for start in range(len(words))]
        found += [f"{mark}〔{match[2]}〕{int(match[3])}号" for mark in marks]
    return list(dict.fromkeys(found))


def plain(text: str) -> str:
    """Return ``text`` with one width and case, without blanks and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
