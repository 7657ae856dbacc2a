"""The roads in the files beside this one, read and walked: a case from the counter to the archive, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wording import FLOW, RULES, Line, code, lines

from yishenqing.core.facts import shaped
from yishenqing.documents import read
from yishenqing.office.acting import letter_kind
from yishenqing.office.casework import Casework, Practice, outcome_of
from yishenqing.settings import Away, Person, Settings
from yishenqing.store.ledger import CaseRow

if TYPE_CHECKING:
    from tests.conftest import Walk

FOLDER = Path(__file__).parent
WORDS: Mapping[str, Any] = read(FOLDER / "words" / "words.yaml").data
FILES = sorted(FOLDER.glob("*.yaml"))
ROADS: list[tuple[str, Mapping[str, Any]]] = [(f.stem, road) for f in FILES for road in read(f).data]
ROW_OF: Mapping[str, str] = {row["办理结果"]: row["行"] for row in WORDS["年度报告表三"]}


@dataclass(frozen=True)
class Act:
    """One step as somebody takes it, with the facts as they are written and the letter that it issues."""

    on: date
    step: str
    actor: str
    facts: Mapping[str, Any]
    letter: str
    stands_in_for: tuple[str, ...]


@dataclass(frozen=True)
class Walked:
    """A road walked to its end."""

    acts: tuple[Act, ...]
    walk: Walk

    @property
    def outcome(self) -> str:
        """Return the outcome by which the case is counted."""
        return outcome_of(self.walk.standing) or ""

    @property
    def ends(self) -> dict[str, Any]:
        """Return the end in the words of the road files."""
        standing = self.walk.standing
        kinds = FLOW.steps[FLOW.opening].fields["applicant_kind"].choices
        return {
            "案件状态": FLOW.states[standing.state].title,
            "办理结果": FLOW.outcomes[self.outcome].title if self.outcome else "",
            "文书": [WORDS["文书"][act.letter] for act in self.acts if act.letter],
            "年报": {"栏": kinds[standing.facts[0].facts["applicant_kind"]], "行": ROW_OF.get(self.outcome, "")},
        }


def office_of(road: Mapping[str, Any]) -> Settings:
    """Return an office in which each role has a person of its own, called as the role, and the road's own people."""
    people = {title: Person(title, (role,)) for role, title in FLOW.roles.items()}
    for name, said in road.get("人员", {}).items():
        old = people.get(name, Person(name, ()))
        roles = tuple(code(FLOW.roles, r) for r in said["岗位"]) if "岗位" in said else old.roles
        away = tuple(Away(a["自"], a["至"], a["代理人"]) for a in said.get("外出", ()))
        people[name] = Person(name, roles, away=away)
    return Settings(*("试",) * 10, people=people)  # what is printed in letters, of no matter here


def walked(road: Mapping[str, Any], unopened: Walk) -> Walked:
    """Take the whole road through the core, each step by whom the office has for it."""
    office = office_of(road)
    walk = replace(unopened, standing=replace(unopened.standing, staffed=office.staffed))
    acts: list[Act] = []
    for line in lines(road["经过"]):
        for one in _single(line, walk):
            act = _act(one, walk, office)
            roles = office.roles_on(act.actor, act.on)
            walk = walk.take(act.step, act.on, act.actor, roles, **act.facts)
            acts.append(act)
            if not line.step and walk.standing.state == line.state:
                break
    return Walked(tuple(acts), walk)


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
    step = FLOW.steps[line.step]
    actor = line.actor or FLOW.roles[step.by[0]]
    facts = walk.filled(line.step, dict(line.facts))
    whose = office.roles_on(actor, line.on)
    owners = {whose[role] for role in step.by if role in whose}
    stood_in = tuple(sorted(owners)) if owners and actor not in owners else ()
    return Act(line.on, line.step, actor, facts, _letter(walk, line.step, facts), stood_in)


def _letter(walk: Walk, name: str, facts: Mapping[str, Any]) -> str:
    """Return the kind of letter that the office would issue with this step."""
    step, state = FLOW.steps[name], walk.standing.state
    row = CaseRow("试", "试", "", walk.today, state, None, 0, "")
    case = Casework(row, (), RULES, walk.standing, Practice("试", walk.standing.workdays))
    return letter_kind(case, step, shaped(FLOW, step, facts))
