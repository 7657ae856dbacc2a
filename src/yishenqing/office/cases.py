"""The verbs of a case's road: register, act, show, the lists, and the tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing import almanac, rulebook
from yishenqing.core import destroying
from yishenqing.core.errors import DataFault, Fault, Moved, NotFound, Refused, YishenqingError
from yishenqing.core.ledger import genesis, instant
from yishenqing.core.stars import KINDS
from yishenqing.office import casework, linking, overseeing
from yishenqing.office.answering import Answer
from yishenqing.office.casework import Casework, Row
from yishenqing.office.exchanging import ExchangeVerbs
from yishenqing.office.guiding import parts, yours
from yishenqing.office.holdings import HoldingVerbs
from yishenqing.office.inspections import InspectionVerbs
from yishenqing.office.notifying import Audience
from yishenqing.office.premises import end_of_day, now
from yishenqing.office.printing import wait_to_print
from yishenqing.office.recognising import RecognitionVerbs
from yishenqing.store import due as due_store
from yishenqing.store import issued as issued_store
from yishenqing.store import keys
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.acting import Act, Plan, Printed

_ATTEMPTS = 5  # a letter is printed outside any lock; so often it is printed anew when somebody else was faster


class CaseVerbs(ExchangeVerbs, HoldingVerbs, InspectionVerbs, RecognitionVerbs):
    """What is done to cases."""

    def register(
        self, application: Mapping[str, Any] | Path | str, *, on: date | None = None, by: str | None = None
    ) -> Answer:
        """Open a case from an application (a file, or the same as plain data); answers like ``show``.

        Raises:
            DataFault: the application is malformed.
            Refused: it is dated in the future, or the actor does not register.
        """
        from yishenqing import intake

        if isinstance(application, Mapping):
            received, folder = intake.parse_application(application), Path()
        else:
            received, folder = intake.read_application(Path(application)), Path(application).resolve().parent
        if on is not None and on != received.arrived_on:
            text = f"办理日期{on}与申请文件中的到达日期{received.arrived_on}不一致"
            raise DataFault.of([Fault(text, field="arrived_on")])
        rules = self._rules(received.request)
        seen = [*intake.receipt_warnings(received, rules.workflow, self.settings.readings), *received.warnings()]
        warnings = [{"text": w.text, "law": w.law} for w in seen]
        snapshot = rules.snapshot()
        digest = rulebook.snapshot_digest(snapshot)
        facts = _received_facts(received.facts(), warnings, folder)
        act = self._act(rules.workflow.opening, received.arrived_on, by, facts)
        discloses = rules.workflow.opens(rulebook.DISCLOSURE)
        compared = self._likened(received.items) if discloses else {}
        with self._transactions.writing() as connection:
            ledger_store.keep_rulebook(connection, digest, snapshot)
            case = self._opened(connection, digest, received.arrived_on)
            plan = self._registry.plan(connection, case, act, self.today)
            opened = self._registry.record(connection, plan, None)
            if received.concerns:
                self._tell_concerned(connection, received.concerns, opened, act)
            if not discloses:
                return self._answer(opened, warnings=warnings)
            parts = self._known_of(opened) | self._registered(connection, opened, received, compared)
            return self._answer(opened, None, parts, warnings=warnings)

    def _tell_concerned(self, connection: Connection, number: str, opened: Casework, act: Act) -> None:
        """Let the case that provided a record know that its correction is asked for."""
        linking.tell_concerned(self._registry, connection, number, opened, act)

    def act(
        self,
        number: str,
        step: str,
        facts: Mapping[str, Any] | None = None,
        *,
        on: date | None = None,
        by: str | None = None,
        expect: int | None = None,
    ) -> Answer:
        """Take a step. ``on`` is its legal date (default today); ``expect`` the last entry that the caller saw.

        Raises:
            NotFound: no such case or step.
            Refused: the law or the workflow does not allow it; with what is permitted instead.
            Moved: somebody wrote first.
            DataFault: a fact is unknown or malformed, or the letter cannot be printed.
        """
        act = self._act(step, on or self.today, by, facts or {}, expect)
        found: Answer | None = None
        printed: Printed | None = None
        with ExitStack() as held:
            for left in reversed(range(_ATTEMPTS)):
                found, printed = self._taken(number, act, printed, held, waiting=left == 0)
                if found is not None:
                    break
            else:
                raise Moved(f"案件{number}一再由他人办理，本次没有写入任何内容；请稍后重试。")
        if printed is not None:
            self._transactions.once_kept(lambda: self._publish(number))
        return found

    def _taken(
        self, number: str, act: Act, printed: Printed | None, held: ExitStack, *, waiting: bool
    ) -> tuple[Answer | None, Printed | None]:
        """Record ``act``, or return the letter to come back with; ``waiting`` prints it while the others wait."""
        with self._transactions.writing() as connection:
            plan = self._registry.plan(connection, self._load(connection, number, lock=True), act, self.today)
            if plan.letter and waiting:
                seen = self._seen(connection, plan)
                printed = self._printed(plan, seen, self._passed(plan, seen))
            if not plan.letter or (printed is not None and plan.matches(printed.plan)):
                done = printed if plan.letter else None
                case = self._registry.record(connection, plan, done)
                if case.workflow.states[case.standing.state].final:
                    self._closed(connection, case, act.on)
                return self._answer(case), done
        first = printed is None
        return None, self._transactions.aside(lambda: self._printed_aside(plan, held if first else None))

    def _printed_aside(self, plan: Plan, held: ExitStack | None) -> Printed | None:
        """Plan anew and inspect the letter without any lock, then print it in turn (``held``; None: that was had)."""
        plan, seen = self._looked(plan)
        if seen is None:
            return None
        noted = self._passed(plan, seen)
        if held is not None and plan.series and not self._transactions.hosted:
            wait_to_print(held, self.home, plan.series)
            inspected = plan
            plan, seen = self._looked(plan, seen)
            if seen is None:
                return None
            if not plan.matches(inspected):
                noted = self._passed(plan, seen)
        return self._printed(plan, seen, noted)

    def show(self, number: str, *, as_known: date | None = None) -> Answer:
        """Return a case: ledger, state, deadlines with reasons, permitted steps, letters.

        With ``as_known``, as the office knew it at the end of that day: without what was recorded, corrected or
        announced later; ``since`` then says what has changed and why.

        Raises:
            NotFound: there is no such case, or it was not registered yet on that day.
            Refused: the day lies ahead.
        """
        if as_known is not None:
            found = self._as_known(number, as_known)
            self._saw("read", number, f"{as_known.isoformat()}{self._as_seen()}")
            return found
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            found = self._answer(case, None, self._known_of(case) | self._recognised(case))
        self._transactions.once_kept(lambda: self._publish(number))
        self._saw("read", number, self._as_seen())
        return found

    def _as_seen(self) -> str:
        """Return what the journal says of a look: whether everything was shown."""
        kinds = self._masking()["kinds"]
        return f"（已遮盖{'、'.join(kinds)}）" if kinds else ""

    def _masking(self) -> Row:
        """Return what the user does not see of the people of a case, and by which article."""
        sight, hidden = self._sight, self._hidden()
        return {"kinds": [KINDS[kind] for kind in KINDS if kind in hidden], "law": "、".join(sight.law)}

    def _as_known(self, number: str, day: date) -> Answer:
        from yishenqing.office.hindsight import differences

        with self._transactions.reading() as connection:
            today = self._load(connection, number)
            if day > self.today:
                text = f"{day}晚于今天（{self.today}），届时知道什么，现在还说不出；请写今天或者以前的日期。"
                raise Refused(text, law=list(today.workflow.law))
            practice = replace(
                self._practice,
                workdays=almanac.workdays(day, self.home, known_on=day),
                known_until=instant(end_of_day(day)),
            )
            then = casework.load(connection, practice, number)
            if not then.entries:
                raise NotFound(f"{day}时案件{number}尚未登记。")
        before, after = then.standing.deadlines(day), today.standing.deadlines(self.today)
        since = differences(then, today, before, after)
        return self._answer(then, day, permitted=[], as_known=day.isoformat(), since=since)

    def cases(self, *, limit: int | None = None, after: str = "") -> Row:
        """Return the cases, each with the most urgent deadline that the office watches.

        With ``limit`` only so many, of those whose numbers come after ``after``; ``more`` says whether others follow.
        """
        agency = self.settings.agency
        with self._transactions.reading() as connection:
            rows = ledger_store.case_rows(connection, agency, limit=limit and limit + 1, after=after)
            shown = rows[:limit]
            titles = {r.rulebook: casework.rules_of(connection, r.rulebook).workflow.states for r in shown}
            if limit is None and not after:
                watched = due_store.open_deadlines(connection, agency)
            else:
                of_case = due_store.deadlines_by_case(connection, agency, [r.number for r in shown])
                watched = [row for found in of_case.values() for row in found.values() if row.listed]
            lines = self._due_lines(connection, watched)
        urgent: dict[str, Row] = {}
        for line in lines:
            urgent.setdefault(line["number"], line)
        found = [urgent.get(r.number) or _resting(r, titles[r.rulebook][r.state].title) for r in shown]
        return {"cases": found} if limit is None else {"cases": found, "more": len(rows) > limit}

    def due(self, *, limit: int | None = None) -> Row:
        """Return what falls due, the most urgent first (with ``limit`` only so many); provisional dates say so."""
        asked = limit
        while True:
            with self._transactions.reading() as connection:
                rows = due_store.open_deadlines(connection, self.settings.agency, asked)
                lines = self._due_lines(connection, rows)
            if limit is None:
                return {"cases": lines}
            if len(lines) > limit or len(rows) < (asked or 0):
                return {"cases": lines[:limit], "more": len(lines) > limit}
            asked = (asked or limit) * 4  # some of what is stored asks nothing of anybody any more

    def _due_lines(self, connection: Connection, rows: Sequence[due_store.DueRow]) -> list[Row]:
        lines = (
            casework.due_line(
                row,
                casework.rules_of(connection, row.rulebook).workflow,
                self._moving(connection, row),
                self._workdays,
            )
            for row in rows
        )
        # A possibility of the organ's own that has lapsed asks nothing of anybody any more.
        open_lines = (x for x in lines if (x["clock_state"], x["owed_by"]) != ("lapsed", "organ"))
        return sorted(open_lines, key=lambda x: (x["due"], x["number"], x["clock"]))

    def tick(self) -> Row:
        """Do what is due now, once: give each reminder that has fallen due and was not given before, and deliver it.

        Cases that cannot be read stand in ``faults``; they keep nobody else's reminders back. ``delivery`` says what
        went to persons, what waits, and what could not be delivered. In a host's transaction nothing is delivered:
        the messages lie in the database for the next tick of the office's own. ``exchange``: what left for others.
        """
        from yishenqing.office.reminding import Ticking, tick

        audience = Audience(self.settings, self._rehearsal)
        found = tick(Ticking(self._transactions, self._practice, audience, self._moments.now))
        try:
            self._note_failures(found["faults"])
            found["reminders"] += self._reassessments_due(audience)
        except YishenqingError as error:  # as below
            found["faults"].append({"number": "", "code": error.code, "text": str(error)})
        try:
            delivery = self._delivered()
        except YishenqingError as error:  # the reminders are given and must be told
            found["faults"].append({"number": "", "code": error.code, "text": str(error)})
            delivery = {"sent": 0, "waiting": 0, "quiet": False, "failed": []}
        delivery["unreachable"] = audience.unreachable(found["reminders"])
        try:
            exchange = self._exchanged()
        except YishenqingError as error:  # a mapping with a fault, say
            found["faults"].append({"number": "", "code": error.code, "text": str(error)})
            exchange = {"receivers": [], "failed": []}
        return {**found, "delivery": delivery, "exchange": exchange}

    def reminders_since(self, since: str) -> Row:
        """Return the reminders recorded from the UTC instant ``since`` on, whoever gave them."""
        from yishenqing.office.reminding import MARK_TITLES

        with self._transactions.reading() as connection:
            found = due_store.given_since(connection, self.settings.agency, since)
        names = ("number", "clock", "mark", "due", "title", "recorded_at")
        rows = [dict(zip(names, (n, c, m, d.isoformat(), t, at), strict=True)) for n, c, m, d, t, at in found]
        return {"reminders": [{**row, "mark_title": MARK_TITLES[row["mark"]]} for row in rows]}

    def _note_failures(self, faults: list[Row]) -> None:
        """Keep what failed until it does not; let those above know by what choices this agency reckons."""
        from yishenqing.office import failing

        at = now()
        failing.note(self._transactions, self._practice, faults, at)
        self._transactions.kept(lambda connection: keys.forget_old(connection, self.settings.agency, at))
        overseeing.introduce(self._transactions, self.settings)

    def _delivered(self) -> Row:
        from yishenqing.office.delivering import Delivery

        delivery = Delivery(self._transactions, self.settings, self._workdays, lambda: datetime.now(UTC))
        return delivery.outcome() if self._transactions.hosted else delivery.round()

    def _opened(self, connection: Connection, digest: str, arrived: date, number: str = "") -> Casework:
        agency = self.settings.agency
        if not number:
            n = ledger_store.next_number(connection, agency, "case", arrived.year)
            number = self.settings.numbered_case(arrived.year, n)
        rules = casework.rules_of(connection, digest)
        first = genesis(agency, number, digest)
        row = ledger_store.CaseRow(agency, number, digest, arrived, rules.workflow.initial, None, 0, first)
        ledger_store.open_case(connection, row)
        return self._practice.casework(row, (), rules)

    def _answer(
        self,
        case: Casework,
        day: date | None = None,
        further: Mapping[str, Callable[[], Any]] | None = None,
        **more: Any,
    ) -> Answer:
        number = case.row.number

        def letters() -> list[Row]:
            with self._transactions.reading() as connection:
                found = issued_store.letters_of(connection, self.settings.agency, number)
            gone = case.standing.state == destroying.STATE
            paths = {x.seq: "" if gone else str(self._letter_path(x)) for x in found}
            return [x.as_json(paths[x.seq]) for x in found if x.seq <= len(case.entries)]

        def opener() -> Any:
            with self._transactions.reading() as connection:
                open_facts = self._opener(connection, number)
            kinds = self._hidden()
            if not kinds:
                return open_facts
            from yishenqing.office import seeing

            return seeing.masked(case, open_facts, kinds)

        def linked() -> list[Row]:
            with self._transactions.reading() as connection:
                return linking.linked_rows(connection, case)

        when, user = day or self.today, self._user

        def mine() -> Row | None:
            roles = self.settings.roles_on(user, when) if user in self.settings.people else None
            return yours(case, when, user, roles)

        guides = {
            **parts(case, when, opener, self.home),
            "masked": self._masking,
            "yours": mine,
            "retention": lambda: self._at_filing(case, when),
            **(further or {}),
        }
        found = casework.answer(case, when, letters, opener, linked, guides, **more)
        # A host may look at the answer when its connection is closed, or after it has rolled back.
        return Answer({}, **dict(found)) if self._transactions.hosted else found

    def _at_filing(self, case: Casework, day: date) -> Row | None:
        from yishenqing.office import keeping

        with self._transactions.reading() as connection:
            return keeping.at_filing(connection, case, self.home, day)

    def _moving(self, connection: Connection, row: due_store.DueRow) -> Any:
        """A stopped clock's earliest day moves on with today: it is computed, not read."""
        if row.state != "stopped":
            return None
        return self._load(connection, row.number).standing.deadlines(self.today).get(row.clock)


def _received_facts(facts: Mapping[str, Any], warnings: list[Row], folder: Path) -> dict[str, Any]:
    kept = {k: v for k, v in facts.items() if k not in ("arrived_on", "request")}
    kept["applicant_kind"] = facts["applicant"]["kind"]
    kept["attachments"] = [str(folder / p) for p in facts["attachments"]]
    kept["warnings"] = warnings
    return kept


def _resting(row: ledger_store.CaseRow, title: str) -> Row:
    return {
        "number": row.number,
        "state": row.state,
        "state_title": title,
        "clock": None,
        "title": None,
        "clock_state": None,
        "due": None,
        "working_days_left": None,
        "provisional": False,
        "owed_by": None,
    }
