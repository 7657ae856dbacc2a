"""The flow chart: complete, well-formed, deterministic, and drawn so that nothing covers anything else."""

from __future__ import annotations

import random
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from yishenqing.core.workflow import Clock, Start, State, Step, Workflow
from yishenqing.diagram import mermaid, svg
from yishenqing.rulebook import read_rulebook

SVG = "{http://www.w3.org/2000/svg}"
PERIODS = {"reply": "20个工作日", "supplement_notice": "7个工作日", "reconsideration": "60日"}
Rect = tuple[float, float, float, float]  # left, top, right, bottom


@pytest.fixture(scope="module")
def shipped_workflow() -> Workflow:
    return read_rulebook().workflow


def step(title: str, sources: list[str], to: str = "", law: tuple[str, ...] = ("条例第三十条",)) -> Step:
    return Step(title=title, by=("r",), law=law, from_=tuple(sources), to=to)


def workflow(
    states: dict[str, State], steps: dict[str, Step], stages: dict[str, str], initial: str, title: str = "流程"
) -> Workflow:
    clocks = {"c": Clock(title="某期限", owed_by="organ", law="条例第三十条")}
    return replace(
        read_rulebook().workflow, title=title, law=(), initial=initial, opening=next(iter(steps)), stages=stages,
        roles={"r": "某岗"}, states=states, channels={}, clocks=clocks, outcomes={}, steps=steps,
    )  # fmt: skip


def random_workflow(seed: int) -> Workflow:
    """Any procedure an office might write: branches, loops, skips, dead ends, notes, long titles."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    stages = {
        f"g{n}": chance.choice(["登记", "审核", "征求意见", "复核与集体审议"]) for n in range(chance.randint(1, 6))
    }
    names = [f"s{n}" for n in range(chance.randint(1, 13))]
    states = {
        name: State("状态" + "长" * chance.choice([0, 2, 30]) + name, chance.choice(list(stages)), "r", final=n == 1)
        for n, name in enumerate(names)
    }
    steps = {"open": step("开始", [], chance.choice(names))}
    for n in range(chance.randint(0, 22)):
        sources = chance.sample(names, chance.randint(1, min(4, len(names))))
        law = ("条例第三十条",) * chance.randint(1, 3) + ("很长的规定名称" * chance.randint(0, 4),)
        made = step("步骤" + "长" * chance.choice([0, 5, 40]) + str(n), sources, chance.choice(["", *names]), law)
        starts = (Start("c", "条例第三十条"),) * chance.randint(0, 2)
        steps[f"t{n}"] = replace(made, starts=starts)
    return workflow(states, steps, stages, names[0])


def elements(text: str, tag: str, name: str = "") -> Iterator[ET.Element]:
    for element in ET.fromstring(text).iter(f"{SVG}{tag}"):  # noqa: S314 - our own output
        if not name or name in element.get("class", "").split():
            yield element


def rect(element: ET.Element) -> Rect:
    x, y, width, height = (float(element.get(key, "0")) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def text_rect(element: ET.Element) -> Rect:
    size, x, y = (float(element.get(key, "0")) for key in ("font-size", "x", "y"))
    text = element.text or ""
    width = size * sum(1 if unicodedata.east_asian_width(c) in "WFA" else 0.55 for c in text)
    left = x - width / 2 if element.get("text-anchor") == "middle" else x
    return left, y - size * 0.85, left + width, y + size * 0.15


def segments(text: str) -> list[Rect]:
    found = []
    for line in elements(text, "polyline", "line"):
        points = [tuple(map(float, p.split(","))) for p in line.get("points", "").split()]
        for (x0, y0), (x1, y1) in pairwise(points):
            assert x0 == x1 or y0 == y1, "a slanting line"
            found.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return found


def overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] - 1 and b[0] < a[2] - 1 and a[1] < b[3] - 1 and b[1] < a[3] - 1


def crosses(line: Rect, area: Rect) -> bool:
    """Tell whether a line runs through the inside of an area (touching its edge is arriving)."""
    across = line[0] < area[2] - 2 and area[0] + 2 < line[2]
    along = line[1] < area[3] - 2 and area[1] + 2 < line[3]
    return across and along


def assert_readable(text: str) -> None:
    boxes = [rect(e) for e in elements(text, "rect", "box")]
    chips = [rect(e) for e in elements(text, "rect", "chip")]
    words = [text_rect(e) for e in elements(text, "text")]
    whole = rect(next(elements(text, "rect")))
    for a, b in combinations(boxes + chips, 2):
        assert not overlap(a, b), ("boxes", a, b)
    for a, b in combinations(words, 2):
        assert not overlap(a, b), ("texts", a, b)
    for word in words:
        assert word[0] >= whole[0], ("off the sheet", word)
        assert word[2] <= whole[2], ("off the sheet", word)
        assert word[3] <= whole[3], ("off the sheet", word)
        for box in boxes:
            inside = box[0] <= word[0] and word[2] <= box[2] and box[1] <= word[1] and word[3] <= box[3]
            assert inside or not overlap(word, box), ("text over the edge of a box", word, box)
    for line in segments(text):
        for box in boxes:
            assert not crosses(line, box), ("line through a box", line, box)
        for word in words:
            if not any(overlap(word, chip) for chip in chips):
                assert not crosses(line, word), ("line through a text", line, word)


def said(text: str) -> str:
    """Return all words of a chart in one, as the lines of a title follow each other."""
    return "".join(e.text or "" for e in elements(text, "text"))


def test_every_state_step_stage_article_and_period_is_shown(shipped_workflow: Workflow) -> None:
    words = said(svg(shipped_workflow, PERIODS))
    chart = mermaid(shipped_workflow, PERIODS)
    titles = [s.title for s in shipped_workflow.states.values()] + [s.title for s in shipped_workflow.steps.values()]
    for title in [*titles, *shipped_workflow.stages.values(), *shipped_workflow.roles.values()]:
        assert title in words
        assert title in chart
    assert "政府信息公开申请办理流程图" in words
    assert "起算：答复期限（20个工作日）" in words
    assert "条例第二十九条、第三十一条、第四十五条" in words
    assert "起算：申请行政复议的期限（60日）" in chart


def test_the_shipped_chart_is_readable(shipped_workflow: Workflow) -> None:
    assert_readable(svg(shipped_workflow, PERIODS))
    assert_readable(svg(shipped_workflow))


def test_stages_follow_each_other_and_hold_their_states(shipped_workflow: Workflow) -> None:
    text = svg(shipped_workflow)
    bands = [rect(e) for e in elements(text, "rect", "band")]
    titles = [(e.text, text_rect(e)) for e in elements(text, "text", "stage")]
    assert [title for title, _ in titles] == list(shipped_workflow.stages.values())
    assert all(a[3] == b[1] for a, b in pairwise(bands))
    places = {e.text: text_rect(e) for e in elements(text, "text", "state")}
    for state in shipped_workflow.states.values():
        band = bands[list(shipped_workflow.stages).index(state.stage)]
        assert band[1] < places[state.title][1] < places[state.title][3] < band[3]


def test_the_main_road_is_the_full_procedure(shipped_workflow: Workflow) -> None:
    text = svg(shipped_workflow)
    road = list(elements(text, "polyline", "main"))
    assert len(road) == 10
    side = {"待申请人补正", "已撤回待归档"}
    boxes = [rect(e) for e in elements(text, "rect", "side")]
    off = {
        t
        for t, r in ((e.text, text_rect(e)) for e in elements(text, "text", "state"))
        if any(overlap(r, b) for b in boxes)
    }
    assert off == side


def test_the_same_workflow_gives_the_same_bytes(shipped_workflow: Workflow) -> None:
    again = read_rulebook().workflow
    assert svg(shipped_workflow, PERIODS) == svg(again, PERIODS)
    assert mermaid(shipped_workflow, PERIODS) == mermaid(again, PERIODS)


@pytest.mark.parametrize("seed", range(60))
def test_any_procedure_is_readable(seed: int) -> None:
    made = random_workflow(seed)
    text = svg(made, {"c": "20个工作日"})
    assert_readable(text)
    words = said(text)
    for title in [s.title for s in made.states.values()] + [s.title for s in made.steps.values()]:
        assert title in words
    assert_mermaid(mermaid(made), made)


HOSTILE = "</text><script>alert(1)</script>\"'&<!--]]>\x00\x1b\u202e`#quot;\n|x|"


def hostile_workflow() -> Workflow:
    states = {
        'a"]; click': State(HOSTILE, "end", "r"),
        "end": State("b", "end", final=True),
        "__a": State("c", "end"),
    }
    steps = {
        "open": step(HOSTILE, [], "end", (HOSTILE,)),
        "x y": step(HOSTILE, ["end"], "__a"),
        "n": step("n", ["end"]),
    }
    return workflow(states, steps, {"end": HOSTILE}, 'a"]; click', HOSTILE)


def test_hostile_titles_are_only_text() -> None:
    text = svg(hostile_workflow(), {"c": HOSTILE})
    root = ET.fromstring(text)  # noqa: S314 - our own output
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "style", "rect", "polyline", "polygon", "text",
    }  # fmt: skip
    assert "alert(1)" in said(text)
    assert not re.search("[\x00\x1b\u202e]", text)
    assert_readable(text)
    assert_mermaid(mermaid(hostile_workflow()), hostile_workflow())


def test_the_picture_needs_nothing_from_elsewhere(shipped_workflow: Workflow) -> None:
    text = svg(shipped_workflow)
    assert not re.search(r"href|url\(|@import|<script|on\w+=", text)
    assert text.count("http") == 1  # the name of the SVG language


def assert_mermaid(text: str, made: Workflow) -> None:
    """Every line is one of the few forms, and every identifier is of letters and underscores."""
    label = r'"[^"`<>|\[\]{}]*(?:<br/>[^"`<>|\[\]{}]*)*"'
    node = re.compile(rf"    (state_[a-z_]+)\[{label}\]")
    edge = re.compile(rf"  (state_[a-z_]+) (?:==>|-->|-\.->)\|{label}\| (state_[a-z_]+)")
    lines = text.splitlines()
    assert lines[0] == "flowchart TB"
    nodes, depth = [], 0
    for line in lines[1:]:
        if match := node.fullmatch(line):
            nodes.append(match[1])
        elif match := edge.fullmatch(line):
            assert {match[1], match[2]} <= set(nodes), line
        elif re.fullmatch(rf"  subgraph stage_[a-z_]+\[{label}\]", line):
            depth += 1
        elif line == "  end":
            depth -= 1
        else:
            assert re.fullmatch(r"  class(Def main stroke-width:3px| [a-z_,]+ main)", line), line
    assert depth == 0
    assert len(nodes) == len(set(nodes)) == len(made.states)


def test_the_mermaid_chart_is_built_of_plain_parts(shipped_workflow: Workflow) -> None:
    chart = mermaid(shipped_workflow, PERIODS)
    assert_mermaid(chart, shipped_workflow)
    assert chart.count("==>") == 10
    assert '  state_under_review -->|"告知补正' in chart
