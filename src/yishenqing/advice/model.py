"""What an office's advice consists of (data): kinds of submissions, signals, the seven steps, reasons to give."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from yishenqing.core.written import Written


class Kind(Written, frozen=True):
    """What a submission may be, and the words by which it is known."""

    title: str
    law: str
    weight: int
    words: tuple[str, ...]
    advice: str
    outcome: str = ""


class Signal(Written, frozen=True):
    """What points to an outcome: words of the request, or what an entry of ``step`` says in ``field``.

    A signal without words and values speaks as soon as the step was taken; ``always`` speaks in every case.
    """

    outcome: str
    weight: int
    law: str
    why: str
    way: str = ""
    step: str = ""
    field: str = ""
    words: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    always: bool = False


class Question(Written, frozen=True):
    """One of the seven steps (七步法): its title, what it asks, the article that it rests on."""

    title: str
    asks: str
    law: str


class Reason(Written, frozen=True):
    """A sentence adapted from precedents. ``asks``: what a person checks first; ``needs``: facts that are stated."""

    outcome: str
    text: str
    precedents: tuple[str, ...]
    law: str
    way: str = ""
    asks: str = ""
    needs: tuple[str, ...] = ()


class Advice(Written, frozen=True):
    """Everything that an office is advised by, in the order of the file."""

    title: str
    law: str
    kinds: Mapping[str, Kind]
    documents: tuple[str, ...]
    vague: tuple[str, ...]
    help: tuple[str, ...]
    figures: Mapping[str, int]
    signals: tuple[Signal, ...]
    seven: Mapping[str, Question]
    reasons: tuple[Reason, ...] = field(default=())


class Hint(Struct, frozen=True):
    """One reason for an outcome: what was seen (``matched``), why it points there, by which article, how heavily."""

    outcome: str
    way: str
    why: str
    law: str
    weight: int
    matched: tuple[str, ...] = ()
    source: str = ""  # the step whose entry says so; empty: the request itself


class Sorted(Struct, frozen=True):
    """What a submission looks like: each kind with its score and the words matched, the likeliest first."""

    kind: str
    title: str
    law: str
    advice: str
    score: int
    matched: tuple[str, ...]
    outcome: str = ""
