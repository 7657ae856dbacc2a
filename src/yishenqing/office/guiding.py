"""What an officer should see before taking a step: what runs beside the case, what was said, who might handle it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from yishenqing.core.decide import permitted
from yishenqing.office import ended
from yishenqing.office.casework import Casework, Row
from yishenqing.office.paperwork import Story

_Opener = Callable[[], Callable[[Any], Any]]


def parts(case: Casework, today: date, opener: _Opener, home: Path) -> dict[str, Callable[[], Any]]:
    """Return the parts of an answer that guide the next step, each worked out when it is looked at."""
    return {
        "beside": lambda: _beside(case),
        "recalls": lambda: list(_recalls(case, today, opener)),
        "routing": lambda: _routing(case, today, opener, home),
        "destroyed": lambda: ended.destroyed_of(case),
    }


def yours(case: Casework, today: date, user: str, roles: Mapping[str, str] | None) -> Row | None:
    """Return what ``user`` may do now, by the very function that would refuse it; None for somebody unknown here.

    ``by`` says who takes the other steps.
    """
    if roles is None:
        return None
    offers, flow = permitted(case.standing, today, today, actor=user, roles=roles), case.workflow
    return {
        "user": user,
        "name": case.standing.called(user),
        "steps": [p.step for p in offers if p.mine],
        "by": {p.step: "、".join(flow.roles[r] for r in flow.steps[p.step].by) for p in offers if not p.mine},
    }


def _beside(case: Casework) -> list[Row]:
    sides = case.workflow.sides
    return [
        {
            "side": one.kind,
            "id": one.id,
            "title": sides[one.kind].title,
            "state": one.state,
            "state_title": sides[one.kind].states[one.state].title,
            "open": not sides[one.kind].states[one.state].final,
            "since": one.since.isoformat(),
        }
        for one in case.standing.beside
    ]


def _recalls(case: Casework, today: date, opener: _Opener) -> Iterator[Row]:
    """What earlier entries say to the steps at hand: mostly the talks with the applicant (条例第三十条 guidance)."""
    offered = {p.step for p in permitted(case.standing, today, today)}
    wanted = {name: case.workflow.steps[name].recalls for name in offered if case.workflow.steps[name].recalls}
    if not wanted:
        return
    open_facts = opener()
    for name, earlier in sorted(wanted.items()):
        found = [e for e in case.entries if e.step in earlier]
        yield {
            "step": name,
            "title": case.workflow.steps[name].title,
            "missing": [case.workflow.steps[s].title for s in earlier[:1] if not any(e.step == s for e in found)],
            "entries": [
                {
                    "on": e.on.isoformat(),
                    "title": case.workflow.steps[e.step].title,
                    "facts": {
                        known.title: open_facts(e.facts)[key]
                        for key, known in case.workflow.steps[e.step].fields.items()
                        if key in e.facts and known.type != "file"
                    },
                }
                for e in found
            ],
        }


def _routing(case: Casework, today: date, opener: _Opener, home: Path) -> list[Row]:
    """What the routing table proposes, while somebody must still be found to handle the case."""
    if not any(case.workflow.steps[p.step].routes for p in permitted(case.standing, today, today)):
        return []
    if case.workflow.states[case.standing.state].stage == "handling":  # somebody handles it already
        return []
    from yishenqing.routing import read_routing

    return read_routing(home).proposals(Story.of(case.standing, opener()).items)
