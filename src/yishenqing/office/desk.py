"""The desk that every verb works at: one office's folder, settings, transactions, rules and working days."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from yishenqing import almanac, rulebook
from yishenqing.articles import article
from yishenqing.core import destroying
from yishenqing.core.errors import DataFault, Fault, NotFound, Refused, YishenqingError, why
from yishenqing.core.workdays import Workdays
from yishenqing.logbook import Logbook, where
from yishenqing.office import casework, overseeing, verbs
from yishenqing.office.casework import Casework, Practice
from yishenqing.office.moments import Moments
from yishenqing.office.premises import (
    DATABASE,
    TODAY,
    engine_of,
    letter_signing,
    letter_style,
    master_keys,
    now,
    system_today,
    system_user,
)
from yishenqing.rulebook import Rulebook
from yishenqing.settings import AUDITOR, FILE, Person, Settings, read_settings
from yishenqing.shipped import layered
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault
from yishenqing.store.engine import Transactions
from yishenqing.store.issued import Issued
from yishenqing.store.keyring import Keyring

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.checkpoints import Read
    from yishenqing.intake.attachments import Attachments
    from yishenqing.letters import Letterbook
    from yishenqing.office.acting import Act, Registry
    from yishenqing.office.departing import Departures
    from yishenqing.office.journal import Journal
    from yishenqing.office.repeating import Once
    from yishenqing.sight import Sight


class Desk:
    """What the verbs share. Nothing here decides anything."""

    only_once: Once | None = None  # under which key, and as of which entry, the next verb is taken

    def __init_subclass__(cls) -> None:
        """Let every verb of the class go through what all of them go through."""
        super().__init_subclass__()
        verbs.whole(cls)

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
        self._moments = Moments(transactions, settings.agency)
        self._today, self._user = today, user
        self._within = threading.local()
        self._known_workdays = almanac.workdays(today(), home)
        self._known_practice: Practice | None = None
        masters = master_keys(home, settings)
        above = bool(transactions.only_looks)
        self._ring = Keyring(settings.agency, masters, transactions.reading, from_above=above)
        transactions.keyed(self._ring)
        self._papers = vault.Papers(home / "files", self._ring)
        transactions.permit = self._may_write

    @classmethod
    def open(
        cls,
        home: Path | str,
        *,
        user: str | None = None,
        today: Callable[[], date] | None = None,
        connection: Connection | None = None,
        agency: str = "",
    ) -> Self:
        """Open the office in ``home``. A host may pass its own ``connection``: then the host commits.

        ``agency`` names an agency below this one, whose cases a supervisor looks at.

        Raises:
            NotFound: there is no office in this folder, or its database was never made; no such agency.
            DataFault: the settings have faults.
            Refused: the agency does not lie below this one, or the user does not supervise.
        """
        home = Path(home)
        settings = read_settings(home)
        if connection is None and not settings.database and not (home / DATABASE).is_file():
            raise NotFound(f"“{home}”中还没有数据库；请先运行 ysq init。")
        engine = None if connection is not None else engine_of(home, settings)
        transactions, who = Transactions(engine, connection), user or system_user()
        if agency and agency != settings.agency:
            settings, transactions = overseeing.looking(transactions, home, settings, who, agency)
        return cls(home, settings, transactions, today=today or system_today, user=who)

    @cached_property
    def _logbook(self) -> Logbook:
        wish = self.settings.log
        path = (self.home / Path(wish.file).expanduser()).resolve() if wish.file else None
        return Logbook(path, wish.level, wish.megabytes * 1_000_000, wish.keep)

    @contextmanager
    def _logged(self, verb: str, number: str) -> Iterator[None]:
        """Note a verb and how it went; one within another is a part of it. ``number`` is told of a case there is."""
        if getattr(self._within, "a_verb", False) or self._logbook.path is None:
            yield
            return
        self._within.a_verb, began = True, monotonic()
        level, told = "info", {"outcome": "done", **({"number": number} if number else {})}
        try:
            yield
        except YishenqingError as error:  # its text is for the officer alone: it may name an applicant
            level, told = "warning", {"outcome": "refused", "code": error.code}
            raise
        except Exception as error:
            level, told = "error", {"outcome": "failed", "code": type(error).__name__, "where": where(error)}
            raise
        finally:
            self._within.a_verb = False
            said = {"agency": self.settings.agency, "user": self._user, "verb": verb, **told}
            self._logbook.note(level, "verb", **said, ms=round((monotonic() - began) * 1000))

    def _admit(self, verb: str) -> None:
        """Let every verb be taken in one's own office, and only looks in an agency below it."""
        if self._transactions.only_looks:
            overseeing.admit(verb, self._transactions.only_looks)

    def __enter__(self) -> Self:
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

    def once(self, key: str | None = None, *, seen: int | None = None) -> Self:
        """Return the same office for one verb: ``office.once("web-4711").act(…)`` acts once, however often called.

        A call repeated with the same ``key`` and the same content gets the first answer. ``seen`` is the last entry
        of the case that the caller has seen: if somebody wrote since, nothing is done.

        Raises:
            DataFault: the key is empty, too long, or has invisible characters in it.
        """
        if key is None and seen is None:
            return self
        from yishenqing.office.repeating import Once  # noqa: PLC0415 - most calls bear no key

        same = copy.copy(self)
        vars(same)["_registry"] = self._registry  # and with it the letters: they are not read anew for every call
        same.only_once = Once.of(key, seen)
        return same

    @property
    def today(self) -> date:
        """Return today's date in the office."""
        return self._today()

    def person(self, user: str) -> Person:
        """Return who ``user`` is.

        Raises:
            Refused: the settings name no such person.
        """
        person = self.settings.people.get(user)
        if person is None:
            names = "、".join(self.settings.people)
            raise Refused(
                f"office.yaml 的人员中没有“{user}”；现有：{names}。可用 --as 指定办理人。",
                law=[article("work_order", self.today)],
            )
        return person

    @property
    def _only_audits(self) -> bool:
        """Tell whether the user is an auditor and nothing else."""
        person = self.settings.people.get(self._user)
        only = person is not None and {AUDITOR}.issuperset(person.roles)  # and stands in for nobody else
        return only and self.settings.roles_on(self._user, self.today).keys() == {AUDITOR}

    def _may_write(self) -> None:
        """Let everybody write but those who are here to look.

        Raises:
            Refused: the user is an auditor and nothing else.
        """
        if self._only_audits:
            text = f"“{self._user}”的岗位是审计，只看不办；可以查看、检索、核验、抽查、导出卷宗，不能写入任何内容。"
            raise Refused(text, law=[article("work_order", self.today)])

    def _hidden(self) -> frozenset[str]:
        """Return which kinds of personal data the user sees masked; from above, all of them."""
        known = self._user in self.settings.people and not self._transactions.only_looks
        return self._sight.hidden_from(self.settings.roles_on(self._user, self.today) if known else ())

    @cached_property
    def _sight(self) -> Sight:
        from yishenqing.sight import read_sight  # noqa: PLC0415 - many verbs show nobody

        return read_sight(self.home)

    @cached_property
    def _journal(self) -> Journal:
        from yishenqing.office.journal import Journal  # noqa: PLC0415 - noted once the look is over

        return Journal(self.home, self.settings.agency, self._transactions)

    def _saw(self, act: str, number: str = "", detail: str = "") -> None:
        """Note that the user looked, searched, printed or took out."""
        if not self._transactions.only_looks:  # a look from above is noted in the log of the agencies
            self._journal.note_all([self._look(act, number, detail)])

    def _look(self, act: str, number: str = "", detail: str = "") -> Read:
        from yishenqing.checkpoints import Read

        if act == "search":  # whoever searches may write a number of somebody's, which the journal need not know
            from yishenqing.core import masking  # noqa: PLC0415 - its patterns are many

            detail = masking.masked(detail, masking.numbers(detail), {})
        return Read(now(), self._user, act, number, detail, self._rehearsal)

    @property
    def _rehearsal(self) -> bool:
        """Tell whether what is recorded now is a rehearsal: today's date was made up."""
        return self._today is system_today and bool(os.environ.get(TODAY))

    @property
    def _workdays(self) -> Workdays:
        if self._known_workdays.today != self.today:  # read anew each day: a notice may have been loaded since
            self._known_workdays = almanac.workdays(self.today, self.home)
        return self._known_workdays

    @property
    def _practice(self) -> Practice:
        known = self._known_practice
        if known is None or known.workdays is not self._workdays:
            known = self._known_practice = self._made_practice()
        return known

    def _made_practice(self) -> Practice:
        return Practice(
            self.settings.agency,
            self._workdays,
            frozenset(self.settings.switched_off),
            self.settings.stage_limits,
            self.settings.readings,
            self.settings.reminders,
            self.settings.escalate_after,
            figures=self.settings.figures,
            staffed=self.settings.staffed,
            names=self.settings.names,
        )

    @cached_property
    def _letters(self) -> Letterbook:
        from yishenqing.letters import Letterbook

        return Letterbook(layered("letters", self.home), letter_style(self.home, self.settings))

    @cached_property
    def _registry(self) -> Registry:
        from yishenqing.office.acting import Registry

        sign = letter_signing(self.home, self.settings)
        return Registry(
            self.settings,
            lambda: self._letters,
            self._papers,
            lambda: self._rules().law,
            self._attachments,
            sign,
            self._departures,
        )

    @cached_property
    def _departures(self) -> Departures | None:
        """Return the office's exchange; None where nobody is told."""
        exchange = self.settings.exchange
        if not exchange.receivers or self.settings.agency in exchange.excluded:
            return None
        from yishenqing.office.departing import Departures  # noqa: PLC0415 - few offices

        return Departures(self.settings, self.home)

    def _attachments(self) -> Attachments:
        from yishenqing.intake.attachments import read_attachments

        own = self.settings.attachments
        return read_attachments(self.home).narrowed(own.megabytes, own.kinds)

    def _act(
        self, step: str, on: date, by: str | None, facts: Mapping[str, Any], expect: int | None = None, verb: str = ""
    ) -> Act:
        from yishenqing.office.acting import Act

        user, at = by or self._user, self._moments.now()
        self.person(user)
        return Act(step, on, user, self.settings.roles_on(user, on), facts, at, self._rehearsal, expect, verb)

    def _rules(self, request: str = rulebook.DISCLOSURE) -> Rulebook:
        """Return the rules under which new cases are opened, by what is applied for.

        Raises:
            DataFault: the settings name a procedure that is not there, or that opens no application.
        """
        if request != rulebook.DISCLOSURE:
            return rulebook.read_rulebook(self.home, request)
        name = self.settings.workflow
        if name in rulebook.procedures(self.home):
            rules = rulebook.read_rulebook(self.home, name)
            if rules.workflow.opens(request):
                return rules
        text = f"没有可以登记申请的流程“{name}”；现有：{'、'.join(rulebook.openable(self.home))}"
        raise DataFault.of([Fault(text, str(self.home / FILE), field="workflow")])

    def _draft_act(self, step: str, facts: Mapping[str, Any]) -> Act:
        """Return an act that is only imagined: nobody's role is asked for, nothing is recorded."""
        from yishenqing.office.acting import Act

        return Act(step, self.today, self._user, {}, facts, self._moments.now(), self._rehearsal)

    def _load(self, connection: Connection, number: str, *, lock: bool = False) -> Casework:
        return casework.load(connection, self._practice, number, lock=lock)

    def _opener(self, connection: Connection, number: str) -> Callable[[Any], Any]:
        return vault.opener(vault.sealed_of(connection, self.settings.agency, number))

    def _letter_path(self, letter: Issued) -> Path:
        return self.home / "issued" / letter.number / issued_store.file_name(letter.letter_number, letter.title)

    def _publish(self, number: str) -> None:
        """Put issued letters under their names; the record is the content store, so this may be done again.

        Raises:
            YishenqingError: a copy cannot be written; the letter is issued nevertheless.
        """
        if self._transactions.only_looks:  # the papers lie with the agency that issued them
            return
        with self._transactions.reading() as connection:
            if ledger_store.case_row(connection, self.settings.agency, number).state == destroying.STATE:
                return  # only the ledger is left
            letters = issued_store.letters_of(connection, self.settings.agency, number)
            signed = self._signed_copies(connection, number) if self.settings.letters.sign else {}
        for letter in letters:
            path = self._letter_path(letter)
            self._published(letter, path, letter.sha256)
            name = issued_store.signed_name(letter.letter_number, letter.title)
            if name in signed:
                self._published(letter, path.with_name(name), signed[name])

    def _signed_copies(self, connection: Connection, number: str) -> dict[str, str]:
        """Return the SHA-256 of each signed letter of a case by its file name."""
        papers = vault.papers_of(connection, self.settings.agency, number)
        return {p.name: p.sha256 for p in papers.values()}

    def _published(self, letter: Issued, path: Path, sha256: str) -> None:
        if vault.is_content(path, sha256):
            return
        content = self._papers.read(sha256)
        try:
            vault.write_whole(path, content)
        except OSError as error:
            text = (
                f"《{letter.title}》（{letter.letter_number}）已经出具并记入案卷，但是副本写不到“{path}”"
                f"（{why(error)}）；排除故障后运行 ysq show {letter.number} 即可补出，不要重复办理。"
            )
            raise YishenqingError(text) from error
