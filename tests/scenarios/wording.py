"""The words in which the lawyers' tables and roads are written, turned into steps that the core takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core.standing import Standing
from yishenqing.core.workflow import Workflow
from yishenqing.rulebook import read_rulebook

if TYPE_CHECKING:
    from tests.conftest import Walk

RULES = read_rulebook()
FLOW = RULES.workflow


def code(named: Mapping[str, Any], title: str) -> str:
    """Return the code of what is called ``title`` (its code will do as well)."""
    found = [k for k, v in named.items() if title in (k, v if isinstance(v, str) else v.title)]
    assert len(found) == 1, f"“{title}”不在可选之列：{'、'.join(named)}"
    return found[0]


class Line(Struct, frozen=True):
    """One line of a table: the day, what is done, the facts by their codes, who does it in which posts."""

    on: date
    step: str  # empty: walk the ordinary road to ``state``
    state: str
    facts: Mapping[str, Any]
    actor: str
    roles: tuple[str, ...]


def lines(rows: list[Any], flow: Workflow = FLOW) -> Iterator[Line]:
    """Read lines written as “日期 步骤 事实=值 …” or as “日期 步骤: {事实: 值}”, in the words of ``flow``."""
    return (line_of(row, flow) for row in rows)


def line_of(row: Any, flow: Workflow) -> Line:
    """Read one line in the words of ``flow``."""
    ((text, given),) = row.items() if isinstance(row, dict) else ((row, {}),)
    day, title, *words = text.split(" ")
    if title == "办至":
        return Line(date.fromisoformat(day), "", code(flow.states, " ".join(words)), {}, "", ())
    said = {**dict(word.split("=", 1) for word in words), **(given or {})}
    actor, posts = said.pop("办理人", ""), said.pop("岗位", "")
    roles = tuple(code(flow.roles, r) for r in posts.split("、") if posts)
    name = code(flow.steps, title)
    facts = {code(flow.steps[name].fields, key): value for key, value in said.items()}
    if name == flow.opening and flow.channels:
        facts["channel"] = code(flow.channels, facts.get("channel", "registered_mail"))
    if "way" in facts:
        chosen = code(flow.outcomes, facts.get("outcome") or facts["finding"])
        facts["way"] = code(flow.outcomes[chosen].ways, facts["way"])
    return Line(date.fromisoformat(day), name, "", facts, actor, roles)


def taken(walk: Walk, line: Line) -> Walk:
    """Return the case after ``line``."""
    if not line.step:
        return walk.to(line.state, line.on)
    return walk.take(line.step, line.on, line.actor, line.roles, **line.facts)


def walked(walk: Walk, rows: list[Any]) -> Walk:
    """Return the case after all lines."""
    for line in lines(rows):
        walk = taken(walk, line)
    return walk


def of_office(standing: Standing, said: Mapping[str, Any]) -> Standing:
    """Return the case in an office that has settings of its own, said in the tables' words."""
    given = dict(said)
    nobody = {code(FLOW.roles, r) for r in given.pop("没有人担任", ())}
    changes: dict[str, Any] = {"switched_off": frozenset(given.pop("关闭", ()))}
    changes["figures"] = {code(FLOW.figures, title): number for title, number in given.items()}
    if nobody:
        changes["staffed"] = frozenset(FLOW.roles.keys() - nobody)
    return replace(standing, **changes)


def sides_of(standing: Standing) -> dict[str, str]:
    """Return where each side proceeding stands, by its title and, where it has one, its number."""
    sides = standing.workflow.sides
    return {
        f"{sides[one.kind].title}{one.id and f' {one.id}'}": sides[one.kind].states[one.state].title
        for one in standing.beside
    }
