"""What of a case somebody sees on the screen: in full what the work of a role needs, the rest masked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from yishenqing.core import masking, stars
from yishenqing.office.casework import Casework
from yishenqing.office.concealing import Parties

_Opener = Callable[[Any], Any]
_KEPT = frozenset({"file", "sm3", "hash", "source"})  # of papers and lists: digests, file names


def masked(case: Casework, open_facts: _Opener, kinds: Collection[str]) -> _Opener:
    """Return what opens facts of ``case`` with these kinds of personal data masked, wherever they stand."""
    parties = Parties()
    opened = [open_facts(entry.facts) for entry in case.entries]
    natural = next((facts.get("applicant_kind") in (None, "natural") for facts in opened), True)
    for facts in opened:
        parties.gather(facts, natural=natural)
    hide = Hiding(parties, kinds)
    return lambda facts: hide.within(open_facts(facts))


class Hiding:
    """Hides what is known of the parties, and what has the form of a person's number, in anything told."""

    def __init__(self, parties: Parties, kinds: Collection[str]) -> None:
        """Hide these kinds of what is known of ``parties``."""
        self._people, self._values, self._own, self._kinds = parties.people, parties.values, parties.own, kinds
        self._aliases: Mapping[str, str] = masking.aliases(parties.people)

    def text(self, text: str) -> str:
        """Return a text with what is to be hidden hidden."""
        return stars.hidden(text, self._people, self._values, self._kinds, self._aliases, self._own)

    def within(self, told: Any) -> Any:
        """Return facts with what is to be hidden hidden in every text of theirs."""
        if isinstance(told, str):
            return self.text(told)
        if isinstance(told, Mapping):
            return {key: value if key in _KEPT else self.within(value) for key, value in told.items()}
        if isinstance(told, list | tuple):
            return [self.within(value) for value in told]
        return told
