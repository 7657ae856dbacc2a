"""The verbs of drafting and advice: the reply with its sources, what a person must still say, the seven steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing.articles import article
from yishenqing.core.errors import Moved, NotFound, Refused
from yishenqing.office.cases import CaseVerbs
from yishenqing.office.casework import Casework, Row
from yishenqing.office.ended import check_whole
from yishenqing.office.library import LibraryVerbs
from yishenqing.office.papers import check_lettered
from yishenqing.office.paperwork import Story
from yishenqing.office.wording import WordVerbs
from yishenqing.store.vault import write_whole

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.composing import Draft
    from yishenqing.office.knowing import Known
    from yishenqing.office.nearest import Nearest
    from yishenqing.office.paperwork import Opener
    from yishenqing.office.worded import Worded


_SHOWN = 3  # precedents beside each item of a new application


def check_chosen(case: Casework) -> None:
    """Refuse to draft or advise where no reply is chosen among outcomes: a record to correct, another case's papers.

    Raises:
        Refused: the procedure has nothing to choose from, or the case was destroyed.
    """
    check_lettered(case)
    check_whole(case)
    if not any(outcome.letters for outcome in case.workflow.outcomes.values()):
        why = "的答复没有可供选择的办理结果，不能据先例起草；请按步骤办理，文书在签发时出具。"
        text = f"“{case.workflow.title}”{why}"
        raise Refused(text, law=list(case.workflow.law))


class DraftVerbs(LibraryVerbs, WordVerbs, CaseVerbs):
    """What helps to answer."""

    def draft(
        self,
        number: str,
        outcome: str | None = None,
        facts: Mapping[str, Any] | None = None,
        *,
        use: Sequence[str] = (),
        write: bool = False,
        take: bool = False,
        on: date | None = None,
        by: str | None = None,
    ) -> Row:
        """Compose the reply from case, law and nearest precedents; each sentence with its source.

        Without an outcome the likeliest is tried and said to be so. ``facts`` of one item bear its number
        (``2.severing``); ``use`` names precedents from which words are taken after a person has checked what they
        ask; ``write`` lets the office's own model word what the officer may word. With ``take`` the acts that record
        the draft are taken, all or none.

        Raises:
            NotFound: there is no such case.
            Refused: the outcome is not one that the case's workflow knows, needs to be named, or may not be recorded.
            DataFault: a fact is unknown or malformed, or words cite an article that does not hold.
        """
        from yishenqing.office import drafting
        from yishenqing.office.composing import Wish

        wish = Wish.of(facts or {}, outcome, use)
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            check_chosen(case)
            open_facts = self._opener(connection, number)
            known = self._known(connection, case, open_facts)
            tell = partial(drafting.draft, self._registry, self._letters, known, act=self._draft_act)
            found, answer = tell(wish, open_facts=open_facts)
            struck: Sequence[Row] = ()
            if write:
                said = self._worded(known, found)
                struck, more = said.struck, replace(wish, written=said.words, writer=said.model)
                found, answer = tell(more, open_facts=open_facts)
                answer["notes"] = [*answer["notes"], *said.notes]
            answer |= {"struck": list(struck), "stale": self._stale(connection, case, open_facts)}
            answer |= self._inspected(connection, found, open_facts)
        self._saw("read", number, "draft")
        answer["taken"] = take and bool(found.acts)
        if answer["taken"]:
            self._take(found, on, by)
        return answer

    def advise(self, number: str) -> Row:
        """Return what a case may be and come to, and the seven steps (七步法): known, missing, next.

        Raises:
            NotFound: there is no such case.
            Refused: the case's procedure is not that of an application.
        """
        from yishenqing.inspection import read_inspection
        from yishenqing.office.candidates import candidates
        from yishenqing.office.sevensteps import View, seven_steps
        from yishenqing.office.triage import triaged

        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            check_chosen(case)
            open_facts = self._opener(connection, number)
            known = self._known(connection, case, open_facts)
            most = known.advice.figures["cases"]
            rows = [{"item": i.n, **c.as_json(most)} for i in known.items for c in candidates(known, i)]
            return {
                "number": number,
                "state": case.standing.state,
                "state_title": case.workflow.states[case.standing.state].title,
                "triage": triaged(known.items),
                "steps": seven_steps(View(known, read_inspection(self.home), self.today)),
                "candidates": rows,
                "alike": [a for i in known.items for a in i.alike],
                "stale": self._stale(connection, case, open_facts),
                "notes": list(known.notes),
            }

    def triage(self, application: Mapping[str, Any] | Path | str) -> Row:
        """Return what a new application is, before it is registered; nothing is recorded.

        Raises:
            NotFound: there is no such file.
            DataFault: the application is malformed.
        """
        from yishenqing import intake
        from yishenqing.advice import read_advice
        from yishenqing.inspection import read_inspection
        from yishenqing.office.knowing import items_of
        from yishenqing.office.triage import triaged

        if isinstance(application, Mapping):
            received = intake.parse_application(application)
        else:
            received = intake.read_application(Path(application))
        texts = list(received.items)
        with self._transactions.reading() as connection:
            nearest = self._nearest(connection, [("received", received.facts())])
            routes, holdings = self._routes(texts), self._holdings_of(connection, texts)
            inspection = read_inspection(self.home)
            items = items_of(texts, read_advice(self.home), inspection, nearest, leads=received.leads)
        return {
            **triaged(items),
            "warnings": [{"text": w.text, "law": w.law} for w in received.warnings()],
            "routing": routes,
            "holdings": holdings,
            "precedents": [
                {"item": i.n, "id": m.id, "title": m.title, "why": list(m.why)}
                for i in items
                for m in i.near[:_SHOWN]
            ],
            "notes": list(nearest.notes),
        }

    def _take(self, found: Draft, on: date | None, by: str | None) -> None:
        """Record the acts of a draft, all or none; nobody waits for its searches, so the case may have moved."""
        from yishenqing.office.composing import PROPOSED
        from yishenqing.office.redrafting import Plan
        from yishenqing.precedents.uses import DRAFTED

        if found.missing:
            titles = "；".join(found.missing.values())
            raise Refused(f"拟稿尚缺：{titles}。请补充后再用 --take 记入案卷。", law=[article("reply", self.today)])
        if undecided := [c for c in found.choices if c.by == PROPOSED]:
            named = " ".join(c.named for c in undecided)
            text = f"办理结果由承办人决定，程序只是试拟；请指明后再用 --take 记入案卷，如同意所拟：{named}"
            raise Refused(text, law=[article("reply", self.today)])
        case = found.known.case
        with self._transactions.writing() as connection:
            if self._load(connection, case.row.number, lock=True).row.head_hash != case.row.head_hash:
                raise Moved(f"案件{case.row.number}在拟稿期间已由他人办理，本次没有写入任何内容；请重新拟稿。")
            self._redrafted(connection, case, Plan(tuple(found.acts)), on, by)
        self._count(DRAFTED, sorted(set[str]().union(*(c.precedents for c in found.choices))), case.row.number)

    def _known(self, connection: Connection, case: Casework, open_facts: Opener) -> Known:
        """Gather what the office knows of a case, inside the caller's transaction."""
        from yishenqing.advice import read_advice
        from yishenqing.inspection import read_inspection
        from yishenqing.office import knowing

        story, advice = Story.of(case.standing, open_facts), read_advice(self.home)
        inspection = read_inspection(self.home)
        nearest = self._nearest(connection, [(step, facts) for step, _, facts in story.facts])
        texts = story.items
        recognised = self._recognition(connection).of_case(case, texts)
        agency = self.settings.agency
        items = knowing.items_of(
            texts,
            advice,
            inspection,
            nearest,
            leads=story.received.get("leads") or (),
            holdings=self._holdings_of(connection, texts),
            alike=knowing.with_findings(connection, self._practice, agency, recognised["same_text"]),
            routes=self._routes(texts),
        )
        return knowing.Known(case, story, advice, items, nearest, inspection.checks, recognised, nearest.notes)

    def _worded(self, known: Known, found: Draft) -> Worded:
        """Let the office's own model word what the officer may word, each sentence held against law and file."""
        from yishenqing.office.worded import worded

        laws = (known.case.standing.law, self._rules().law)
        return worded(known, found, self.settings.models.writing, self._letters, laws)

    def _nearest(self, connection: Connection, told: Sequence[tuple[str, Mapping[str, Any]]]) -> Nearest:
        """Return the search for precedents; the people whom the entries ``told`` name are never told to a model."""
        from yishenqing.office.masking import parties_of
        from yishenqing.office.nearest import Nearest
        from yishenqing.precedents import Library

        library = Library(connection, self.settings.agency)
        return Nearest(library, self.settings.models.embedding, self.home, parties_of(told))

    def _holdings_of(self, connection: Connection, texts: Sequence[str]) -> list[Row]:
        register = self._register(connection)
        if not register.count():
            return []
        found = [[self._found(f) for f in register.look_up(text)] for text in texts]
        return [{"item": n, "found": f} for n, f in enumerate(found, start=1)]

    def _routes(self, texts: Sequence[str]) -> list[Row]:
        """Return what the routing table says of other organs than this office, and of its own departments."""
        from yishenqing.routing import read_routing

        proposals = read_routing(self.home).proposals(list(texts))
        return [r for r in proposals if r["organ"] != self.settings.name]

    def _stale(self, connection: Connection, case: Casework, open_facts: Opener) -> list[Row]:
        from yishenqing.office.sentences import fates_of, refated, stale
        from yishenqing.precedents import Library

        library = Library(connection, self.settings.agency)
        now: dict[str, bool | None] = {}
        for name in dict.fromkeys(n for f in case.standing.facts for n in fates_of(f.facts)):
            with suppress(NotFound):  # then ``refated`` tells that it is in the library no more
                now[name] = library.get(name).overturned
        changed = stale(case, self._registry, self._letters, self._draft_act, open_facts)
        return [*changed, *refated(case, now)]

    def _inspected(self, connection: Connection, found: Draft, open_facts: Opener) -> Row:
        """Hold the draft against the checks before issue, once nobody has anything more to say."""
        from yishenqing.office.inspecting import Issuing, asked_kind

        if found.missing or found.unmet:
            return {"faults": None, "warnings": None}
        steps = found.after.workflow.steps
        signing = next(n for n, s in steps.items() if s.letter == "by_outcome")
        _, kind = asked_kind(found.after, steps[signing], {})
        issuing = Issuing(found.after, self._draft_act(signing, {}), {}, self._letters.kind(kind), None)
        around = self._around_of(connection, found.after, found.facts)
        findings = self._inspector.report(issuing, open_facts, around)
        return {
            "faults": [f.as_json() for f in findings if f.kind == "fault"],
            "warnings": [f.as_json() for f in findings if f.kind == "warning"],
        }

    def draft_page(self, answer: Row, target: Path) -> Row:
        """Write a draft as a page with its sources in the margin; returns where."""
        from yishenqing.office.margin import page

        write_whole(target, page(answer, self.settings.name).encode())
        return {**answer, "path": str(target)}
