"""From the plan to coordinates, in pixels, from the top left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from yishenqing.core.workflow import Workflow
from yishenqing.diagram.panels import WIDTH as PANEL_WIDTH
from yishenqing.diagram.panels import Panel, panels
from yishenqing.diagram.plan import LINK_WIDTH, NOTE_WIDTH, TRACK, Neighbour, Plan, Rail, plan
from yishenqing.diagram.wording import Block, block, state_parts

MARGIN = 24
_HEADER = 56  # and the lines of the heading
_STAGE = 52
_SIDE_BOX = 156
_MAIN_BOX = 216
_PAD = 12
_PORT = 15  # distance of lines that meet the same box
_CORRIDOR = 14
_NOTE_GAP = 36
_LEAST_BOX = 58
_LEAST_GAP = 40
_THRESHOLD = 18
_PANEL_GAP = 14

BoxKind = Literal["main", "side", "note", "final", "panel"]
LineKind = Literal["main", "link", "back", "note"]


class Box(Struct, frozen=True):
    """A box with its text in the middle."""

    x: int
    y: int
    width: int
    height: int
    kind: BoxKind
    text: Block
    corner: Block | None = None  # at the right end of the first line

    @property
    def right(self) -> int:
        """Return the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Return the lower edge."""
        return self.y + self.height


class Path(Struct, frozen=True):
    """A line through points, with an arrowhead at its end where ``arrow`` says so."""

    points: tuple[tuple[int, int], ...]
    kind: LineKind
    arrow: bool = True


class Label(Struct, frozen=True):
    """Text at its upper left corner; ``chip``: on a ground of its own, for it interrupts a line."""

    x: int
    y: int
    text: Block
    chip: bool = False


class Band(Struct, frozen=True):
    """The ground of a stage, over the whole width."""

    y: int
    height: int
    text: Block


class Sheet(Struct):
    """Everything to draw."""

    width: int
    height: int
    heading: Block
    legend: Block
    band_width: int = 0
    bands: list[Band] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


def lay_out(workflow: Workflow, periods: Mapping[str, str]) -> Sheet:
    """Return the sheet of ``workflow``."""
    sheet = _Layout(plan(workflow, periods)).sheet()
    place_beside(sheet, panels(workflow, periods))
    return sheet


def place_beside(sheet: Sheet, found: list[Panel]) -> None:
    """Put the panels into columns to the right of the bands, each as high as they are where that is possible."""
    if not found:
        return
    top = sheet.bands[0].y
    room = sheet.bands[-1].y + sheet.bands[-1].height - top
    heights = [panel.text.height + 2 * _PAD for panel in found]
    columns = -(-(sum(heights) + _PANEL_GAP * len(found)) // max(room, *heights))
    share = (sum(heights) + _PANEL_GAP * len(found)) / columns
    x, y, left = sheet.width - MARGIN + 20, top, columns
    for panel, height in zip(found, heights, strict=True):
        if y > top and left > 1 and y - top + height / 2 > share:
            x, y, left = x + PANEL_WIDTH + 2 * _PAD + _PANEL_GAP, top, left - 1
        sheet.boxes.append(Box(x, y, PANEL_WIDTH + 2 * _PAD, height, "panel", panel.text))
        y += height + _PANEL_GAP
        sheet.height = max(sheet.height, y - _PANEL_GAP + 2 * MARGIN + sheet.legend.height)
    sheet.width = x + PANEL_WIDTH + 2 * _PAD + MARGIN


def _legend(workflow: Workflow) -> str:
    since = workflow.since
    return (
        "粗线为一般办理过程，细线为其他情形，橙色为返回前面的环节；虚线框为该环节可以同时办理的事项。"
        f"{'右侧各栏为并行的程序：○为进行中的状态，●为结束的状态。' if workflow.sides else ''}"
        f"自{since.year}年{since.month}月{since.day}日起适用。"
    )


class _Layout:
    """Coordinates of one plan: columns first, then rows and gaps, then the lines between them."""

    def __init__(self, made: Plan) -> None:
        self.plan = made
        self.workflow = made.workflow
        tracks = max((r.track for r in made.rails), default=-1) + 1
        lefts = any(row.left for row in made.rows)
        self.left_x = MARGIN + _STAGE + 16
        self.main_x = self.left_x + (_SIDE_BOX + 24 if lefts else 0) + tracks * TRACK + (16 if tracks else 0)
        self.main_right = self.main_x + _MAIN_BOX
        self.right_x = self.main_right + LINK_WIDTH
        self.width = max(self.right_x + _SIDE_BOX, self.main_right + _NOTE_GAP + NOTE_WIDTH + 24) + 16 + MARGIN
        use = "（办理用）" if any(step.public for step in self.workflow.steps.values()) else ""
        self.heading = block([(f"{self.workflow.title}图{use}", "heading")], self.width - 2 * MARGIN)
        self.legend = block([(_legend(self.workflow), "legend")], self.width - 2 * MARGIN)
        self.center = self.main_x + _MAIN_BOX // 2
        self.corridors = self._corridors()
        self.heights = [self._row_height(n) for n in range(len(made.rows))]
        self.gaps = [self._gap_height(n) for n in range(len(made.rows))]
        header = _HEADER + self.heading.height + _THRESHOLD
        self.tops = [header + sum(self.heights[:n]) + sum(self.gaps[:n]) for n in range(len(made.rows))]
        self.boxes: dict[str, Box] = {}

    def sheet(self) -> Sheet:
        """Return everything with its coordinates."""
        below = 2 * MARGIN + self.legend.height
        height = self.tops[-1] + self.heights[-1] + self.gaps[-1] + below
        sheet = Sheet(self.width, height, self.heading, self.legend, self.width - 2 * MARGIN)
        self._bands(sheet)
        for n in range(len(self.plan.rows)):
            self._row(sheet, n)
        self._road(sheet)
        for rail in self.plan.rails:
            self._rail(sheet, rail)
        sheet.boxes += self.boxes.values()
        return sheet

    # -- measures -------------------------------------------------------------------------------------------

    def _ends(self, row: int) -> list[tuple[Rail, str]]:
        """Return which rails meet the boxes of ``row``, from above first, so that their lines cross least."""
        at = {self.plan.rows[row].main, self.plan.rows[row].left} - {""}
        ends = [(r, s) for r in self.plan.rails for s in (*r.sources, r.target) if s in at]
        return sorted(ends, key=lambda end: (self._leads(end[0], row), end[0].track))

    def _leads(self, rail: Rail, row: int) -> float:
        """Return how far down the rail goes on average, seen from ``row`` (negative: up)."""
        stations = [self.plan.station(s) for s in (*rail.sources, rail.target)]
        return min(stations) - row + (max(stations) - row)

    def _corridors(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return row and place of each way out under a row, by rail (step, target) and state on the right."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        used = [0] * len(self.plan.rows)
        for rail in self.plan.rails:
            for state in (*rail.sources, rail.target):
                if self.plan.is_right(state):
                    row = self.plan.row_of(state)
                    found[rail.step + "\n" + rail.target, state] = (row, used[row])
                    used[row] += 1
        return found

    def _row_height(self, n: int) -> int:
        row = self.plan.rows[n]
        texts = [self._state_text(s, w).height for s, w in ((row.main, _MAIN_BOX), (row.left, _SIDE_BOX)) if s]
        stack = sum(self._neighbour_height(r) for r in row.right) + 16 * (len(row.right) - 1)
        return max(_LEAST_BOX, stack, len(self._ends(n)) * _PORT + 12, *(h + 2 * _PAD for h in texts))

    def _neighbour_height(self, neighbour: Neighbour) -> int:
        if neighbour.note:
            return neighbour.note.height + 2 * _PAD - 6
        links = sum(link.label.height + 18 for link in neighbour.links)
        return max(_LEAST_BOX, links, self._state_text(neighbour.state, _SIDE_BOX).height + 2 * _PAD)

    def _gap_height(self, n: int) -> int:
        corridors = sum(1 for row, _ in self.corridors.values() if row == n)
        road = sum(label.height + 8 for label in self.plan.road_labels.get(n, []))
        rails = max((r.label.height + 24 for r in self.plan.rails if r.gap == n), default=0)
        return max(_LEAST_GAP, corridors * _CORRIDOR + 20 + max(road, rails)) + self._threshold(n)

    def _threshold(self, n: int) -> int:
        """Return what lies between the gap below row ``n`` and the next box where a new stage begins there.

        The arrows out of a stage are acts of that stage: their labels stand on its ground.
        """
        rows = self.plan.rows
        return _THRESHOLD if n + 1 < len(rows) and rows[n].stage != rows[n + 1].stage else 0

    def _state_text(self, state: str, width: int) -> Block:
        return block(state_parts(self.workflow, self.workflow.states[state]), width - 2 * _PAD)

    # -- rows -----------------------------------------------------------------------------------------------

    def _bands(self, sheet: Sheet) -> None:
        for stage, title in self.workflow.stages.items():
            inside = [n for n, row in enumerate(self.plan.rows) if row.stage == stage]
            if inside:
                top = self.tops[inside[0]] - _THRESHOLD
                last = inside[-1]
                bottom = self.tops[last] + self.heights[last] + self.gaps[last] - self._threshold(last)
                sheet.bands.append(Band(top, bottom - top, block([(title, "stage")], _STAGE - 16)))

    def _row(self, sheet: Sheet, n: int) -> None:
        row, top, height = self.plan.rows[n], self.tops[n], self.heights[n]
        for state, x, width in ((row.main, self.main_x, _MAIN_BOX), (row.left, self.left_x, _SIDE_BOX)):
            if state:
                self._box(state, Box(x, top, width, height, "side", self._state_text(state, width)))
        stack = sum(self._neighbour_height(r) for r in row.right) + 16 * (len(row.right) - 1)
        y = top + (height - stack) // 2
        for neighbour in row.right:
            if neighbour.note:
                self._note(sheet, neighbour.note, y, joined=bool(row.main))
            else:
                self._neighbour(sheet, neighbour, y)
            y += self._neighbour_height(neighbour) + 16

    def _box(self, state: str, box: Box) -> None:
        kind: BoxKind = "main" if state in self.plan.road else "side"
        if self.workflow.states[state].final:
            kind = "final"
        self.boxes[state] = Box(box.x, box.y, box.width, box.height, kind, box.text)

    def _neighbour(self, sheet: Sheet, neighbour: Neighbour, y: int) -> None:
        height, text = self._neighbour_height(neighbour), self._state_text(neighbour.state, _SIDE_BOX)
        self._box(neighbour.state, Box(self.right_x, y, _SIDE_BOX, height, "side", text))
        y += (height - sum(link.label.height + 18 for link in neighbour.links)) // 2
        for link in neighbour.links:
            line = y + link.label.height + 5
            ends = ((self.main_right, line), (self.right_x, line))
            sheet.paths.append(Path(ends if link.out else ends[::-1], "link" if link.out else "back"))
            x = self.main_right + (LINK_WIDTH - link.label.width) // 2
            sheet.labels.append(Label(x, y, link.label))
            y = line + 13

    def _note(self, sheet: Sheet, note: Block, y: int, *, joined: bool) -> None:
        x, height = self.main_right + _NOTE_GAP, note.height + 2 * _PAD - 6
        sheet.boxes.append(Box(x, y, NOTE_WIDTH + 24, height, "note", note))
        if joined:
            ends = ((self.main_right, y + height // 2), (x, y + height // 2))
            sheet.paths.append(Path(ends, "note", arrow=False))

    # -- lines ----------------------------------------------------------------------------------------------

    def _road(self, sheet: Sheet) -> None:
        for source, target in zip(self.plan.road, self.plan.road[1:], strict=False):
            start, end = self.boxes[source].bottom, self.boxes[target].y
            sheet.paths.append(Path(((self.center, start), (self.center, end)), "main"))
            n = self.plan.row_of(source)
            labels = self.plan.road_labels[n]
            room = self._label_room(n)
            y = room[0] + (room[1] - sum(label.height + 8 for label in labels) + 8) // 2
            for label in labels:
                sheet.labels.append(Label(self.center + 16, y, label))
                y += label.height + 8

    def _label_room(self, n: int) -> tuple[int, int]:
        """Return top and height of what the corridors leave of the gap below row ``n``."""
        used = sum(1 for row, _ in self.corridors.values() if row == n) * _CORRIDOR
        return self.tops[n] + self.heights[n] + used, self.gaps[n] - used - self._threshold(n)

    def _rail(self, sheet: Sheet, rail: Rail) -> None:
        x = self.main_x - 16 - TRACK // 2 - rail.track * TRACK
        last_source = max(self.plan.station(s) for s in rail.sources)
        kind: LineKind = "back" if self.plan.station(rail.target) < last_source else "link"
        stubs = [self._stub(rail, state, x) for state in (*rail.sources, rail.target)]
        top, height = self._label_room(rail.gap)
        middle = top + height // 2
        levels = [stub[-1][1] for stub in stubs]
        ends = (min(*levels, middle), max(*levels, middle))
        sheet.paths.append(Path(((x, ends[0]), (x, ends[1])), kind, arrow=False))
        sheet.paths += [Path(stub, kind, arrow=False) for stub in stubs[:-1]]
        sheet.paths.append(Path(stubs[-1][::-1], kind))
        label = rail.label
        sheet.labels.append(Label(x - label.width // 2, middle - label.height // 2, label, chip=True))

    def _stub(self, rail: Rail, state: str, x: int) -> tuple[tuple[int, int], ...]:
        """Return the line from ``state`` to the rail at ``x``."""
        box = self.boxes[state]
        if not self.plan.is_right(state):
            ends = self._ends(self.plan.row_of(state))
            port = next(n for n, (r, s) in enumerate(ends) if r is rail and s == state)
            y = box.y + box.height * (2 * port + 1) // (2 * len(ends))
            edge = box.x if state == self.plan.rows[self.plan.row_of(state)].main else box.right
            return (edge, y), (x, y)
        row, place = self.corridors[rail.step + "\n" + rail.target, state]
        y = self.tops[row] + self.heights[row] + 10 + place * _CORRIDOR
        stack = [r.state for r in self.plan.rows[row].right if r.state]
        if state == stack[-1]:
            down = box.x + box.width // 2 + 12 * place
            return (down, box.bottom), (down, y), (x, y)
        # Another state stands below: leave by the side and go round it.
        aside, out = box.right + 6 + 4 * (place % 3), box.y + box.height // 2 + 6 * place
        return (box.right, out), (aside, out), (aside, y), (x, y)
