"""The verbs of the register of holdings: take lists in, look up, assess refusals again (条例第十八条)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from yishenqing import rulebook
from yishenqing.articles import article
from yishenqing.core.deadline import months_later
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Row
from yishenqing.office.entitled import EntitledVerbs
from yishenqing.store import ledger as ledger_store
from yishenqing.store import outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.holdings import Assessment, By, Customs, Found, Holding, Register, Review, Reviews
    from yishenqing.office.notifying import Audience

_LAW = "reassessment"
NOT_HELD = "登记簿中没有；这不等于信息不存在，仍须检索"


class HoldingVerbs(EntitledVerbs):
    """What is done with the register."""

    def import_holdings(self, path: Path | str, *, by: str | None = None) -> Row:
        """Take a list of documents (CSV, JSON lines, XLSX) into the register; all of it or nothing.

        Answers ``new``, ``changed`` (with the fields), ``unchanged``, ``kept`` (documents whose attribute stays as it
        was assessed, though the list says otherwise) and ``unknown`` (columns kept without being understood).

        Raises:
            DataFault: the file has faults; all of them, with lines. Nothing was taken in.
        """
        from yishenqing.holdings.parsing import parse

        parsed = parse(Path(path), self._register_customs, rulebook.read_rulebook(self.home).law)
        noted = self._noted_by(by, str(path), self.today)
        with self._transactions.writing() as connection:
            done = self._register(connection).take_in(parsed.holdings, noted, self._reassess_months)
        return {
            "new": [self._line(i, h) for i, h in done.new],
            "changed": [{**self._line(i, h), "fields": list(names)} for i, h, names in done.changed],
            "unchanged": done.unchanged,
            "kept": [self._line(i, h) for i, h in done.kept],
            "unknown": parsed.unknown,
        }

    def holdings(self, attribute: str | None = None) -> Row:
        """Return the documents of the register, all or those of one attribute (its code or its title).

        Raises:
            DataFault: there is no such attribute.
        """
        code = self._attribute(attribute) if attribute is not None else None
        with self._transactions.reading() as connection:
            return {"holdings": [self._line(i, h) for i, h in self._register(connection).all(code)]}

    def search_holdings(self, text: str, limit: int = 10) -> Row:
        """Return the documents whose number or title is close to ``text``, each with how it was found.

        Raises:
            DataFault: there is nothing to search for.
        """
        if not any(c.isalnum() for c in text):
            raise DataFault.of([Fault("检索词为空，请写出至少一个汉字、字母或者数字")])
        with self._transactions.reading() as connection:
            found = [self._found(f) for f in self._register(connection).search(text, limit)]
        self._saw("search", "", text)
        return {"holdings": found}

    def holding(self, identifier: int) -> Row:
        """Return one document with all its earlier states and re-assessments.

        Raises:
            NotFound: the register has none of that id.
        """
        from yishenqing.holdings import Holding

        with self._transactions.reading() as connection:
            register, reviews = self._register(connection), self._reviews(connection)
            found = self._line(identifier, register.get(identifier))
            states = register.history(identifier)
            due = reviews.days_of("holding", str(identifier))
            past = reviews.history("holding", str(identifier))
        known = [{**s, "record": self._line(identifier, Holding.loaded(s["record"]))} for s in states]
        return {
            **found,
            "due": due.due_on.isoformat() if due else None,
            "history": known,
            "assessments": [self._past(a) for a in past],
        }

    def holdings_due(self, *, everything: bool = False) -> Row:
        """Return the refusals to be assessed again today or before; with ``everything`` all that are noted."""
        with self._transactions.reading() as connection:
            found = self._reviews(connection).due(None if everything else self.today)
            return {"due": [self._due_line(connection, r) for r in found]}

    def assess(
        self,
        subject: int | str,
        decision: Literal["kept", "opened"],
        reason: str,
        *,
        attribute: str | None = None,
        next_on: date | None = None,
        on: date | None = None,
        by: str | None = None,
    ) -> Row:
        """Record the re-assessment of a refusal: of a document (its id) or of a closed case (its number).

        ``kept`` falls due again on ``next_on``, else after the office's interval. ``opened`` takes a document's new
        ``attribute``. Nothing that was recorded before is changed.

        Raises:
            NotFound: there is no such document or case.
            Refused: the actor does not assess, the day lies ahead or before the last one, or nothing was refused.
            DataFault: the reason is missing, or the attribute does not fit the decision.
        """
        day = on or self.today
        noted = self._noted_by(by, f"评估审查：{reason}", day, self._register_customs.reassess_by)
        code = self._new_attribute(subject, decision, attribute)
        if not reason.strip():
            raise DataFault.of([Fault("请写明理由", field="reason", law=article(_LAW, self.today))])
        with self._transactions.writing() as connection:
            reviews = self._reviews(connection)
            kind, name = self._subject(connection, subject)
            self._judge_day(reviews.history(kind, name), day)
            after = self._next_day(decision, day, next_on)
            from yishenqing.holdings import Assessment

            assessment = Assessment(
                kind,
                name,
                day,
                decision,
                reason.strip(),
                noted.actor,
                noted.recorded_at,
                noted.rehearsal,
                code,
                after,
            )
            if kind == "holding":
                self._change(connection, int(name), assessment, noted)
            n = reviews.record(assessment)
        return {"subject": subject, "n": n, **self._past(assessment)}

    # ---- what other verbs ask

    def _known_of(self, case: Casework) -> dict[str, Callable[[], Any]]:
        """Return what the register knows of each item that a case asks for, to be worked out when looked at."""

        def holdings() -> Row:
            with self._transactions.reading() as connection:
                register = self._register(connection)
                entries = register.count()
                items = current_items(case, self._opener(connection, case.row.number)) if entries else []
                found = [[self._found(f) for f in register.look_up(text)] for text in items]
            lines = [{"item": n, "found": f, "text": "" if f else NOT_HELD} for n, f in enumerate(found, start=1)]
            return {"entries": entries, "items": lines}

        return {"holdings": holdings}

    def _closed(self, connection: Connection, case: Casework, on: date) -> None:
        """Note when a refusal that a case ended with is to be assessed again (条例第十八条)."""
        if case.outcome in self._register_customs.reassessed_outcomes:
            due = months_later(on, self._reassess_months)
            self._reviews(connection).schedule("case", [(case.row.number, due)])

    def _reassessments_due(self, audience: Audience) -> list[Row]:
        """Tell, once, which refusals have fallen due; the messages are kept together with the telling."""
        with self._transactions.reading() as connection:
            if not self._reviews(connection).waiting(self.today):
                return []
        with self._transactions.writing() as connection:
            claimed = self._reviews(connection).claim(self.today)
            reminders = self._reminders(connection, claimed)
            people = audience.of("expired", self._register_customs.reassess_by[0], "")
            for reminder in reminders:
                reminder["to"] = audience.names(people)
            outbox.put(connection, audience.messages([(r, people) for r in reminders], self._moments.now()))
        return reminders

    # ---- parts

    @cached_property
    def _register_customs(self) -> Customs:
        from yishenqing.holdings import read_customs

        return read_customs(self.home)

    @property
    def _reassess_months(self) -> int:
        return self.settings.reassess_months or self._register_customs.reassess_months

    def _register(self, connection: Connection) -> Register:
        from yishenqing.holdings import Register

        return Register(connection, self.settings.agency, self._register_customs)

    def _reviews(self, connection: Connection) -> Reviews:
        from yishenqing.holdings import Reviews

        return Reviews(connection, self.settings.agency)

    def _noted_by(self, by: str | None, source: str, day: date, roles: tuple[str, ...] = ()) -> By:
        from yishenqing.holdings import By

        user = self._entitled(by, roles or None, day, "评估审查", [article(_LAW, self.today)])
        return By(user, self._moments.now(), self._rehearsal, source, day)

    def _attribute(self, word: str) -> str:
        code = self._register_customs.attribute(word)
        if code is None:
            titles = "、".join(a.title for a in self._register_customs.attributes.values())
            raise DataFault.of([Fault(f"“{word}”不是公开属性，应为{titles}之一", field="attribute")])
        return code

    def _new_attribute(self, subject: int | str, decision: str, attribute: str | None) -> str:
        """Return the attribute that a document gets; an opened document must get one, nothing else may."""
        if decision == "opened" and isinstance(subject, int):
            if attribute is None:
                raise DataFault.of(
                    [Fault("予以公开的，请写明改为哪种公开属性", field="attribute", law=article(_LAW, self.today))]
                )
            code = self._attribute(attribute)
            if self._register_customs.attributes[code].grounded:
                title = self._register_customs.attributes[code].title
                raise DataFault.of(
                    [Fault(f"予以公开的，公开属性不能仍为{title}", field="attribute", law=article(_LAW, self.today))]
                )
            return code
        if attribute is not None:
            raise DataFault.of([Fault("只有登记簿中的文件予以公开时才改公开属性", field="attribute")])
        return ""

    def _subject(self, connection: Connection, subject: int | str) -> tuple[Literal["holding", "case"], str]:
        """Return what is assessed; it must be something that was refused."""
        if isinstance(subject, int):
            holding = self._register(connection).get(subject)
            if not self._register_customs.attributes[holding.attribute].reassessed:
                title = self._register_customs.attributes[holding.attribute].title
                raise Refused(
                    f"登记簿第{subject}号的公开属性是{title}，不需要评估审查", law=[article(_LAW, self.today)]
                )
            return "holding", str(subject)
        case = self._load(connection, subject, lock=True)
        if not case.workflow.states[case.standing.state].final:
            raise Refused(f"案件{subject}尚未办结", law=[article(_LAW, self.today)])
        if case.outcome not in self._register_customs.reassessed_outcomes:
            raise Refused(f"案件{subject}没有不予公开的信息，不需要评估审查", law=[article(_LAW, self.today)])
        return "case", subject

    def _judge_day(self, past: list[Assessment], day: date) -> None:
        if past and day < past[-1].on:
            raise Refused(f"评估审查的日期{day}早于上一次（{past[-1].on}）", law=[article(_LAW, self.today)])
        if past and past[-1].decision == "opened" and past[-1].kind == "case":
            raise Refused(f"{past[-1].on}已经决定予以公开", law=[article(_LAW, self.today)])

    def _next_day(self, decision: str, day: date, next_on: date | None) -> date | None:
        if decision == "opened":
            if next_on is not None:
                raise DataFault.of(
                    [Fault("予以公开的，没有下一次评估审查", field="next_on", law=article(_LAW, self.today))]
                )
            return None
        if next_on is not None and next_on <= day:
            raise DataFault.of(
                [
                    Fault(
                        f"下一次评估审查（{next_on}）应晚于这一次（{day}）",
                        field="next_on",
                        law=article(_LAW, self.today),
                    )
                ]
            )
        return next_on or months_later(day, self._reassess_months)

    def _change(self, connection: Connection, identifier: int, assessment: Assessment, noted: By) -> None:
        register = self._register(connection)
        if assessment.decision == "opened":
            register.change(identifier, noted, attribute=assessment.attribute, ground=(), reason="", review_on=None)
        else:
            register.change(identifier, noted, review_on=assessment.next_on)

    def _line(self, identifier: int, holding: Holding) -> Row:
        return {
            "id": identifier,
            "title": holding.title,
            "number": holding.number,
            "made_on": holding.made_on.isoformat() if holding.made_on else None,
            "attribute": holding.attribute,
            "attribute_title": self._title(holding.attribute),
            "ground": list(holding.ground),
            "reason": holding.reason,
            "review_on": holding.review_on.isoformat() if holding.review_on else None,
            "place": holding.place,
            "unit": holding.unit,
            "note": holding.note,
            "other": dict(holding.other),
        }

    def _title(self, attribute: str) -> str:
        known = self._register_customs.attributes.get(attribute)
        return known.title if known else attribute

    def _found(self, found: Found) -> Row:
        return {**self._line(found.id, found.holding), "how": found.how, "score": found.score}

    def _past(self, assessment: Assessment) -> Row:
        from yishenqing.holdings.reviews import DECISIONS

        return {
            "on": assessment.on.isoformat(),
            "decision": assessment.decision,
            "decision_title": DECISIONS[assessment.decision],
            "attribute": assessment.attribute or None,
            "reason": assessment.reason,
            "next_on": assessment.next_on.isoformat() if assessment.next_on else None,
            "actor": assessment.actor,
            "recorded_at": assessment.recorded_at,
            "rehearsal": assessment.rehearsal,
        }

    def _due_line(self, connection: Connection, review: Review) -> Row:
        line = {
            "kind": review.kind,
            "subject": int(review.subject) if review.kind == "holding" else review.subject,
            "due": review.due_on.isoformat(),
            "overdue": review.due_on < self.today,
        }
        if review.kind == "holding":
            holding = self._register(connection).get(int(review.subject))
            said = {"title": holding.title, "number": holding.number, "ground": list(holding.ground)}
            return {**line, **said, "attribute_title": self._title(holding.attribute)}
        row = ledger_store.case_row(connection, self.settings.agency, review.subject)
        outcome = casework.rules_of(connection, row.rulebook).workflow.outcomes[row.outcome or ""]
        return {**line, "title": outcome.title, "number": "", "ground": list(outcome.law), "attribute_title": ""}

    def _reminders(self, connection: Connection, claimed: list[Review]) -> list[Row]:
        """Return one reminder for each refusal; many documents of the register are told in one."""
        documents = [r for r in claimed if r.kind == "holding"]
        together = len(documents) > self._register_customs.apart
        apart = [r for r in claimed if not (together and r.kind == "holding")]
        found = [self._reminder(r.due_on, *self._named(connection, r)) for r in apart]
        if together:
            text = f"登记簿中有{len(documents)}件到了评估审查之日，用 ysq holdings due 查看"
            found.append(self._reminder(documents[0].due_on, "登记簿", text))
        return found

    def _named(self, connection: Connection, review: Review) -> tuple[str, str]:
        line = self._due_line(connection, review)
        if review.kind == "case":
            return review.subject, f"以“{line['title']}”办结，{review.due_on}应当评估审查能否公开"
        title = f"“{line['title']}”（{line['attribute_title']}）"
        return f"登记簿第{review.subject}号", f"{title}{review.due_on}应当评估审查能否公开"

    def _reminder(self, due: date, number: str, text: str) -> Row:
        return {
            "number": number,
            "clock": "reassessment",
            "title": "评估审查",
            "mark": "reassess",
            "mark_title": "评估",
            "due": due.isoformat(),
            "provisional": False,
            "working_days_left": self._workdays.left(due),
            "text": text,
            "law": self._register_customs.law,
        }


def current_items(case: Casework, open_facts: Callable[[Any], Any]) -> list[str]:
    """Return what a case asks for, as last supplemented; nothing where it was destroyed."""
    for fact in reversed(case.standing.facts):
        if "items" in fact.facts:
            opened: Mapping[str, Any] = open_facts({"items": fact.facts["items"]})
            return list(opened["items"]) if isinstance(opened["items"], list) else []
    return []
