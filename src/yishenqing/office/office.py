"""The office: every verb of the command line as a method, each one transaction.

with Office.open("yishenqing-home") as office:
    case = office.register({...})
    office.act(case["number"], "acknowledged")
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection

from yishenqing import intake, rulebook
from yishenqing.core.decide import Standing
from yishenqing.core.errors import DataFault, Fault, Moved, NotFound, Refused
from yishenqing.core.ledger import genesis
from yishenqing.core.workdays import Workdays
from yishenqing.letters import Letterbook
from yishenqing.office import casework, checking, drafting, filing, reminding
from yishenqing.office.acting import Act, Printed, Registry, file_name
from yishenqing.office.casework import Casework, Row
from yishenqing.precedents import (
    Library,
    Precedent,
    batch,
    evaluate,
    read_jsonl,
    read_qrels,
    read_queries,
    shipped_library,
)
from yishenqing.settings import Person, Settings, read_settings, write_settings
from yishenqing.shipped import layered
from yishenqing.store import due as due_store
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.issued import Issued
from yishenqing.store.upgrade import is_ready, upgrade

_ATTEMPTS = 5  # a letter is printed outside any lock; so often it is printed anew when somebody else was faster
_DATABASE = "office.db"
_TODAY = "YISHENQING_TODAY"


class Office:
    """An authority's office: its folder, its settings, its ledger."""

    def __init__(
        self,
        home: Path,
        settings: Settings,
        transactions: Transactions,
        *,
        today: Callable[[], date],
        user: str,
    ) -> None:
        """Use ``Office.open`` instead."""
        self.home, self.settings = home, settings
        self._transactions = transactions
        self._today, self._user = today, user
        self._workdays = rulebook.workdays(today(), home)
        self._letters = Letterbook(layered("letters", home))
        self._papers = vault.Papers(home / "files")
        self._registry = Registry(settings, self._letters, self._papers)

    # Opening and closing

    @classmethod
    def init(cls, home: Path | str, user: str | None = None) -> Path:
        """Make (or bring up to date) an office's folder: settings, database, shipped precedents.

        The operating-system user gets every role until others are named. Safe to run twice.
        """
        home = Path(home)
        settings_file = write_settings(home, user or system_user())
        settings = read_settings(home)
        engine = open_engine(_url(home, settings))
        transactions = Transactions(engine)
        try:
            with transactions.checked():
                upgrade(engine)
            with transactions.writing() as connection:
                library = Library(connection, settings.agency)
                if library.count() == 0:
                    library.add(shipped_library())
        finally:
            transactions.close()
        return settings_file

    @classmethod
    def open(
        cls,
        home: Path | str,
        *,
        user: str | None = None,
        today: Callable[[], date] | None = None,
        connection: Connection | None = None,
    ) -> Office:
        """Open the office in ``home``. A host may pass its own ``connection``: then the host commits.

        Raises:
            NotFound: there is no office in this folder, or its database was never made.
            DataFault: the settings have faults.
        """
        home = Path(home)
        settings = read_settings(home)
        engine = None if connection is not None else open_engine(_url(home, settings))
        transactions = Transactions(engine, connection)
        if engine is not None:
            _require_database(engine, home, settings, transactions)
        return cls(
            home,
            settings,
            transactions,
            today=today or _system_today,
            user=user or system_user(),
        )

    def __enter__(self) -> Office:
        """Return the office itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let go of the database."""
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._transactions.close()

    # Cases

    def register(self, application: Mapping[str, Any] | Path, *, by: str | None = None) -> Row:
        """Open a case from an application (a file, or the same as plain data); answers like ``show``.

        Raises:
            DataFault: the application is malformed.
            Refused: it is dated in the future, or the actor does not register.
        """
        received = (
            intake.read_application(application)
            if isinstance(application, Path)
            else intake.parse_application(application)
        )
        rules = rulebook.read_rulebook(self.home)
        snapshot = rules.snapshot()
        warnings = [{"text": w.text, "law": w.law} for w in received.warnings()]
        facts = _received_facts(received.facts(), warnings, application)
        act = self._act(rules.workflow.opening, received.arrived_on, by, facts)
        with self._transactions.writing() as connection:
            digest = rulebook.snapshot_digest(snapshot)
            ledger_store.keep_rulebook(connection, digest, snapshot)
            case = self._opened(connection, digest, received.arrived_on)
            plan = self._registry.plan(connection, case, act, self.today)
            after = self._registry.record(connection, plan, None)
            found = self._answer(connection, after)
        return {**found, "warnings": warnings}

    def act(
        self,
        number: str,
        step: str,
        facts: Mapping[str, Any] | None = None,
        *,
        on: date | None = None,
        by: str | None = None,
        expect: int | None = None,
    ) -> Row:
        """Take a step. ``on`` is its legal date (default today); ``expect`` the last entry that the caller saw.

        Raises:
            NotFound: no such case or step.
            Refused: the law or the workflow does not allow it; with what is permitted instead.
            Moved: somebody wrote first.
            DataFault: a fact is unknown or malformed, or the letter cannot be printed.
        """
        act = self._act(step, on or self.today, by, facts or {}, expect)
        printed: Printed | None = None
        for _ in range(_ATTEMPTS):
            with self._transactions.writing() as connection:
                case = self._load(connection, number, lock=True)
                plan = self._registry.plan(connection, case, act, self.today)
                if not plan.letter or (printed is not None and plan.matches(printed.plan)):
                    found = self._answer(connection, self._registry.record(connection, plan, printed))
                    break
                open_facts = vault.opener(vault.sealed_of(connection, self.settings.agency, number))
            printed = self._registry.printed(plan, open_facts)
        else:
            raise Moved(f"案件{number}或者文书编号一再被他人占用，本次没有写入任何内容；请稍后重试。")
        self._publish(number)
        return found

    def show(self, number: str) -> Row:
        """Return a case: ledger, state, deadlines with reasons, permitted steps, letters.

        Raises:
            NotFound: there is no such case.
        """
        with self._transactions.reading() as connection:
            found = self._answer(connection, self._load(connection, number))
        self._publish(number)
        return found

    def cases(self) -> Row:
        """Return all cases, each with the most urgent deadline that the office watches."""
        urgent: dict[str, Row] = {}
        for line in self.due()["cases"]:
            urgent.setdefault(line["number"], line)
        with self._transactions.reading() as connection:
            rows = ledger_store.case_rows(connection, self.settings.agency)
            titles = {r.rulebook: casework.rules_of(connection, r.rulebook).workflow.states for r in rows}
        return {"cases": [urgent.get(r.number) or _resting(r, titles[r.rulebook][r.state].title) for r in rows]}

    def due(self) -> Row:
        """Return what falls due, the most urgent first; provisional dates say so."""
        with self._transactions.reading() as connection:
            lines = [
                casework.due_line(
                    row,
                    casework.rules_of(connection, row.rulebook).workflow,
                    self._moving(connection, row),
                    self._workdays,
                )
                for row in due_store.open_deadlines(connection, self.settings.agency)
            ]
        # A possibility of the organ's own that has lapsed asks nothing of anybody any more.
        open_lines = (x for x in lines if (x["clock_state"], x["owed_by"]) != ("lapsed", "organ"))
        return {"cases": sorted(open_lines, key=lambda x: (x["due"], x["number"], x["clock"]))}

    # Letters and drafts

    def letter(self, number: str, kind: str) -> Row:
        """Return an issued letter; one not issued yet is printed as a draft, numberless, for reading only.

        Raises:
            NotFound: no such case, or no such kind.
            DataFault: something that the letter must say is missing.
        """
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            known = [x for x in issued_store.letters_of(connection, self.settings.agency, number) if x.kind == kind]
            open_facts = vault.opener(vault.sealed_of(connection, self.settings.agency, number))
        if known:
            self._publish(number)
            return {**known[-1].as_json(str(self._letter_path(known[-1]))), "draft": False}
        title = self._letters.kind(kind).title
        content = self._letters.pdf(kind, drafting.preview(self._registry, case, kind, self._draft_act, open_facts))
        path = self.home / "previews" / number / f"草稿-{title}.pdf"
        vault.write_whole(path, content)
        return {"kind": kind, "title": title, "number": None, "path": str(path), "draft": True}

    def draft(self, number: str, outcome: str | None = None, facts: Mapping[str, Any] | None = None) -> Row:
        """Compose the reply from case, law and nearest precedents; each sentence with its source.

        Raises:
            NotFound: there is no such case.
            Refused: the outcome is not one that the case's workflow knows.
        """
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            open_facts = vault.opener(vault.sealed_of(connection, self.settings.agency, number))
            library = Library(connection, self.settings.agency)
            act = self._draft_act("drafted", {**(facts or {}), **({"outcome": outcome} if outcome else {})})
            return drafting.draft(self._registry, self._letters, case, act, open_facts, library)

    # Precedents

    def import_precedents(self, path: Path) -> Row:
        """Take the precedents of a JSON-lines file into the library; all or none."""
        records = read_jsonl(path)
        with self._transactions.writing() as connection:
            return {"imported": Library(connection, self.settings.agency).add(records)}

    def precedents(self, text: str, limit: int = 10) -> Row:
        """Search the library; each hit with its score and why it was found."""
        with self._transactions.reading() as connection:
            matches = Library(connection, self.settings.agency).search(text, limit)
        return {"matches": [{"id": m.id, "score": m.score, "title": m.title, "why": list(m.why)} for m in matches]}

    def precedent_batch(self, queries: Path, limit: int = 10) -> Row:
        """Search for every line of a file (``{"id", "text"}``)."""
        questions = read_queries(queries)
        with self._transactions.reading() as connection:
            return batch(Library(connection, self.settings.agency), questions, limit)

    def precedent_evaluation(self, queries: Path, qrels: Path) -> Row:
        """Measure the search against known answers."""
        questions, answers = read_queries(queries), read_qrels(qrels)
        with self._transactions.reading() as connection:
            return evaluate(Library(connection, self.settings.agency), questions, answers)

    def precedent(self, name: str) -> Precedent:
        """Return one precedent.

        Raises:
            NotFound: there is none of that id.
        """
        with self._transactions.reading() as connection:
            return Library(connection, self.settings.agency).get(name)

    # Archive

    def archive(self, number: str, target: Path | None = None) -> Row:
        """Write the sealed package of an archived case.

        Raises:
            Refused: the case is not archived yet.
            IntegrityFault: the case does not verify; nothing is sealed over a broken chain.
        """
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            content = filing.gathered(connection, case, self._filing())
        return filing.export(target or self.home / "archive" / number, case, content, self._filing())

    def verify(self, number: str) -> list[Fault]:
        """Return every fault of the case in the database: chain, side store, papers, letters, derived rows."""
        with self._transactions.reading() as connection:
            return filing.case_faults(connection, self._load(connection, number), self._filing())

    # Timers

    def tick(self) -> Row:
        """Do what is due now, once: give each reminder that has fallen due and was not given before."""
        return {"reminders": reminding.tick(self._transactions, self.settings.agency, self._workdays, _now)}

    # Rules

    def check(self) -> Row:
        """Check workflow, law and letters of this office; see ``checking.check``."""
        return checking.check(self.home)

    # Inside

    @property
    def today(self) -> date:
        """Return today's date in the office."""
        return self._today()

    @property
    def _rehearsal(self) -> bool:
        """Tell whether what is recorded now is a rehearsal: today's date was made up."""
        return self._today is _system_today and bool(os.environ.get(_TODAY))

    def roles_of(self, user: str) -> Person:
        """Return who ``user`` is.

        Raises:
            Refused: the settings name no such person.
        """
        person = self.settings.people.get(user)
        if person is None:
            names = "、".join(self.settings.people)
            raise Refused(
                f"office.yaml 的人员中没有“{user}”；现有：{names}。可用 --as 指定办理人。", law=["条例第四十五条"]
            )
        return person

    def _act(self, step: str, on: date, by: str | None, facts: Mapping[str, Any], expect: int | None = None) -> Act:
        user = by or self._user
        roles = self.roles_of(user).roles
        return Act(step, on, user, roles, facts, _now(), self._rehearsal, expect)

    def _draft_act(self, step: str, facts: Mapping[str, Any]) -> Act:
        return Act(step, self.today, self._user, (), facts, _now(), self._rehearsal)

    def _load(self, connection: Connection, number: str, *, lock: bool = False) -> Casework:
        return casework.load(
            connection,
            self.settings.agency,
            number,
            self._workdays_today(),
            frozenset(self.settings.switched_off),
            lock=lock,
        )

    def _workdays_today(self) -> Workdays:
        if self._workdays.today != self.today:
            self._workdays = self._workdays.on(self.today)
        return self._workdays

    def _opened(self, connection: Connection, digest: str, arrived: date) -> Casework:
        agency = self.settings.agency
        n = ledger_store.next_number(connection, agency, "case", arrived.year)
        number = self.settings.numbered_case(arrived.year, n)
        rules = casework.rules_of(connection, digest)
        row = ledger_store.CaseRow(
            agency, number, digest, arrived, rules.workflow.initial, None, 0, genesis(agency, number, digest)
        )
        ledger_store.open_case(connection, row)
        standing = Standing(
            rules.workflow, rules.law, self._workdays_today(), switched_off=frozenset(self.settings.switched_off)
        )
        return Casework(row, (), rules, standing)

    def _answer(self, connection: Connection, case: Casework) -> Row:
        return casework.answer(connection, case, self.today, lambda x: str(self._letter_path(x)))

    def _moving(self, connection: Connection, row: due_store.DueRow) -> Any:
        """A stopped clock's earliest day moves on with today: it is computed, not read."""
        if row.state != "stopped":
            return None
        return self._load(connection, row.number).standing.deadlines(self.today).get(row.clock)

    def _letter_path(self, letter: Issued) -> Path:
        return self.home / "issued" / letter.number / file_name(letter.letter_number, letter.title)

    def _publish(self, number: str) -> None:
        """Put issued letters under their names; the record is the content store, so this may be done again."""
        with self._transactions.reading() as connection:
            for letter in issued_store.letters_of(connection, self.settings.agency, number):
                path = self._letter_path(letter)
                if not path.is_file():
                    vault.write_whole(path, self._papers.read(letter.sha256))

    def _filing(self) -> filing.Filing:
        return filing.Filing(self.settings, self._letters, self._papers, self.today, self._letter_path)


def system_user() -> str:
    """Return the operating-system user, who acts unless somebody else is named."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "officer"


def _now() -> str:
    from yishenqing.core.ledger import instant  # noqa: PLC0415

    return instant(datetime.now(UTC))


def _system_today() -> date:
    """Return today in the office's place, or the rehearsal's date."""
    text = os.environ.get(_TODAY)
    if not text:
        return date.today()  # noqa: DTZ011 - a legal date is the calendar day where the office is
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataFault.of([Fault(f"{_TODAY}“{text}”不是存在的日期，应写作 2026-03-02")]) from None


def _url(home: Path, settings: Settings) -> str:
    return settings.database or f"sqlite:///{(home / _DATABASE).resolve()}"


def _require_database(engine: Any, home: Path, settings: Settings, transactions: Transactions) -> None:
    if not settings.database and not (home / _DATABASE).is_file():
        raise NotFound(f"“{home}”中还没有数据库；请先运行 ysq init。")
    with transactions.checked():
        if not is_ready(engine):
            raise NotFound("数据库尚未建立；请先运行 ysq init。")


def _received_facts(facts: Mapping[str, Any], warnings: list[Row], source: object) -> dict[str, Any]:
    folder = source.resolve().parent if isinstance(source, Path) else Path()
    kept = {k: v for k, v in facts.items() if k != "arrived_on"}
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
