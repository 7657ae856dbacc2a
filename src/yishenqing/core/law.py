"""The law as dated data: statutes with their articles, and terms whose every value cites its article."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Literal

from msgspec import field

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.written import Written

Unit = Literal["workday", "day", "month"]
UNIT_TITLES: Mapping[str, str] = {"workday": "个工作日", "day": "日", "month": "个月"}
_CITATION = re.compile(r"^(?P<statute>.+?)(?P<article>第[一二三四五六七八九十百千零〇]+条)(?P<rest>.*)$")
_ITEM = re.compile(r"第([一二三四五六七八九十]+)项")


class Statute(Written, frozen=True):
    """One statute or document: how it is cited, when it is in force, its articles restated in short.

    ``parts`` are the paragraphs (款) of an article, for each the number of its items (项); an article that is not
    there may be cited in any part. A person compared them last on ``parts_checked_on``.
    """

    title: str
    cite: str
    since: date
    checked_on: date
    source: str
    articles: Mapping[str, str] = field(default_factory=dict)
    number: str = ""
    until: date | None = None
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    parts_checked_on: date | None = None

    def in_force(self, on: date) -> bool:
        """Tell whether the statute is in force on ``on``."""
        return self.since <= on and (self.until is None or on < self.until)

    def has_part(self, article: str, paragraph: int, item: int) -> bool:
        """Tell whether an article has this paragraph and, in it or (0: none named) in any, this item (0: none)."""
        known = self.parts.get(article)
        if known is None:
            return True
        inside = known[paragraph - 1 : paragraph] if paragraph else known
        return any(item <= items for items in inside)


class Value(Written, frozen=True):
    """What a term amounts to from ``since`` on, by which article, last compared by a person on ``checked_on``.

    Without that day nobody has compared it yet; ``check`` lists such values.
    """

    since: date
    value: int
    law: str
    checked_on: date | None = None


class Term(Written, frozen=True):
    """One period of the law with all the values it has had."""

    title: str
    unit: Unit
    values: tuple[Value, ...]
    rolls: str = ""  # the provision that moves a last day off a holiday (periods in days and months)

    def on(self, day: date) -> Value | None:
        """Return the value in force on ``day``; None before the first."""
        found = None
        for value in self.values:
            if value.since <= day and (found is None or value.since > found.since):
                found = value
        return found


class Source(Written, frozen=True):
    """The article that is cited from ``since`` on, last compared by a person on ``checked_on``."""

    since: date
    law: str
    checked_on: date | None = None


class Cited(Written, frozen=True):
    """What the program itself cites when it refuses or points something out (``articles.py``)."""

    title: str
    values: tuple[Source, ...]


class Remedy(Written, frozen=True):
    """The paragraph that tells where to turn; its numbers come from terms, its names from the office.

    ``more`` are further paragraphs; ``parts`` are the remedies that this one joins; with ``deliveries`` it is added
    to any other, where the applicant asked to be answered in one of these ways.
    """

    title: str
    since: date
    text: str
    law: tuple[str, ...]
    before: str = ""  # the remedy that applied until then
    more: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()


class Tier(Written, frozen=True):
    """One step of a fee scale: up to and including ``upto`` units (None: no end), each costs ``price`` yuan."""

    upto: int | None
    price: int


class FeeScale(Written, frozen=True):
    """A marginal scale of the processing fee; after the last tier every ``step`` units cost ``rise`` yuan more."""

    title: str
    unit: str
    law: str
    since: date
    checked_on: date
    tiers: tuple[Tier, ...]
    step: int = 0
    rise: int = 0


class Law(Written, frozen=True):
    """All statutes, terms, remedies and fee scales that a workflow may cite."""

    statutes: Mapping[str, Statute]
    terms: Mapping[str, Term]
    remedies: Mapping[str, Remedy]
    fees: Mapping[str, FeeScale] = field(default_factory=dict)

    def term(self, name: str, on: date) -> Value:
        """Return the value of term ``name`` in force on ``on``.

        Raises:
            DataFault: there is no such term, or it had no value yet on that day.
        """
        term = self.terms.get(name)
        value = term.on(on) if term else None
        if value is None:
            raise DataFault.of([Fault(f"法律数据中没有{on}有效的期限“{name}”", "workflows/law")])
        return value

    def unresolved(self, citation: str, on: date | None = None) -> str | None:
        """Return why ``citation`` cannot be resolved, or None when it can; with ``on``, also whether in force."""
        statute, article = self.split(citation)
        found = next((s for s in self.statutes.values() if s.cite == statute), None)
        if found is None:
            return f"“{citation}”所引的“{statute}”不在法律数据中"
        if article and article not in found.articles:
            return f"《{found.title}》中没有收录{article}"
        if on is not None and not found.in_force(on):
            return f"《{found.title}》在{on}不是现行有效"
        return None

    def text(self, citation: str) -> str:
        """Return the article that ``citation`` names, restated in short; empty when it is not held."""
        statute, article = self.split(citation)
        found = next((s for s in self.statutes.values() if s.cite == statute), None)
        return found.articles.get(article, "") if found else ""

    def written(self, citation: str) -> str:
        """Return a citation as a letter writes it: 《中华人民共和国政府信息公开条例》第三十六条第（三）项."""
        match = _CITATION.match(citation)
        name = match["statute"] if match else citation
        statute = next((s for s in self.statutes.values() if s.cite == name), None)
        where = match["article"] + _ITEM.sub(r"第（\1）项", match["rest"]) if match else ""
        return f"《{statute.title}》{where}" if statute else citation

    def parts_of(self, remedy: str) -> frozenset[str]:
        """Return the remedies that ``remedy`` joins: itself, unless it names others; nothing where there is none."""
        known = self.remedies.get(remedy)
        return frozenset() if known is None else frozenset(known.parts or (remedy,))

    def joined(self, parts: frozenset[str]) -> str:
        """Return the remedy that joins ``parts``; "none" where there are none.

        Raises:
            DataFault: the law data hold no remedy that joins them.
        """
        if not parts:
            return "none"
        found = next((name for name in self.remedies if self.parts_of(name) == parts), None)
        if found is None:
            titles = "、".join(sorted(self.remedies[p].title for p in parts))
            raise DataFault.of([Fault(f"法律数据中没有兼具“{titles}”的救济告知", "workflows/law/remedies.yaml")])
        return found

    @staticmethod
    def split(citation: str) -> tuple[str, str]:
        """Return statute and article of a citation such as 条例第三十三条第二款."""
        match = _CITATION.match(citation)
        return (match["statute"], match["article"]) if match else (citation, "")
