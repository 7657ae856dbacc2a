"""What the chart says of a step, and how wide and high that is on paper."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from yishenqing.core.workflow import Start, State, Step, Workflow

Kind = Literal["title", "law", "clock", "state", "owner", "stage", "heading", "legend", "panel", "item"]
SIZES: Mapping[Kind, int] = {
    "title": 14,
    "law": 12,
    "clock": 12,
    "state": 16,
    "owner": 12,
    "stage": 17,
    "heading": 24,
    "legend": 12,
    "panel": 15,
    "item": 12,
}
_LEADING = 1.4
_NARROW = 0.62  # of an em: letters and digits of common fonts are at most this wide
_NEVER_FIRST = "，。、；：！？）》」』】〕”’%…号"
_NEVER_LAST = "（《「『【〔“‘·"


class Line(Struct, frozen=True):
    """One line of text and what it is."""

    text: str
    kind: Kind

    @property
    def width(self) -> float:
        """Return the width in pixels, rather too much than too little."""
        return _width(self.text) * SIZES[self.kind]

    @property
    def height(self) -> int:
        """Return the height in pixels, with leading."""
        return round(SIZES[self.kind] * _LEADING)


class Block(Struct, frozen=True):
    """Lines set one below the other."""

    lines: tuple[Line, ...]

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return round(max((line.width for line in self.lines), default=0))

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return sum(line.height for line in self.lines)


def clean(text: str) -> str:
    """Return ``text`` on one line, without characters that XML forbids or that turn the reading direction."""
    kept = (c if c.isspace() or unicodedata.category(c)[0] != "C" else "" for c in text)
    return " ".join("".join(kept).split())


def block(parts: Iterable[tuple[str, Kind]], width: int) -> Block:
    """Return the parts broken into lines of at most ``width`` pixels."""
    lines = [Line(text, kind) for part, kind in parts for text in _broken(clean(part), width / SIZES[kind])]
    return Block(tuple(lines))


def _width(text: str) -> float:
    """Return the width in em."""
    return sum(_NARROW if unicodedata.east_asian_width(c) in "NaHn" and c < "\u2000" else 1 for c in text)


def _broken(text: str, width: float) -> list[str]:
    """Break by characters, as Chinese does; no line starts with a closing mark or ends with an opening one."""
    lines, line = [], ""
    for char in text:
        if line and _width(line + char) > width:
            keep = _break_at(line, char)
            lines.append(line[:keep].rstrip())
            line = line[keep:]
        line = (line + char).lstrip()
    return [*lines, line] if line else lines


def _break_at(line: str, following: str) -> int:
    """Return how much of the full ``line`` stays: up to a comma or an article in its second half, if there is one."""
    place = max(line.rfind("、") + 1, line.rfind("，") + 1, line.rfind("第"))
    if place > len(line) // 2 and (place < len(line) or following not in _NEVER_FIRST):
        return place
    keep = len(line)
    while keep and _together(line[keep - 1], (line + following)[keep]):
        keep -= 1
    return keep if keep > len(line) // 2 else max(len(line) - (following in _NEVER_FIRST), 1)


def _together(left: str, right: str) -> bool:
    """Tell whether no line may end between the two: before a closing mark, after an opening one, within a number."""
    within = left.isascii() and left.isalnum() and right.isascii() and right.isalnum()
    return right in _NEVER_FIRST or left in _NEVER_LAST or within


def step_parts(
    workflow: Workflow, step: Step, periods: Mapping[str, str], states: Sequence[str] = (), *, by: bool = False
) -> list[tuple[str, Kind]]:
    """Return title, articles and started periods of ``step``; with ``states`` where, with ``by`` by whom."""
    parts: list[tuple[str, Kind]] = [(step.title, "title")]
    if states:
        titles = "、".join(workflow.states[name].title for name in states)
        parts.append((f"适用于：{titles}", "law"))
    roles = "、".join(workflow.roles[role] for role in step.by)
    parts.append((f"{roles}　{citations(step.law)}" if by else citations(step.law), "law"))
    said = {_started(workflow, start, periods): None for start in step.starts}
    return [*parts, *((text, "clock") for text in said)]


def _started(workflow: Workflow, start: Start, periods: Mapping[str, str]) -> str:
    """Return a started clock with its period: the term's of the start itself, where it names one."""
    title, period = workflow.clocks[start.clock].title, periods.get(start.term or start.clock, "")
    return f"起算：{title}（{period}）" if period and not start.until else f"起算：{title}"


def state_parts(workflow: Workflow, state: State) -> list[tuple[str, Kind]]:
    """Return the title of ``state`` and who acts in it."""
    parts: list[tuple[str, Kind]] = [(state.title, "state")]
    if state.owner:
        parts.append((workflow.roles[state.owner], "owner"))
    elif state.waits_for:
        parts.append((f"等待：{workflow.clocks[state.waits_for].title}", "owner"))
    return parts


def citations(law: Sequence[str]) -> str:
    """Return the articles in a row, the statute named once: 条例第二十九条、第三十一条."""
    said, before = [], ""
    for citation in law:
        statute, mark, article = citation.partition("第")
        same = mark and statute and statute == before
        said.append(mark + article if same else citation)
        before = statute
    return "、".join(said)
