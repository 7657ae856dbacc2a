"""The flow chart: complete, well-formed, deterministic, and drawn so that nothing covers anything else."""

from __future__ import annotations

import random
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from yishenqing.core.workflow import Clock, Side, SideState, Start, State, Step, Turn, Workflow
from yishenqing.diagram import has_public, mermaid, public_mermaid, public_svg, svg
from yishenqing.diagram.panels import BROUGHT, EVERYWHERE
from yishenqing.office.checking import diagrams
from yishenqing.rulebook import read_rulebook

SVG = "{http://www.w3.org/2000/svg}"
PERIODS = {
    "reply": "20个工作日", "supplement_notice": "7个工作日", "reconsideration": "60日", "extension": "20个工作日",
    "litigation": "6个月", "litigation_after_reconsideration": "15日", "receipt_confirmation": "当日",
    "third_party_opinion": "15个工作日", "organ_opinion": "15个工作日", "fee_payment": "20个工作日",
}  # fmt: skip
REMEDIES = {
    "free_choice": "复议或者诉讼，由申请人选择",
    "reconsideration_first": "应当先申请行政复议",
    "partly_first": "不予公开的内容应当先申请行政复议，其他内容由申请人选择",
}
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
        roles={"r": "某岗"}, states=states, channels={}, clocks=clocks, outcomes={}, steps=steps, sides={}, road=(),
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
        steps[f"t{n}"] = replace(made, starts=starts, public=chance.random() < 0.5, offered=chance.random() < 0.9)
    drawn = workflow(states, steps, stages, names[0])
    return replace(drawn, sides={f"p{n}": beside(n, chance, steps, names) for n in range(chance.randint(0, 3))})


def beside(number: int, chance: random.Random, steps: dict[str, Step], names: list[str]) -> Side:
    """Return a side proceeding, and add the steps that open and end it."""
    states = {
        "asked": SideState("等待" + "长" * chance.choice([0, 30]), owner="r"),
        "done": SideState("完", final=True),
    }
    for name, turn in (("ask", Turn(f"p{number}", (), "asked")), ("end", Turn(f"p{number}", ("asked",), "done"))):
        made = step(f"并行{name}{number}", chance.sample(names, chance.randint(1, len(names))))
        steps[f"{name}{number}"] = replace(made, side=turn, public=chance.random() < 0.5)
    return Side("并行程序" + "长" * chance.choice([0, 30]), "条例第三十二条", states, many=chance.random() < 0.5)


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
    left = x - width * {"middle": 0.5, "end": 1}.get(element.get("text-anchor", ""), 0)
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


def contents(text: str) -> list[tuple[str, str]]:
    """Return each box with its kind and all its words in one; last, as “free”, what stands in none."""
    words = [(e.text or "", text_rect(e)) for e in elements(text, "text")]
    boxes = [(e.get("class", "").split()[-1], rect(e)) for e in elements(text, "rect", "box")]
    found = [(kind, "".join(said for said, place in words if overlap(place, box))) for kind, box in boxes]
    free = "".join(said for said, place in words if not any(overlap(place, box) for _, box in boxes))
    return [*found, ("free", free)]


def numbered(made: Workflow) -> tuple[Workflow, dict[str, str]]:
    """Return the workflow with titles of which none is within another, and these titles by step."""
    titles = {name: f"第{n:03}步" for n, name in enumerate(made.steps)}
    return replace(made, steps={n: replace(s, title=titles[n]) for n, s in made.steps.items()}), titles


def test_every_state_step_stage_article_and_period_is_shown_to_officers(shipped_workflow: Workflow) -> None:
    words = said(svg(shipped_workflow, PERIODS))
    chart = mermaid(shipped_workflow, PERIODS)
    titles = [s.title for s in shipped_workflow.states.values()] + [s.title for s in shipped_workflow.steps.values()]
    titles += [s.title for side in shipped_workflow.sides.values() for s in side.states.values()]
    for title in [*titles, *shipped_workflow.stages.values(), *shipped_workflow.roles.values()]:
        assert title in words
        assert title in chart
    assert "政府信息公开申请办理流程图（办理用）" in words
    assert "起算：答复期限（20个工作日）" in words
    assert "条例第二十九条、第三十一条、第四十五条" in words
    assert "起算：申请行政复议的期限（60日）" in chart


def test_every_step_stands_where_it_belongs(shipped_workflow: Workflow) -> None:
    """What leads on stands at an arrow; a side proceeding, and what is of no one place, in a panel of its own."""
    made, titles = numbered(shipped_workflow)
    boxes = contents(svg(made, PERIODS))
    for name, step in made.steps.items():
        where = [(kind, words) for kind, words in boxes for _ in range(words.count(titles[name]))]
        kinds = {kind for kind, _ in where}
        if not step.offered or step.side or name in ("contacted", "urged", "corrected"):
            head = BROUGHT if not step.offered else made.sides[step.side.of].title if step.side else EVERYWHERE
            assert [(kind, words[: len(head)]) for kind, words in where] == [("panel", head)], name
        elif step.to:
            assert "free" in kinds, name
            assert ("note" in kinds) == (step.to in step.from_), name
        else:
            assert [kind for kind, _ in where] == ["note"], name


def test_the_public_sees_each_public_step_once_and_no_other(shipped_workflow: Workflow) -> None:
    made, titles = numbered(shipped_workflow)
    boxes = contents(public_svg(made, PERIODS, REMEDIES))
    road = set(pairwise(made.road))
    for name, step in made.steps.items():
        where = [kind for kind, words in boxes for _ in range(words.count(titles[name]))]
        on_road = any((source, step.to) in road for source in step.from_ or (made.initial,))
        wanted = ["main" if on_road else "panel"] if step.public else []
        assert where == wanted, name
    assert 20 < sum(step.public for step in made.steps.values()) < len(made.steps) - 20


def test_the_public_is_told_periods_answers_and_remedies(shipped_workflow: Workflow) -> None:
    words = said(public_svg(shipped_workflow, PERIODS, REMEDIES))
    for told in [
        *shipped_workflow.stages.values(),
        "答复期限：20个工作日",
        "须在补正告知期限（7个工作日）内",
        "延长的工作日数：不超过20个工作日",
        "申请行政复议的期限：60日",
        "邮寄且需签收的，以行政机关（含收发室）签收之日为收到申请之日",
        "属于国家秘密（条例第十四条）",
        "不由本机关负责公开（条例第三十六条第五项）",
        "应当先申请行政复议：不予公开（属于行政查询事项除外）",
        "不予公开的内容应当先申请行政复议，其他内容由申请人选择：部分公开",  # 行政复议法第二十三条
    ]:
        assert told in words, told
    assert "分办时限" not in words  # a period of the office's own is not the applicant's business


@pytest.mark.parametrize("name", ["disclosure", "township", "city_legal"])
def test_the_shipped_charts_are_readable_and_the_public_one_fits_a_page(name: str) -> None:
    made = read_rulebook(name=name).workflow
    for text in (svg(made, PERIODS), svg(made), public_svg(made, PERIODS, REMEDIES), public_svg(made)):
        assert_readable(text)
        whole = rect(next(elements(text, "rect")))
        assert whole[3] / whole[2] < 1.5
    public = rect(next(elements(public_svg(made, PERIODS, REMEDIES), "rect")))
    assert 1.3 < public[3] / public[2] <= 2**0.5  # A3, A4
    assert public[2] < 1300  # or the words become too small on paper


@pytest.mark.parametrize("name", ["reconsideration", "litigation", "complaint"])
def test_a_linked_procedure_is_drawn_in_full(name: str) -> None:
    made = read_rulebook(name=name).workflow
    assert not has_public(made)
    assert_readable(svg(made))
    assert all(step.title in said(svg(made)) for step in made.steps.values())
    assert "（办理用）" not in said(svg(made))


def test_stages_follow_each_other_and_hold_their_states(shipped_workflow: Workflow) -> None:
    text = svg(shipped_workflow)
    bands = [rect(e) for e in elements(text, "rect", "band")]
    titles = [(e.text, text_rect(e)) for e in elements(text, "text", "stage")]
    assert [title for title, _ in titles] == list(shipped_workflow.stages.values())
    assert all(a[3] == b[1] for a, b in pairwise(bands))
    places = {e.text: text_rect(e) for e in elements(text, "text", "state")}
    for state in shipped_workflow.states.values():
        band = bands[list(shipped_workflow.stages).index(state.stage)]
        place = next(place for title, place in places.items() if state.title.startswith(title or "-"))
        assert band[1] < place[1] < place[3] < band[3]


def test_the_main_road_is_the_one_in_the_file(shipped_workflow: Workflow) -> None:
    boxes = contents(svg(shipped_workflow))
    for name, state in shipped_workflow.states.items():
        kinds = {kind for kind, words in boxes if words.startswith(state.title) and kind in ("main", "side", "final")}
        assert kinds == {"final" if state.final else "main" if name in shipped_workflow.road else "side"}, name
    between_states, between_acts = (len(shipped_workflow.road) - less for less in (1, 2))
    assert len(list(elements(svg(shipped_workflow), "polyline", "main"))) == between_states
    assert len(list(elements(public_svg(shipped_workflow), "polyline", "main"))) == between_acts


def test_the_same_workflow_gives_the_same_bytes(shipped_workflow: Workflow) -> None:
    again = read_rulebook().workflow
    assert svg(shipped_workflow, PERIODS) == svg(again, PERIODS)
    assert mermaid(shipped_workflow, PERIODS) == mermaid(again, PERIODS)
    assert public_svg(shipped_workflow, PERIODS, REMEDIES) == public_svg(again, PERIODS, REMEDIES)
    assert public_mermaid(shipped_workflow, PERIODS, REMEDIES) == public_mermaid(again, PERIODS, REMEDIES)


@pytest.mark.parametrize("seed", range(60))
def test_any_procedure_is_readable(seed: int) -> None:
    made = random_workflow(seed)
    full, public = svg(made, {"c": "20个工作日"}), public_svg(made, {"c": "20个工作日"})
    assert_readable(full)
    assert_readable(public)
    words, shown = said(full), said(public)
    for title in [s.title for s in made.states.values()] + [s.title for s in made.steps.values()]:
        assert title in words
    assert all(s.title in shown for s in made.steps.values() if s.public)
    assert_mermaid(mermaid(made), made)
    assert_public_mermaid(public_mermaid(made))


def test_two_ways_to_the_same_state_are_no_sequence() -> None:
    """Of two public steps between the same states the second stands beside the first, not after it."""
    states = {"a": State("甲", "g", "r"), "b": State("乙", "g", final=True)}
    steps = {"open": step("开始", [], "a"), "x": step("一法", ["a"], "b"), "y": step("另法", ["a"], "b")}
    shown = {name: replace(made, public=True) for name, made in steps.items()}
    boxes = contents(public_svg(workflow({"n": State("新", "g", "r"), **states}, shown, {"g": "环节"}, "n")))
    assert [(kind, words[:2]) for kind, words in boxes[:-1] if "法" in words] == [("panel", "另法"), ("main", "一法")]


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
    shown = {name: replace(made, public=True) for name, made in steps.items()}
    return workflow(states, shown, {"end": HOSTILE}, 'a"]; click', HOSTILE)


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
    public = public_svg(hostile_workflow(), {"c": HOSTILE}, {"x": HOSTILE})
    assert "alert(1)" in said(public)
    assert not re.search("[\x00\x1b\u202e]", public)
    assert_readable(public)
    assert_public_mermaid(public_mermaid(hostile_workflow(), {"c": HOSTILE}))


def test_the_picture_needs_nothing_from_elsewhere(shipped_workflow: Workflow) -> None:
    for text in (svg(shipped_workflow), public_svg(shipped_workflow)):
        assert not re.search(r"href|url\(|@import|<script|on\w+=", text)
        assert text.count("http") == 1  # the name of the SVG language


LABEL = r'"[^"`<>|\[\]{}]*(?:<br/>[^"`<>|\[\]{}]*)*"'


def assert_mermaid(text: str, made: Workflow) -> None:
    """Every line is one of the few forms, and every identifier is of letters and underscores."""
    nodes = assert_graph(text, r"(?:state|side|step)_[a-z_]+", rf"(?:==>|-->|-\.->)\|{LABEL}\|")
    assert sum(node.startswith("state_") for node in nodes) == len(made.states)


def assert_public_mermaid(text: str) -> None:
    """The same of the chart for the public: acts and cards."""
    assert_graph(text, r"(?:act|card)_[a-z_]+", r"(?:==>|-\.-)")


def assert_graph(text: str, name: str, arrow: str) -> list[str]:
    node = re.compile(rf"    ({name})\[{LABEL}\]")
    edge = re.compile(rf"  ({name}) {arrow} ({name})")
    lines = text.splitlines()
    assert lines[0] == "flowchart TB"
    nodes: list[str] = []
    ends: set[str] = set()
    depth = 0
    for line in lines[1:]:
        if match := node.fullmatch(line):
            nodes.append(match[1])
        elif match := edge.fullmatch(line):
            ends |= {match[1], match[2]}
        elif re.fullmatch(rf"  subgraph (?:stage|group)_[a-z_]+\[{LABEL}\]", line):
            depth += 1
        elif line == "  end":
            depth -= 1
        else:
            assert re.fullmatch(r"  class(Def main stroke-width:3px| [a-z_,]+ main)", line), line
    assert depth == 0
    assert ends <= set(nodes)
    assert len(nodes) == len(set(nodes))
    return nodes


def test_the_mermaid_charts_are_built_of_plain_parts(shipped_workflow: Workflow) -> None:
    chart = mermaid(shipped_workflow, PERIODS)
    assert_mermaid(chart, shipped_workflow)
    assert chart.count("==>") == 10
    assert '  state_under_review -->|"告知补正' in chart
    assert '    side_fee__notified["待申请人缴费"]' in chart
    assert re.search(r'  side_fee -->\|"告知收取信息处理费.*\| side_fee__notified', chart)
    public = public_mermaid(shipped_workflow, PERIODS, REMEDIES)
    assert_public_mermaid(public)
    assert public.count("==>") == 9
    assert "更正记录" not in public


def test_both_charts_are_written_and_a_procedure_without_public_steps_has_one(tmp_path: Path) -> None:
    found = diagrams(None, tmp_path)
    assert {kind: Path(path).name for kind, path in found.items()} == {
        "svg": "依申请公开流程图.svg",
        "mermaid": "依申请公开流程图.mmd",
        "full_svg": "依申请公开办理流程图（全）.svg",
        "full_mermaid": "依申请公开办理流程图（全）.mmd",
    }
    assert "更正记录" in said(Path(found["full_svg"]).read_text())
    assert "更正记录" not in said(Path(found["svg"]).read_text())
    assert "第三方提出意见的期限：15个工作日" in said(Path(found["svg"]).read_text())
    alone = diagrams(None, tmp_path / "复议", "reconsideration")
    assert (alone["svg"], alone["mermaid"]) == (alone["full_svg"], alone["full_mermaid"])
    assert len(list((tmp_path / "复议").iterdir())) == 2
