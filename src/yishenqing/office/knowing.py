"""What an office knows of a case before it answers: each item with precedents, register, earlier letters, routing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from yishenqing.core.findings import found_items
from yishenqing.core.remedies import FINDING
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Row
from yishenqing.office.paperwork import Story
from yishenqing.store import issued as issued_store
from yishenqing.store import vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.advice import Advice, Sorted
    from yishenqing.inspection import Check, Inspection
    from yishenqing.precedents import Match

    Search = Callable[[str], Sequence[Match]]

_JUDGES, _SPLITS = "found", "split"
_REPLY = "by_outcome"


class Item(Struct, frozen=True):
    """One item of a request with everything that is known of it."""

    n: int
    text: str
    sorted: Sequence[Sorted] = ()
    vague: Sequence[str] = ()
    near: Sequence[Match] = ()
    holdings: Sequence[Row] = ()
    alike: Sequence[Row] = ()
    routes: Sequence[Row] = ()


class Known(Struct, frozen=True):
    """A case with its story opened, the advice that the office goes by, and what is known of each item."""

    case: Casework
    story: Story
    advice: Advice
    items: Sequence[Item]
    search: Search
    checks: Mapping[str, Check] = field(default_factory=dict)
    recognised: Row = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def told(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return what each step has recorded, opened."""
        return [(step, facts) for step, _, facts in self.story.facts]

    @property
    def request(self) -> str:
        """Return the whole request as one text, with what the applicant added."""
        return "\n".join((*self.story.items, str(self.story.received.get("note") or "")))


def items_of(
    texts: Sequence[str],
    advice: Advice,
    inspection: Inspection,
    search: Search,
    *,
    leads: Sequence[str] = (),
    holdings: Sequence[Row] = (),
    alike: Sequence[Row] = (),
    routes: Sequence[Row] = (),
) -> list[Item]:
    """Return the items of a request, each with what was found of it."""
    from yishenqing.advice import sort_submission, vague

    registered = {int(h["item"]): h["found"] for h in holdings}
    return [
        Item(
            n,
            text,
            sort_submission(advice, text, _named(leads_of(text, leads, inspection), advice)),
            vague(advice, text),
            search(text),
            registered.get(n, ()),
            [a for a in alike if a["item"] == n],
            [r for r in routes if r["item"] == n],
        )
        for n, text in enumerate(texts, 1)
    ]


def _named(leads: Sequence[str], advice: Advice) -> list[str]:
    """Return the leads that name something: “那个工程” does not."""
    return [lead for lead in leads if not any(word in lead for word in advice.vague)]


def leads_of(text: str, given: Sequence[str], inspection: Inspection) -> list[str]:
    """Return the leads in one item: those that the applicant listed and it names, and those found in its words."""
    from yishenqing.inspection.leads import leads

    words = inspection.checks["leads_in_request"].words
    found = leads(text, words.get("suffixes", ()), words.get("before", ()))
    return list(dict.fromkeys((*(x for x in given if str(x) in text), *found)))


def with_findings(connection: Connection, practice: casework.Practice, agency: str, rows: Sequence[Row]) -> list[Row]:
    """Return earlier requests, each with what was found of that very item and by which letter it was told.

    An item that was split off is answered in the case that it went to, which is among the requests itself.
    """
    numbers = sorted({str(r["number"]) for r in rows})
    cases = {c.row.number: c for c in casework.load_many(connection, practice, numbers)} if numbers else {}
    letters = {n: issued_store.letters_of(connection, agency, n) for n in cases}
    return [
        {**row, **_finding(cases[n], letters[n], place)}
        for row in rows
        if (n := str(row["number"])) in cases
        and (place := _place_now(connection, cases[n], int(row["earlier_item"]))) is not None
    ]


def _place_now(connection: Connection, case: Casework, item: int) -> int | None:
    """Return where an item of the application stands now that others may have been split off; None: it was itself."""
    splits = [fact for fact in case.standing.facts if fact.step == _SPLITS]
    if not splits:
        return item
    open_facts = vault.opener(vault.sealed_of(connection, case.row.agency, case.row.number))
    items = open_facts(case.standing.facts[0].facts)["items"]
    moved = [text for fact in splits for text in open_facts(fact.facts)["moved"]]
    kept = [n for n, text in enumerate(items, 1) if text not in moved]
    return kept.index(item) + 1 if item in kept else None


def _finding(case: Casework, letters: Sequence[issued_store.Issued], place: int) -> Row:
    found = found_items(case.standing, _JUDGES).get(place, {})
    steps = case.workflow.steps
    reply = next((x for x in reversed(letters) if steps[case.entries[x.seq - 1].step].letter == _REPLY), None)
    outcome = str(found.get(FINDING) or case.outcome or "")
    known = case.workflow.outcomes.get(outcome)
    return {
        "finding": outcome,
        "finding_title": known.title if known else "",
        "gives": known.gives if known else "",
        "letter": reply.letter_number if reply else "",
        "set_aside": any(f.facts.get("corrected") for f in case.standing.facts),
    }
