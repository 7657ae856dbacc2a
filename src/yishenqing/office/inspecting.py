"""The inspection of a letter before it goes out: gathers what it is held against, lets it pass or refuses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from yishenqing.core.deadline import Fact
from yishenqing.core.decide import permitted
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.inspection import (
    Alike,
    Earlier,
    Finding,
    Inspection,
    Kind,
    Letter,
    Outdated,
    Paper,
    Sentence,
    Subject,
    Told,
    adjusted,
    inspected,
    read_inspection,
    text_of,
)
from yishenqing.letters import LetterKind
from yishenqing.letters.lint import outdated
from yishenqing.office import casework, paperwork, telling
from yishenqing.office.acting import Act, letter_kind
from yishenqing.office.casework import Casework, Practice
from yishenqing.office.conclusions import conclusions
from yishenqing.office.paperwork import Opener, Story
from yishenqing.settings import FILE, Settings
from yishenqing.store import issued as issued_store
from yishenqing.store import vault
from yishenqing.store.issued import Issued

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.core.workflow import Step
    from yishenqing.letters import Letterbook
    from yishenqing.office.acting import Plan, Registry

ACCEPTED = "warnings_accepted"  # the fact in which the reasons for the warnings stand
NOTED = "inspection"  # what an entry says of the inspection that its letter passed
_EARLIER = "earlier_reply"
_DELIVERED = frozenset({"delivered", "left_at_place", "answered_on_spot"})


class Around(Struct, frozen=True):
    """What the database knows beside the case: its papers, the earlier letters that it names, and like answers."""

    papers: Mapping[str, vault.Paper] = field(default_factory=dict)
    earlier: Sequence[Earlier] = ()
    alike: Sequence[Alike] = ()


class Issuing(Struct, frozen=True):
    """An act that issues a letter, or would: the case before it, the act, its facts opened, kind and number.

    ``whole`` is the case with everything that has been recorded since, for a letter that has gone out.
    """

    case: Casework
    act: Act
    facts: Mapping[str, Any]
    kind: LetterKind
    number: str | None
    whole: Casework | None = None


class Inspector:
    """Inspects the letters of one office."""

    def __init__(
        self, home: Path, settings: Settings, registry: Registry, letters: Letterbook, papers: vault.Papers
    ) -> None:
        """Read nothing yet."""
        self._home, self._settings, self._registry = home, settings, registry
        self._letters, self._papers = letters, papers

    def around(self, connection: Connection, practice: Practice, case: Casework, facts: Mapping[str, Any]) -> Around:
        """Look up what the inspection needs beside the case, inside the caller's transaction."""
        papers = vault.papers_of(connection, case.row.agency, case.row.number)
        named = [str(f[_EARLIER]) for f in (facts, *(x.facts for x in case.standing.facts)) if f.get(_EARLIER)]
        return Around(papers, _earlier(connection, practice, case, "\n".join(named)) if named else ())

    def passed(self, plan: Plan, open_facts: Opener, around: Around, today: date) -> Mapping[str, Any]:
        """Return what the entry says of the inspection.

        Raises:
            Refused: there is a fault, or a warning without a reason.
            DataFault: the reasons name no such warning, or the letter cannot be filled.
        """
        kind = self._letters.kind(plan.letter)
        if not kind.goes_out:
            return {}
        issuing = Issuing(plan.case, plan.act, plan.facts, kind, plan.letter_number)
        inspection, taken_as = self._checks()
        findings = inspected(self._subject(issuing, open_facts, around, strict=True), inspection, taken_as)
        faults = [f for f in findings if f.kind == "fault"]
        warnings = [f for f in findings if f.kind == "warning"]
        reasons = accepted(plan.facts.get(ACCEPTED) or (), warnings)
        asked = ACCEPTED in plan.step.fields  # rules from before the inspection have nowhere to put reasons
        unanswered = [f for f in warnings if f.check not in reasons] if asked else []
        if faults or unanswered:
            raise _refused(plan, faults, unanswered, today)
        noted: dict[str, Any] = {"warnings": list(dict.fromkeys(f.check for f in warnings))} if warnings else {}
        if self._settings.inspection:
            noted["taken_as"] = {n: [a.take_as, a.reason] for n, a in self._settings.inspection.items()}
        return {NOTED: noted} if noted else {}

    def report(self, issuing: Issuing, open_facts: Opener, around: Around) -> list[Finding]:
        """Return everything found, whether the letter could be filled or not."""
        inspection, taken_as = self._checks()
        return inspected(self._subject(issuing, open_facts, around, strict=False), inspection, taken_as)

    def _checks(self) -> tuple[Inspection, dict[str, Kind | None]]:
        inspection = read_inspection(self._home)
        wished = {n: (a.take_as, a.reason) for n, a in self._settings.inspection.items()}
        return inspection, adjusted(inspection, wished, str(self._home / FILE))

    def _subject(self, issuing: Issuing, open_facts: Opener, around: Around, *, strict: bool) -> Subject:
        case, act, kind = issuing.case, issuing.act, issuing.kind
        context, letter = self._letter(issuing, open_facts, strict=strict)
        if issuing.whole is None:
            before = Story.of(case.standing, open_facts)
            story = before.plus(Fact(act.step, act.on, issuing.facts), issuing.facts, act.actor)
        else:
            story = Story.of(issuing.whole.standing, open_facts)
        place = len(case.standing.facts) + 1
        told = [Told(*fact) for fact in story.facts]
        step = case.workflow.steps[act.step]
        return Subject(
            standing=story.standing,
            told=told,
            recorded=len((issuing.whole or case).entries),
            issuing=place,
            on=act.on,
            letter=letter,
            tellings=conclusions(story, place) if letter.reply else (),
            context=context,
            expected_kind=asked_kind(issuing.whole or case, step, issuing.facts)[0] if letter.reply else kind.kind,
            mark=self._settings.mark if self._settings.letter_number.startswith("{mark}") else "",
            papers=self._read(story, around) if letter.reply else (),
            earlier=around.earlier,
            alike=around.alike,
            outdated=[
                Outdated(n, phrase, text, law)
                for n, sentence in enumerate(letter.sentences)
                for phrase, text, law in outdated(sentence.text)
            ],
        )

    def _letter(self, issuing: Issuing, open_facts: Opener, *, strict: bool) -> tuple[Mapping[str, Any], Letter]:
        """Fill the letter; unless ``strict``, what keeps it from being filled is told with it."""
        case, act, kind = issuing.case, issuing.act, issuing.kind
        story = Story.of(case.standing, open_facts)
        context: Mapping[str, Any] = {
            "organ": paperwork.organ(self._settings),
            "case": paperwork.case_block(story, case.row.number),
        }
        sentences: list[Sentence] = []
        faults: list[str] = []
        try:
            context = self._registry.context_of(kind, case, act, issuing.facts, open_facts, issuing.number)
            found = self._letters.passages(kind.kind, context)
            sentences = [Sentence(p.text, p.source, p.paragraph) for p in found]
        except DataFault as fault:
            if strict:
                raise
            faults = [f.text for f in fault.faults]
        reply = case.workflow.steps[act.step].letter == "by_outcome" or kind.remedy == "by_outcome"
        to_applicant = kind.addressee == "applicant.name"
        due = kind.remedy != "none"
        return context, Letter(
            kind.kind, kind.title, issuing.number, reply, to_applicant, due, sentences, tuple(faults)
        )

    def _read(self, story: Story, around: Around) -> list[Paper]:
        """Return the files that go out with a reply, as far as a program can read them."""
        steps = story.standing.workflow.steps
        fields = {
            (name, f)
            for name, step in steps.items()
            if any(known.type == "outcome" for known in step.fields.values()) and not step.to.startswith("replied")
            for f, known in step.fields.items()
            if known.type == "file"
        }
        latest = {step: facts for step, _, facts in story.facts if not facts.get("item")}
        latest |= {f"{step}:{facts['item']}": facts for step, _, facts in story.facts if facts.get("item")}
        named = [
            x
            for key, facts in latest.items()
            for step, f in sorted(fields)
            if step == key.partition(":")[0]
            for x in facts.get(f) or ()
        ]
        known = [around.papers[x["file"]] for x in named if isinstance(x, dict) and x.get("file") in around.papers]
        return [Paper(p.name, text_of(p.name, self._papers.read(p.sha256))) for p in known]


def asked_kind(case: Casework, step: Step, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the kind of letter that the step issues (none before a way is chosen), and one that can be shown."""
    try:
        found = letter_kind(case, step, facts)
    except Refused:
        outcome = case.workflow.outcomes.get(case.outcome or "")
        if outcome is None or not outcome.letters:
            raise
        return "", outcome.letters[0]
    return found, found


def accepted(given: Sequence[str], warnings: Sequence[Finding]) -> dict[str, str]:
    """Return the reasons by check (``检查代号：理由``); a piece without a check belongs to the one before it.

    Raises:
        DataFault: a reason is empty, or there is no such warning.
    """
    present = {w.check for w in warnings}
    reasons: dict[str, str] = {}
    faults, last = [], ""
    for piece in given:
        head, colon, reason = str(piece).replace("：", ":", 1).partition(":")
        name = head.strip()
        if colon and name.isascii() and name.replace("_", "").isalnum():
            last = name
            reasons[name] = reason.strip()
        elif last:
            reasons[last] = f"{reasons[last]}；{piece}"
        else:
            faults.append(Fault(f"“{str(piece)[:40]}”应写作 检查代号：理由", field=ACCEPTED))
    for name, reason in reasons.items():
        if name not in present:
            now = "、".join(sorted(present)) or "无"
            faults.append(Fault(f"本次检查没有“{name[:40]}”这一提示；现有提示：{now}", field=ACCEPTED))
        elif not reason:
            faults.append(Fault(f"“{name}”没有写明理由", field=ACCEPTED))
    if faults:
        raise DataFault.of(faults)
    return reasons


def _refused(plan: Plan, faults: Sequence[Finding], warnings: Sequence[Finding], today: date) -> Refused:
    title = plan.step.title
    lines = []
    if faults:
        lines += [f"不能办理“{title}”，发出前的检查发现{len(faults)}处错误：", *(f"  × {f}" for f in faults)]
    if warnings:
        head = "另有" if faults else f"不能办理“{title}”，发出前的检查有"
        lines += [f"{head}{len(warnings)}处提示，须写明处理理由：", *(f"  ！{w}" for w in warnings)]
        said = "；".join(f"{name}：理由" for name in dict.fromkeys(w.check for w in warnings))
        lines.append(f'写明理由：{ACCEPTED}="{said}"')
    laws = list(dict.fromkeys(f.law for f in (*faults, *warnings)))
    offers = permitted(plan.case.standing, max(plan.act.on, plan.case.standing.last_on or plan.act.on), today)
    return Refused("\n".join(lines), law=laws, permitted=offers)


def _earlier(connection: Connection, practice: Practice, case: Casework, text: str) -> list[Earlier]:
    """Return the letters of the office that ``text`` names, other than this case's own."""
    mine = Story.of(case.standing, _opener(connection, case)).received.get("applicant")
    return [
        _told(connection, casework.load(connection, practice, letter.number), letter, mine)
        for letter in issued_store.named_in(connection, case.row.agency, text)
        if letter.number != case.row.number
    ]


def _told(connection: Connection, case: Casework, letter: Issued, mine: Any) -> Earlier:
    story = Story.of(case.standing, _opener(connection, case))
    step = case.workflow.steps[case.entries[letter.seq - 1].step]
    since = story.facts[letter.seq - 1 :]
    return Earlier(
        number=letter.letter_number,
        case=case.row.number,
        reply=telling.is_reply(step) or bool(step.outcome and step.letter),
        same_applicant=_same(story.received.get("applicant"), mine),
        delivered=any(name in _DELIVERED for name, _, _ in since),
        items=tuple(story.items),
    )


def _opener(connection: Connection, case: Casework) -> Callable[[Any], Any]:
    return vault.opener(vault.sealed_of(connection, case.row.agency, case.row.number))


def _same(one: Any, other: Any) -> bool:
    """Tell whether two applicants are the same: by the number of their papers, else by name."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    numbers = one.get("id_number"), other.get("id_number")
    return bool(numbers[0] == numbers[1]) if all(numbers) else one.get("name") == other.get("name")
