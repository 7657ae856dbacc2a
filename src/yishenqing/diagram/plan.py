"""Where everything stands, before anything has a coordinate.

The main road runs down the middle, a row a state. To the right of a row stand what belongs to it alone: states
that a case leaves and comes back from, and steps that keep it where it is. Everything longer runs on rails to the
left of the main road, a rail a step, beyond which stand the states off the road. Nothing but lines is left of the
main road before those states, so no line ever meets a box; the gaps between rows belong to labels.

grandalf, the one layered-layout library in pure Python, knows neither stages nor labels on arrows, and was last
changed in 2022; drawing a dozen states by a fixed plan gives the public a steadier picture than its optimiser.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct, field

from yishenqing.core.workflow import Workflow
from yishenqing.diagram.reading import Arrow, arrows, main_road, ordered_states, staying
from yishenqing.diagram.wording import Block, block, step_parts

LINK_WIDTH = 216  # room for a label between the main road and a state to its right
TRACK = 126  # distance of rails: a label of nine characters fits
NOTE_WIDTH = 312
MAIN_LABEL = 420


class Link(Struct):
    """An arrow between a main state and its neighbour on the right; ``out``: towards the neighbour."""

    step: str
    out: bool
    label: Block


class Neighbour(Struct):
    """What stands to the right of a row: a state with its links, or a note (``state`` empty)."""

    state: str
    links: list[Link] = field(default_factory=list)
    note: Block | None = None


class Row(Struct):
    """One row of a stage."""

    stage: str
    main: str = ""
    left: str = ""
    right: list[Neighbour] = field(default_factory=list)


class Rail(Struct):
    """A step that several states share or that leads far; ``gap`` is the row below which its label stands."""

    step: str
    sources: list[str]
    target: str
    label: Block
    track: int = 0
    gap: int = 0


class Plan(Struct):
    """The rows, the labels on the main road by row, and the rails."""

    workflow: Workflow
    periods: Mapping[str, str]
    rows: list[Row] = field(default_factory=list)
    road: list[str] = field(default_factory=list)
    road_labels: dict[int, list[Block]] = field(default_factory=dict)
    rails: list[Rail] = field(default_factory=list)

    def label(self, step: str, width: int) -> Block:
        """Return the label of ``step``, broken to ``width`` pixels."""
        return block(step_parts(self.workflow, self.workflow.steps[step], self.periods), width)

    def row_of(self, state: str) -> int:
        """Return the row that ``state`` stands in."""
        return next(
            n
            for n, row in enumerate(self.rows)
            if state in (row.main, row.left) or any(state == r.state for r in row.right)
        )

    def is_right(self, state: str) -> bool:
        """Tell whether ``state`` stands to the right of the main road."""
        return state not in (self.rows[self.row_of(state)].main, self.rows[self.row_of(state)].left)

    def station(self, state: str) -> float:
        """Return where a rail meets ``state``: its row, or (right of the road) just below it."""
        return self.row_of(state) + (0.25 if self.is_right(state) else 0)


def plan(workflow: Workflow, periods: Mapping[str, str]) -> Plan:
    """Return the plan of the chart."""
    links = arrows(workflow)
    made = Plan(workflow, periods, road=main_road(workflow))
    _place(made, links)
    _notes(made)
    _sort_arrows(made, links)
    _lay_rails(made)
    return made


def _place(made: Plan, links: list[Arrow]) -> None:
    states = made.workflow.states
    beside = {s: a for s in ordered_states(made.workflow) if s not in made.road and (a := _anchor(made, links, s))}
    for stage in made.workflow.stages:
        members = [s for s in ordered_states(made.workflow) if states[s].stage == stage]
        rows = [Row(stage, main=s) for s in made.road if states[s].stage == stage]
        for state in members:
            if state not in made.road and state not in beside:
                _place_left(rows, stage, state, links)
        made.rows += rows
    for state, anchor in beside.items():
        made.rows[made.row_of(anchor)].right.append(Neighbour(state))


def _anchor(made: Plan, links: list[Arrow], state: str) -> str:
    """Return the main state of the same stage that ``state`` belongs to: where its cases come from and return."""
    sources = {a.source for a in links if a.target == state}
    targets = {a.target for a in links if a.source == state}
    both = sources & targets or (sources | targets if len(sources | targets) == 1 else set())
    stage = made.workflow.states[state].stage
    return next((m for m in made.road if m in both and made.workflow.states[m].stage == stage), "")


def _place_left(rows: list[Row], stage: str, state: str, links: list[Arrow]) -> None:
    """Put ``state`` beside a main state it has no arrow with, else in a row of its own: rails need two rows."""
    friends = {a.source for a in links if a.target == state} | {a.target for a in links if a.source == state}
    for row in rows:
        if not row.left and row.main not in friends:
            row.left = state
            return
    rows.insert(0, Row(stage, left=state))


def _notes(made: Plan) -> None:
    for step, states in staying(made.workflow).items():
        plain = len(states) == 1 and states[0] in made.road  # then the line to its box says where
        parts = step_parts(made.workflow, made.workflow.steps[step], made.periods, () if plain else states, by=True)
        first = next((s for s in states if s in made.road), states[0])
        right = made.rows[made.row_of(first)].right
        above = sum(1 for neighbour in right if not neighbour.state)  # notes stand above states: states have exits
        right.insert(above, Neighbour("", note=block(parts, NOTE_WIDTH)))


def _sort_arrows(made: Plan, links: list[Arrow]) -> None:
    main = set(pairwise(made.road))
    rails: dict[tuple[str, str], Rail] = {}
    for arrow in links:
        row = made.row_of(arrow.source)
        if (arrow.source, arrow.target) in main:
            made.road_labels.setdefault(row, []).append(made.label(arrow.step, MAIN_LABEL))
        elif not _link(made, arrow):
            label = made.label(arrow.step, TRACK - 16)
            rail = rails.setdefault((arrow.step, arrow.target), Rail(arrow.step, [], arrow.target, label))
            rail.sources.append(arrow.source)
    made.rails = list(rails.values())


def _link(made: Plan, arrow: Arrow) -> bool:
    """Draw ``arrow`` beside the road if its two states are neighbours; tell whether it was."""
    row = made.rows[made.row_of(arrow.source)]
    for neighbour in row.right:
        ends = {row.main, neighbour.state}
        if row.main and neighbour.state and ends == {arrow.source, arrow.target}:
            out = arrow.source == row.main
            neighbour.links.append(Link(arrow.step, out, made.label(arrow.step, LINK_WIDTH - 26)))
            return True
    return False


def _lay_rails(made: Plan) -> None:
    """Give each rail a track, short ones next to the road; rails that are never side by side share one."""
    spans = {id(r): sorted(made.station(s) for s in (*r.sources, r.target)) for r in made.rails}
    taken: list[list[tuple[float, float]]] = []
    for rail in sorted(made.rails, key=lambda r: spans[id(r)][-1] - spans[id(r)][0]):
        first, last = spans[id(rail)][0], spans[id(rail)][-1]
        low, high = first - 0.1, max(last, int(first) + 0.6) + 0.1
        free = (n for n, spans_here in enumerate(taken) if all(high < a or b < low for a, b in spans_here))
        rail.track = next(free, len(taken))
        if rail.track == len(taken):
            taken.append([])
        taken[rail.track].append((low, high))
        # A gap lies half a row below its row; the label goes to the middle one that the rail runs through.
        gaps = [n for n in range(len(made.rows)) if first < n + 0.5 < last] or [int(first)]
        rail.gap = gaps[(len(gaps) - 1) // 2]
