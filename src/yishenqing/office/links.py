"""The verbs that open a linked case, and move a case to other rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing import rulebook
from yishenqing.core import moving
from yishenqing.core.deadline import Fact
from yishenqing.core.errors import NotFound, Refused
from yishenqing.core.links import NUMBER, PARENT, Tell, number_of
from yishenqing.office import linking
from yishenqing.office.answering import Answer
from yishenqing.office.cases import CaseVerbs
from yishenqing.rulebook import snapshot_digest
from yishenqing.store import due as due_store
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.casework import Casework
    from yishenqing.rulebook import Rulebook


class LinkVerbs(CaseVerbs):
    """What joins cases to cases, and cases to rules."""

    def link(
        self,
        number: str,
        procedure: str,
        facts: Mapping[str, Any] | None = None,
        *,
        on: date | None = None,
        by: str | None = None,
    ) -> Answer:
        """Open a linked case (``reconsideration``, ``litigation``, ``complaint``) on a case; answers like ``show``.

        The new case has its own number, ledger and rules; both ledgers say so, in one transaction.

        Raises:
            NotFound: there is no such case, or no such procedure of linked cases.
            Refused: the case takes none, or the actor lacks the role.
            DataFault: a fact is unknown or malformed.
        """
        rules = self._linked_rules(procedure)
        snapshot, linked = rules.snapshot(), rules.workflow.linked
        digest, day = snapshot_digest(snapshot), on or self.today
        act = self._act(rules.workflow.opening, day, by, {**(facts or {}), PARENT: number})
        with self._transactions.writing() as connection:
            parent = self._load(connection, number, lock=True)
            if not parent.workflow.linking or linked is None:
                raise Refused(_takes_none(parent), law=list(parent.workflow.law))
            earlier = (str(f.facts[NUMBER]) for f in parent.standing.facts if f.step == parent.workflow.linking)
            ledger_store.keep_rulebook(connection, digest, snapshot)
            child = self._opened(connection, digest, day, number_of(number, linked, earlier))
            child = self._registry.record(connection, self._registry.plan(connection, child, act, self.today), None)
            linking.tell_parent(self._registry, connection, child, act, [(Tell(parent.workflow.linking), {})])
            return self._answer(child)

    def _linked_rules(self, procedure: str) -> Rulebook:
        if procedure in rulebook.procedures(self.home):
            rules = rulebook.read_rulebook(self.home, procedure)
            if rules.workflow.linked is not None:
                return rules
        known, _ = rulebook.read_all(self.home)
        names = "、".join(f"{n}（{r.workflow.title}）" for n, r in known.items() if r.workflow.linked)
        raise NotFound(f"没有关联案件的流程“{procedure}”；可以立：{names}。")

    def move(
        self,
        number: str,
        reason: str,
        to: str = "",
        *,
        on: date | None = None,
        by: str | None = None,
        expect: int | None = None,
    ) -> Answer:
        """Let a case go on under the procedure ``to`` as it stands today (default: the office's own).

        An entry keeps the digests of the rules before and after, the reason and the person; the entries before it
        stand as they are, and the chain still hangs on the rules under which the case was opened.

        Raises:
            NotFound: there is no such case or procedure.
            Refused: the case is read by these very rules, or something in its history would not have been possible
                under them; the entry is named.
        """
        with self._transactions.writing() as connection:
            case = self._load(connection, number, lock=True)
            rules = self._rules_to(case, to)
            snapshot = rules.snapshot()
            digest = snapshot_digest(snapshot)
            self._check_history(case, rules, digest)
            ledger_store.keep_rulebook(connection, digest, snapshot)
            facts = {
                "workflow": f"{rules.workflow.title}（{rules.workflow.id} {rules.workflow.version}）",
                "reason": reason,
                moving.FROM: case.row.rulebook,
                moving.TO: digest,
            }
            act = self._act(rules.workflow.moving, on or self.today, by, facts, expect, verb="move")
            return self._answer(self._moved(connection, case, rules, digest, act))

    def _moved(self, connection: Connection, case: Casework, rules: Rulebook, digest: str, act: Any) -> Casework:
        row = replace(case.row, rulebook=digest)
        again = self._practice.casework(row, case.entries, rules)
        plan = self._registry.plan(connection, again, act, self.today)
        due_store.drop_deadlines(connection, row.agency, row.number)
        ledger_store.change_rules(connection, row.agency, row.number, digest)
        return self._registry.record(connection, plan, None)

    def _rules_to(self, case: Casework, to: str) -> Rulebook:
        if to:
            return rulebook.read_rulebook(self.home, to)
        own = case.workflow.linked is not None  # a linked case goes on under its own procedure
        return rulebook.read_rulebook(self.home, case.workflow.id) if own else self._rules()

    def _check_history(self, case: Casework, rules: Rulebook, digest: str) -> None:
        title, law = rules.workflow.title, list(rules.workflow.law)
        if digest == case.row.rulebook:
            raise Refused(f"案件{case.row.number}已经按“{title}”的现行内容办理，不必转用。", law=law)
        if not rules.workflow.moving:
            raise Refused(f"“{title}”没有转用的步骤（moving），不能转用。", law=law)
        facts = [Fact(e.step, e.on, e.facts) for e in case.entries]
        empty = replace(self._practice.standing(rules, ()), staffed=None)  # who holds a role today is another matter
        found = moving.objection(empty, facts, [e.actor for e in case.entries], self.today)
        if found is None:
            return
        seq, reasons = found
        entry = case.entries[seq - 1]
        raise Refused(
            f"案件{case.row.number}不能转用“{title}”：第{seq}条记录（{entry.on}{case.workflow.steps[entry.step].title}）"
            f"按该流程不能办理：{'；'.join(str(r) for r in reasons)}。本案仍按原流程办理。",
            law=list(dict.fromkeys([*(r.law for r in reasons if r.law), *law])),
        )


def _takes_none(parent: Casework) -> str:
    if parent.workflow.linked is not None:
        return f"案件{parent.row.number}本身是关联案件，不能再立关联案件；请在原案{linking.parent_of(parent)}上立案。"
    return (
        f"案件{parent.row.number}立案时的流程没有关联案件；"
        f"请先用 ysq move {parent.row.number} 转用现行流程，再立关联案件。"
    )
