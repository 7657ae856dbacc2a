"""Supervision: the customs (data), what is worked out from counts, and how it is charted. Nothing is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "supervision.yaml"
_COLOURS = ("#2f6db5", "#6aa84f", "#e0a100", "#c0392b", "#222222")
LAMP_COLOURS: Mapping[str, str] = {"green": "#6aa84f", "yellow": "#e0a100", "red": "#c0392b", "black": "#222222"}
_LABEL, _BAR, _HIGH, _GAP = 190, 420, 20, 8  # widths and heights of a chart, in its own units


class Customs(Written, frozen=True):
    """When which lamp is lit, and how much is listed."""

    title: str
    law: str
    lamps: Mapping[str, str]
    black_after: int
    yellow_within: int
    high: int
    shown: int
    top: int
    unnamed: str


def read_customs(home: Path | None) -> Customs:
    """Return the office's customs, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Customs, path, home, _read)


def _read(path: Path) -> Customs:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    return validated(TypeAdapter(Customs), read(path))


def percentile(counts: Mapping[int, int], share: int) -> int | None:
    """Return the least number of days within which ``share`` per cent of the cases lie; None where there are none."""
    total, seen = sum(counts.values()), 0
    for days in sorted(counts):
        seen += counts[days]
        if seen * 100 >= share * total:
            return days
    return None


def rate(part: int, whole: int) -> float | None:
    """Return a share of one; None where there is nothing to share."""
    return round(part / whole, 4) if whole else None


def concentration(counts: Counter[str], top: int) -> dict[str, Any]:
    """Return how many applicants there are, and how much of all comes from the busiest ``top`` of them."""
    total = sum(counts.values())
    most = sum(n for _, n in counts.most_common(top))
    return {"applicants": len(counts), "cases": total, "top": top, "top_cases": most, "share": rate(most, total)}


def bars(title: str, values: Sequence[tuple[str, float]], colours: Mapping[str, str] | None = None) -> str:
    """Return a bar chart as one self-contained SVG text; the same values give the same bytes."""
    most = max((value for _, value in values), default=0) or 1
    high = 34 + max(len(values), 1) * (_HIGH + _GAP)
    wide_all = _LABEL + _BAR + 80
    size = f'viewBox="0 0 {wide_all} {high}" width="{wide_all}" height="{high}"'
    font = 'font-family="YSQ Song, SimSun, sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<text x="{_LABEL}" y="16" font-size="14">{escape(title)}</text>',
    ]
    if not values:
        parts.append(f'<text x="{_LABEL}" y="44">（没有数据）</text>')
    for n, (label, value) in enumerate(values):
        top, wide = 30 + n * (_HIGH + _GAP), round(_BAR * value / most, 1)
        colour = (colours or {}).get(label, _COLOURS[0])
        parts += [
            f'<text x="{_LABEL - 6}" y="{top + 14}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LABEL}" y="{top}" width="{wide}" height="{_HIGH}" fill="{colour}"/>',
            f'<text x="{_LABEL + wide + 5}" y="{top + 14}">{value:g}</text>',
        ]
    return "".join([*parts, "</svg>"])
