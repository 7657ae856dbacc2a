"""The chart for the public in coordinates: a band a stage, acts down the middle, cards on both sides of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise, product

from msgspec import Struct, field

from yishenqing.core.workflow import Workflow
from yishenqing.diagram.layout import MARGIN, Band, Box, Path, Sheet
from yishenqing.diagram.public import Card, Stage, stages
from yishenqing.diagram.wording import Block, block

_STRIP = 44
_NARROWEST = 300  # of a card
_WIDEST = 480
_WIDER = 10
_PAGE = 2**0.5  # height by width of A3 and A4
_LANE = 34  # between cards and acts, for the lines that join them
_PAD = 8
_INSET = 12  # of a card's text, as it is drawn
_GAP = 10  # between cards
_STEP = 26  # between acts, for the arrow
_BORDER = 12  # within a band
_HEADER = 38
_MANY = 12  # cards of one stage: beyond that, trying every way to share them out takes too long
_LEGEND = "粗箭头为一般办理过程；两旁是可能发生的其他情形和应当知道的事项，“→”为办理以后所处的环节。橙色为期限。"


class _Set(Struct, frozen=True):
    """A card with its words in lines."""

    card: Card
    text: Block
    corner: Block | None

    @property
    def height(self) -> int:
        """Return the height, with the gap below."""
        return self.text.height + 2 * _PAD + _GAP


class _Column(Struct):
    """The cards on one side of a band."""

    x: int
    cards: list[_Set] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Return the height of its cards with the gaps between them."""
        return sum(one.height for one in self.cards) - (_GAP if self.cards else 0)


def lay_out(workflow: Workflow, periods: Mapping[str, str], remedies: Mapping[str, str]) -> Sheet:
    """Return the sheet: as narrow (and so as large on paper) as it can be and still fit a page of A3 or A4."""
    told = stages(workflow, periods, remedies)
    for card in range(_NARROWEST, _WIDEST + 1, _WIDER):
        sheet = _Page(workflow, card).sheet(told)
        if sheet.height <= sheet.width * _PAGE:
            break
    return sheet


class _Page:
    """One try, with cards of one width."""

    def __init__(self, workflow: Workflow, card: int) -> None:
        self.workflow = workflow
        self.card = card
        self.act = card * 7 // 10
        self.left = MARGIN + _STRIP + _BORDER
        self.middle = self.left + card + _LANE
        self.right = self.middle + self.act + _LANE
        self.width = self.right + card + _BORDER + MARGIN
        self.road: list[Box] = []

    def sheet(self, told: list[Stage]) -> Sheet:
        """Return the sheet; its height follows from what there is to say."""
        inner = self.width - 2 * MARGIN
        since = self.workflow.since
        heading = block([(f"{self.workflow.title}图", "heading")], inner)
        legend = f"{_LEGEND}自{since.year}年{since.month}月{since.day}日起适用。"
        sheet = Sheet(self.width, 0, heading, block([(legend, "legend")], inner), inner)
        y = _HEADER + heading.height
        for stage in told:
            y = self._band(sheet, stage, y)
        for above, below in pairwise(self.road):
            x = above.x + above.width // 2
            sheet.paths.append(Path(((x, above.bottom), (x, below.y)), "main"))
        sheet.height = y + 2 * MARGIN + sheet.legend.height - 10
        return sheet

    def _band(self, sheet: Sheet, stage: Stage, top: int) -> int:
        """Add the band of a stage below ``top``; return where it ends."""
        columns = (_Column(self.left), _Column(self.right))
        _share_out([self._set(card) for card in stage.cards], columns)
        texts = [block(act.parts, self.act - 2 * _PAD) for act in stage.acts]
        acts = sum(text.height + 2 * _PAD for text in texts)
        title = block([(stage.title, "stage")], _STRIP - 8)
        inner = max(acts + _STEP * len(texts), title.height, *(column.height for column in columns))
        sheet.bands.append(Band(top, inner + 2 * _BORDER, title))
        room = (inner - acts) // max(len(texts), 1)
        y = top + _BORDER + room // 2
        boxes: list[Box] = []
        for text in texts:
            boxes.append(Box(self.middle, y, self.act, text.height + 2 * _PAD, "main", text))
            y += text.height + 2 * _PAD + room
        for column in columns:
            self._cards(sheet, column, boxes, top + _BORDER + (inner - column.height) // 2)
        sheet.boxes += boxes
        self.road += boxes
        return top + inner + 2 * _BORDER

    def _set(self, card: Card) -> _Set:
        """Return a card with its words in lines: the articles at the end of the first line, or else as the second."""
        inner = self.card - 2 * _INSET
        title, *rest = card.parts
        law = block([(card.law, "law")], inner)
        if block([title], inner).width + law.width + _PAD * 2 <= inner and len(law.lines) == 1:
            return _Set(card, block(card.parts, inner), law)
        return _Set(card, block([title, (card.law, "law"), *rest], inner), None)

    def _cards(self, sheet: Sheet, column: _Column, acts: list[Box], y: int) -> None:
        """Add the cards of a column below ``y``, each joined to its act."""
        joined: dict[int, list[int]] = {}
        for one in sorted(column.cards, key=lambda one: one.card.act):
            box = Box(column.x, y, self.card, one.text.height + 2 * _PAD, "panel", one.text, one.corner)
            sheet.boxes.append(box)
            joined.setdefault(one.card.act, []).append(box.y + box.height // 2)
            y = box.bottom + _GAP
        for number, heights in joined.items():
            if number < len(acts):
                self._join(sheet, column, acts[number], heights, number)

    def _join(self, sheet: Sheet, column: _Column, act: Box, heights: list[int], number: int) -> None:
        """Draw the line from an act to its cards: out of the act, along the lane, a branch to each card."""
        before = column.x < act.x
        edge, card = (act.x, column.x + self.card) if before else (act.right, column.x)
        lane = (edge + card) // 2 + (number % 3 - 1) * 8
        middle = act.y + act.height // 2
        sheet.paths.append(Path(((edge, middle), (lane, middle)), "note", arrow=False))
        ends = (min(*heights, middle), max(*heights, middle))
        if ends[0] < ends[1]:
            sheet.paths.append(Path(((lane, ends[0]), (lane, ends[1])), "note", arrow=False))
        sheet.paths += [Path(((lane, y), (card, y)), "note", arrow=False) for y in heights]


def _share_out(cards: list[_Set], columns: tuple[_Column, _Column]) -> None:
    """Give each card to a column, so that the higher one is as low as can be."""
    if len(cards) > _MANY:
        for one in cards:
            min(columns, key=lambda column: column.height).cards.append(one)
        return
    heights = [one.height for one in cards]
    whole = sum(heights)

    def higher(sides: Iterable[int]) -> int:
        right = sum(h for h, side in zip(heights, sides, strict=True) if side)
        return max(right, whole - right)

    for one, side in zip(cards, min(product((0, 1), repeat=len(cards)), key=higher), strict=True):
        columns[side].cards.append(one)
