"""The verbs of drafting and advice: the reply with its sources, what a person must still say, the seven steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import Refused
from yishenqing.office.cases import CaseVerbs
from yishenqing.office.casework import Casework, Row
from yishenqing.office.papers import check_lettered
from yishenqing.office.wording import WordVerbs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.composing import Draft
    from yishenqing.office.knowing import Known
    from yishenqing.office.nearest import Nearest
    from yishenqing.office.paperwork import Opener


class DraftVerbs(WordVerbs, CaseVerbs):
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
        from yishenqing.office import drafting  # noqa: PLC0415
        from yishenqing.office.composing import Wish  # noqa: PLC0415

        wish = Wish.of(facts or {}, outcome, use)
        with (self._transactions.writing if take else self._transactions.reading)() as connection:
            case = self._load(connection, number, lock=take)
            check_lettered(case)
            open_facts = self._opener(connection, number)
            known = self._known(connection, case, open_facts)
            found, answer = drafting.draft(self._registry, self._letters, known, wish, self._draft_act, open_facts)
            answer |= {"struck": [], "stale": self._stale(case, open_facts)}
            answer |= self._inspected(connection, found, open_facts)
            answer["taken"] = take and bool(found.acts)
            if answer["taken"]:
                self._take(connection, found, on, by)
        return answer

    def _take(self, connection: Connection, found: Draft, on: date | None, by: str | None) -> None:
        from yishenqing.office.redrafting import Plan  # noqa: PLC0415

        if found.missing:
            titles = "；".join(found.missing.values())
            raise Refused(f"拟稿尚缺：{titles}。请补充后再用 --take 记入案卷。", law=["条例第三十六条"])
        self._redrafted(connection, found.known.case, Plan(tuple(found.acts)), on, by)

    def _known(self, connection: Connection, case: Casework, open_facts: Opener) -> Known:
        """Gather what the office knows of a case, inside the caller's transaction."""
        from yishenqing.advice import read_advice  # noqa: PLC0415
        from yishenqing.inspection import read_inspection  # noqa: PLC0415
        from yishenqing.office import knowing  # noqa: PLC0415
        from yishenqing.office.paperwork import Story  # noqa: PLC0415

        story, advice, nearest = (
            Story.of(case.standing, open_facts),
            read_advice(self.home),
            self._nearest(connection),
        )
        number, texts = case.row.number, story.items
        recognised = self._recognition(connection).of_case(number, case.row.opened_on, texts)
        agency = self.settings.agency
        items = knowing.items_of(
            texts,
            advice,
            read_inspection(self.home),
            nearest,
            leads=story.received.get("leads") or (),
            holdings=self._holdings_of(connection, texts),
            alike=knowing.with_findings(connection, self._practice, agency, recognised["same_text"]),
            routes=self._routes(texts),
        )
        return knowing.Known(case, story, advice, items, nearest, recognised, nearest.notes)

    def _nearest(self, connection: Connection) -> Nearest:
        from yishenqing.office.nearest import Nearest  # noqa: PLC0415
        from yishenqing.precedents import Library  # noqa: PLC0415

        return Nearest(Library(connection, self.settings.agency))

    def _holdings_of(self, connection: Connection, texts: Sequence[str]) -> list[Row]:
        register = self._register(connection)
        if not register.count():
            return []
        found = [[self._found(f) for f in register.look_up(text)] for text in texts]
        return [{"item": n, "found": f} for n, f in enumerate(found, start=1)]

    def _routes(self, texts: Sequence[str]) -> list[Row]:
        """Return what the routing table says of other organs than this office, and of its own departments."""
        from yishenqing.routing import read_routing  # noqa: PLC0415

        proposals = read_routing(self.home).proposals(list(texts))
        return [r for r in proposals if r["organ"] != self.settings.name]

    def _stale(self, case: Casework, open_facts: Opener) -> list[Row]:
        from yishenqing.office.sentences import stale  # noqa: PLC0415

        return stale(case, self._registry, self._letters, self._draft_act, open_facts)

    def _inspected(self, connection: Connection, found: Draft, open_facts: Opener) -> Row:
        """Hold the draft against the checks before issue, once nobody has anything more to say."""
        from yishenqing.office.inspecting import Issuing, asked_kind  # noqa: PLC0415

        if found.missing or found.unmet:
            return {"faults": None, "warnings": None}
        steps = found.after.workflow.steps
        signing = next(n for n, s in steps.items() if s.letter == "by_outcome")
        _, kind = asked_kind(found.after, steps[signing], {})
        issuing = Issuing(found.after, self._draft_act(signing, {}), {}, self._letters.kind(kind), None)
        around = self._inspector.around(connection, self._practice, found.after, found.facts)
        findings = self._inspector.report(issuing, open_facts, around)
        return {
            "faults": [f.as_json() for f in findings if f.kind == "fault"],
            "warnings": [f.as_json() for f in findings if f.kind == "warning"],
        }

    def draft_page(self, answer: Row, target: Path) -> Row:
        """Write a draft as a page with its sources in the margin; returns where."""
        from yishenqing.office.margin import page  # noqa: PLC0415
        from yishenqing.store.vault import write_whole  # noqa: PLC0415

        write_whole(target, page(answer, self.settings.name).encode())
        return {**answer, "path": str(target)}
