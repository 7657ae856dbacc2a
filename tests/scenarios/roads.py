"""The roads in the files beside this one, read and walked: a case from the counter to the archive, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace
from wording import FLOW, RULES, Line, code, line_of

from yishenqing.core import moving
from yishenqing.core.facts import shaped
from yishenqing.core.standing import Standing
from yishenqing.core.workflow import Workflow
from yishenqing.documents import read
from yishenqing.office.acting import letter_kind
from yishenqing.office.casework import Casework, Practice, outcome_of
from yishenqing.rulebook import Rulebook, read_rulebook
from yishenqing.settings import Away, Person, Settings
from yishenqing.store.ledger import CaseRow

if TYPE_CHECKING:
    from tests.conftest import Walk

FOLDER = Path(__file__).parent
WORDS: Mapping[str, Any] = read(FOLDER / "words" / "words.yaml").data
FILES = sorted(FOLDER.glob("*.yaml"))
ROADS: list[tuple[str, Mapping[str, Any]]] = [(f.stem, road) for f in FILES for road in read(f).data]
ROW_OF: Mapping[str, str] = {row["办理结果"]: row["行"] for row in WORDS["年度报告表三"]}


@cache
def rules_of(flow: str) -> Rulebook:
    """Return the shipped rules of a procedure."""
    return RULES if flow == FLOW.id else read_rulebook(None, flow)


def flow_of(road: Mapping[str, Any]) -> str:
    """Return the procedure that a road begins in."""
    return str(road.get("流程", FLOW.id))


def result_field(flow: Workflow) -> str:
    """Return the fact by which a case of a procedure without outcomes is told to have ended."""
    return flow.linked.result if flow.linked else str(WORDS["处理结果"].get(flow.id, ""))


class Act(Struct, frozen=True):
    """One step as somebody takes it, with the facts as they are written and the letter that it issues."""

    on: date
    step: str
    actor: str
    facts: Mapping[str, Any]
    letter: str
    stands_in_for: tuple[str, ...]
    flow: str  # the procedure by which it is taken; that of a move is the one moved to


class Walked(Struct, frozen=True):
    """A road walked to its end."""

    acts: tuple[Act, ...]
    walk: Walk

    @property
    def outcome(self) -> str:
        """Return the outcome by which the case is counted."""
        return outcome_of(self.walk.standing) or ""

    @property
    def result(self) -> str:
        """Return how a case that has no outcome ended, in words; nothing where it was not decided."""
        steps, named = self.walk.standing.workflow.steps, result_field(self.walk.standing.workflow)
        given = [(steps[f.step].fields[named], f.facts[named]) for f in self.walk.standing.facts if named in f.facts]
        return given[-1][0].choices[given[-1][1]] if given else ""

    @property
    def ends(self) -> dict[str, Any]:
        """Return the end in the words of the road files."""
        standing = self.walk.standing
        flow = standing.workflow
        letters = [WORDS["文书"][act.letter] for act in self.acts if act.letter]
        told = {"案件状态": flow.states[standing.state].title, "文书": letters}
        if not flow.outcomes:
            return {**told, "处理结果": self.result}
        kinds = flow.steps[flow.opening].fields["applicant_kind"].choices
        column = kinds[standing.facts[0].facts["applicant_kind"]]
        return {
            **told,
            "办理结果": flow.outcomes[self.outcome].title if self.outcome else "",
            "年报": {"栏": column, "行": ROW_OF.get(self.outcome, "")},
        }


def office_of(road: Mapping[str, Any]) -> Settings:
    """Return an office in which each role has a person of its own, called as the role, and the road's own people."""
    roles_of = (*FLOW.roles.items(), *rules_of(flow_of(road)).workflow.roles.items())
    people = {title: Person(title, (role,)) for role, title in roles_of}
    for name, said in road.get("人员", {}).items():
        old = people.get(name, Person(name, ()))
        roles = tuple(code(FLOW.roles, r) for r in said["岗位"]) if "岗位" in said else old.roles
        away = tuple(Away(a["自"], a["至"], a["代理人"]) for a in said.get("外出", ()))
        people[name] = Person(name, roles, away=away)
    return Settings(*("试",) * 10, people=people)  # what is printed in letters, of no matter here


def walked(road: Mapping[str, Any], unopened: Walk) -> Walked:
    """Take the whole road through the core, each step by whom the office has for it."""
    office, rules = office_of(road), rules_of(flow_of(road))
    empty = Standing(rules.workflow, rules.law, unopened.standing.workdays, staffed=office.staffed)
    walk, acts = replace(unopened, standing=empty), list[Act]()
    for row in road["经过"]:
        line = line_of(row, walk.standing.workflow)
        if line.step and line.step == walk.standing.workflow.moving:
            walk = _moved(walk, line)
        walk = replace(walk, today=line.on)  # on its own day: what lies ahead of it cannot have happened yet
        for one in _single(line, walk):
            act = _act(one, walk, office)
            roles = office.roles_on(act.actor, act.on)
            walk = walk.take(act.step, act.on, act.actor, roles, **act.facts)
            acts.append(act)
            if not line.step and walk.standing.state == line.state:
                break
    return Walked(tuple(acts), replace(walk, today=unopened.today))


def _moved(walk: Walk, line: Line) -> Walk:
    """Read the case by the procedure that it moves to; every entry so far is possible there as well."""
    old = walk.standing
    rules = rules_of(line.facts["workflow"])
    empty = replace(old, workflow=rules.workflow, law=rules.law, facts=(), actors=(), staffed=None)
    assert moving.objection(empty, old.facts, old.actors, line.on) is None
    return replace(walk, standing=replace(empty, facts=old.facts, actors=old.actors, staffed=old.staffed))


def _single(line: Line, walk: Walk) -> Iterator[Line]:
    """Yield ``line`` itself, or every step of the ordinary road that it stands for."""
    if line.step:
        yield line
        return
    while True:
        name = walk.ordinary(line.on)
        yield replace(line, step=name)
        walk = walk.take(name, line.on)


def _act(line: Line, walk: Walk, office: Settings) -> Act:
    flow = walk.standing.workflow
    step = flow.steps[line.step]
    actor = line.actor or flow.roles[step.by[0]]
    facts = walk.filled(line.step, dict(line.facts))
    whose = office.roles_on(actor, line.on)
    owners = {whose[role] for role in step.by if role in whose}
    stood_in = tuple(sorted(owners)) if owners and actor not in owners else ()
    return Act(line.on, line.step, actor, facts, _letter(walk, line.step, facts), stood_in, flow.id)


def _letter(walk: Walk, name: str, facts: Mapping[str, Any]) -> str:
    """Return the kind of letter that the office would issue with this step."""
    flow = walk.standing.workflow
    row = CaseRow("试", "试", "", walk.today, walk.standing.state, None, 0, "")
    case = Casework(row, (), rules_of(flow.id), walk.standing, Practice("试", walk.standing.workdays))
    return letter_kind(case, flow.steps[name], shaped(flow, flow.steps[name], facts))
