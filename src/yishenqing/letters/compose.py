"""Break Chinese text into lines that fill the width: 避头尾 and a flush right edge (GB/T 9704-2012, 5.2.3).

The renderer leaves more than half of the full lines of Chinese text ragged, so the lines are made here and
the renderer only places them. Lengths are points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
_AFTER_DIGIT = frozenset("年月日号")
_BEFORE_DIGIT = frozenset("年月")
_NUMERALS = frozenset("一二三四五六七八九十")
# How much wider a line may be spaced (points a character; 0.6 is one hanzi a line) before these are parted:
_PARTED_DATE, _PARTED_NUMBER, _PARTED_DIGITS = 0.8, 1.3, 1.6
_LONGEST_WORD = 8  # a longer run of Latin letters or digits may be broken after a hyphen, slash, dot …
_LONGEST_PART = 14  # … and a part without any of these anywhere
_JOINTS = frozenset("-/._@?&=")

Measure = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Line:
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
    breaks = [may_break(text, i) for i in range(len(text))]
    lines, start, x = [], 0, first
    while start < len(text):
        end, spacing = _fill(text, widths, breaks, start, width - x)
        lines.append(Line(text[start:end].rstrip(" "), x, spacing))
        start, x = end, rest
        while start < len(text) and text[start] == " ":
            start += 1
    return lines


def _fill(text: str, widths: list[float], breaks: list[bool], start: int, room: float) -> tuple[int, float]:
    """Return where the line that begins at ``start`` ends, and the spacing that makes it flush."""
    best, cost = start, float("inf")
    spacing, natural = SPACING, 0.0
    for end in range(start + 1, len(text) + 1):
        natural += widths[end - 1]
        needed = _needed(text[end - 1], natural, end - start, room)
        if needed < _TIGHTEST:
            break
        if end == len(text) and needed >= _TIGHT:
            return end, min(SPACING, needed)
        paid = abs(needed - SPACING)
        if end < len(text) and breaks[end] and paid <= cost and (paid := paid + _reluctance(text, end)) <= cost:
            best, cost, spacing = end, paid, needed
    if best > start:
        return best, spacing
    return _forced(widths, start, room)


def _reluctance(text: str, i: int) -> float:
    """Return what it costs to end a line within a date, a number or an article; widening the line may be cheaper."""
    before, after = text[i - 1], text[i]
    if after.isdecimal():
        if before in _BEFORE_DIGIT:
            return _PARTED_DATE  # 2026年/3月5日
        if before == "〕":
            return _PARTED_NUMBER  # 〔2026〕/7号
    if before.isdecimal() and after in _AFTER_DIGIT:
        return _PARTED_NUMBER
    if before == "第" and after in _NUMERALS:
        return _PARTED_DATE
    return _PARTED_DIGITS if _latin(before) and _latin(after) else 0.0


def _needed(last: str, natural: float, count: int, room: float) -> float:
    hang = SIZE / 2 if last in _HALF_END else 0.0
    return (room + hang - natural) / max(count - 1, 1)


def _forced(widths: list[float], start: int, room: float) -> tuple[int, float]:
    """Nothing may be broken here (a run of punctuation): fill the line all the same."""
    end, natural = start + 1, widths[start]
    while end < len(widths) and natural + widths[end] <= room:
        natural += widths[end]
        end += 1
    return end, 0.0


def may_break(text: str, i: int) -> bool:
    """Return whether a line may end before ``text[i]``."""
    if i == 0:
        return False
    before, after = text[i - 1], text[i]
    if after in NO_START or before in NO_END:
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
