"""By what a search can be narrowed: each property of a document is a term of its own, looked up with the words.

So narrowing happens inside the index, before the nearest documents are cut off, and alike on both databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault
from yishenqing.search.folding import folded
from yishenqing.search.marks import articles
from yishenqing.search.terms import UNIT, key_term, pair_terms

_REGULATION, _SHORT = "政府信息公开条例", "条例"  # how officers cite it
_OLD = re.compile(r"旧|2007")
_ASIDE = re.compile(r"\(([^()]*)\)\s*$")
_NAME = re.compile(r"([一-鿿]*(?:法|条例|办法|规定|规则|细则|解释|法典))》?\s*$")
_LEADING = re.compile(r"^.*(?:依照|依据|根据|按照|违反|适用|符合|属于|援引|[见和及与])(?=.{2})")
_COUNTRY = "中华人民共和国"
_JOINED = re.compile(r"^[\s、，,;；]*(?:和|及|与|或|或者|以及|至)?[\s、，,]*$")
_SHORTEST = 3  # characters of the end of a statute's name that name it (复议法)
_BARE = re.compile(r"\s*\d{1,4}\s*(?:条.*)?", re.DOTALL)
_LEAST_TOLD = 2
_FATES = {True: "维持", False: "纠正", None: "不详"}


class Properties(Struct, frozen=True):
    """What a document can be narrowed by."""

    outcome: str | None = None
    articles: tuple[str, ...] = ()  # citations
    topics: tuple[str, ...] = ()
    agency: str = ""
    year: int | None = None
    survived: bool | None = None

    def terms(self) -> set[int]:
        """Return the terms under which the document is entered besides its words."""
        keys = {f"结局:{_FATES[self.survived]}"}
        if self.outcome:
            keys |= {f"结果:{self.outcome}", f"结果:{self.outcome.split('_', 1)[0]}"}
        if self.year is not None:
            keys.add(f"年:{self.year}")
        keys |= {key for text in self.articles for key in article_keys(text)}
        keys |= {key for topic in self.topics for key in _part_keys("题", topic)}
        keys |= set(_part_keys("关", self.agency))
        return set(map(key_term, keys))


class Wanted(Struct, frozen=True, dict=True):
    """What a search is narrowed to; nothing said narrows nothing.

    ``outcome`` is a code of the annual report or its first word (denied); ``topic`` and ``agency`` are parts of
    names; ``years`` the first and the last; ``survived``: upheld or never set aside (True), or set aside (False).
    """

    outcome: str = ""
    article: str = ""
    topic: str = ""
    agency: str = ""
    years: tuple[int, int] | None = None
    survived: bool | None = None

    def __post_init__(self) -> None:
        """Work out the terms at once.

        Raises:
            DataFault: an article, a topic or a name cannot be read.
        """
        _ = self.must, self.one_of

    @cached_property
    def must(self) -> tuple[int, ...]:
        """Return the terms that a document has, all of them."""
        return tuple(map(key_term, self._keys()))

    @cached_property
    def one_of(self) -> tuple[int, ...]:
        """Return the terms of which a document has at least one, where there are any."""
        years = range(self.years[0], self.years[1] + 1) if self.years else ()
        return tuple(key_term(f"年:{year}") for year in years)

    def __bool__(self) -> bool:
        """Tell whether anything is narrowed."""
        return bool(self.must or self.one_of)

    def but_article(self) -> bool:
        """Tell whether more is narrowed than the article."""
        return bool(self.outcome or self.topic or self.agency or self.years or self.survived is not None)

    def fits(self, properties: Properties) -> bool:
        """Tell whether a document of these properties is wanted."""
        mine = properties.terms() if self else set()
        return mine.issuperset(self.must) and (not self.one_of or not mine.isdisjoint(self.one_of))

    def _keys(self) -> Iterator[str]:
        if self.outcome:
            yield f"结果:{self.outcome}"
        if self.article:
            yield asked_article(self.article)
        for what, part in (("题", self.topic), ("关", self.agency)):
            if part and len(UNIT.findall(folded(part))) < _LEAST_TOLD:
                raise DataFault.of([Fault(f"“{part}”太短，请至少写两个字")])
            yield from _part_keys(what, part)
        if self.survived is not None:
            yield f"结局:{_FATES[self.survived]}"


def article_keys(text: str) -> set[str]:
    """Return the keys under which the articles cited in ``text`` are looked up: bare, and with their statute."""
    found: set[str] = set()
    for names, key in cited(text):
        found |= {key, *(f"{name}{key}" for name in names)}
    return found


def asked_article(text: str) -> str:
    """Return the key of the one article that ``text`` names: 16, 第十六条第二项, 条例第16条, 行政复议法第二十三条.

    Raises:
        DataFault: it names none.
    """
    if _BARE.fullmatch(folded(text)):
        text = f"第{text.strip()}"
        text = text if "条" in text else f"{text}条"
    found = [*cited(text)]
    if not found:
        raise DataFault.of([Fault(f"“{text}”不是条文，请写作 第十六条、条例第36条（五）或者 16")])
    names, key = found[0]
    return f"{names[0]}{key}" if names else key


def cited(text: str) -> Iterator[tuple[list[str], str]]:
    """Yield the articles of ``text`` as keys, from whole to part, each with the names that its statute goes by."""
    names: list[str] = []
    for n, (mark, between) in enumerate(articles(folded(text))):
        if not (n and _JOINED.match(between)):
            names = _names(between)
        for key in mark.keys:
            yield names, key


def _names(before: str) -> list[str]:
    """Return what the statute named at the end of ``before`` is called, its own name first; none: it names no one."""
    aside = _ASIDE.search(before)
    plain = before[: aside.start()] if aside else before
    found = _NAME.search(plain.rstrip())
    if found is None:
        return []
    name = _LEADING.sub("", found[1]).removeprefix(_COUNTRY)
    old = bool(_OLD.search(aside[1]) if aside else name.startswith("旧"))
    name = name.removeprefix("旧")
    if name.endswith(_REGULATION):
        name = _SHORT
    ends = [name[-n:] for n in range(len(name), _SHORTEST - 1, -1)] or [name]
    return [f"旧{n}" if old else n for n in ends]


def _part_keys(what: str, text: str) -> Iterable[str]:
    return (f"{what}:{term}" for term in pair_terms(text)) if text else ()
