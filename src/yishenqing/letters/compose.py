"""Break Chinese text into lines that fill the width: 避头尾 and a flush right edge (GB/T 9704-2012, 5.2.3).

The renderer leaves more than half of the full lines of Chinese text ragged, so the lines are made here and
the renderer only places them. Lengths are points.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate

from msgspec import Struct

WIDTH = 156 * 72 / 25.4  # 版心
SIZE = 16.0  # 3号
SPACING = (WIDTH - 28 * SIZE) / 27  # 28 characters fill the width exactly
PITCH = SIZE + SPACING  # one 字 of the grid
_TIGHT = SPACING - 0.03 * SIZE
_TIGHTEST = SPACING - 0.055 * SIZE  # 1½ characters more in a line, where every other break is looser than that

NO_START = frozenset("，。、；：？！）〕】》〉」』”’％‰℃,.;:?!)]}%")
NO_END = frozenset("（〔【《〈「『“‘([{")
_HALF_END = frozenset("，。、；：？！）〕】》〉」』”’")  # their right half is blank and may hang over the edge
_PAIRED = frozenset("—…")
_NUMERALS = frozenset("一二三四五六七八九十")
# How much wider a line may be spaced (points a character; 0.6 is one hanzi a line) before these are parted:
_PARTED_ARTICLE, _PARTED_WORD = 0.8, 1.6
_FULL = 4  # how much more a line of the full width weighs than the indented one: its 28 characters are the norm
_WANTING = 3  # characters that a line may lack, where another end can be found
_UNEVEN = 0.7  # a line spaced so much wider than the grid shares the want with the lines before it
_LONGEST_WORD = 8  # a longer run of Latin letters or digits may be broken after a hyphen, slash, dot …
_LONGEST_PART = 14  # … and a part without any of these anywhere
_JOINTS = frozenset("-/._@?&=")
# A date, a document's number, a number or code with what counts it; "word" is one only where it has a digit.
_UNIT = re.compile(
    r"\d+年\d+月(?:\d+日)?|\d+月\d+日|〔\d+〕\d+号|(?P<word>[\dA-Za-z](?:[\dA-Za-z.,:/+*~%_·-]|(?<=[\dA-Z]) (?=\d))*)"
    r"(?:[万亿]?元|[年月日号件份页条项个人次天])?"
)
_LONGEST_UNIT = 12.0  # em; a longer one may be parted like a word

Measure = Callable[[str], float]


class Line(Struct, frozen=True):
    """One line: its text, where it starts (points from the left edge) and the letter spacing."""

    text: str
    x: float
    spacing: float


def compose(
    text: str, measure: Measure, *, first: float = 2 * PITCH, rest: float = 0.0, width: float = WIDTH
) -> list[Line]:
    """Return the lines of one paragraph.

    Args:
        text: the paragraph; a newline in it starts a line of its own.
        measure: width of a character in em.
        first: where the first line starts (points); the same for each line after a newline.
        rest: where the following lines start.
        width: the right edge.
    """
    lines: list[Line] = []
    for part in text.split("\n"):
        if part.strip():
            lines += _part(part.strip(" "), measure, first, rest, width)
    return lines


def _part(text: str, measure: Measure, first: float, rest: float, width: float) -> list[Line]:
    widths = [measure(c) * SIZE for c in text]
    part = _Part(
        text, widths, list(accumulate(widths, initial=0.0)), _breaks(text, widths), width - first, width - rest
    )
    ends = part.one_by_one()
    if any(end < len(text) and spacing - SPACING > _UNEVEN for _, end, spacing in ends):
        ends = part.together() or ends
    return [Line(text[a:b].rstrip(" "), rest if a else first, spacing) for a, b, spacing in ends]


def units(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each date, document's number, number or code begins and ends; none is parted where it fits."""
    for found in _UNIT.finditer(text):
        word = found["word"]
        if word is None or any(c.isdecimal() for c in word):
            yield found.span()


def _breaks(text: str, widths: list[float]) -> list[bool]:
    """Return for each character whether a line may end before it."""
    breaks = [may_break(text, i) for i in range(len(text))]
    for start, end in units(text):
        if sum(widths[start:end]) <= _LONGEST_UNIT * SIZE:
            breaks[start + 1 : end] = [False] * (end - start - 1)
    return breaks


_Ends = list[tuple[int, int, float]]  # where each line begins and ends, and its spacing


class _Part(Struct, frozen=True):
    """A paragraph to be broken: the width of each character, the sums of these, and the room of a line."""

    text: str
    widths: list[float]
    sums: list[float]
    breaks: list[bool]
    first: float
    rest: float

    def one_by_one(self) -> _Ends:
        """Fill line after line, each as well as it goes."""
        found, start = [], 0
        while start < len(self.text):
            fitting = self._fitting(start)
            _, end, spacing = min(fitting) if fitting else self._forced(start)
            found.append((start, end, spacing))
            start = self._next(end)
        return found

    def together(self) -> _Ends | None:
        """Choose the ends of all lines together, so that what one line lacks is shared; None where none fit."""
        best: dict[int, tuple[float, int, int, float]] = {0: (0.0, 0, 0, 0.0)}
        for start in range(len(self.text)):
            if start not in best:
                continue
            for paid, end, spacing in self._fitting(start):
                total, after = best[start][0] + paid * paid * (_FULL if start else 1), self._next(end)
                if after not in best or total < best[after][0]:
                    best[after] = (total, start, end, spacing)
        found, at = [], len(self.text)
        while at and at in best:
            _, start, end, spacing = best[at]
            found.append((start, end, spacing))
            at = start
        return found[::-1] if not at else None

    def _fitting(self, start: int) -> list[tuple[float, int, float]]:
        """Return for the ends of the line that begins at ``start``: the cost, the end, and the spacing, flush there.

        These are the ends that leave few characters wanting; where there is none, any that fills half of the line.
        """
        room = self.rest if start else self.first
        return self._within(start, room, room - _WANTING * SIZE) or self._within(start, room, room / 2)

    def _within(self, start: int, room: float, least: float) -> list[tuple[float, int, float]]:
        found, last, before = [], len(self.text), self.sums[start]
        for end in range(min(bisect_left(self.sums, before + least, start + 1), last), last + 1):
            hang = SIZE / 2 if self.text[end - 1] in _HALF_END else 0.0
            needed = (room + hang + before - self.sums[end]) / max(end - start - 1, 1)
            if needed < _TIGHTEST:
                break
            if end < last and self.breaks[end]:
                found.append((abs(needed - SPACING) + _reluctance(self.text, end), end, needed))
            elif end == last and needed >= _TIGHT:
                found.append((0.0, end, min(SPACING, needed)))
        return found

    def _next(self, end: int) -> int:
        while end < len(self.text) and self.text[end] == " ":
            end += 1
        return end

    def _forced(self, start: int) -> tuple[float, int, float]:
        """Nothing may be broken here (a run of punctuation): fill the line all the same."""
        end, natural = start + 1, self.widths[start]
        room = self.rest if start else self.first
        while end < len(self.widths) and natural + self.widths[end] <= room:
            natural += self.widths[end]
            end += 1
        return 0.0, end, 0.0


def _reluctance(text: str, i: int) -> float:
    """Return what it costs to end a line within an article or a word; widening the line may be cheaper."""
    before, after = text[i - 1], text[i]
    if before == "第" and (after in _NUMERALS or after.isdecimal()):
        return _PARTED_ARTICLE
    return _PARTED_WORD if _latin(before) and _latin(after) else 0.0


def may_break(text: str, i: int) -> bool:
    """Return whether a line may end before ``text[i]``."""
    if i == 0:
        return False
    before, after = text[i - 1], text[i]
    if after in NO_START or before in NO_END or before == " ":  # a space goes to neither line
        return False
    if before == after and after in _PAIRED:
        return False
    if _latin(before) and _latin(after):
        return _breaks_word(text, i)
    return True


def _latin(char: str) -> bool:
    return "!" <= char <= "~" or "À" <= char <= "ſ"


def _breaks_word(text: str, i: int) -> bool:
    if text[i - 1] in _JOINTS:
        return _run(text, i, frozenset()) > _LONGEST_WORD
    return _run(text, i, _JOINTS) > _LONGEST_PART


def _run(text: str, i: int, stops: frozenset[str]) -> int:
    """Length of the run of Latin characters around ``i`` without ``stops``; counts no further than needed."""
    a = b = i
    while a > 0 and _latin(text[a - 1]) and text[a - 1] not in stops and i - a <= _LONGEST_PART:
        a -= 1
    while b < len(text) and _latin(text[b]) and text[b] not in stops and b - i <= _LONGEST_PART:
        b += 1
    return b - a


def balanced(text: str, limit: int) -> list[str]:
    """Break a title into the fewest lines of at most ``limit`` characters, the upper ones not shorter."""
    count = -(-len(text) // limit)
    lines: list[str] = []
    while text:
        end = -(-len(text) // max(count - len(lines), 1))
        while 0 < end < len(text) and not may_break(text, end):
            end -= 1
        end = end or len(text)
        lines.append(text[:end])
        text = text[end:]
    return lines
