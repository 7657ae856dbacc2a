"""Does everything hold together: workflow, law, letters. What is cited, where, and whether it resolves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from yishenqing import almanac, rulebook
from yishenqing.core.errors import DataFault, Fault
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
        return {
            "faults": [_fault(f) for f in (*fault.faults, *faults)],
            "citations": [],
            "calendar": [],
            "proof": None,
        }
    proof, broken = _proved(home, rules.workflow, book)
    faults += broken
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
        "proof": proof,
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


def _proved(home: Path | None, workflow: Workflow, book: Letterbook) -> tuple[Row | None, list[Fault]]:
    """Explore the workflow: what was proved, and every invariant that is broken with the shortest road to it."""
    from yishenqing import proof  # noqa: PLC0415 - for this command alone

    try:
        laws = proof.read_invariants(home, workflow, [workflow.id])
    except DataFault as fault:
        return None, [*fault.faults]
    # A form is made on demand, unnumbered; every numbered kind must be asked for by a step or an outcome.
    known = {name: bool(kind.series) for name, kind in book.kinds().items()}
    found = proof.prove(workflow, laws, known)
    broken = [Fault(text, "workflows", field=place, law=one.law) for one in found for place, text in one.breaks]
    row = {
        "bound": proof.BOUND,
        "configurations": sum(p.configurations for p in found),
        "transitions": sum(p.transitions for p in found),
        "invariants": [
            {
                "id": p.name,
                "title": p.title,
                "law": p.law,
                "proved": not p.breaks,
                "configurations": p.configurations,
            }
            for p in found
        ],
    }
    return row, broken


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
