"""What the forms of the file are filled from: who did what on which day, in words, and the letter being served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yishenqing.core.errors import NotFound
from yishenqing.core.workflow import Step, Workflow
from yishenqing.letters import Letterbook
from yishenqing.letters.context import blank, lookup
from yishenqing.letters.model import APPLICANT, LetterKind
from yishenqing.office.casework import Row
from yishenqing.office.paperwork import Story, dated, titles
from yishenqing.settings import Settings
from yishenqing.store.issued import Issued

_ARCHIVES_OWN = ("file", "papers", "note")  # roots that only the sealed archive fills


def made_on_demand(kind: LetterKind) -> bool:
    """Tell whether ``kind`` is a form that can be made from a case at any time (the archive makes its own)."""
    return not kind.goes_out and not any(need.split(".", 1)[0] in _ARCHIVES_OWN for need in kind.needs)


def sheet(story: Story, settings: Settings) -> Row:
    """Return what a form knows of the case beyond a letter: its history, its leads, the applicant's particulars."""
    history = _history(story, settings)
    received = story.received
    return {
        "history": history,
        "record": {step: rows[-1] for step, rows in history.items()},
        "applicant": _particulars(received["applicant"]),
    }


def _history(story: Story, settings: Settings) -> dict[str, list[Row]]:
    """Return every entry by step: its number and day, who made it, its facts with choices in their titles."""
    workflow = story.standing.workflow
    found: dict[str, list[Row]] = {}
    for seq, ((name, on, facts), actor) in enumerate(zip(story.facts, story.standing.actors, strict=True), 1):
        person = settings.people.get(actor)
        row = {**worded(workflow, workflow.steps[name], facts), "on": on, "seq": seq}
        row["by"] = person.name if person else actor
        found.setdefault(name, []).append(row)
    return found


def worded(workflow: Workflow, step: Step, facts: Mapping[str, Any]) -> Row:
    """Return the facts of a step as people read them: choices and outcomes by their titles, yes and no in Chinese."""
    return {**dated(step, facts), **titles(workflow, step.fields, facts)}


def _particulars(applicant: Any) -> Row:
    """Return what 条例第二十九条 asks an application to state of the applicant."""
    if not isinstance(applicant, dict):  # destroyed under the retention rules
        return {"identity": "（已销毁）", "contact": ["（已销毁）"], "address": "", "postcode": "", "phone": ""}
    identity = [applicant.get("id_type"), applicant.get("id_number")]
    contact = [applicant.get(name) for name in ("phone", "email", "address", "postcode")]
    return {
        "identity": " ".join(str(x) for x in identity if x) or "未提供",
        "contact": [str(x) for x in contact if x] or ["未提供"],
        **{name: str(applicant.get(name) or "") for name in ("address", "postcode", "phone")},
    }


def served(issued: Sequence[Issued], story: Story, letters: Letterbook) -> Row | None:
    """Return the latest letter that went out as a 送达回证 names it; None when none has."""
    for letter in reversed(issued):
        kind = kind_of(letter, letters)
        if kind is not None and kind.goes_out:
            return addressed(letter, kind, story)
    return None


def kind_of(letter: Issued, letters: Letterbook) -> LetterKind | None:
    """Return the kind of an issued letter; None where the office has given it up since."""
    try:
        return letters.kind(letter.kind)
    except NotFound:
        return None


def addressed(letter: Issued, kind: LetterKind, story: Story) -> Row:
    """Return an issued letter as 送达回证, envelope and waybill name it: what it is, to whom and where it goes.

    The file knows where the applicant lives; of anybody else it knows the name only.
    """
    _, on, facts = story.facts[letter.seq - 1]
    known = {"applicant": {"name": _name(story)}, "facts": facts}
    theirs = _particulars(story.received["applicant"] if kind.to == APPLICANT else {})
    return {
        "title": letter.title,
        "number": letter.letter_number,
        "date": on,
        "recipient": lookup(known, kind.addressee),
        "place": theirs["address"],
        "postcode": theirs["postcode"],
        "phone": theirs["phone"],
        "is_reply": kind.kind in replies_of(story.standing.workflow),
    }


def _name(story: Story) -> str:
    applicant = story.received["applicant"]
    return str(applicant["name"]) if isinstance(applicant, dict) else "（已销毁）"


def replies_of(workflow: Workflow) -> frozenset[str]:
    """Return the kinds of letters that answer an application."""
    return frozenset({workflow.itemised, *(k for o in workflow.outcomes.values() for k in o.letters)})


def with_blanks(kind: LetterKind, context: Mapping[str, Any], title: Any) -> Row:
    """Return ``context`` with a visible gap wherever something that ``kind`` needs is not known yet."""
    filled = dict(context)
    for need in (*kind.needs, kind.addressee):
        if kind.goes_out and need.split(".", 1)[0] not in _ROWS and lookup(filled, need) in (None, "", [], {}):
            root, _, rest = need.partition(".")
            filled[root] = _put(filled.get(root), rest, blank(title(need)))
    return filled


_ROWS = frozenset({"items", "search", "beside", "withheld"})  # what a draft cannot invent one row of


def _put(old: Any, path: str, text: str) -> Any:
    if not path:
        return text
    name, _, rest = path.partition(".")
    known = dict(old) if isinstance(old, Mapping) else {}
    return {**known, name: _put(known.get(name), rest, text)}
