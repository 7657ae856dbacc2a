"""Does everything hold together: workflow, law, letters. What is cited, where, and whether it resolves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing import almanac, rulebook
from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.core.law import UNIT_TITLES, Law
from yishenqing.core.links import faults_between
from yishenqing.core.readings import Readings
from yishenqing.core.soundness import citations
from yishenqing.core.workflow import Workflow
from yishenqing.letters import Letterbook
from yishenqing.office.casework import Row
from yishenqing.rulebook import Rulebook
from yishenqing.settings import FILE, OFFICE_ROLES, Settings, read_settings
from yishenqing.shipped import layered
from yishenqing.store.vault import write_whole

if TYPE_CHECKING:
    from yishenqing.proof import Proved


def check(home: Path | None) -> Row:
    """Return all faults of workflow, law and letters, and every citation with its article and places.

    The answer's ``faults`` is empty when the office may rely on its files.
    """
    book = Letterbook(layered("letters", home))
    faults = book.faults()
    faults += almanac.faults(layered("workflows", home))
    try:
        known, broken = rulebook.read_all(home)
    except DataFault as fault:
        return {"faults": [_fault(f) for f in (*fault.faults, *faults)], "citations": [], **_NOTHING}
    if rulebook.DEFAULT not in known:
        return {"faults": [_fault(f) for f in (*broken, *faults)], "citations": [], **_NOTHING}
    sound = not faults
    faults += broken
    for found in _together(known, book if sound else None):
        faults += [found] if found not in faults else []  # a variant shares most of what its base has
    proofs, broken = _proofs(home, known, book)
    faults += broken
    faults += [*_settings(home, known, book if sound else None), *_customs(home, known)]
    law = known[rulebook.DEFAULT].law
    places = _places(known)
    if not faults:
        for name, kind in book.kinds().items():
            for citation in kind.law:
                places.setdefault(citation, []).append(f"letters.{name}")
                if problem := law.unresolved(citation):
                    faults.append(Fault(problem, str(kind.path), field="law", law=citation))
    return {
        "faults": [_fault(f) for f in faults],
        "citations": [
            {
                "law": c,
                "text": law.text(c),
                "places": list(dict.fromkeys(found)),
                "resolved": not law.unresolved(c),
            }
            for c, found in sorted(places.items())
        ],
        "calendar": list(almanac.CalendarFolder(layered("workflows", home))),
        "readings": list(_readings(home, known[rulebook.DEFAULT].workflow)),
        "workflows": [{"id": n, "title": r.workflow.title, "extends": r.workflow.extends} for n, r in known.items()],
        "unchecked": _unchecked(law),
        "unchecked_parts": [s.title for s in law.statutes.values() if s.parts and s.parts_checked_on is None],
        "proof": proofs,
    }


def _together(known: Mapping[str, Rulebook], book: Letterbook | None) -> Iterator[Fault]:
    """What each procedure lacks: roads, letters (where the book is sound), and what it tells its parent."""
    base = known[rulebook.DEFAULT].workflow
    for name, rules in known.items():
        yield from _numbered(rules.workflow, book) if book else ()
        for place, text in faults_between(rules.workflow, base):
            yield Fault(text, "workflows", field=f"{name}.{place}")


def _unchecked(law: Law) -> list[Row]:
    """The values that nobody has compared with the published text yet."""
    return [
        {"term": name, "title": term.title, "value": value.value, "law": value.law}
        for name, term in law.terms.items()
        for value in term.values
        if value.checked_on is None
    ]


_NOTHING: Row = {"proof": [], "calendar": [], "readings": [], "workflows": [], "unchecked": [], "unchecked_parts": []}


def _places(known: Mapping[str, Rulebook]) -> dict[str, list[str]]:
    """Return where each citation is made; what a variant takes over from its base is not said twice."""
    places: dict[str, list[str]] = {}
    base = known[rulebook.DEFAULT].workflow
    for name, rules in known.items():
        own = set(citations(known[rules.workflow.extends].workflow)) if rules.workflow.extends in known else set()
        for citation, place in citations(rules.workflow):
            if (citation, place) not in own:
                prefix = "" if rules.workflow is base else f"{name}."
                places.setdefault(citation, []).append(f"{prefix}{place}")
    return places


def diagrams(home: Path | None, folder: Path, workflow: str = "") -> Row:
    """Draw the flow charts of a procedure into ``folder``; return the paths of SVG and Mermaid.

    ``svg`` and ``mermaid`` are those for the public, ``full_svg`` and ``full_mermaid`` those for officers; a
    procedure that shows nothing to the public has one chart, which is then both.

    Raises:
        NotFound: there is no such procedure.
    """
    from yishenqing import diagram

    rules = rulebook.read_rulebook(home, workflow or rulebook.DEFAULT)
    drawn, days = rules.workflow, _periods(rules)
    public, full = "依申请公开流程图", "依申请公开办理流程图（全）"
    if drawn.linked or drawn.extends:
        public, full = f"{drawn.title}图", f"{drawn.title}图（全）"
    if not diagram.has_public(drawn):
        full = public
    texts = {
        "full_svg": (folder / f"{full}.svg", diagram.svg(drawn, days)),
        "full_mermaid": (folder / f"{full}.mmd", diagram.mermaid(drawn, days)),
    }
    if diagram.has_public(drawn):
        titles = {name: remedy.title for name, remedy in rules.law.remedies.items()}
        texts["svg"] = (folder / f"{public}.svg", diagram.public_svg(drawn, days, titles))
        texts["mermaid"] = (folder / f"{public}.mmd", diagram.public_mermaid(drawn, days, titles))
    for path, text in texts.values():
        write_whole(path, text.encode())
    kinds = ("svg", "mermaid", "full_svg", "full_mermaid")
    return {kind: str(texts.get(kind, texts[f"full_{kind.removeprefix('full_')}"])[0]) for kind in kinds}


def _periods(rules: Rulebook) -> dict[str, str]:
    """Return how long each term of the law is now, by its name and by the clocks that run so long."""
    days = {
        name: f"{value.value}{UNIT_TITLES[term.unit]}" if value.value else f"当{UNIT_TITLES[term.unit]}"
        for name, term in rules.law.terms.items()
        if (value := term.on(date.max))
    }
    return days | {name: days[clock.term] for name, clock in rules.workflow.clocks.items() if clock.term in days}


def _fault(fault: Fault) -> Row:
    return {"text": str(fault), "file": fault.file, "line": fault.line, "field": fault.field, "law": fault.law}


def _proofs(home: Path | None, known: Mapping[str, Rulebook], book: Letterbook) -> tuple[list[Row], list[Fault]]:
    """Explore the procedures in use: what the office opens its cases under, and what may be linked to them."""
    from yishenqing import proof

    rows: list[Row] = []
    broken: list[Fault] = []
    for name, rules in known.items():
        workflow = rules.workflow
        if workflow.opens(rulebook.DISCLOSURE) and name != _in_use(home, known):
            continue
        try:
            laws = proof.read_invariants(home, workflow, [n for n in (workflow.id, workflow.extends) if n])
        except DataFault as fault:
            return rows, [*broken, *fault.faults]
        # A form is made on demand, unnumbered; every numbered kind must be asked for by a step or an outcome.
        others = {k for r in known.values() if r.workflow.request != workflow.request for k in r.workflow.letters}
        kinds = {
            kind: bool(known_kind.series and workflow.channels and kind not in others)
            for kind, known_kind in book.kinds().items()
        }
        found = proof.prove(workflow, laws, kinds)
        broken += [Fault(text, "workflows", field=place, law=one.law) for one in found for place, text in one.breaks]
        rows.append({"workflow": name, "title": workflow.title, "bound": proof.BOUND, **_proved(found)})
    return rows, broken


def _in_use(home: Path | None, known: Mapping[str, Rulebook]) -> str:
    """The procedure that new cases are opened under."""
    try:
        chosen = read_settings(home).workflow if home is not None else rulebook.DEFAULT
    except (DataFault, NotFound):  # no office, or its settings are named as faulty elsewhere
        chosen = rulebook.DEFAULT
    return chosen if chosen in known else rulebook.DEFAULT


def _proved(found: Sequence[Proved]) -> Row:
    return {
        "configurations": sum(p.configurations for p in found),
        "transitions": sum(p.transitions for p in found),
        "invariants": [
            {"id": p.name, "title": p.title, "law": p.law, "proved": not p.breaks, "configurations": p.configurations}
            for p in found
        ],
    }


def _settings(home: Path | None, known: Mapping[str, Rulebook], book: Letterbook | None) -> Iterator[Fault]:
    """What the office's settings name, one of the procedures (or of the letters, where they are sound) knows."""
    if home is None or not (home / FILE).is_file():
        return
    try:
        settings = read_settings(home)
    except DataFault as fault:
        yield from fault.faults
        return
    flows, path = [rules.workflow for rules in known.values()], str(home / FILE)
    roles = {*OFFICE_ROLES, *(role for flow in flows for role in flow.roles)}
    opens = [name for name, rules in known.items() if rules.workflow.opens(rulebook.DISCLOSURE)]
    if settings.workflow not in opens:
        text = f"没有可以登记申请的流程“{settings.workflow}”；现有：{'、'.join(opens)}"
        yield Fault(text, path, field="workflow")
    for clock in settings.reminders.keys() - {clock for flow in flows for clock in flow.clocks}:
        yield Fault(f"没有期限“{clock}”", path, field=f"reminders.{clock}")
    for stage in settings.stage_limits.keys() - {stage for flow in flows if flow.limiting for stage in flow.stages}:
        yield Fault(f"没有阶段“{stage}”", path, field=f"stage_limits.{stage}")
    for figure in settings.figures.keys() - {figure for flow in flows for figure in flow.figures}:
        yield Fault(f"没有自定的数“{figure}”", path, field=f"figures.{figure}")
    for name in settings.readings.keys() - {name for flow in flows for name in flow.readings}:
        yield Fault(f"流程中没有争议问题“{name}”的读法", path, field=f"readings.{name}")
    for user, person in settings.people.items():
        for role in set(person.roles) - roles:
            yield Fault(f"没有岗位“{role}”", path, field=f"people.{user}")
    yield from _series(settings, book, path)
    yield from _unstaffed(settings, flows, path)
    yield from _exchange(home, settings, flows)


def _exchange(home: Path, settings: Settings, flows: Sequence[Workflow]) -> Iterator[Fault]:
    """The events name steps that there are, the mappings of the receivers events that there are."""
    from yishenqing.exchange import read_mapping, read_vocabulary

    try:
        vocabulary = read_vocabulary(home)
        names = dict.fromkeys(r.mapping for r in settings.exchange.receivers.values() if r.mapping)
        mappings = {name: read_mapping(name, home) for name in names}
    except (DataFault, NotFound) as error:
        yield from error.faults if isinstance(error, DataFault) else [Fault(str(error), FILE, field="exchange")]
        return
    steps = {step for flow in flows for step in flow.steps}
    for event, kind in vocabulary.events.items():
        for step in set(kind.steps) - steps:
            yield Fault(f"没有步骤“{step}”", "workflows/exchange/events.yaml", field=f"events.{event}")
    for name, mapping in mappings.items():
        for event in set(mapping.events) - vocabulary.events.keys():
            yield Fault(f"没有事项“{event}”", f"workflows/exchange/{name}.yaml", field="events")


def _unstaffed(settings: Settings, flows: Sequence[Workflow], path: str) -> Iterator[Fault]:
    """The steps of the procedures in use that nobody in the office could take, by the roles that take them."""
    for flow in flows:
        if not flow.opens(rulebook.CORRECTION) and flow.id != settings.workflow:
            continue
        lacking: dict[tuple[str, ...], list[str]] = {}
        for step in flow.steps.values():
            if not settings.staffed & set(step.by):
                lacking.setdefault(step.by, []).append(f"“{step.title}”")
        for roles, titles in lacking.items():
            names = "、".join(f"{flow.roles[role]}（{role}）" for role in roles)
            text = f"没有人担任{names}，“{flow.title}”的{'、'.join(titles)}将无人可办"
            yield Fault(text, path, field="people", law=flow.law[0])


def _series(settings: Settings, book: Letterbook | None, path: str) -> Iterator[Fault]:
    used = {kind.series for kind in book.kinds().values()} if book else settings.letter_numbers.keys()
    for series in settings.letter_numbers.keys() - used:
        yield Fault(f"没有编号系列“{series}”的文书", path, field=f"letter_numbers.{series}")


def _readings(home: Path | None, workflow: Workflow) -> Iterator[Row]:
    """How the office reads what the law leaves contested; by default where its settings say nothing."""
    try:
        chosen = read_settings(home).readings if home is not None else {}
    except (DataFault, NotFound):  # no office, or its settings are already named as faulty
        chosen = {}
    readings = Readings(workflow.readings, chosen)
    for name, reading in workflow.readings.items():
        word = readings.word(name)
        option = reading.options[word]
        yield {
            "reading": name,
            "title": reading.title,
            "taken": word,
            "taken_title": option.title,
            "default": word == reading.default,
            "why": option.why,
            "source": option.source,
            "law": option.law,
            "others": {w: o.title for w, o in reading.options.items() if w != word},
        }


def _customs(home: Path | None, known: Mapping[str, Rulebook]) -> Iterator[Fault]:
    """What register and recognition go by names articles, roles and outcomes that there are."""
    # Only what is checked is read.
    from yishenqing import advice, archive, holdings, inspection, kinship, sight
    from yishenqing.office.sampling import read_review
    from yishenqing.precedents import customs

    own, rules = home if home is not None and (home / FILE).is_file() else None, known[rulebook.DEFAULT]
    filed = {name for r in known.values() if r.workflow.channels for name in r.workflow.steps}  # a file of its own
    try:
        checks = inspection.read_inspection(own)
        inspection.adjusted(checks, _taken_as(own), FILE)
        register, recognition = holdings.read_customs(own), kinship.read_customs(own)
        library = customs.read_customs(own)
        guide = advice.read_advice(own)
        filing, review, seen = archive.read_order(own), read_review(own), sight.read_sight(own)
    except DataFault as fault:
        yield from fault.faults
        return
    yield from advice.faults_against(guide, rules.workflow, rules.law)
    yield from _of_report(own, rules)
    roles = {*rules.workflow.roles, *OFFICE_ROLES}
    asked = dict.fromkeys((checks.law, *(check.law for check in checks.checks.values())))
    cited = [("recognition", c) for c in recognition.law] + [("inspection", c) for c in asked]
    cited += [("holdings", register.law), ("precedents", library.law)]
    cited += [("filing", c) for c in filing.law] + [("sight", c) for c in seen.law]
    cited += [("review", c) for c in dict.fromkeys((*review.law, *(item.law for item in review.items)))]
    for file, citation in cited:
        if problem := rules.law.unresolved(citation):
            yield Fault(problem, f"workflows/{file}.yaml", field="law", law=citation)
    acting = [("holdings", register.reassess_by), ("recognition", recognition.decide_by)]
    acting += [("sight", tuple(seen.roles))]
    acting += [("precedents", library.propose_by), ("precedents", library.review_by)]
    for file, named in acting:
        for role in set(named) - roles:
            yield Fault(f"没有岗位“{role}”", f"workflows/{file}.yaml")
    for n, group in enumerate(filing.order):
        for step in {*group.steps, *group.forms.values()} - filed:
            yield Fault(f"流程中没有步骤“{step}”", "workflows/filing.yaml", field=f"order.{n}")
    for outcome in set(register.reassessed_outcomes) - rules.workflow.outcomes.keys():
        yield Fault(f"没有办理结果“{outcome}”", "workflows/holdings.yaml", field="reassessed_outcomes")
    for outcome in set(library.outcomes) - rules.workflow.outcomes.keys():
        yield Fault(f"没有办理结果“{outcome}”", "workflows/precedents.yaml", field="outcomes")


def _of_report(home: Path | None, rules: rulebook.Rulebook) -> Iterator[Fault]:
    """What the annual report and older ledgers go by: every outcome has its row, every citation resolves."""
    from yishenqing import takeover
    from yishenqing.reporting import form, supervision

    try:
        table, words, lamps = form.read_form(home), takeover.read_customs(home), supervision.read_customs(home)
    except DataFault as fault:
        yield from fault.faults
        return
    laws = [("report", table.law), *(("report", p.law) for p in table.table2.parts), ("import", words.law)]
    laws += [*(("report", s.law) for s in table.smells), ("supervision", lamps.law)]
    for file, citation in dict.fromkeys(laws):
        if problem := rules.law.unresolved(citation):
            yield Fault(problem, f"workflows/{file}.yaml", field="law", law=citation)
    outcomes = set(rules.workflow.outcomes)
    for name in sorted(outcomes ^ set(table.table3.outcomes)):
        yield Fault(f"办理结果“{name}”在流程和表三中不能只有一处有", "workflows/report.yaml", field="table3.rows")
    for name in sorted(set(words.outcomes) - outcomes):
        yield Fault(f"没有办理结果“{name}”", "workflows/import.yaml", field="outcomes")


def _taken_as(home: Path | None) -> dict[str, tuple[str, str]]:
    """How the office takes the checks before issue; faulty settings are named elsewhere."""
    try:
        wished = read_settings(home).inspection if home is not None else {}
    except DataFault:
        return {}
    return {name: (taken.take_as, taken.reason) for name, taken in wished.items()}


def _numbered(workflow: Workflow, book: Letterbook) -> Iterator[Fault]:
    """Every letter that a step issues has a number series."""
    asked = {s.letter for s in workflow.steps.values()} | {k for o in workflow.outcomes.values() for k in o.letters}
    for name, kind in book.kinds().items():
        if name in asked and kind.series is None:
            yield Fault(f"“{name}”由流程的步骤出具，须有编号系列（series）", str(kind.path), field="series")
