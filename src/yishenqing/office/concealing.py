"""Who and what must not be seen in a case made public: gathered from the case, masked in every text of a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from yishenqing import naming
from yishenqing.core import masking
from yishenqing.core.masking import Span
from yishenqing.core.surnames import surname
from yishenqing.office.paperwork import Story
from yishenqing.precedents import Precedent
from yishenqing.settings import Settings
from yishenqing.store.issued import Issued

_TEXTS = ("title", "facts", "request", "holding", "reply", "fate", "source", "law_note")
# Facts that name somebody, wherever in an application or a step they stand; the rest by what they are.
_NAMES = frozenset({"name", "party", "signed_by", "witness", "contact"})
_VALUES = {"id_number": "id", "phone": "phone", "email": "email", "address": "address", "tracking": "mail"}
_LONGEST_NAME = 4
_FEWEST = 4  # characters of a value that tell it from ordinary words
_AROUND = 12


class Parties(Struct):
    """What is known of the persons of a case; ``own`` is the organ's own, which everybody may see."""

    people: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    values: list[tuple[str, str]] = field(default_factory=list)
    own: tuple[str, ...] = ()

    @classmethod
    def of(cls, story: Story, settings: Settings, number: str, letters: Sequence[Issued]) -> Parties:
        """Gather the parties of a case, its officers, and the numbers by which it could be found."""
        found = cls(own=(settings.phone, settings.address, settings.name, settings.office))
        for _, _, facts in story.facts:
            found.gather(facts, natural=facts.get("applicant_kind") in (None, "natural"))
        found.people += [
            p.name for p in settings.people.values() if _is_person(p.name) and p.name not in found.people
        ]
        found.values += [("letter", letter.letter_number) for letter in letters]
        found.values.append(("case", number))
        return found

    def people_alone(self, kinds: Collection[str]) -> Parties:
        """Leave out letters' and cases' own numbers: whose the papers are is not told by them inside the office."""
        kept = [(kind, value) for kind, value in self.values if kind in kinds]
        return replace(self, bodies=[], values=kept)

    def gather(self, facts: Any, *, natural: bool) -> None:
        """Take in whom these facts name and what is said of them."""
        if isinstance(facts, list | tuple):
            for one in facts:
                self.gather(one, natural=natural)
        if not isinstance(facts, Mapping):
            return
        told = bool(facts.get("kind")) and "name" in facts
        person = facts["kind"] == "natural" if told else natural
        for key, value in facts.items():
            if isinstance(value, str) and key in _NAMES:
                self._name(value, natural=person, told=told)
            elif isinstance(value, str) and key in _VALUES and len(value.strip()) >= _FEWEST:
                self.values.append((_VALUES[key], value.strip()))
            else:
                self.gather(value, natural=person)

    def _name(self, text: str, *, natural: bool, told: bool) -> None:
        """Whoever is said to be a natural person is one, whatever the name looks like; otherwise it must look so."""
        name = "".join(text.split())
        whose = self.people if natural and (told or _is_person(name)) else self.bodies
        if name and name not in whose and not _role(name):
            whose.append(name)

    def spans(self, text: str) -> list[Span]:
        """Return every place of ``text`` that is sure to tell who somebody is."""
        known = [("name", n) for n in self.people] + [("organisation", n) for n in self.bodies] + self.values
        found = [span for kind, value in known for span in masking.said(text, kind, value)]
        return masking.apart([*found, *(s for s in masking.numbers(text, self.own) if s.sure)])


def _is_person(name: str) -> bool:
    return "·" in name or (len(name) <= _LONGEST_NAME and bool(surname(name)))


def _role(name: str) -> bool:
    """Tell whether a text names nobody: 申请人本人, 保安."""
    return any(word in name for word in ("本人", "申请人", "代收", "机关", "科室", "办公室")) or len(name) == 1


class Masked(Struct, frozen=True):
    """A record with its sure places masked: how many by kind, and each as it was, for whoever may see the case."""

    record: Precedent
    found: Mapping[str, int]
    places: tuple[tuple[str, str, str], ...]  # kind, what stood there, what stands there now


def mask(record: Precedent, parties: Parties) -> Masked:
    """Mask what is sure in every text of ``record``."""
    aliases = masking.aliases(parties.people, parties.bodies)
    count: Counter[str] = Counter()
    places: dict[tuple[str, str, str], None] = {}

    def told(text: str) -> str:
        spans = parties.spans(text)
        for span in spans:
            alone = replace(span, start=0, end=len(span.text))
            places[span.kind, span.text, masking.masked(span.text, [alone], aliases)] = None
            count[span.kind] += 1
        return masking.masked(text, spans, aliases)

    changed: dict[str, Any] = {name: told(getattr(record, name) or "") for name in _TEXTS}
    changed["law_note"] = changed["law_note"] or None
    changed["topics"] = tuple(map(told, record.topics))
    return Masked(replace(record, **changed), dict(count), tuple(places))


def doubts(record: Precedent, kept: Collection[str] = ()) -> list[dict[str, str]]:
    """Return what still looks like a person's name, number or address in a record, each once, with its place."""
    found: dict[str, dict[str, str]] = {}
    for text in _texts(record):
        spans = [*masking.numbers(text, kept), *naming.proposed(text)]
        for span in masking.apart(spans):
            if span.text not in kept and not any(span.text in word for word in kept):
                around = text[max(0, span.start - _AROUND) : span.end + _AROUND].replace("\n", " ")
                told = {"text": span.text, "kind": masking.KINDS[span.kind], "around": around}
                found.setdefault(span.text, told)
    return list(found.values())


def hide(record: Precedent, words: Sequence[str]) -> Precedent:
    """Mask these words wherever they stand: names by 姓+某, told apart from who is masked already."""
    people = [w for w in words if _is_person(w)]
    aliases = masking.aliases(people)
    taken = "".join(_texts(record))
    for name, alias in aliases.items():
        n = 2
        while aliases[name] in taken:
            aliases[name], n = f"{alias}{n}", n + 1
    for word in sorted(words, key=len, reverse=True):
        kind = "name" if word in people else next((s.kind for s in masking.numbers(word)), "organisation")
        record = _replaced(record, word, aliases.get(word) or f"（{masking.KINDS[kind]}略）")
    return record


def _replaced(record: Precedent, word: str, by: str) -> Precedent:
    changed: dict[str, Any] = {n: (getattr(record, n) or "").replace(word, by) for n in _TEXTS}
    changed["law_note"] = changed["law_note"] or None
    return replace(record, **changed, topics=tuple(t.replace(word, by) for t in record.topics))


def _texts(record: Precedent) -> Iterator[str]:
    yield from (getattr(record, name) or "" for name in _TEXTS)
    yield from record.topics
