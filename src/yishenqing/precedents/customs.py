"""By which customs (data) an office keeps its library: who publishes, what is old law, how tables are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from msgspec import field

from yishenqing.core.written import Written
from yishenqing.precedents.model import OUTCOMES, Precedent
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "precedents.yaml"
_ARTICLE = re.compile(r"第[一二三四五六七八九十百零〇]+条")
_UNTIL = {4: "-12-31", 7: "-31"}  # the last day that a year, or a month, may mean


class Level(Written, frozen=True):
    """How far a precedent is seen."""

    title: str
    also: tuple[str, ...] = ()


class Era(Written, frozen=True):
    """A law that was in force ``until`` then: which of its articles say something else today (none: all of it)."""

    title: str
    until: date
    said: tuple[str, ...]
    names: tuple[str, ...]
    text: str
    checked_on: date
    articles: Mapping[str, str] = field(default_factory=dict)

    def marks(self, precedent: Precedent) -> Iterator[str]:
        """Yield what must be said of a precedent that was decided under this law."""
        cited = [c for c in precedent.legal_basis if self._cites(c, precedent)]
        if not cited:
            return
        found = dict.fromkeys(a for c in cited for a in _ARTICLE.findall(c))
        changed = {a: self.articles[a] for a in found if a in self.articles}
        if found and self.articles and not changed:
            return
        if self.text not in (precedent.law_note or ""):
            yield self.text
        if changed:
            yield f"{self.title}：" + "；".join(f"{article}——{now}" for article, now in changed.items())

    def _cites(self, citation: str, precedent: Precedent) -> bool:
        if any(words in citation for words in self.said):
            return True
        statute = re.split(r"第[一二三四五六七八九十百零〇]+条", citation)[0].strip("《》 ")
        return statute in self.names and _before(precedent.decided_on, self.until)


class Customs(Written, frozen=True):
    """How an office keeps its library. Every figure of it is data."""

    title: str
    law: str
    propose_by: tuple[str, ...]
    review_by: tuple[str, ...]
    same_person: str
    levels: Mapping[str, Level]
    eras: tuple[Era, ...]
    headings: Mapping[str, tuple[str, ...]]
    overturned: Mapping[str, tuple[str, ...]]
    outcomes: Mapping[str, tuple[str, ...]]
    cluster_from: int  # per cent
    smallest: int
    shown: int
    common: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]

    def marks(self, precedent: Precedent) -> tuple[str, ...]:
        """Return what must be said of a precedent wherever it shows: by which law that has changed it was decided."""
        return tuple(mark for era in self.eras for mark in era.marks(precedent))

    def level(self, word: str) -> str | None:
        """Return the code of a level by its code, title or another name."""
        return next((code for code, known in self.levels.items() if word in (code, known.title, *known.also)), None)

    def outcome(self, word: str) -> str:
        """Return the code of an outcome by its code, its row of table three or another name; else the word itself."""
        for code, title in OUTCOMES.items():
            if word in (code, title, title.partition("：")[2], *self.outcomes.get(code, ())):
                return code
        return word


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


def _before(decided_on: str | None, day: date) -> bool:
    """Tell whether a day, a month or a year lies before ``day`` for certain."""
    return bool(decided_on) and f"{decided_on}{_UNTIL.get(len(decided_on or ''), '')}" < day.isoformat()
