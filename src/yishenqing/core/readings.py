"""Contested readings of the law: which points are open to doubt, and which reading an office takes.

The readings themselves (titles, articles, sources, why) are data of the workflow; the words stand here, each carried
out in one place: the day of receipt in ``core.receipt``, the late notice and the wait in ``core.clock``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core.errors import Reason
from yishenqing.core.written import Written

# The contested points, each with the readings it knows.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "online_receipt": ("arrived_on", "confirmed_on"),
    "email_receipt": ("arrived_on", "confirmed_on"),
    "other_office": ("arrived_on", "confirmed_on"),
    "rest_day": ("same_day", "next_workday"),
    "late_notice": ("goes_on", "restarts"),
    "consultation_wait": ("sent", "received"),
}


class Option(Written, frozen=True):
    """One reading of a contested point: what it says, by which provision, who reads it so, and why."""

    title: str
    law: str
    source: str
    why: str

    def __str__(self) -> str:
        """Return the reading with its grounds, as a person reads it."""
        return f"{self.title}：{self.why}（{self.law}；{self.source}）"


class Reading(Written, frozen=True):
    """A point on which the law is read in two ways; ``default`` is the one that an office takes unless it says so."""

    title: str
    default: str
    options: Mapping[str, Option]


class Contested(Written, frozen=True):
    """A contested reading that a channel's day of receipt turns on; ``if_given``: only where this fact is stated."""

    reading: str
    if_given: str = ""


class Readings(Struct, frozen=True):
    """The readings that a case is reckoned by: those the workflow knows, as the office has chosen among them."""

    known: Mapping[str, Reading]
    chosen: Mapping[str, str]

    def word(self, name: str) -> str:
        """Return the reading that is taken of the point ``name``."""
        return self.chosen.get(name, self.known[name].default)

    def departure(self, name: str) -> list[Reason]:
        """Return why the office reads ``name`` otherwise than by default; nothing where it does not."""
        reading, word = self.known[name], self.word(name)
        if word == reading.default:
            return []
        option = reading.options[word]
        text = f"{reading.title}有争议，本机关选用“{option.title}”：{option.why}（{option.source}）"
        return [Reason(text, option.law)]

    def others(self, name: str) -> Iterator[tuple[Readings, Option]]:
        """Yield each reading of ``name`` that is not taken, with the readings as they would be then."""
        for word, option in self.known[name].options.items():
            if word != self.word(name):
                yield replace(self, chosen={**self.chosen, name: word}), option


def objections(chosen: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each point or reading of ``chosen`` that there is not, with what there is."""
    for name, word in chosen.items():
        if name not in CHOICES:
            yield name, f"没有“{name}”这一争议问题；可用：{'、'.join(CHOICES)}"
        elif word not in CHOICES[name]:
            yield name, f"“{name}”没有“{word}”这一读法；可用：{'、'.join(CHOICES[name])}"
