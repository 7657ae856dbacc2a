"""The verb inspect: the letter of a case held against the case and the law, before it goes out and afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core.errors import Refused
from yishenqing.office.casework import Casework, Row
from yishenqing.office.ended import check_whole
from yishenqing.office.holdings import current_items
from yishenqing.office.recognising import RecognitionVerbs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.inspection import Alike
    from yishenqing.letters.press import Enclosed
    from yishenqing.office.acting import Plan, Printed
    from yishenqing.office.inspecting import Around, Inspector, Issuing
    from yishenqing.office.paperwork import Opener

_BY_OUTCOME = "by_outcome"


class Seen(Struct, frozen=True):
    """What inspecting and printing a letter needs beside its plan."""

    open_facts: Opener
    around: Around
    files: Sequence[Enclosed]


class InspectionVerbs(RecognitionVerbs):
    """What is inspected, by whoever asks and by whoever issues."""

    def inspect(self, number: str) -> Row:
        """Return the faults and warnings of the case's letter: the draft as it would go out today, or the issued one.

        Raises:
            NotFound: there is no such case.
            Refused: nothing has been drafted or issued yet, the case's procedure has no letters, or it was destroyed.
            DataFault: the checks, or how the office takes them, have faults.
        """
        from yishenqing.office.inspecting import ACCEPTED, accepted

        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            check_whole(case)
            open_facts = self._opener(connection, number)
            issuing = self._issuing(case, open_facts)
            around = self._around_of(connection, case, issuing.facts)
        findings = self._inspector.report(issuing, open_facts, around)
        self._saw("read", number, "inspect")
        warnings = [f for f in findings if f.kind == "warning"]
        known = [f for f in warnings if f.check in _named(issuing.facts.get(ACCEPTED))]
        reasons = accepted(issuing.facts.get(ACCEPTED) or (), warnings) if known else {}
        kind = issuing.kind
        return {
            "number": number,
            "letter": {"kind": kind.kind, "title": kind.title, "number": issuing.number, "draft": not issuing.number},
            "faults": [f.as_json() for f in findings if f.kind == "fault"],
            "warnings": [{**f.as_json(), "accepted": reasons.get(f.check)} for f in warnings],
            "taken_as": {n: {"take_as": a.take_as, "reason": a.reason} for n, a in self.settings.inspection.items()},
        }

    def _issuing(self, case: Casework, open_facts: Opener) -> Issuing:
        """Return the act that the case's letter goes out by: the reply drafted or issued, else the last notice."""
        steps = case.workflow.steps
        signing = next((n for n, s in steps.items() if s.letter == _BY_OUTCOME), "")
        choosing = [n for n, e in enumerate(case.entries, 1) if "outcome" in steps[e.step].needs]
        issued = [n for n, e in enumerate(case.entries, 1) if e.facts.get("letter") and self._goes_out(e.facts)]
        replies = [n for n in issued if steps[case.entries[n - 1].step].letter == _BY_OUTCOME]
        if choosing and signing and choosing[-1] > max(replies, default=0):
            return self._drafted(case, signing)
        if not issued:
            text = f"案件{case.row.number}尚未拟制答复，也没有出具过文书，没有可以检查的内容；请先办理“拟制答复”。"
            raise Refused(text, law=list(case.workflow.law))
        return self._issued(case, (replies or issued)[-1], open_facts)

    def _goes_out(self, facts: Mapping[str, Any]) -> bool:
        return self._letters.kind(str(facts["letter"]["kind"])).goes_out

    def _drafted(self, case: Casework, signing: str) -> Issuing:
        from yishenqing.office.inspecting import Issuing, asked_kind

        act = self._draft_act(signing, {})
        _, kind = asked_kind(case, case.workflow.steps[signing], {})
        return Issuing(case, act, {}, self._letters.kind(kind), None)

    def _issued(self, case: Casework, place: int, open_facts: Opener) -> Issuing:
        from yishenqing.office.inspecting import Issuing

        entry = case.entries[place - 1]
        before = self._practice.casework(case.row, case.entries[: place - 1], case.rules)
        act = replace(self._draft_act(entry.step, {}), on=entry.on, actor=entry.actor)
        letter = entry.facts["letter"]
        facts = {k: v for k, v in open_facts(entry.facts).items() if k != "letter"}
        return Issuing(before, act, facts, self._letters.kind(str(letter["kind"])), letter["number"], case)

    @property
    def _inspector(self) -> Inspector:
        from yishenqing.office.inspecting import Inspector

        return Inspector(self.home, self.settings, self._registry, self._letters, self._papers)

    def _looked(self, plan: Plan, seen: Seen | None = None) -> tuple[Plan, Seen | None]:
        """Plan anew; what was ``seen`` is looked up again only where the letter would say something else."""
        with self._transactions.reading() as connection:
            case = self._load(connection, plan.case.row.number)
            now = self._registry.plan(connection, case, plan.act, self.today, looking=True)
            if not now.letter:
                return now, None
            same = seen is not None and now.says_the_same(plan)
            return now, seen if same else self._seen(connection, now)

    def _seen(self, connection: Connection, plan: Plan) -> Seen:
        """Look up what inspecting and printing the letter of ``plan`` needs beside the plan."""
        open_facts = self._opener(connection, plan.case.row.number)
        files = self._registry.enclosed(connection, plan.case, plan.step)
        return Seen(open_facts, self._around_of(connection, plan.case, plan.facts), files)

    def _around_of(self, connection: Connection, case: Casework, facts: Mapping[str, Any]) -> Around:
        around = self._inspector.around(connection, self._practice, case, facts)
        return replace(around, alike=self._alike(connection, case)) if case.outcome else around

    def _alike(self, connection: Connection, case: Casework) -> Sequence[Alike]:
        """Return what the office has answered to the same, or a like, request."""
        from yishenqing.office.differing import answered
        from yishenqing.office.knowing import with_findings

        row, items = case.row, current_items(case, self._opener(connection, case.row.number))
        recognised = self._recognition(connection).of_case(case, items)["same_text"]
        return [one for _, one in answered(with_findings(connection, self._practice, row.agency, recognised))]

    def _passed(self, plan: Plan, seen: Seen) -> Mapping[str, Any]:
        """Inspect the letter of ``plan``; return what its entry says of that.

        Raises:
            Refused: the inspection does not let it pass.
        """
        return self._inspector.passed(plan, seen.open_facts, seen.around, self.today)

    def _printed(self, plan: Plan, seen: Seen, noted: Mapping[str, Any]) -> Printed:
        """Print a letter that has passed."""
        return replace(self._registry.printed(plan, seen.open_facts, seen.files), noted=noted)


def _named(given: Any) -> set[str]:
    """Return the checks for which reasons were recorded."""
    return {str(piece).replace("：", ":", 1).partition(":")[0].strip() for piece in given or ()}
