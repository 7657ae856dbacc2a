"""Every road of ``tests/scenarios`` through the command line, by the people of an office with one for each role."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from offices import APPLICATION
from roads import ROADS, WORDS, Act, Walked, flow_of, office_of, rules_of, walked
from wording import FLOW

from yishenqing.cli import run
from yishenqing.core.facts import shaped
from yishenqing.core.links import PARENT
from yishenqing.office import Office
from yishenqing.settings import Settings

if TYPE_CHECKING:
    from tests.conftest import Walk

Road = Mapping[str, Any]

APPLICABLE = ("channel", "items", "leads", "preferred_form", "delivery", "confirmed_on", "concerns")


class Desk:
    """The command line as the people of one office use it."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._home, self._patch, self._capsys = home, monkeypatch, capsys

    def says(self, on: date, actor: str, *words: str | Path) -> dict[str, Any]:
        """Run one command on its day; return the one document it prints."""
        self._patch.setenv("YISHENQING_TODAY", on.isoformat())
        done = run(["--home", str(self._home), "--json", "--as", actor, *map(str, words)])
        shown = self._capsys.readouterr()
        assert done == 0, f"{on} {actor} {words}\n{shown.out}{shown.err}"
        return dict(json.loads(shown.out))

    def register(self, act: Act, **changes: Any) -> str:
        """Register the application of ``act``; return the number of its case."""
        flow = rules_of(act.flow).workflow
        facts = shaped(flow, flow.steps[act.step], act.facts)
        applicant = {**APPLICATION["applicant"], "kind": facts["applicant_kind"]}
        said = {k: str(v) if isinstance(v, date) else v for k, v in facts.items()}
        known = {name: said[name] for name in APPLICABLE if name in said}
        file = self._home / "申请.json"
        known |= {"request": flow.request, "arrived_on": act.on.isoformat(), "applicant": applicant}
        application = {**known, **changes}
        file.write_text(json.dumps(application, ensure_ascii=False))
        return str(self.says(act.on, act.actor, "register", file)["number"])


def _words(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        yield f"{name}={';'.join(map(str, value)) if isinstance(value, list) else value}"


def _other_case(desk: Desk, opening: Act, act: Act) -> str:
    """Register the other of two cases that become one, and have it acknowledged."""
    number = desk.register(opening, items=act.facts.get("items", ["略"])[-1:])
    desk.says(act.on, FLOW.roles["registrar"], "act", number, "acknowledged")
    return number


def _opened(desk: Desk, opening: Act, other: str) -> str:
    """Open the case of the road; ``other`` is the case that it hangs on or concerns, if any."""
    if PARENT in opening.facts:
        given = {k: v for k, v in opening.facts.items() if k != PARENT}
        who = (opening.on, opening.actor)
        linked = desk.says(*who, "link", other, opening.flow, *_words(given), "--on", opening.on.isoformat())
        return str(linked["number"])
    return desk.register(opening, **({"concerns": other} if "concerns" in opening.facts else {}))


def _walked(desk: Desk, number: str, acts: Sequence[Act], opening: Act) -> dict[str, Any]:
    """Take all steps; return the last answer."""
    found: dict[str, Any] = {}
    for act in acts:
        found = _taken(desk, number, act, opening)
    return found


def _earlier(desk: Desk, road: Road, unopened: Walk) -> str:
    """Walk the road that this one names as the case before it, up to where it would be archived."""
    if "原案" not in road:
        return ""
    before = walked(next(r for _, r in ROADS if r["名称"] == road["原案"]), unopened)
    opening, *acts = before.acts
    number = desk.register(opening)
    _walked(desk, number, acts[:-1], opening)
    return number


def _taken(desk: Desk, number: str, act: Act, opening: Act) -> dict[str, Any]:
    """Take one step of the road with the verb that takes it."""
    who = (act.on, act.actor)
    if act.step == "split":
        items: Sequence[str] = opening.facts["items"]
        moved = [str(items.index(item) + 1) for item in act.facts["moved"]]
        return desk.says(*who, "split", number, *moved, "--reason", act.facts["reason"])
    if act.step in ("merged", "joined"):
        other = _other_case(desk, opening, act)
        first, into = (number, other) if act.step == "merged" else (other, number)
        return desk.says(*who, "merge", first, into, "--reason", act.facts.get("reason", "同一事项"))
    if act.step == "moved":
        return desk.says(*who, "move", number, "--to", act.flow, "--reason", act.facts["reason"])
    words = _words(act.facts)
    return desk.says(*who, "act", number, act.step, *words, "--on", act.on.isoformat())


def _staffed(home: Path, office: Settings) -> None:
    """Give the office in ``home`` the people of the road, and the drafter no right to sign."""
    path = home / "office.yaml"
    people = {
        user: {
            "name": person.name,
            "roles": list(person.roles),
            "away": [{"since": str(a.since), "until": str(a.until), "to": a.to} for a in person.away],
        }
        for user, person in office.people.items()
    }
    text = re.sub(r"(?m)^switched_off:.*$", "switched_off: []", path.read_text()).partition("\npeople:")[0]
    path.write_text(f"{text}\npeople: {json.dumps(people, ensure_ascii=False)}\n")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    home = tmp_path / "某 机关"
    Office.init(home, "经办人")
    monkeypatch.chdir(tmp_path)
    return Desk(home, monkeypatch, capsys)


@pytest.mark.parametrize("road", [pytest.param(r, id=f"{f}：{r.get('名称')}") for f, r in ROADS])
def test_the_road_ends_the_same_on_the_command_line(
    road: Road, unopened: Callable[[date], Walk], desk: Desk, tmp_path: Path
) -> None:
    case = unopened(date(2026, 11, 20))
    wanted: Walked = walked(road, case)
    _staffed(tmp_path / "某 机关", office_of(road))
    earlier = _earlier(desk, road, case)
    opening, *acts = wanted.acts
    number = _opened(desk, opening, earlier)
    found = _walked(desk, number, acts, opening)
    last = acts[-1].on
    shown = desk.says(last, "登记岗", "show", number)
    assert {k: found[k] for k in ("state", "outcome")} == {k: shown[k] for k in ("state", "outcome")}
    assert (shown["state"], shown["outcome"] or "") == (wanted.walk.standing.state, wanted.outcome)
    assert [WORDS["文书"][letter["kind"]] for letter in shown["letters"]] == road["应当"]["文书"]
    entries = [(e["step"], e["on"], e["actor"], e["facts"].get("stands_in_for", [])) for e in shown["entries"]]
    assert entries == [(a.step, a.on.isoformat(), a.actor, list(a.stands_in_for)) for a in wanted.acts]
    assert desk.says(last, "登记岗", "archive", "verify", number)["intact"]
    if earlier:
        (known,) = desk.says(last, "登记岗", "show", earlier)["linked"]
        told = road["应当"]["处理结果"] if flow_of(road) != "correction" else None
        assert (known["number"], known["relation"], known["result_title"]) == (number, "child", told)
