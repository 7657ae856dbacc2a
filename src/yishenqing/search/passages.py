"""The passage of a text that says most of what was asked, with the places that say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from yishenqing.search.folding import folded_with_places
from yishenqing.search.marks import marks
from yishenqing.search.terms import UNIT, Units, key_term

_READ = 50_000  # characters of a text that are looked through
_WIDTH = 90  # characters of a passage
_BEFORE = 12  # characters that a passage may begin earlier, to begin with a clause
_ENDS = "。；！？\n"
_STOPS = _ENDS + "，、："


class Passage(Struct, frozen=True):
    """Part of a text and where in it the question's words stand (from, to; characters of ``text``)."""

    text: str
    places: tuple[tuple[int, int], ...]
    weight: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return the passage as data."""
        return {"text": self.text, "marks": [list(place) for place in self.places]}

    def marked(self, left: str = "【", right: str = "】") -> str:
        """Return the text with the places between signs."""
        out, end = "", 0
        for a, b in self.places:
            out += f"{self.text[end:a]}{left}{self.text[a:b]}{right}"
            end = b
        return out + self.text[end:]


def passage(text: str, matched: Mapping[int, float], width: int = _WIDTH) -> Passage:
    """Return the passage of ``text`` in which the matched terms (with what each is worth) stand most densely."""
    text = text[:_READ]
    found = _places(text, matched)
    if not found:
        return Passage(text[:width] + ("……" if len(text) > width else ""), ())
    first, last, weight = _best(found, matched, width)
    start = _beginning(text, found[first][0])
    end = _ending(text, found[last][1], start + width)
    places = _joined([(a, b) for a, b, _ in found if start <= a and b <= end])
    before, after = ("……" if start else ""), ("……" if end < len(text) else "")
    shift = len(before) - start
    shown = before + text[start:end].replace("\n", " ") + after
    return Passage(shown, tuple((a + shift, b + shift) for a, b in places), weight)


def _places(text: str, matched: Mapping[int, float]) -> list[tuple[int, int, int]]:
    """Return where matched terms stand: from, to, term."""
    plain, origin = folded_with_places(text)
    units = [*UNIT.finditer(plain)]
    found = [
        (origin[units[a].start()], origin[units[b - 1].end() - 1] + 1, term)
        for term, a, b in Units([u[0] for u in units]).terms()
        if term in matched
    ]
    for mark in marks(plain):
        term = next((t for key in mark.keys if (t := key_term(key)) in matched), None)
        if term is not None:
            found.append((origin[mark.start], origin[mark.end - 1] + 1, term))
    return sorted(found)


def _best(found: Sequence[tuple[int, int, int]], matched: Mapping[int, float], width: int) -> tuple[int, int, float]:
    """Return the window of places, by first and last, whose different terms are worth most."""
    inside: Counter[int] = Counter()
    best = (0, 0, -1.0)
    first, worth = 0, 0.0
    for last, (_, end, term) in enumerate(found):
        worth += 0.0 if inside[term] else matched[term]
        inside[term] += 1
        while end - found[first][0] > width and first < last:
            gone = found[first][2]
            inside[gone] -= 1
            worth -= 0.0 if inside[gone] else matched[gone]
            first += 1
        if worth > best[2] + 1e-9:
            best = (first, last, worth)
    return best


def _beginning(text: str, place: int) -> int:
    """Return where to begin: after the stop before ``place``, where one is near."""
    near = range(place, max(place - _BEFORE, 0), -1)
    return next((n for n in near if text[n - 1] in _STOPS), 0 if place <= _BEFORE else place)


def _ending(text: str, place: int, wished: int) -> int:
    """Return where to end: with the last sentence that ends before ``wished``."""
    end = max(place, min(wished, len(text)))
    if end == len(text):
        return end
    return next((n for n in range(end, place, -1) if text[n - 1] in _ENDS), end)


def _joined(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join places that touch or overlap."""
    found: list[list[int]] = []
    for a, b in sorted(places):
        if found and a <= found[-1][1]:
            found[-1][1] = max(found[-1][1], b)
        else:
            found.append([a, b])
    return [(a, b) for a, b in found]
