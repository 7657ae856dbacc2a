"""Taking a step: decide, print the letter it asks for outside any lock, then write everything or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection

from yishenqing.core.deadline import Fact
from yishenqing.core.decide import decide
from yishenqing.core.errors import DataFault, Fault, Moved, NotFound, Refused
from yishenqing.core.facts import shaped
from yishenqing.core.guards import guard_refusals
from yishenqing.core.ledger import Entry, canonical
from yishenqing.core.ledger import append as chained
from yishenqing.core.remedies import remedies
from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workflow import Step
from yishenqing.office import casework, filling, following, paperwork, proving, quoting, telling
from yishenqing.office.casework import Casework
from yishenqing.settings import Settings
from yishenqing.store import due as due_store
from yishenqing.store import issued as issued_store
from yishenqing.store import keyring, vault
from yishenqing.store import ledger as ledger_store
from yishenqing.store.issued import Issued
from yishenqing.store.vault import Paper, Papers

if TYPE_CHECKING:
    from yishenqing.core.law import Law
    from yishenqing.intake.attachments import Attachments
    from yishenqing.letters import Letterbook
    from yishenqing.letters.model import LetterKind
    from yishenqing.letters.press import Enclosed
    from yishenqing.letters.signing import Signing
    from yishenqing.office.departing import Departures


class Act(Struct, frozen=True):
    """What somebody wants to record: the step, its legal date, who acts, and the facts as given."""

    step: str
    on: date
    actor: str
    # Each with whose it is: the actor's own, or of somebody who is away; None where another act has been asked.
    roles: Mapping[str, str] | None
    facts: Mapping[str, Any]
    recorded_at: str
    rehearsal: bool
    expect: int | None = None
    verb: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)  # what the program notes itself


class Plan(Struct, frozen=True):
    """A lawful act, ready to be written: the facts in their types, where it leads, the letter it asks for."""

    case: Casework
    act: Act
    step: Step
    facts: Mapping[str, Any]
    destination: str
    letter: str
    series: str
    letter_n: int
    letter_number: str

    @property
    def fact(self) -> Fact:
        """Return the act as the core sees it."""
        return Fact(self.act.step, self.act.on, self.facts)

    def matches(self, other: Plan) -> bool:
        """Tell whether a letter printed for ``other`` still says what this plan would say."""
        return self.says_the_same(other) and self.letter_number == other.letter_number

    def says_the_same(self, other: Plan) -> bool:
        """Tell whether the letter of ``other`` says the same, be it under another number."""
        return self.case.row.head_hash == other.case.row.head_hash and self.facts == other.facts


class Printed(Struct, frozen=True):
    """A letter rendered for a plan, not yet issued; ``noted`` is what its entry says of the inspection.

    ``signed`` is the same with a signature behind it, where the office signs.
    """

    plan: Plan
    title: str
    content: bytes
    noted: Mapping[str, Any] = field(default_factory=dict)
    signed: bytes = b""


class Registry:
    """Plans, prints and records acts with the office's settings, letters and papers."""

    def __init__(
        self,
        settings: Settings,
        letters: Callable[[], Letterbook],
        papers: Papers,
        law: Callable[[], Law],
        attachments: Callable[[], Attachments],
        signing: Signing | None = None,
        departures: Departures | None = None,
    ) -> None:
        """Work for one office; what few acts need is fetched when an act needs it."""
        self._settings, self._fetch_letters, self._papers, self._fetch_law = settings, letters, papers, law
        self._signing, self.departures, self._attachments = signing, departures, attachments

    @property
    def _letters(self) -> Letterbook:
        return self._fetch_letters()

    def plan(self, connection: Connection, case: Casework, act: Act, today: date, *, looking: bool = False) -> Plan:
        """Return the act as it would be recorded; ``looking``: as things stand, the next number not held.

        Raises:
            NotFound: the workflow has no such step.
            Moved: the case is no longer where the caller saw it.
            DataFault: a fact is unknown or malformed.
            Refused: the law or the workflow does not allow it.
        """
        step = case.workflow.steps.get(act.step)
        if step is None:
            names = "、".join(f"{n}（{s.title}）" for n, s in case.workflow.steps.items())
            raise NotFound(f"流程中没有步骤“{act.step}”；现有步骤：{names}。")
        if step.verb != act.verb:
            raise Refused(f"“{step.title}”不单独办理，请用 ysq {step.verb} 办理。", law=list(step.law), permitted=[])
        if act.expect is not None and act.expect != case.row.head_seq:
            raise Moved(written_since(case, act.expect))
        facts = filling.filled(connection, case, step, shaped(case.workflow, step, act.facts))
        attempt = Attempt(case.standing, act.step, step, act.on, facts, act.actor, act.roles)
        destination = decide(attempt, today)
        self.refuse_uncited(case, telling.officers_words(case.workflow, facts, self._fetch_letters), act.on)
        facts |= self._noted(attempt) | _stood_in(act, step) | dict(act.notes)
        next_number = ledger_store.glance_at_number if looking else ledger_store.peek_number
        return self._lettered(connection, case, act, step, facts, destination, next_number)

    def _noted(self, attempt: Attempt) -> dict[str, Any]:
        """Return what the program notes itself: guards switched off and broken, a reply that was set aside."""
        noted: dict[str, Any] = {"corrected": True} if attempt.step.overturns else {}
        if any(g.switch for g in attempt.step.guards):
            reasons = guard_refusals(replace(attempt, standing=_all_switched_on(attempt.standing)))
            if reasons:
                noted["switched_off"] = [str(r) for r in reasons]
        return noted

    def _lettered(
        self,
        connection: Connection,
        case: Casework,
        act: Act,
        step: Step,
        facts: dict[str, Any],
        destination: str,
        next_number: Callable[[Connection, str, str, int], int],
    ) -> Plan:
        kind = letter_kind(case, step, facts)
        if not kind:
            return Plan(case, act, step, facts, destination, "", "", 0, "")
        series = proving.series_of(self._letters.kind(kind), rehearsal=act.rehearsal)
        n = next_number(connection, case.row.agency, series, act.on.year)
        number = self._settings.numbered_letter(series, act.on.year, n)
        return Plan(case, act, step, facts, destination, kind, series, n, number)

    def enclosed(self, connection: Connection, case: Casework, step: Step) -> list[Enclosed]:
        """Return the files that go inside the letter of ``step``; none unless the office wishes it."""
        if not self._settings.letters.enclose:
            return []
        from yishenqing.office import enclosing

        papers = vault.papers_of(connection, case.row.agency, case.row.number)
        return enclosing.enclosed(case, step, papers, self._papers)

    def printed(self, plan: Plan, open_facts: paperwork.Opener, files: Sequence[Enclosed] = ()) -> Printed:
        """Render the letter that ``plan`` asks for; nothing is stored yet."""
        kind = self._letters.kind(plan.letter)
        letter_context = self.context_of(kind, plan.case, plan.act, plan.facts, open_facts, plan.letter_number)
        book = self._letters
        content = book.pdf(plan.letter, letter_context, files) if files else book.pdf(plan.letter, letter_context)
        signed = proving.signed(content, kind, self._signing, rehearsal=plan.act.rehearsal)
        return Printed(plan, kind.title, content, signed=signed)

    def context_of(
        self,
        kind: LetterKind,
        case: Casework,
        act: Act,
        facts: Mapping[str, Any],
        open_facts: paperwork.Opener,
        letter_number: str | None,
    ) -> dict[str, Any]:
        """Return what a letter of ``kind`` is filled from: a form has the whole file, some have their own remedy."""
        found = self.letter_context(case, act, facts, open_facts, letter_number)
        if kind.remedy not in ("none", "by_outcome"):  # its own; rules that lack it leave the letter incomplete
            law, name = case.standing.law, kind.remedy
            known = name in law.remedies
            found["remedy"] = paperwork.remedy_block(law, name, self._settings, act.on) if known else None
        self.refuse_uncited(case, telling.island_words(self._letters, kind, found), act.on)
        if kind.goes_out:
            return found
        after = paperwork.Story.of(case.standing, open_facts).plus(Fact(act.step, act.on, facts), facts, act.actor)
        return self.on_file(found, after)

    def refuse_uncited(self, case: Casework, words: Iterable[tuple[str, str]], on: date) -> None:
        """Let no words of an officer (title, text) cite an article that the law data in force on ``on`` do not hold.

        Raises:
            DataFault: some do; each citation is named.
        """
        faults = []
        for title, text in words:
            if quoting.unresolved(case.standing.law, text, on):  # the case's law may lack what has come since
                faults += [Fault(u.text, field=title) for u in quoting.unresolved(self._fetch_law(), text, on)]
        if faults:
            raise DataFault.of(faults)

    def on_file(self, context: Mapping[str, Any], story: paperwork.Story) -> dict[str, Any]:
        """Return ``context`` with what only the forms of the file are told."""
        from yishenqing.office import sheets

        more = sheets.sheet(story, self._settings)
        return {**context, **more, "applicant": {**context["applicant"], **more["applicant"]}}

    def form_context(self, case: Casework, open_facts: paperwork.Opener, on: date) -> dict[str, Any]:
        """Return what a form that no step issues is filled from, as the case stands."""
        story = paperwork.Story.of(case.standing, open_facts)
        found = paperwork.context(
            story, self._settings, case.row.number, facts={}, on=on, letter_number=None, remedy="none"
        )
        outcome = case.workflow.outcomes[case.outcome].title if case.outcome else ""
        found["case"] = {**found["case"], "outcome_title": outcome}
        found["letter"] = {**found["letter"], "draft": False}
        return self.on_file(found, story)

    def letter_context(
        self,
        case: Casework,
        act: Act,
        facts: Mapping[str, Any],
        open_facts: paperwork.Opener,
        letter_number: str | None,
    ) -> dict[str, Any]:
        """Return what the letter of ``act`` is filled from, as the case stands after the act."""
        before = paperwork.Story.of(case.standing, open_facts)
        story = before.plus(Fact(act.step, act.on, facts), facts, act.actor)
        step, law = case.workflow.steps[act.step], case.rules.law
        reply = telling.is_reply(step)
        told = telling.told(before, facts) if reply else facts
        remedy = law.joined(remedies(case.workflow, law, story.standing.facts))
        block = paperwork.case_block(story, case.row.number)
        told = {"method": block["delivery_title"], "form_title": block["form_title"], **told}
        found = paperwork.context(
            story,
            self._settings,
            case.row.number,
            facts=told,
            on=act.on,
            letter_number=letter_number,
            remedy=remedy,
            delivery=str(story.received["delivery"]) if reply else "",
        )
        found |= telling.telling(story, step, told)
        if told.get("reasoning"):  # the handler's own words: an island between the locked sentences
            found["islands"]["explanation"] = [{"text": told["reasoning"], "source": "officer"}]
        found["letter"] |= {"step": act.step, "rehearsal": act.rehearsal}
        return found

    def record(self, connection: Connection, plan: Plan, printed: Printed | None) -> Casework:
        """Write the entry with all that follows from it, inside the caller's transaction."""
        case, act = plan.case, plan.act
        agency, number = case.row.agency, case.row.number
        inside, sealed = vault.seal_facts(plan.step, plan.facts)
        if printed is not None or any(known.type == "file" for known in plan.step.fields.values()):
            keyring.beside(connection, agency)  # nobody removes a content that this act finds lying there
        papers = self._file_facts(plan, inside)
        if printed is not None:
            kept, told = proving.kept(self._papers, printed, self._letters.made_by())
            papers += kept
            inside |= {**printed.noted, "letter": told}
        entry = self._entry(case, act, inside)
        after = _after(case, entry, plan.fact)
        ledger_store.append(connection, entry, after.standing.state, after.outcome)
        vault.put_sealed(connection, agency, number, sealed)
        vault.put_papers(connection, agency, number, papers)
        if printed is not None:
            self._issue(connection, plan, printed, entry)
        if after.standing.moved_by(act.step):
            found = after.standing.deadlines(max(after.standing.workdays.today, act.on))
            rows = due_store.changed(connection, agency, number, casework.deadline_rows(after, found))
            due_store.put_deadlines(connection, rows)
        following.follow(self, connection, plan, after, printed=printed is not None)
        return after

    def _entry(self, case: Casework, act: Act, inside: Mapping[str, Any]) -> Entry:
        return chained(
            case.head,
            agency=case.row.agency,
            number=case.row.number,
            rulebook=case.row.rulebook,
            on=act.on,
            recorded_at=act.recorded_at,
            actor=act.actor,
            step=act.step,
            rehearsal=act.rehearsal,
            payload=canonical(inside),
        )

    def _file_facts(self, plan: Plan, inside: dict[str, Any]) -> list[Paper]:
        papers: list[Paper] = []
        for name, known in plan.step.fields.items():
            if known.type == "file" and (given := plan.facts.get(name)):
                paths = given if isinstance(given, list | tuple) else [given]
                kept = [self._papers.keep(self._attachments().content(Path(p)), Path(p).name) for p in paths]
                inside[name] = [p.in_entry() for p in kept]
                papers += kept
        return papers

    def _issue(self, connection: Connection, plan: Plan, printed: Printed, entry: Entry) -> None:
        taken = ledger_store.next_number(connection, entry.agency, plan.series, entry.on.year)
        if taken != plan.letter_n:
            raise Moved(f"文书编号{plan.letter_number}刚被占用，本次没有写入任何内容；请重试。")
        issued_store.put_letter(
            connection,
            entry.agency,
            Issued(
                plan.series,
                entry.on.year,
                plan.letter_n,
                entry.number,
                entry.seq,
                plan.letter,
                printed.title,
                plan.letter_number,
                entry.on,
                hashlib.sha256(printed.content).hexdigest(),
            ),
        )


def _stood_in(act: Act, step: Step) -> dict[str, Any]:
    """Return for whom the actor stands in, when none of the step's roles is the actor's own."""
    roles = act.roles or {}
    owners = {roles[role] for role in step.by if role in roles}
    return {} if not owners or act.actor in owners else {"stands_in_for": sorted(owners)}


def letter_kind(case: Casework, step: Step, facts: Mapping[str, Any]) -> str:
    """Return the kind of letter that the step issues; empty when none.

    Raises:
        Refused: the letter follows from the outcome, and none has been chosen.
    """
    if step.letter != "by_outcome":
        return step.letter
    outcome = facts.get("outcome") or case.outcome
    if outcome is None:
        raise Refused("尚未确定办理结果，不能出具答复文书。", law=list(step.law))
    if telling.itemwise(case.standing):
        return case.workflow.itemised
    told = case.workflow.outcomes[outcome].told(telling.way_of(case.standing, outcome, facts))
    if told is None or not told.letter:
        raise Refused("办理结果没有相应的答复文书。", law=list(step.law))
    return told.letter


def _after(case: Casework, entry: Entry, fact: Fact) -> Casework:
    standing = case.standing.plus(Fact(fact.step, fact.on, entry.facts), entry.actor)
    row = replace(case.row, state=standing.state, head_seq=entry.seq, head_hash=entry.hash)
    return Casework(row, (*case.entries, entry), case.rules, standing, case.practice)


def _all_switched_on(standing: Standing) -> Standing:
    return replace(standing, switched_off=frozenset())


def written_since(case: Casework, seen: int) -> str:
    """Return who wrote what in a case since its entry ``seen``, and that nothing was done therefore."""
    since: Sequence[Entry] = case.entries[seen:]
    acts = "；".join(
        f"{case.standing.called(e.actor)}于{e.on}办理“{case.workflow.steps[e.step].title}”" for e in since
    )
    return (
        f"案件{case.row.number}在您查看之后已有变化（{acts or '记录数不符'}），"
        "本次没有写入任何内容；请重新查看后再办理。"
    )
