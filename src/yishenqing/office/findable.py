"""The office's own cases as they are searched: what was asked and what was said in the file, without the people.

Entered in the transaction that registers a case, issues a letter or changes what is asked. Names and numbers of the
people of a case are taken out before anything is entered or shown; persons are recognised otherwise (``kinship``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from yishenqing.core import destroying, masking
from yishenqing.core.deadline import Fact
from yishenqing.office import casework, linking
from yishenqing.office.casework import Casework, Practice
from yishenqing.office.holdings import current_items
from yishenqing.search import Collection as Indexed
from yishenqing.search import Document, Properties
from yishenqing.store import issued, vault
from yishenqing.store import ledger as ledger_store

COLLECTION = "cases"
Text = tuple[str, str, int]  # what it is, its words, their weight
_PEOPLE = ("party", "signed_by", "tracking", "witness", "place", "approved_by")  # facts that are all about somebody
_WHO = ("name", "id_number", "phone", "email", "address")
_SHORTEST = 2  # characters of a name that are taken out wherever they stand
_HIDDEN = "某"
_ITEMS, _LETTER, _FACT = 3, 2, 1
_SAYS_ANEW = frozenset({"items", "letter"})  # whose entry enters its case


def enter(connection: Connection, case: Casework) -> None:
    """Enter a case as it stands now; of a destroyed one nothing is left to be searched."""
    agency, number = case.row.agency, case.row.number
    if case.standing.state == destroying.STATE:
        return leave(connection, agency, number)
    open_facts = vault.opener(vault.sealed_of(connection, agency, number))
    found = document(connection, case, open_facts, fate=survived(linking.linked_rows(connection, case)))
    return Indexed(connection, agency, COLLECTION).put({number: found})


def document(
    connection: Connection, case: Casework, open_facts: Callable[[Any], Any], *, fate: bool | None
) -> Document:
    """Return a case as it is searched; ``fate`` is whether the organ's act was upheld."""
    known = case.workflow.outcomes.get(case.outcome or "")
    properties = Properties(
        outcome=case.outcome, articles=known.law if known else (), year=case.row.opened_on.year, survived=fate
    )
    found = texts(connection, case, open_facts)
    return Document([(case.row.number, _FACT), *((text, weight) for _, text, weight in found)], properties)


def last_entered(case: Casework) -> int:
    """Return at which entry the case was entered last, if not later still."""
    return max(n for n, entry in enumerate(case.entries, 1) if n == 1 or _SAYS_ANEW & entry.facts.keys())


def as_entered(connection: Connection, case: Casework, open_facts: Callable[[Any], Any]) -> Iterator[Document]:
    """Yield the case as it may have been entered: at the last entry that enters it, or at any later one."""
    entering = last_entered(case)
    fate = survived(linking.linked_rows(connection, case))
    before: Document | None = None
    for n in range(entering, len(case.entries) + 1):
        known = document(connection, case.until(n), open_facts, fate=fate)
        if known != before:
            yield known
        before = known


def leave(connection: Connection, agency: str, number: str) -> None:
    """Take a case out that was destroyed."""
    Indexed(connection, agency, COLLECTION).drop([number])


def missing(connection: Connection, agency: str) -> list[str]:
    """Return the cases that are not entered as texts are split now."""
    collection = Indexed(connection, agency, COLLECTION)
    known = set(collection.refs()) if collection.current() else set()
    rows = ledger_store.case_rows(connection, agency)
    return [r.number for r in rows if r.number not in known and r.state != destroying.STATE]


def current(connection: Connection, agency: str) -> bool:
    """Tell whether the cases were entered as texts are split now; of an agency without cases nothing need be."""
    return Indexed(connection, agency, COLLECTION).current() or not ledger_store.has_cases(connection, agency)


def begin_anew(connection: Connection, agency: str) -> None:
    """Empty the index of cases, to be entered anew."""
    Indexed(connection, agency, COLLECTION).begin_anew()


def enter_many(connection: Connection, practice: Practice, numbers: Sequence[str]) -> int:
    """Enter these cases, locked, so that none is destroyed meanwhile; return how many could be read."""
    ledger_store.rows_of_many(connection, practice.agency, numbers, lock=True)
    entered = 0
    for case in casework.load_many(connection, practice, numbers):
        enter(connection, case)
        entered += 1
    return entered


def texts(connection: Connection, case: Casework, open_facts: Callable[[Any], Any]) -> list[Text]:
    """Return what is searched of a case, the people taken out: its items, its letters, the words of its entries."""
    facts = [(fact, open_facts(fact.facts)) for fact in case.standing.facts]
    people = _people(opened for _, opened in facts)
    found: list[Text] = [("申请内容", item, _ITEMS) for item in current_items(case, open_facts)]
    letters = issued.letters_of(connection, case.row.agency, case.row.number)
    told = [letter for letter in letters if letter.seq <= len(case.entries)]
    found += [("文书", f"{letter.title} {letter.letter_number}", _LETTER) for letter in told]
    for fact, opened in facts:
        found += _words(case, fact, opened)
    known = dict.fromkeys((what, without_people(text, people), weight) for what, text, weight in found)
    return [text for text in known if text[1]]


def survived(linked: Sequence[Mapping[str, Any]]) -> bool | None:
    """Tell whether the organ's act was upheld (True) or set aside (False) in what followed; None: neither."""
    results = {row["result"] for row in linked if row["relation"] == "child"}
    if "corrected" in results:
        return False
    return True if "maintained" in results else None


def without_people(text: str, people: Collection[str]) -> str:
    """Return ``text`` without the names and numbers of the people of the case, and without anybody's numbers."""
    for name in people:
        text = text.replace(name, f"{name[0]}{_HIDDEN}" if not name[0].isascii() else _HIDDEN)
    return masking.masked(text, masking.numbers(text), {})


def _people(opened: Any) -> list[str]:
    """Return who the people of a case are: names, numbers, addresses; the longest first."""
    found: set[str] = set()
    for facts in opened:
        for who in (facts.get("applicant"), *_listed(facts.get("joint_applicants"))):
            if isinstance(who, dict):
                agent = who.get("agent")
                found |= {str(w[k]) for w in (who, agent) if isinstance(w, dict) for k in _WHO if w.get(k)}
        found |= {str(facts[name]) for name in _PEOPLE[:2] if facts.get(name)}
    return sorted((n for n in found if len(n) >= _SHORTEST), key=lambda n: (-len(n), n))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _words(case: Casework, fact: Fact, opened: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the words that an entry says in its own name: no choices, no dates, no people, no papers."""
    for name, field in case.workflow.steps[fact.step].fields.items():
        if name in (*_PEOPLE, "items") or field.choices or field.type not in ("text", "list"):
            continue
        value = opened.get(name)
        for said in value if isinstance(value, list) else [value]:
            if isinstance(said, str) and said.strip():
                yield field.title, said, _FACT
