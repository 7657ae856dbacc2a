"""Does everything hold together: workflow, law, letters. What is cited, where, and whether it resolves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from yishenqing import almanac, rulebook
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.graph import graph_of
from yishenqing.core.law import UNIT_TITLES
from yishenqing.core.workflow import Workflow
from yishenqing.letters import Letterbook
from yishenqing.office.casework import Row
from yishenqing.settings import FILE, OFFICE_ROLES, read_settings
from yishenqing.shipped import layered
from yishenqing.store.vault import write_whole


def check(home: Path | None) -> Row:
    """Return all faults of workflow, law and letters, and every citation with its article and places.

    The answer's ``faults`` is empty when the office may rely on its files.
    """
    book = Letterbook(layered("letters", home))
    faults = book.faults()
    faults += almanac.faults(layered("workflows", home))
    try:
        rules = rulebook.read_rulebook(home)
    except DataFault as fault:
        return {"faults": [_fault(f) for f in (*fault.faults, *faults)], "citations": [], "calendar": []}
    faults += [*_roads(rules.workflow), *([] if faults else _letters(rules.workflow, book))]
    faults += _settings(home, rules.workflow)
    places: dict[str, list[str]] = {}
    for citation, place in rules.workflow.citations():
        places.setdefault(citation, []).append(place)
    if not faults:
        for name, kind in book.kinds().items():
            for citation in kind.law:
                places.setdefault(citation, []).append(f"letters.{name}")
                if problem := rules.law.unresolved(citation):
                    faults.append(Fault(problem, str(kind.path), field="law", law=citation))
    return {
        "faults": [_fault(f) for f in faults],
        "citations": [
            {
                "law": c,
                "text": rules.law.text(c),
                "places": list(dict.fromkeys(found)),
                "resolved": not rules.law.unresolved(c),
            }
            for c, found in sorted(places.items())
        ],
        "calendar": list(almanac.CalendarFolder(layered("workflows", home))),
    }


def diagrams(home: Path | None, folder: Path) -> Row:
    """Draw the flow chart of this office's workflow into ``folder``; return the paths of SVG and Mermaid."""
    from yishenqing import diagram  # noqa: PLC0415 - for this command alone

    rules = rulebook.read_rulebook(home)
    days = {
        name: f"{value.value}{UNIT_TITLES[term.unit]}"
        for name, term in rules.law.terms.items()
        if (value := term.on(date.max))
    }
    days |= {name: days[clock.term] for name, clock in rules.workflow.clocks.items() if clock.term}
    drawn = {"svg": diagram.svg(rules.workflow, days), "mermaid": diagram.mermaid(rules.workflow, days)}
    paths = {kind: folder / f"依申请公开流程图.{'svg' if kind == 'svg' else 'mmd'}" for kind in drawn}
    for kind, path in paths.items():
        write_whole(path, drawn[kind].encode())
    return {kind: str(path) for kind, path in paths.items()}


def _fault(fault: Fault) -> Row:
    return {"text": str(fault), "file": fault.file, "line": fault.line, "field": fault.field, "law": fault.law}


def _roads(workflow: Workflow) -> Iterator[Fault]:
    """Every state can be reached from the start, and every state can still reach an end."""
    graph = graph_of(workflow)
    leads = {
        state: {graph.destination(state, step) or state for step in graph.steps_from(state)}
        for state in workflow.states
    }
    reached = _closure({workflow.initial}, leads)
    finals = {name for name, state in workflow.states.items() if state.final}
    backwards = {s: {t for t, to in leads.items() if s in to} for s in leads}
    ending = _closure(finals, backwards)
    for name, state in workflow.states.items():
        if name not in reached:
            yield Fault(f"状态“{state.title}”无法到达", "workflows", field=f"states.{name}")
        if name not in ending:
            yield Fault(f"状态“{state.title}”无法走到终点", "workflows", field=f"states.{name}")
        if not state.final and not state.owner and not state.waits_for:
            yield Fault(f"状态“{state.title}”没有责任岗位，也没有所等待的期限", "workflows", field=f"states.{name}")


def _settings(home: Path | None, workflow: Workflow) -> Iterator[Fault]:
    """What the office's settings name, the workflow knows."""
    if home is None or not (home / FILE).is_file():
        return
    try:
        settings = read_settings(home)
    except DataFault as fault:
        yield from fault.faults
        return
    path, roles = str(home / FILE), {*workflow.roles, *OFFICE_ROLES}
    for clock in settings.reminders.keys() - workflow.clocks.keys():
        yield Fault(f"没有期限“{clock}”", path, field=f"reminders.{clock}")
    for stage in settings.stage_limits.keys() - workflow.stages.keys():
        yield Fault(f"没有阶段“{stage}”", path, field=f"stage_limits.{stage}")
    for figure in settings.figures.keys() - workflow.figures.keys():
        yield Fault(f"没有自定的数“{figure}”", path, field=f"figures.{figure}")
    for user, person in settings.people.items():
        for role in set(person.roles) - roles:
            yield Fault(f"没有岗位“{role}”", path, field=f"people.{user}")


def _closure(start: set[str], leads: dict[str, set[str]]) -> set[str]:
    found, todo = set(start), list(start)
    while todo:
        for state in leads[todo.pop()] - found:
            found.add(state)
            todo.append(state)
    return found


def _letters(workflow: Workflow, book: Letterbook) -> Iterator[Fault]:
    """Every letter that a step or an outcome asks for has a template and a number series."""
    known = book.kinds()
    asked = {f"steps.{n}": s.letter for n, s in workflow.steps.items() if s.letter not in ("", "by_outcome")}
    told = [(f"outcomes.{n}", kind) for n, o in workflow.outcomes.items() for kind in o.letters]
    whole = [("itemised", workflow.itemised)] if workflow.itemised else []
    for place, kind in (*asked.items(), *told, *whole):
        if kind not in known:
            yield Fault(f"没有文书模板“{kind}”", "workflows", field=place)
        elif known[kind].series is None:
            text = f"“{kind}”由流程的步骤出具，须有编号系列（series）"
            yield Fault(text, str(known[kind].path), field="series")
