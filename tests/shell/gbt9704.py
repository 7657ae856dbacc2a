"""Measure a letter's PDF against GB/T 9704-2012; glyphs are read back from the file, the renderer is not trusted.

All lengths in mm. The box of a hanzi is [baseline - 0.12 em, baseline + 0.88 em]; closing punctuation at the end
of a line counts half a character, because its right half is blank and may hang over the edge.
"""

from __future__ import annotations

import collections
import io
import re
import statistics
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, field
from pdfminer.high_level import extract_pages
from pdfminer.layout import LTChar, LTCurve, LTRect

MM = 72 / 25.4
LEFT, TOP, RIGHT, BOTTOM = 28.0, 37.0, 184.0, 262.0
EM = 156 / 28
PITCH = 29.610 / MM
TIGHTEST = 25.6 / MM  # 7.3.5.5: rows of the last page may move closer to make room for the signature
PAPER = 0.5  # tolerance of the paper
NO_START = set("，。、；：？！）〕】》〉」』”’％‰℃")
NO_END = set("（〔【《〈「『“‘")
_HALF = NO_START - set("％‰℃")
_NUMBER = re.compile(r"^\s*—(\d+)—\s*$")
_DATE = re.compile(r"^(\d{4})年(\d{1,2})月(\d{1,2})日$")


class Char(Struct):
    text: str
    x0: float
    x1: float
    base: float
    size: float
    font: str


class Row(Struct):
    chars: list[Char]

    @property
    def size(self) -> float:
        return statistics.mode(round(c.size, 1) for c in self.chars)

    @property
    def base(self) -> float:
        return statistics.median(c.base for c in self.chars)

    @property
    def text(self) -> str:
        return "".join(c.text for c in self.chars)

    @property
    def top(self) -> float:
        return self.base - 0.88 * self.size / MM

    @property
    def bottom(self) -> float:
        return self.base + 0.12 * self.size / MM

    @property
    def x0(self) -> float:
        return self.chars[0].x0

    @property
    def x1(self) -> float:
        return self.chars[-1].x1

    @property
    def right(self) -> float:
        return self.x1 - (self.size / MM / 2 if self.chars[-1].text in _HALF else 0)


class Sheet(Struct):
    rows: list[Row]
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)  # top, bottom, left, right

    @property
    def body(self) -> list[Row]:
        return [r for r in self.rows if abs(r.size - 16) < 0.3 and r.bottom < BOTTOM + 1.5]

    @property
    def pitch(self) -> float:
        return min((b.base - a.base for a, b in pairwise(self.body)), default=PITCH)

    @property
    def adjusted(self) -> bool:
        return abs(self.pitch - PITCH) > 0.005

    @property
    def number(self) -> Row | None:
        return next((r for r in self.rows if r.top > BOTTOM - 1 and _NUMBER.match(r.text)), None)


def read(pdf: bytes) -> list[Sheet]:
    sheets = []
    for page in extract_pages(io.BytesIO(pdf), laparams=None):
        chars: list[Char] = []
        rules = []
        for item in _walk(page):
            if isinstance(item, LTChar):
                font = item.fontname.split("+")[-1]
                base = (page.height - item.matrix[5]) / MM
                chars.append(Char(item.get_text(), item.x0 / MM, item.x1 / MM, base, item.size, font))
            elif isinstance(item, LTRect | LTCurve):
                top, bottom = (page.height - item.y1) / MM, (page.height - item.y0) / MM
                rules.append((top, bottom, item.x0 / MM, item.x1 / MM))
        if abs(page.width / MM - 210) > PAPER or abs(page.height / MM - 297) > PAPER:
            raise AssertionError(f"5.1 纸张 {page.width / MM:.1f}×{page.height / MM:.1f}")
        sheets.append(Sheet(_rows(chars), sorted(rules)))
    return sheets


def _walk(item: Any) -> Iterator[Any]:
    yield item
    if hasattr(item, "__iter__"):
        for inner in item:
            yield from _walk(inner)


def _rows(chars: list[Char]) -> list[Row]:
    rows: list[list[Char]] = []
    for char in sorted(chars, key=lambda c: (c.base, c.x0)):
        near = next((r for r in rows[-4:] if abs(r[0].base - char.base) < 1.2), None)
        if near is None:
            rows.append([char])
        else:
            near.append(char)
    return [Row(sorted(r, key=lambda c: c.x0)) for r in rows if "".join(c.text for c in r).strip()]


def check(pdf: bytes, *, letterhead: bool, fonts: Path, seal: bool = True) -> list[str]:
    """Return every departure from the standard; empty when the letter is in order."""
    sheets = read(pdf)
    found = [*_glyphs(sheets), *_grid(sheets, letterhead), *_lines(sheets), *_numbers(sheets, letterhead)]
    found += _signature(sheets, seal)
    found += _titles(sheets)
    if letterhead:
        found += _letterhead(sheets[0], fonts)
    return found


def _glyphs(sheets: list[Sheet]) -> Iterator[str]:
    chars = [c for s in sheets for r in s.rows for c in r.chars]
    if any("\ufffd" in c.text or c.text.startswith("(cid:") for c in chars):
        yield "缺字"
    font, _ = collections.Counter(c.font for c in chars if "\u4e00" <= c.text <= "\u9fff").most_common(1)[0]
    if "FangSong" not in font:
        yield f"5.2.2 正文不是仿宋：{font}"
    if any(not c.font.startswith("YSQ-") for c in chars):
        yield "混入了系统字体"
    for row in (r for s in sheets for r in s.body):
        if max(c.base for c in row.chars) - min(c.base for c in row.chars) > 0.1:
            yield f"基线不齐：{row.text[:8]}"


def _grid(sheets: list[Sheet], letterhead: bool) -> Iterator[str]:  # noqa: FBT001
    left = min(r.x0 for s in sheets for r in s.body)
    if abs(left - LEFT) > 0.3:
        yield f"5.2.1 左边 {left:.2f}"
    for i, sheet in enumerate(sheets):
        body = sheet.body
        if sheet.adjusted:
            yield from _adjusted(sheet, i, last=sheet is sheets[-1])
            continue
        for a, b in pairwise(body):
            slots = (b.base - a.base) / PITCH
            if (i or not letterhead) and abs(slots - round(slots)) > 0.02:
                yield f"5.2.3 第{i + 1}页行距 {b.base - a.base:.2f}"
        if (i or not letterhead) and abs(body[0].top - TOP) > 0.3:
            yield f"5.2.1 第{i + 1}页天头 {body[0].top:.2f}"
        count = round((body[-1].base - body[0].base) / PITCH) + 1
        if 0 < i < len(sheets) - 1 and not (count == 22 or (i == len(sheets) - 2 and 16 <= count < 22)):
            yield f"5.2.3 第{i + 1}页 {count} 行"
        if count == 22 and (i or not letterhead) and abs(body[-1].bottom - BOTTOM) > 0.3:
            yield f"5.2.1 第{i + 1}页下边 {body[-1].bottom:.2f}"
        if body[-1].bottom > BOTTOM + 0.3:
            yield f"5.2.1 第{i + 1}页超出版心"


def _adjusted(sheet: Sheet, i: int, *, last: bool) -> Iterator[str]:
    """Rows closer on the last page for the signature, wider on one whose heading went over: each fills the page."""
    body, pitch = sheet.body, sheet.pitch
    if not (TIGHTEST <= pitch < PITCH if last else PITCH < pitch < 1.15 * PITCH):
        yield f"7.3.5.5 第{i + 1}页行距 {pitch * MM:.2f} 磅"
    text = body[3:] if i == 0 else body  # the first page has rows above the title
    if any(abs((b.base - a.base) / pitch - round((b.base - a.base) / pitch)) > 0.02 for a, b in pairwise(text)):
        yield f"5.2.3 第{i + 1}页行距不一"
    if not -0.3 <= BOTTOM - body[-1].bottom <= (PITCH if i == 0 else 0.3):
        yield f"5.2.3 第{i + 1}页没有撑满或者超出版心 {body[-1].bottom:.2f}"


def _lines(sheets: list[Sheet]) -> Iterator[str]:
    for sheet in sheets:
        for row in sheet.body:
            if row.text[0] in NO_START or row.text[-1] in NO_END:
                yield f"避头尾：{row.text}"
            if row.right > RIGHT + 0.3:
                yield f"5.2.1 超出右边 {row.right:.2f}：{row.text}"
        for a, b in pairwise(sheet.body):
            runs_on = abs(b.base - a.base - sheet.pitch) < 0.2 and abs(b.x0 - LEFT) < 0.3 and a.x0 < LEFT + 2.2 * EM
            if runs_on and a.right < RIGHT - 0.5 and not a.text.endswith("："):
                yield f"5.2.3 右边不齐 {a.right:.2f}：{a.text}"


def _numbers(sheets: list[Sheet], letterhead: bool) -> Iterator[str]:  # noqa: FBT001
    for n, sheet in enumerate(sheets, 1):
        row = sheet.number
        if letterhead and n == 1:
            if row is not None:
                yield "10.1 首页显示了页码"
            continue
        if row is None or row.text != f"—{n}—" or abs(row.size - 14) > 0.1 or "Song" not in row.chars[0].font:
            yield f"7.5 第{n}页页码"
            continue
        indent = RIGHT - row.x1 if n % 2 else row.x0 - LEFT
        if abs(indent - 14 / MM) > 0.3:
            yield f"7.5 第{n}页页码空 {indent:.2f}"
        dash = row.base - 0.38 * 14 / MM
        if abs(dash - BOTTOM - 7) > 0.5:
            yield f"7.5 第{n}页一字线距版心 {dash - BOTTOM:.2f}"


def _signature(sheets: list[Sheet], seal: bool) -> Iterator[str]:  # noqa: FBT001
    page, at = next(
        (s, i) for s in reversed(sheets) for i, r in reversed(list(enumerate(s.body))) if _DATE.match(r.text)
    )
    body = page.body
    day, organ = body[at], body[at - 1]
    first = at - 1  # a long name takes more than one row
    while first and abs(body[first].base - body[first - 1].base - page.pitch) < 0.2:
        first -= 1
    if page is not sheets[-1]:
        yield "7.3.5 署名不在末页"
    if first == 0:
        yield "7.3.5.5 署名单独成页"
    else:
        empty = round((body[first].base - body[first - 1].base) / page.pitch) - 1
        if empty != (2 if seal else 1):
            yield f"7.3.5 署名上空 {empty} 行"
    match = _DATE.match(day.text)
    if match and (match[2].startswith("0") or match[3].startswith("0")):
        yield "7.3.5.4 日期补零"
    if at - first > 1 or (seal and len(organ.text) <= 13):
        yield from _short_or_split(organ, day, split=at - first > 1)
    else:
        yield from _unsealed(organ, day)


def _short_or_split(organ: Row, day: Row, *, split: bool) -> Iterator[str]:
    indent = (RIGHT - day.x1) / EM
    if split:
        if abs(indent - 2) > 0.1 or abs((RIGHT - organ.x1) / EM - 2) > 0.1:
            yield f"7.3.5.2 日期右空 {indent:.2f}"
        return
    if abs(indent - 4) > 0.1:
        yield f"7.3.5.1 日期右空 {indent:.2f}"
    offset = (organ.x0 + organ.x1 - day.x0 - day.x1) / 2
    if abs(offset) > 0.3:
        yield f"7.3.5.1 署名未居中 {offset:.2f}"


def _unsealed(organ: Row, day: Row) -> Iterator[str]:
    """署名右空二字 unless the date is the longer; its first character stands two to the right of the name's."""
    shift, ends = (day.x0 - organ.x0) / EM, [(RIGHT - r.x1) / EM for r in (organ, day)]
    if abs(shift - 2) > 0.1:
        yield f"7.3.5.2 日期首字右移 {shift:.2f}"
    if abs(min(ends) - 2) > 0.1:
        yield f"7.3.5.2 右空 {ends}"


def _titles(sheets: list[Sheet]) -> Iterator[str]:
    titles = [r for r in sheets[0].rows if abs(r.size - 22) < 0.3]
    if not titles or any(abs((r.x0 + r.x1) / 2 - 106) > 0.5 or "XiaoBiaoSong" not in r.chars[0].font for r in titles):
        yield "7.3.1 标题"
    if not any(r.base > titles[-1].base for r in sheets[0].body):
        yield "7.3.3 首页没有正文"


def _letterhead(sheet: Sheet, fonts: Path) -> Iterator[str]:
    mark = min(sheet.rows, key=lambda r: abs(r.top - 28))
    top, bottom = _ink(mark, fonts)
    if abs(top - 30) > 0.3:
        yield f"10.1 发文机关标志上边缘 {top:.2f}"
    wide = [r for r in sheet.rules if abs(r[3] - r[2] - 170) < 0.5 and abs((r[2] + r[3]) / 2 - 105) < 0.3]
    if len(wide) != 4:
        yield f"10.1 红线 {len(wide)} 条"
        return
    heights = [b - t for t, b, _, _ in wide]
    if not (heights[0] > heights[1] and heights[2] < heights[3]):
        yield "10.1 双线粗细"
    if abs(wide[0][0] - bottom - 4) > 0.3:
        yield f"10.1 标志下 {wide[0][0] - bottom:.2f}"
    if abs(297 - wide[3][1] - 20) > 0.3:
        yield f"10.1 下双线距页边 {297 - wide[3][1]:.2f}"
    number = next((r for r in sheet.body if re.search(r"〔\d{4}〕[1-9]\d*号$", r.text) and r.base < 70), None)
    if number and (abs(number.x1 - RIGHT) > 0.3 or abs(number.top - wide[1][1] - 4.94) > 0.3):
        yield "10.1 发文字号位置"


def _ink(mark: Row, fonts: Path) -> tuple[float, float]:
    """Where the ink of the mark begins and ends, from the outlines of the font itself."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - only this measure reads outlines

    with TTFont(fonts / "YSQ-XiaoBiaoSong.ttf", lazy=True) as font:
        cmap, glyf = font.getBestCmap(), font["glyf"]
        boxes = [glyf[cmap[ord(c.text)]] for c in mark.chars]
    high, low = max(b.yMax for b in boxes), min(b.yMin for b in boxes)
    return mark.base - high / 1000 * mark.size / MM, mark.base - low / 1000 * mark.size / MM


@pytest.fixture(scope="session")
def departures() -> Callable[..., list[str]]:
    """:func:`check`, for tests that load this module as a plugin."""
    return check


@pytest.fixture(scope="session")
def printed() -> Callable[[bytes], str]:
    """All text of a PDF, line by line from the top."""
    return lambda pdf: "".join(row.text for sheet in read(pdf) for row in sheet.rows)
