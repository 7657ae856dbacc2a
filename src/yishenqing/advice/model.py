"""What an office's advice consists of (data): kinds of submissions, signals, the seven steps, reasons to give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a submission may be, and the words by which it is known."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    law: str
    weight: int
    words: tuple[str, ...]
    advice: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """What points to an outcome: words of the request, or what an entry of ``step`` says in ``field``.

    A signal without words and values speaks as soon as the step was taken; ``always`` speaks in every case.
    """

    __pydantic_config__: ClassVar = _STRICT
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


@dataclass(frozen=True, slots=True)
class Question:
    """One of the seven steps (七步法): its title, what it asks, the article that it rests on."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    asks: str
    law: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence adapted from precedents. ``asks``: what a person checks first; ``needs``: facts that are stated."""

    __pydantic_config__: ClassVar = _STRICT
    outcome: str
    text: str
    precedents: tuple[str, ...]
    law: str
    way: str = ""
    asks: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Advice:
    """Everything that an office is advised by, in the order of the file."""

    __pydantic_config__: ClassVar = _STRICT
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


@dataclass(frozen=True, slots=True)
class Hint:
    """One reason for an outcome: what was seen (``matched``), why it points there, by which article, how heavily."""

    outcome: str
    way: str
    why: str
    law: str
    weight: int
    matched: tuple[str, ...] = ()
    source: str = ""  # the step whose entry says so; empty: the request itself


@dataclass(frozen=True, slots=True)
class Sorted:
    """What a submission looks like: each kind with its score and the words matched, the likeliest first."""

    kind: str
    title: str
    law: str
    advice: str
    score: int
    matched: tuple[str, ...]
    outcome: str = ""
