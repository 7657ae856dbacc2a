"""Lay a letter out on A4 sheets to GB/T 9704-2012: every line gets its page and its place.

Placing the lines here, and not in the renderer, is what makes 22 lines fill the 版心 and keeps the signature
from standing alone. Lengths are points from the top left corner of the paper unless named otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.letters.compose import PITCH, SIZE, SPACING, WIDTH, Line, balanced, compose
from yishenqing.letters.fonts import Metrics
from yishenqing.letters.markup import Block

MM = 72 / 25.4
LEFT, TOP, HEIGHT = 28 * MM, 37 * MM, 225 * MM
ROWS = 22
ROW = (HEIGHT - SIZE) / (ROWS - 1)  # first and last line flush with the 版心: 29.610 pt
_TIGHTEST_ROW = 1.6 * SIZE  # 7.3.5.5: how close rows may move where only the signature would run over
_LEADS_IN = 2  # rows of a paragraph that only announces the next one; a longer one may end a page
BLANK = ROW - SIZE
TITLE = 22.0  # 2号
MARK_TOP, RULE_GAP = 30 * MM, 4 * MM  # 10.1
RULES = (0.8 * MM, 0.45 * MM, 0.25 * MM)  # thick, between, thin
BOTTOM_RULE = 277 * MM  # the last rule ends 20 mm above the edge of the paper
NUMBER_GAP = 7 / 8 * SIZE  # 10.1: 3号汉字高度的7/8
PAGE_NUMBER = 14.0  # 4号
_SIGNED_WITH = 2  # lines of text that stay with the signature (7.3.5.5)
_LEVELS = {"h1": ("hei", "H2"), "h2": ("kai", "H3")}
_MARK_PART, _NUMBER_PART, _TITLE_PART, _TEXT_PART = 1, 2, 3, 4  # the order in which a letter is read
_SIGNATURE_PART = 1_000_000  # after all text
_DRAFT, _REHEARSAL = "草稿　未经签发，不得发出", "演练　不是正式文书，不得发出"
_LONGEST_CENTRED = 13  # characters; a longer organ's name would run over the edge when centred on the date
_CLEAR = 0.6  # characters between a centred name and the edge, lest it look like a line that runs on


class Placed(Struct, frozen=True):
    """A line on its page; ``role`` names the fonts, ``red`` is for the mark.

    ``tag`` says what the line is to a reader who cannot see it (P, H1 …; empty for what is no text of the letter),
    and lines of the same ``part`` are one paragraph.
    """

    text: str
    x: float
    y: float
    size: float = SIZE
    role: str = "fangsong"
    spacing: float = SPACING
    red: bool = False
    tag: str = ""
    part: int = 0


class Rule(Struct, frozen=True):
    """A red rule, 170 mm wide and centred."""

    y: float
    height: float


class Page(Struct, frozen=True):
    """One page: its lines and rules."""

    lines: tuple[Placed, ...]
    rules: tuple[Rule, ...] = ()


class Head(Struct, frozen=True):
    """What stands above the text on the first page, and whether room is kept for a seal at the end."""

    organ: str
    title: str
    number: str | None
    letterhead: bool  # 信函格式 with red rules, else a plain sheet
    seal: bool = True


class _Row(Struct, frozen=True):
    line: Line | None  # None is an empty row
    role: str = "fangsong"
    tag: str = "P"
    part: int = 0
    leads: bool = False  # a heading, or what announces the next paragraph: never the last row of a page


class _Sheet(Struct, frozen=True):
    """The rows of one page, and how far they stand apart."""

    rows: Sequence[_Row]
    pitch: float = ROW


def lay_out(
    head: Head, blocks: Sequence[Block], metrics: Metrics, *, draft: bool, rehearsal: bool = False
) -> list[Page]:
    """Return the pages of a letter; a draft and a rehearsal say so on each."""
    body = [b for b in blocks if b.kind not in ("sign", "date")]
    text = _text_rows(body, metrics)
    signature = _signature_rows(blocks, metrics, seal=head.seal)
    top, start, rules = _letterhead(head, metrics) if head.letterhead else _plain_head(head, metrics)
    first = int((TOP + HEIGHT - SIZE - start) / ROW + 1.001)
    sheets = _paginate(text, signature, first, _TIGHTEST_ROW if head.letterhead else ROW)
    pages = []
    for number, found in enumerate(sheets, 1):
        y = start if number == 1 else TOP
        lines = [_placed(row, y + i * found.pitch) for i, row in enumerate(found.rows) if row.line]
        if number == 1:
            lines = [*top, *lines]
        if number > 1 or not head.letterhead:  # 10.1: 首页不显示页码
            lines.append(_page_number(number, metrics))
        if draft or rehearsal:
            lines.append(_warning(_DRAFT if draft else _REHEARSAL))
        pages.append(Page(tuple(lines), rules if number == 1 else ()))
    return pages


def _placed(row: _Row, y: float) -> Placed:
    line = row.line
    if line is None:
        raise ValueError("an empty row has no place")
    return Placed(line.text, LEFT + line.x, y, role=row.role, spacing=line.spacing, tag=row.tag, part=row.part)


def _text_rows(blocks: Sequence[Block], metrics: Metrics) -> list[_Row]:
    rows: list[_Row] = []
    enclosures = [b for b in blocks if b.kind == "enclosure"]
    for part, block in enumerate(blocks, _TEXT_PART):
        role, tag = _LEVELS.get(block.kind, ("fangsong", "P"))
        if block.kind == "enclosure":
            rows += [replace(row, part=part) for row in _enclosure_rows(block, enclosures, metrics)]
        else:
            first = 0.0 if block.kind == "to" else 2 * PITCH
            lines = compose(block.text, partial(metrics.width, role=role), first=first)
            leads = block.kind in _LEVELS or (block.text.endswith("：") and len(lines) <= _LEADS_IN)
            rows += [_Row(line, role, tag, part, leads) for line in lines]
    return rows


def enclosure_label(block: Block, enclosures: Sequence[Block]) -> str:
    """Return what stands before the name of an enclosure: numbers only when there are several (7.3.4)."""
    place = enclosures.index(block)
    return ("附件：" if place == 0 else "") + (f"{place + 1}." if len(enclosures) > 1 else "")


def _enclosure_rows(block: Block, enclosures: Sequence[Block], metrics: Metrics) -> list[_Row]:
    """附件说明 (7.3.4): one empty row above the first; further lines are aligned with the name."""
    label = enclosure_label(block, enclosures)
    number = label.removeprefix("附件：")
    hang = (2 + 3) * PITCH + sum(metrics.width(c) * SIZE + SPACING for c in number)
    lines = compose(block.text, metrics.width, first=hang, rest=hang)
    stretched = (lines[0].spacing - SPACING) * len(label)  # the label shares the spacing of its line
    x = hang - sum(metrics.width(c) * SIZE + SPACING for c in label) - stretched
    rows = [_Row(replace(lines[0], text=label + lines[0].text, x=x)), *(_Row(line) for line in lines[1:])]
    return [_Row(None), *rows] if enclosures.index(block) == 0 else rows


def _signature_rows(blocks: Sequence[Block], metrics: Metrics, *, seal: bool) -> list[_Row]:
    """署名 and 成文日期: two empty rows leave room for a seal's upper half, one stands above an unsealed name."""
    organ = "".join(b.text for b in blocks if b.kind == "sign")
    day = "".join(b.text for b in blocks if b.kind == "date")
    parts = balanced(organ, 24)
    if len(parts) > 1:  # 日期右空二字, as 7.3.5.2 has it where the name is the longer
        lines = [*(_right(part, 2, metrics) for part in parts), _right(day, 2, metrics)]
    else:
        lines = _sealed(organ, day, metrics) if seal else _unsealed(organ, day, metrics)
    named = [_Row(line, part=_SIGNATURE_PART) for line in lines[:-1]]
    return [*([_Row(None)] * (2 if seal else 1)), *named, _Row(lines[-1], part=_SIGNATURE_PART + 1)]


def _sealed(organ: str, day: str, metrics: Metrics) -> list[Line]:
    """成文日期右空四字，署名居中 above it (7.3.5.1)."""
    if len(organ) > _LONGEST_CENTRED:
        return _unsealed(organ, day, metrics)
    wide = _width(day, metrics)
    date_x = WIDTH - 4 * PITCH - wide
    natural, room = _width(organ, metrics, spacing=0.0), wide + 2 * (4 - _CLEAR) * PITCH
    spacing = min(SPACING, (room - natural) / max(len(organ) - 1, 1))
    width = natural + spacing * (len(organ) - 1)
    return [Line(organ, date_x + (wide - width) / 2, spacing), Line(day, date_x, SPACING)]


def _unsealed(organ: str, day: str, metrics: Metrics) -> list[Line]:
    """署名右空二字，日期首字比署名首字右移二字；日期长于署名的，日期右空二字 and the name moves left (7.3.5.2)."""
    name = _right(organ, 2, metrics)
    below = _right(day, 2, metrics)
    if name.x + 2 * PITCH > below.x:
        return [replace(name, x=below.x - 2 * PITCH), below]
    return [name, replace(below, x=name.x + 2 * PITCH)]


def _right(text: str, empty: float, metrics: Metrics) -> Line:
    return Line(text, WIDTH - empty * PITCH - _width(text, metrics), SPACING)


def _width(
    text: str, metrics: Metrics, role: str = "fangsong", size: float = SIZE, spacing: float = SPACING
) -> float:
    return metrics.width(text, role) * size + spacing * (len(text) - 1)


def _paginate(text: Sequence[_Row], signature: Sequence[_Row], first: int, tightest: float) -> list[_Sheet]:
    """Cut rows into pages of ``first``, then 22; the signature takes at least two lines of text along.

    Where only the signature would run over the first page, its rows move closer, to ``tightest`` at most (7.3.5.5);
    later pages have 22 rows (5.2.3). Where a heading is taken over to the next page, the rows that stay fill theirs.
    """
    sheets: list[_Sheet] = []
    rest, room = list(text), first
    while len(rest) > room:
        end = _page_end(rest, room)
        sheets.append(_Sheet(rest[:end], ROW * (room - 1) / max(end - 1, 1)))
        rest = rest[end:]
        while rest and rest[0].line is None:
            rest.pop(0)
        room = ROWS
    if not rest or (sheets and len(rest) < _SIGNED_WITH):
        last = list(sheets.pop().rows)
        keep = _page_end(last, len(last) - _SIGNED_WITH + len(rest))
        return [*sheets, _Sheet(last[:keep]), _Sheet([*last[keep:], *rest, *signature])]
    pitch = ROW * (room - 1) / max(room - 1, len(rest) + len(signature) - 1)
    if pitch >= (ROW if sheets else tightest):
        return [*sheets, _Sheet([*rest, *signature], pitch)]
    keep = _page_end(rest, max(len(rest) - _SIGNED_WITH, 0))
    before = [_Sheet(rest[:keep])] if keep else []
    return [*sheets, *before, _Sheet([*rest[keep:], *signature])]


def _page_end(rows: Sequence[_Row], most: int) -> int:
    """Return where a page of at most ``most`` rows ends: neither with a heading nor with an empty row."""
    end = most
    while end and (rows[end - 1].leads or rows[end - 1].line is None):
        end -= 1
    return end or most


def _letterhead(head: Head, metrics: Metrics) -> tuple[list[Placed], float, tuple[Rule, ...]]:
    """信函格式 (10.1): mark, double rule, number; returns also where the text starts."""
    thick, between, thin = RULES
    size = min(36.0, 150 * MM / max(metrics.width(head.organ, "title"), 1))
    low, high = metrics.ink(head.organ)
    mark_y = MARK_TOP - (0.88 - high) * size  # the box of a line reaches .88 em above its baseline
    spacing = min(size / 4, (150 * MM - metrics.width(head.organ, "title") * size) / max(len(head.organ), 1))
    mark = _centred(head.organ, mark_y, size, metrics, spacing=spacing, red=True)
    rule = MARK_TOP + (high - low) * size + RULE_GAP
    upper = (Rule(rule, thick), Rule(rule + thick + between, thin))
    bottom = BOTTOM_RULE - thick
    lower = (Rule(bottom - between - thin, thin), Rule(bottom, thick))
    number_y = rule + thick + between + thin + NUMBER_GAP
    lines = [mark]
    if head.number:
        x = LEFT + WIDTH - _width(head.number, metrics)
        lines.append(Placed(head.number, x, number_y, tag="P", part=_NUMBER_PART))
    title_y = number_y + 3 * ROW
    titles = _title_lines(head.title, title_y, metrics)
    start = titles[-1].y + TITLE + BLANK + ROW
    return [*lines, *titles], start, (*upper, *lower)


def _plain_head(head: Head, metrics: Metrics) -> tuple[list[Placed], float, tuple[Rule, ...]]:
    """A sheet without a red head: organ left and number right in the first row, all on the grid of 22 rows."""
    lines = [
        Placed(line.text, LEFT + line.x, TOP + i * ROW, spacing=line.spacing, tag="P", part=_MARK_PART)
        for i, line in enumerate(compose(head.organ, metrics.width, first=0))
    ]
    row = len(lines) - 1
    if head.number:
        wide = _width(head.number, metrics)
        used = lines[-1].x - LEFT + _width(head.organ, metrics)
        row += 1 if used + wide + 2 * PITCH > WIDTH else 0
        lines.append(Placed(head.number, LEFT + WIDTH - wide, TOP + row * ROW, tag="P", part=_NUMBER_PART))
    titles = _title_lines(head.title, TOP + (row + 3) * ROW - (TITLE - SIZE) / 2, metrics)
    start = TOP + (row + 3 + len(titles) + 1) * ROW
    return [*lines, *titles], start, ()


def _title_lines(title: str, y: float, metrics: Metrics) -> list[Placed]:
    return [
        _centred(part, y + i * ROW, TITLE, metrics, spacing=0.0)
        for i, part in enumerate(balanced(title, int(WIDTH / TITLE)))
    ]


def _centred(text: str, y: float, size: float, metrics: Metrics, *, spacing: float, red: bool = False) -> Placed:
    """Centre on the 版心, except the mark, which is centred on the paper like its rules (10.1)."""
    wide = _width(text, metrics, "title", size, spacing)
    middle = 105 * MM if red else LEFT + WIDTH / 2
    tag, part = ("P", _MARK_PART) if red else ("H1", _TITLE_PART)
    return Placed(text, middle - wide / 2, y, size, "title", spacing, red, tag, part)


def _page_number(number: int, metrics: Metrics) -> Placed:
    """4号半角宋体 between 一字线, whose line lies 7 mm below the 版心; odd right, even left, 空一字 (7.5)."""
    text = f"—{number}—"
    wide = _width(text, metrics, "song", PAGE_NUMBER, 0.0)
    x = LEFT + WIDTH - PAGE_NUMBER - wide if number % 2 else LEFT + PAGE_NUMBER
    y = TOP + HEIGHT + 7 * MM - (0.88 - 0.38) * PAGE_NUMBER  # the dash lies .38 em above the baseline
    return Placed(text, x, y, PAGE_NUMBER, "song", 0.0)


def _warning(text: str) -> Placed:
    """Outside the 版心, so that it moves nothing; it must never be mistaken for the letter that was sent."""
    return Placed(text, LEFT, 15 * MM, 18.0, "hei", 0.0)


def characters(pages: Sequence[Page]) -> set[tuple[str, str]]:
    """Return each character that will be printed, with the role of its fonts."""
    return {(c, line.role) for page in pages for line in page.lines for c in line.text}
