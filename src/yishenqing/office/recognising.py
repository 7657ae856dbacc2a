"""What an office has met before: the same person, the same request, what many ask for. Shown, never acted on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field
from msgspec.structs import asdict, replace
from sqlalchemy import Connection

from yishenqing.articles import article
from yishenqing.core import destroying
from yishenqing.core.deadline import months_later
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Practice, Row
from yishenqing.office.entitled import EntitledVerbs
from yishenqing.office.holdings import current_items
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault

if TYPE_CHECKING:
    from yishenqing.intake import Application
    from yishenqing.kinship import Compared, Customs, Index, Keys, Kin, Proposal, Proposals, Text

SPLIT_FROM = "split_from"  # the fact that names the case from which one was split
_LAW = "proactive"
_AT_ONCE = 200  # cases that a rebuilding enters in one transaction


class RecognitionVerbs(EntitledVerbs):
    """What is done with what was recognised."""

    def proposals(self, *, everything: bool = False) -> Row:
        """Return the open proposals to disclose of the office's own accord, with the cases behind each.

        With ``everything`` the decided ones too.
        """
        with self._transactions.reading() as connection:
            recognition = self._recognition(connection)
            found = [p for p in recognition.proposals.all() if everything or p.decided is None]
            return {"proposals": [recognition.told(p) for p in found]}

    def decide_proposal(
        self,
        identifier: int,
        decision: Literal["open", "decline"],
        reason: str,
        *,
        scope: str = "",
        on: date | None = None,
        by: str | None = None,
    ) -> Row:
        """Record what was decided on a proposal; ``scope`` says how far it is opened. History is only added to.

        Raises:
            NotFound: there is no such proposal.
            Refused: the actor does not decide, or the day lies ahead or before the proposal.
            DataFault: the reason is missing, or the scope where it is opened.
        """
        from yishenqing.kinship import Decision

        day, law = on or self.today, article(_LAW, self.today)
        user = self._entitled(by, self._recognition_customs.decide_by, day, "决定转为主动公开", [law])
        faults = [] if reason.strip() else [Fault("请写明理由", field="reason", law=law)]
        if decision == "open" and not scope.strip():
            faults.append(Fault("转为主动公开的，请写明公开范围", field="scope", law=law))
        if faults:
            raise DataFault.of(faults)
        made = Decision(day, decision, scope.strip(), reason.strip(), user, self._moments.now(), self._rehearsal)
        with self._transactions.writing() as connection:
            recognition = self._recognition(connection)
            known = recognition.proposals.get(identifier)
            last = known.decided.on if known.decided else known.on
            if day < last:
                raise Refused(
                    f"办理日期{day}早于{last}，当时还没有这项建议或者已另有决定", law=[article(_LAW, self.today)]
                )
            return recognition.told(recognition.proposals.decide(identifier, made))

    def rebuild_recognition(self, *, new_key: bool = False) -> Row:
        """Enter all cases anew under the office's current key, or a new one; return how many cases were entered.

        Batch by batch: registration goes on meanwhile, and after a kill it is simply run again.
        """
        self._transactions.permit()
        keys = self._office_keys.with_new() if new_key else self._office_keys
        self.__dict__["_office_keys"] = keys
        with self._transactions.reading() as connection:
            rows = ledger_store.case_rows(connection, self.settings.agency)
            numbers = [r.number for r in rows if r.state != destroying.STATE]
            last = self._recognition(connection).index.last()
        entered = 0
        for start in range(0, len(numbers), _AT_ONCE):
            with self._transactions.writing() as connection:
                entered += self._recognition(connection).enter_anew(numbers[start : start + _AT_ONCE])
        with self._transactions.writing() as connection:
            self._recognition(connection).index.drop_until(last)
        if len(keys.keys) > 1:
            self.__dict__["_office_keys"] = keys.with_current_alone()
        return {"cases": entered, "key": keys.current.id}

    def _enter_unrecognised(self) -> None:
        """Enter the cases of a database that was made before cases were recognised."""
        with self._transactions.reading() as connection:
            known = self._recognition(connection).index.last()
            missing = not known and ledger_store.has_cases(connection, self.settings.agency)
        if missing:
            self.rebuild_recognition()

    def _likened(self, items: Sequence[str]) -> dict[str, Compared]:
        """Compare the texts of a case before anybody has to wait for its registration."""
        with self._transactions.reading() as connection:
            return self._recognition(connection).beforehand(items)

    def _registered(
        self, connection: Connection, case: Casework, received: Application, compared: Mapping[str, Compared]
    ) -> dict[str, Callable[[], Any]]:
        """Enter a new case; return what was recognised of it, to be worked out when looked at."""
        work = replace(self._recognition(connection), compared=compared)
        alike = work.at_registration(case, asdict(received.applicant), received.items)

        def recognised() -> Row:
            with self._transactions.reading() as reading:
                return self._recognition(reading).known(case, alike)

        return {"recognised": recognised}

    def _recognised(self, case: Casework) -> dict[str, Callable[[], Any]]:
        """Return what was recognised of a case, to be worked out when looked at.

        Nothing of it is seen from above: an agency recognises by a key of its own, which lies in its folder.
        """
        if self._transactions.only_looks:
            return {}

        def recognised() -> Row:
            with self._transactions.reading() as connection:
                items = current_items(case, self._opener(connection, case.row.number))
                return self._recognition(connection).of_case(case, items)

        return {"recognised": recognised}

    @cached_property
    def _recognition_customs(self) -> Customs:
        from yishenqing.kinship import read_customs

        return read_customs(self.home)

    @cached_property
    def _office_keys(self) -> Keys:
        from yishenqing.kinship import Keys

        return Keys.of(self.home)

    def _recognition(self, connection: Connection) -> Recognition:
        needed = self.settings.propose_applicants or self._recognition_customs.propose_applicants
        keys, at = self._office_keys, self._moments.now
        return Recognition(connection, self._practice, self._recognition_customs, keys, needed, at)


class Recognition(Struct, frozen=True, dict=True):
    """Recognises requests of one office inside one transaction."""

    connection: Connection
    practice: Practice
    customs: Customs
    keys: Keys
    needed: int
    now: Callable[[], str]
    compared: Mapping[str, Compared] = field(default_factory=dict)  # by text, what was compared beforehand

    @property
    def agency(self) -> str:
        """Return whose requests these are."""
        return self.practice.agency

    @cached_property
    def index(self) -> Index:
        """Return the index of persons and texts."""
        from yishenqing.kinship import Index

        return Index(self.connection, self.agency, self.keys)

    @cached_property
    def proposals(self) -> Proposals:
        """Return the proposals."""
        from yishenqing.kinship import Proposals

        return Proposals(self.connection, self.agency)

    def beforehand(self, items: Sequence[str]) -> dict[str, Compared]:
        """Compare the texts of a case that is to be registered with those entered so far."""
        return {text: self.index.compared(text, self._texts) for text in items}

    def at_registration(self, case: Casework, applicant: Mapping[str, Any], items: Sequence[str]) -> list[list[Text]]:
        """Enter a new case, propose where it is time, and return the earlier requests like each of its texts."""
        from yishenqing.kinship import identifiers

        number, on = case.row.number, case.row.opened_on
        self.index.enter(number, on, identifiers(applicant), items)
        alike = [self._alike(number, on, text) for text in items]
        since = self._since(on)
        for item, texts in enumerate(alike, start=1):
            recent = [t for t in texts if t.on >= since]
            self.proposals.consider((number, item), on, recent, since, self.needed, self.now())
        return alike

    def enter(self, number: str, on: date, applicant: Any, items: Sequence[str]) -> None:
        """Enter a case that was registered within another one: it proposes nothing, and later ones meet it."""
        from yishenqing.kinship import identifiers

        self.index.enter(number, on, identifiers(applicant if isinstance(applicant, dict) else {}), items)

    def of_case(self, case: Casework, items: Sequence[str]) -> Row:
        """Return what is recognised of a case that is registered already; later cases are no matter of it.

        Nor is the request that it was split from: it is the same one.
        """
        number, on, origin = case.row.number, case.row.opened_on, case.standing.facts[0].facts.get(SPLIT_FROM)
        alike = [[t for t in self._alike(number, on, text) if t.number != origin] for text in items]
        return self.known(case, alike)

    def enter_anew(self, numbers: Sequence[str]) -> int:
        """Enter these cases under the current key as if they were registered now; return how many could be read.

        They are locked first; of one that was destroyed since somebody listed them nothing is entered.
        """
        from yishenqing.kinship import identifiers

        rows = ledger_store.rows_of_many(self.connection, self.agency, numbers, lock=True)
        days = {r.number: r.opened_on for r in rows if r.state != destroying.STATE}
        received = received_of(self.connection, self.agency, sorted(days))
        items = {n: said if isinstance(said := facts.get("items"), list) else [] for n, facts in received.items()}
        self.index.leave({number: items.get(number, []) for number in numbers})
        for number, facts in received.items():
            applicant = facts.get("applicant")
            known = identifiers(applicant if isinstance(applicant, dict) else {})
            self.index.enter(number, days[number], known, items[number])
        return len(received)

    def told(self, proposal: Proposal) -> Row:
        """Return a proposal with the requests behind it and what was decided."""
        from yishenqing.kinship.proposals import DECISIONS

        numbers = sorted({number for number, _ in proposal.requests})
        states, texts = self._states(numbers), self._texts(numbers)
        cases = [
            {"number": n, "item": i, "text": _item(texts.get(n, ()), i), **states.get(n, {})}
            for n, i in proposal.requests
        ]
        decided = [
            {
                "on": d.on.isoformat(),
                "decision": d.decision,
                "decision_title": DECISIONS[d.decision],
                "scope": d.scope,
                "reason": d.reason,
                "actor": d.actor,
                "recorded_at": d.recorded_at,
                "rehearsal": d.rehearsal,
            }
            for d in proposal.decisions
        ]
        state = proposal.decided.decision if proposal.decided else "proposed"
        return {
            "id": proposal.id,
            "on": proposal.on.isoformat(),
            "state": state,
            "applicants": self.proposals.applicants(proposal),
            "cases": cases,
            "decisions": decided,
            "law": article(_LAW),
        }

    def _alike(self, number: str, on: date, text: str) -> list[Text]:
        known = self.compared.get(text)
        return self.index.alike(number, on, text, self.customs.similar_from / 100, self._texts, known)

    def known(self, case: Casework, alike: Sequence[Sequence[Text]]) -> Row:
        """Return what an officer should know of a case, and of these earlier requests that are like its texts."""
        number, on = case.row.number, case.row.opened_on
        count, kin = self.index.kin(number, on, self._since(on), self.customs.shown)
        shown = [(item, t) for item, texts in enumerate(alike, start=1) for t in texts[: self.customs.shown]]
        numbers = {k.number for k in kin} | {t.number for _, t in shown}
        states = self._states(sorted(numbers))
        same = self.index.same_person(number, sorted(numbers))
        return {
            "same_person": {
                "within_months": self.customs.within_months,
                "count": count,
                "cases": [_kin(k, states.get(k.number, {})) for k in kin],
            },
            "same_text": [
                {
                    "item": item,
                    "number": t.number,
                    "earlier_item": t.item,
                    "on": t.on.isoformat(),
                    "score": t.score,
                    "exact": t.exact,
                    "same_person": t.number in same,
                    **states.get(t.number, {}),
                }
                for item, t in shown
            ],
            "proposals": [self._brief(p) for p in self.proposals.of_case(number)],
            "notes": self._notes(),
        }

    def _brief(self, proposal: Proposal) -> Row:
        decided = proposal.decided
        return {
            "id": proposal.id,
            "state": decided.decision if decided else "proposed",
            "applicants": self.proposals.applicants(proposal),
            "scope": decided.scope if decided else "",
        }

    def _notes(self) -> list[str]:
        notes = []
        if self.index.foreign():
            notes.append("部分案件的识别索引是用另一把密钥建立的，不能识别；请运行 ysq recognition rebuild")
        if self.keys.exposed:
            notes.append(f"识别密钥文件“{self.keys.path.name}”其他用户也能读取；请将权限改为 0600")
        return notes

    def _since(self, on: date) -> date:
        return months_later(on, -self.customs.within_months)

    def _texts(self, numbers: Sequence[str]) -> dict[str, list[str]]:
        received = received_of(self.connection, self.agency, numbers, only="items")
        return {n: f["items"] for n, f in received.items() if isinstance(f.get("items"), list)}

    def _states(self, numbers: Sequence[str]) -> dict[str, Row]:
        """Return how earlier cases stand: whether they were answered, and how."""
        if not numbers:
            return {}
        return {c.row.number: _state(c) for c in casework.load_many(self.connection, self.practice, numbers)}


def received_of(
    connection: Connection, agency: str, numbers: Sequence[str], only: str = ""
) -> dict[str, dict[str, Any]]:
    """Return the opened facts of the first entries of these cases, all or only one of them."""
    firsts = ledger_store.first_payloads(connection, agency, numbers)
    facts = {number: json.loads(text) for number, text in firsts.items()}
    if only:
        facts = {number: {only: found[only]} for number, found in facts.items() if only in found}
    values = vault.sealed_of_many(connection, agency, facts)
    return {number: vault.opener(values.get(number, {}))(found) for number, found in facts.items()}


def _state(case: Casework) -> Row:
    outcome = case.outcome
    known = case.workflow.outcomes.get(outcome) if outcome else None
    replied = case.standing.last("replied")
    return {
        "state": case.standing.state,
        "state_title": case.workflow.states[case.standing.state].title,
        "answered": replied is not None,
        "replied_on": replied.on.isoformat() if replied else None,
        "outcome": outcome,
        "outcome_title": known.title if known else None,
    }


def _kin(kin: Kin, state: Row) -> Row:
    from yishenqing.kinship.identifying import KIND_TITLES

    why = [KIND_TITLES[k] for k in kin.kinds]
    return {"number": kin.number, "on": kin.on.isoformat(), "why": why, **state}


def _item(texts: Iterable[str], item: int) -> str | None:
    """Return an item's text; None where it was destroyed."""
    found = list(texts)
    return found[item - 1] if item <= len(found) else None
