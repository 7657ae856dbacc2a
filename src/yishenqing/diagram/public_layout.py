"""The chart for the public in coordinates: a band a stage, acts down the middle, cards on both sides of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yishenqing.core.workflow import Workflow
from yishenqing.diagram.layout import MARGIN, Band, Box, Path, Sheet
from yishenqing.diagram.public import Card, Stage, stages
from yishenqing.diagram.wording import Block, block

_STRIP = 44
_ACT = 226
_CARD = 318
_LANE = 34  # between cards and acts, for the lines that join them
_PAD = 10
_GAP = 12  # between cards
_STEP = 30  # between acts, for the arrow
_BORDER = 14  # within a band
_HEADER = 44
_LEGEND = "粗箭头为一般办理过程；两旁是可能发生的其他情形和应当知道的事项，“→”为办理以后所处的环节。橙色为期限。"


@dataclass(slots=True)
class _Column:
    """The cards on one side of a band."""

    x: int
    cards: list[tuple[Card, Block]] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Return the height of its cards with the gaps between them."""
        return sum(text.height + 2 * _PAD + _GAP for _, text in self.cards) - (_GAP if self.cards else 0)


def lay_out(workflow: Workflow, periods: Mapping[str, str], remedies: Mapping[str, str]) -> Sheet:
    """Return the sheet; its height follows from what there is to say."""
    left = MARGIN + _STRIP + _BORDER
    width = left + 2 * _CARD + 2 * _LANE + _ACT + _BORDER + MARGIN
    since = workflow.since
    heading = block([(f"{workflow.title}图", "heading")], width - 2 * MARGIN)
    legend = f"{_LEGEND}自{since.year}年{since.month}月{since.day}日起适用。"
    sheet = Sheet(width, 0, heading, block([(legend, "legend")], width - 2 * MARGIN), width - 2 * MARGIN)
    y = _HEADER + heading.height
    road: list[Box] = []
    for stage in stages(workflow, periods, remedies):
        y = _band(sheet, stage, y, left, road)
    for above, below in zip(road, road[1:], strict=False):
        x = above.x + above.width // 2
        sheet.paths.append(Path(((x, above.bottom), (x, below.y)), "main"))
    sheet.height = y + 2 * MARGIN + sheet.legend.height
    return sheet


def _band(sheet: Sheet, stage: Stage, top: int, left: int, road: list[Box]) -> int:
    """Add the band of a stage below ``top``; return where it ends."""
    columns = (_Column(left), _Column(left + _CARD + 2 * _LANE + _ACT))
    for card in stage.cards:
        text = block(card.parts, _CARD - 2 * _PAD)
        min(columns, key=lambda column: column.height).cards.append((card, text))
    texts = [block(act.parts, _ACT - 2 * _PAD) for act in stage.acts]
    acts = sum(text.height + 2 * _PAD for text in texts)
    inner = max(acts + _STEP * max(len(texts) - 1, 0) + _STEP, *(column.height for column in columns))
    height = inner + 2 * _BORDER
    sheet.bands.append(Band(top, height, block([(stage.title, "stage")], _STRIP - 8)))
    room = (inner - acts) // max(len(texts), 1)
    y = top + _BORDER + room // 2
    boxes: list[Box] = []
    for text in texts:
        boxes.append(Box(left + _CARD + _LANE, y, _ACT, text.height + 2 * _PAD, "main", text))
        y += text.height + 2 * _PAD + room
    for column in columns:
        _cards(sheet, column, boxes, top + _BORDER + (inner - column.height) // 2)
    sheet.boxes += boxes
    road += boxes
    return top + height


def _cards(sheet: Sheet, column: _Column, acts: list[Box], y: int) -> None:
    """Add the cards of a column below ``y``, each joined to its act."""
    joined: dict[int, list[int]] = {}
    for card, text in sorted(column.cards, key=lambda pair: pair[0].act):
        box = Box(column.x, y, _CARD, text.height + 2 * _PAD, "panel", text)
        sheet.boxes.append(box)
        joined.setdefault(card.act, []).append(box.y + box.height // 2)
        y = box.bottom + _GAP
    for number, heights in joined.items():
        if number < len(acts):
            _join(sheet, column, acts[number], heights, number)


def _join(sheet: Sheet, column: _Column, act: Box, heights: list[int], number: int) -> None:
    """Draw the line from an act to its cards: out of the act, along the lane, a branch to each card."""
    before = column.x < act.x
    edge, card = (act.x, column.x + _CARD) if before else (act.right, column.x)
    lane = (edge + card) // 2 + (number % 3 - 1) * 8
    middle = act.y + act.height // 2
    sheet.paths.append(Path(((edge, middle), (lane, middle)), "note", arrow=False))
    ends = (min(*heights, middle), max(*heights, middle))
    if ends[0] < ends[1]:
        sheet.paths.append(Path(((lane, ends[0]), (lane, ends[1])), "note", arrow=False))
    sheet.paths += [Path(((lane, y), (card, y)), "note", arrow=False) for y in heights]
