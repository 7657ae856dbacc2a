"""分办: which department handles a request, or which organ holds the information. It proposes, people decide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.documents import Document

FILE = "routing.yaml"


class Rule(Written, frozen=True):
    """One line of the table: by which words a request is known, and who is responsible for what it asks for.

    ``department`` is an office of one's own that handles it; ``organ`` another organ, to which the applicant must
    apply anew: there is no lawful transfer between organs (条例第三十六条第五项). Without ``contact`` it is a kind of
    organ, whose name somebody must still write.
    """

    topic: str
    stage: str
    words: tuple[str, ...]
    level: str
    law: str
    department: str = ""
    organ: str = ""
    contact: str = ""
    sentence: str = ""
    all: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Routing(Written, frozen=True):
    """The whole table, in the order of the file."""

    rules: tuple[Rule, ...]

    def proposals(self, items: list[str]) -> list[dict[str, Any]]:
        """Return for each item what the table says, the rule with the most matching words first."""
        return [
            {"item": number, **found}
            for number, text in enumerate(items, start=1)
            for found in sorted(self._of(_plain(text)), key=lambda f: -f["weight"])
        ]

    def _of(self, text: str) -> Iterator[dict[str, Any]]:
        for rule in self.rules:
            matched = [w for w in rule.words if _plain(w) in text]
            place = next((p for p in rule.places if _plain(p) in text), "")
            if not matched or (rule.places and not place) or not all(_plain(w) in text for w in rule.all):
                continue
            yield {
                "topic": rule.topic,
                "stage": rule.stage,
                "level": rule.level,
                "department": rule.department,
                "organ": rule.organ,
                "contact": rule.contact,
                "law": rule.law,
                "sentence": rule.sentence,
                "matched": [*matched, *rule.all, *([place] if place else [])],
                "weight": sum(map(len, matched)) + len(place),
            }


def _plain(text: str) -> str:
    """Full and half width alike, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def read_routing(home: Path | None) -> Routing:
    """Return the table: the office's own where it has one.

    Raises:
        DataFault: the table has faults; all of them, with lines.
    """
    path = next(folder / FILE for folder in layered("workflows", home) if (folder / FILE).is_file())
    return remembered(Routing, path, home, _validated)


def _validated(path: Path) -> Routing:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    routing: Routing = validated(TypeAdapter(Routing), document)
    if faults := list(_faults(routing, document)):
        raise DataFault.of(faults)
    return routing


def _faults(routing: Routing, document: Document) -> Iterator[Fault]:
    for n, rule in enumerate(routing.rules):
        if bool(rule.department) == bool(rule.organ):
            text = "须写明由本机关哪个科室承办（department），或者由哪个机关负责公开（organ），二者择一"
            yield document.fault(text, ("rules", n))
        if rule.organ and not rule.sentence:
            text = "由其他机关负责公开的，须有告知申请人的话（sentence）"
            yield document.fault(text, ("rules", n), article("not_ours"))
        if not rule.words or not all(w.strip() for w in rule.words):
            yield document.fault("至少要有一个识别用的词，且不能为空", ("rules", n, "words"))
