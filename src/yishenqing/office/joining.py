"""The verbs that concern two cases: one application split into two (一事一申请), two handled as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from yishenqing.articles import article
from yishenqing.core.decide import permitted
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.office.answering import Answer
from yishenqing.office.cases import CaseVerbs
from yishenqing.office.casework import Casework
from yishenqing.office.ended import check_whole
from yishenqing.office.paperwork import Story
from yishenqing.office.recognising import SPLIT_FROM
from yishenqing.store import ledger as ledger_store

_SPLIT_LAW = "fee_by_item"
_FILING_LAW = "work_order"
_NOT_TAKEN_OVER = frozenset({"item_count", "lead_count", "attachments", "warnings"})


class JoinVerbs(CaseVerbs):
    """What is done to two cases at once: both entries are written, or neither."""

    def split(
        self, number: str, items: Sequence[int], reason: str, *, on: date | None = None, by: str | None = None
    ) -> Answer:
        """Move ``items`` (counted from 1) into a case of their own; answers like ``show``, with ``split_into``.

        The new case keeps the day of receipt: splitting gives the organ no more time. Both histories stay.

        Raises:
            Refused: the case cannot be split now, or the actor may not.
            DataFault: there is no such item, or none would be left.
        """
        with self._transactions.writing() as connection:
            case = self._load(connection, number, lock=True)
            story = Story.of(case.standing, self._opener(connection, number))
            kept, moved = _parted(story.items, items)
            new = self._opened(connection, case.row.rulebook, case.row.opened_on)
            facts = {"items": kept, "moved": moved, "into": new.row.number, "reason": reason}
            act = self._act("split", on or self.today, by, facts, verb="split")
            plan = self._registry.plan(connection, case, act, self.today)
            received = {**_taken_over(story.received), "items": moved, SPLIT_FROM: number}
            opening = self._act(case.workflow.opening, case.row.opened_on, by, received)
            # Whoever may split opens the new case with it, though registering is another's post.
            posts = case.workflow.steps[case.workflow.opening].by
            opening = replace(opening, roles=dict.fromkeys(posts, opening.actor))
            child = self._registry.plan(connection, new, opening, self.today)
            self._registry.record(connection, child, None)
            applicant = story.received["applicant"]
            self._recognition(connection).enter(new.row.number, case.row.opened_on, applicant, moved)
            return self._answer(self._registry.record(connection, plan, None), split_into=new.row.number)

    def merge(self, number: str, into: str, reason: str, *, on: date | None = None, by: str | None = None) -> Answer:
        """Handle the case ``number`` within ``into``; answers like ``show`` of ``into``. Both histories stay.

        Raises:
            Refused: not the same applicant, ``into`` has more time than the case that would join it, or one of them
                was destroyed.
        """
        with self._transactions.writing() as connection:
            ledger_store.rows_of_many(connection, self.settings.agency, (number, into), lock=True)  # in one order
            both = {n: self._load(connection, n) for n in (number, into)}
            for case in both.values():
                check_whole(case)
            source, target = both[number], both[into]
            stories = {n: Story.of(c.standing, self._opener(connection, n)) for n, c in both.items()}
            self._refuse_unlike(source, target, stories)
            day = on or self.today
            items = [*stories[into].items, *stories[number].items]
            leaving = self._act("merged", day, by, {"into": into, "reason": reason}, verb="merge")
            joining = self._act("joined", day, by, {"of": number, "items": items}, verb="merge")
            plans = [
                self._registry.plan(connection, source, leaving, self.today),
                self._registry.plan(connection, target, joining, self.today),
            ]
            self._registry.record(connection, plans[0], None)
            return self._answer(self._registry.record(connection, plans[1], None))

    def _refuse_unlike(self, source: Casework, target: Casework, stories: Mapping[str, Story]) -> None:
        if source.row.number == target.row.number:
            raise DataFault.of([Fault("不能并入本案自身", field="into")])
        offers = permitted(source.standing, self.today, self.today)
        if _who(stories[source.row.number]) != _who(stories[target.row.number]):
            raise Refused(
                "两件申请不是同一申请人提出的，不能合并；同一事项的不同申请人应分别答复。",
                law=[article(_FILING_LAW, self.today)],
                permitted=offers,
            )
        ends = [c.standing.deadlines(self.today).get("reply") for c in (source, target)]
        if ends[0] is None or ends[1] is None or ends[1].due > ends[0].due:
            raise Refused(
                f"案件{target.row.number}的答复期限晚于{source.row.number}，并入后将逾期；"
                f"请把{target.row.number}并入{source.row.number}。",
                law=[article("reply_workdays", self.today)],
                permitted=offers,
            )


def _parted(items: Sequence[str], chosen: Sequence[int]) -> tuple[list[str], list[str]]:
    wrong = [str(n) for n in chosen if not 1 <= n <= len(items)]
    if wrong or not chosen:
        text = f"没有第{'、'.join(wrong)}项" if wrong else "请写明分出第几项"
        raise DataFault.of([Fault(f"{text}；本件共{len(items)}项", field="items", law=article(_SPLIT_LAW))])
    moved = [item for n, item in enumerate(items, start=1) if n in set(chosen)]
    kept = [item for n, item in enumerate(items, start=1) if n not in set(chosen)]
    if not kept:
        raise DataFault.of([Fault("本件至少要保留一项申请内容", field="items", law=article(_SPLIT_LAW))])
    return kept, moved


def _taken_over(received: Mapping[str, Any]) -> dict[str, Any]:
    """The application as the new case receives it; its papers stay with the first, which ``split_from`` names."""
    return {k: v for k, v in received.items() if k not in _NOT_TAKEN_OVER and v is not None}


def _who(story: Story) -> tuple[str, str]:
    applicant = story.received["applicant"]
    return (
        (str(applicant["name"]), str(applicant.get("id_number") or "")) if isinstance(applicant, dict) else ("", "")
    )
