"""What is inspected and by what: a letter with its case in plain values, the checks (data), and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from msgspec import Struct, field

from yishenqing.core.standing import Standing
from yishenqing.core.written import Written

Kind = Literal["fault", "warning"]
Scope = Literal["reply", "notice"]
REPEATED = "noproc_repeat"


class Check(Written, frozen=True):
    """One check as the data describe it; what it looks at is carried out under its id, once."""

    title: str
    kind: Kind
    law: str
    advice: str
    practice: tuple[int, ...] = ()
    letters: tuple[Scope, ...] = ("reply",)
    outcomes: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    figures: Mapping[str, int] = field(default_factory=dict)
    switchable: bool = False


class Inspection(Written, frozen=True):
    """All checks, in the order in which their findings are read."""

    title: str
    law: str
    checks: Mapping[str, Check]


class Sentence(Struct, frozen=True):
    """One sentence of the letter; ``paragraph`` counts from 0, which is the salutation."""

    text: str
    source: str
    paragraph: int


class Paper(Struct, frozen=True):
    """A file that goes out with the letter: its text, or None where no program can read it."""

    name: str
    text: str | None


class Earlier(Struct, frozen=True):
    """A letter of this office that the case names as the earlier answer."""

    number: str
    case: str
    reply: bool
    same_applicant: bool
    delivered: bool
    items: tuple[str, ...]


class Alike(Struct, frozen=True):
    """An answer that the office has given to the same, or a like, item of an earlier request; ``told`` says so."""

    item: int
    finding: str
    same_person: bool
    told: str

    def differs_from(self, outcome: str) -> bool:
        """Tell whether ``outcome`` is another answer; to refuse the same again as a repetition is none."""
        return self.finding != outcome and not (outcome == REPEATED and self.same_person)


class Outdated(Struct, frozen=True):
    """A phrase of the letter that a later law has overtaken."""

    sentence: int
    phrase: str
    text: str
    law: str


class Told(Struct, frozen=True):
    """What an entry says, opened; the last one may be the act that issues the letter, not recorded yet."""

    step: str
    on: date
    facts: Mapping[str, Any]


class Telling(Struct, frozen=True):
    """One conclusion that the letter tells: of the whole case (``item`` 0), or of one item."""

    outcome: str
    way: str
    withheld: str
    facts: Mapping[str, Any]
    step: str
    entry: int
    item: int = 0


class Letter(Struct, frozen=True):
    """The letter as it would go out, or as it went out."""

    kind: str
    title: str
    number: str | None
    reply: bool
    to_applicant: bool
    remedy_due: bool
    sentences: Sequence[Sentence] = ()
    faults: Sequence[str] = ()  # why it cannot be filled

    @property
    def text(self) -> str:
        """Return the whole letter without blanks and line ends."""
        return "".join("".join(s.text.split()) for s in self.sentences)


class Subject(Struct, frozen=True):
    """A letter with everything that it is held against.

    ``standing`` is the case with the act that issues the letter; ``told`` the same facts opened; ``recorded`` how
    many of them are entries of the ledger. ``context`` is what the letter was filled from; ``expected_kind`` the kind
    that the outcome asks for.
    """

    standing: Standing
    told: Sequence[Told]
    recorded: int
    issuing: int  # the number of the act that issues the letter, from 1
    on: date
    letter: Letter
    tellings: Sequence[Telling]
    context: Mapping[str, Any]
    expected_kind: str
    mark: str = ""
    papers: Sequence[Paper] = ()
    earlier: Sequence[Earlier] = ()
    outdated: Sequence[Outdated] = ()
    alike: Sequence[Alike] = ()

    @property
    def act(self) -> Told:
        """Return the act that issues the letter."""
        return self.told[self.issuing - 1]

    def numbered(self, step: str) -> list[tuple[int, Told]]:
        """Return the entries of ``step`` with their numbers, in order."""
        return [(n, t) for n, t in enumerate(self.told, 1) if t.step == step]

    @property
    def received(self) -> Mapping[str, Any]:
        """Return the facts of the application."""
        return self.told[0].facts

    @property
    def items(self) -> list[str]:
        """Return what is asked for, as the letter quotes it."""
        return list((self.context.get("case") or {}).get("items") or [])


class Found(Struct, frozen=True):
    """What one check has found, and where. What can no longer be mended is never more than a warning."""

    text: str
    place: str
    law: str = ""
    mendable: bool = True


class Finding(Struct, frozen=True):
    """A finding under its check, with the article and what to do."""

    check: str
    title: str
    kind: Kind
    text: str
    law: str
    place: str
    advice: str

    def as_json(self) -> dict[str, str]:
        """Return the finding in the words of the contract, with its title and what to do."""
        return {
            "check": self.check,
            "text": self.text,
            "law": self.law,
            "place": self.place,
            "title": self.title,
            "advice": self.advice,
        }

    def __str__(self) -> str:
        """Return the finding in one line: check, what, where, article, what to do."""
        return f"{self.title}（{self.check}）：{self.text}［{self.place}］（{self.law}）。办法：{self.advice}"
