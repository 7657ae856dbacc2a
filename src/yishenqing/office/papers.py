"""The verbs of paper: letters, drafts; and whether a case still verifies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import IntegrityFault, NotFound, Refused
from yishenqing.office import casework, ended
from yishenqing.office.casework import Casework, Row, at
from yishenqing.office.desk import Desk
from yishenqing.office.paperwork import Story
from yishenqing.office.premises import letter_signing
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault

if TYPE_CHECKING:
    from yishenqing.archive import Order
    from yishenqing.core.errors import Fault
    from yishenqing.kinship import Keys
    from yishenqing.letters.model import LetterKind
    from yishenqing.office.filing import Filing
    from yishenqing.store.issued import Issued


class PaperVerbs(Desk):
    """What is printed and drafted."""

    def letter(self, number: str, kind: str) -> Row:
        """Return an issued letter; one not issued yet is printed as a draft, numberless, for reading only.

        Forms of the file that no step issues (审批单、送达回证…) are made anew from the case each time.

        Raises:
            NotFound: no such case, or no such kind.
            Refused: the case's procedure has no letters.
            DataFault: something that the letter must say is missing.
        """
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            check_lettered(case)
            ended.check_whole(case)
            issued = issued_store.letters_of(connection, self.settings.agency, number)
            known = [x for x in issued if x.kind == kind]
            open_facts = self._opener(connection, number)
            copies = self._signed_copies(connection, number)
        self._saw("print", number, kind)
        if known:
            self._transactions.once_kept(lambda: self._publish(number))
            path = self._letter_path(known[-1])
            row: Row = {**known[-1].as_json(str(path)), "draft": False}
            name = issued_store.signed_name(known[-1].letter_number, known[-1].title)
            if name not in copies:
                return row
            self._transactions.once_kept(lambda: self._published(known[-1], path.with_name(name), copies[name]))
            return {**row, "signed": {"path": str(path.with_name(name)), "sha256": copies[name]}}
        letter = self._letters.kind(kind)
        context, draft = self._unissued(case, letter, issued, open_facts)
        place = "previews" if draft else "forms"
        title = letter.titled(context["case"].get("matter") or "")
        path = self.home / place / number / f"{'草稿-' if draft else ''}{title}.pdf"
        content = self._letters.pdf(kind, context)
        vault.write_whole(path, content)
        digest = hashlib.sha256(content).hexdigest()
        return {"kind": kind, "title": title, "number": None, "path": str(path), "sha256": digest, "draft": draft}

    def letter_again(self, number: str, kind: str) -> Row:
        """Make an issued letter again from the ledger and compare it with what was issued; nothing is stored.

        Answers ``identical``, both SHA-256, ``changed`` (program, templates, fonts, style: what is not as it was on
        the day of issue), and ``lines`` that differ in words; of a signed letter also ``signature``: whether it
        begins with the letter, and what each signature was found to be.

        Raises:
            NotFound: no such case, or no letter of that kind was issued in it.
            IntegrityFault: the letter that was kept is missing or not what was issued.
        """
        from yishenqing.office import remaking

        with self._transactions.reading() as connection:
            now = self._load(connection, number)
            ended.check_whole(now)
            known = [x for x in issued_store.letters_of(connection, self.settings.agency, number) if x.kind == kind]
            if not known:
                raise NotFound(f"案件{number}没有出具过文书“{kind}”，没有可以比对的原件。")
            entry = next(e for e in now.entries if e.seq == known[-1].seq)
            practice = remaking.practice_of(self._practice, entry, self.home)
            before = casework.load(connection, practice, number)
            open_facts = self._opener(connection, number)
            files = self._registry.enclosed(connection, before, before.workflow.steps[entry.step])
            papers = vault.papers_of(connection, self.settings.agency, number)
        self._saw("print", number, kind)
        made = remaking.again(self._registry, self._letters, before, entry, known[-1], open_facts, files)
        issued = self._papers.read(known[-1].sha256)
        found = remaking.compared(known[-1], entry, issued, made, self._letters.made_by())
        if told := entry.facts["letter"].get("signature"):
            content = self._papers.read(papers[told["file"]].sha256)
            found["signature"] = remaking.signature(content, issued, letter_signing(self.home, self.settings))
        return found

    def _unissued(
        self, case: Casework, letter: LetterKind, issued: Sequence[Issued], open_facts: Callable[[Any], Any]
    ) -> tuple[Mapping[str, Any], bool]:
        """Return what a letter or form that was not issued is filled from, and whether it is only a draft."""
        from yishenqing.office import drafting, sheets

        issues = {s.letter for s in case.workflow.steps.values()}
        if letter.kind in issues or not sheets.made_on_demand(letter):
            return drafting.preview(self._registry, case, letter, self._draft_act, open_facts), True
        context = self._registry.form_context(case, open_facts, self.today)
        served = sheets.served(issued, Story.of(case.standing, open_facts), self._letters)
        return {**context, "document": served or {}}, False

    def verify(self, number: str) -> list[Fault]:
        """Return every fault of the case in the database: chain, side store, papers, letters, derived rows."""
        from yishenqing.office import casefaults, rederived

        keys = self._known_keys()
        with self._transactions.reading() as connection:
            entries = ledger_store.entries_of(connection, self.settings.agency, number)
            try:
                row = ledger_store.case_row(connection, self.settings.agency, number)
            except NotFound:
                if entries:  # the ledger is there, and what it hangs on is gone
                    return [at(number, entries[-1].seq, "案件的登记缺失，记录失去了所属的案件")]
                raise
            try:
                case = self._load(connection, number)
                faults = casefaults.case_faults(connection, case, self._filing())
                return faults or list(rederived.faults(connection, case, keys))
            except IntegrityFault as broken:  # so badly that the case cannot be understood
                return casefaults.raw_faults(connection, row, entries) or list(broken.faults)
            except (ValueError, TypeError) as broken:  # a date or a number in the database is none any more
                return [at(number, row.head_seq, f"数据库中与之相连的内容已被改动，无法读取（{broken}）")]

    def _known_keys(self) -> Keys | None:
        """Return what applicants are recognised by; None where the key does not lie here, as beside a copy."""
        from yishenqing.kinship.key import FILE, Keys

        return Keys.of(self.home) if (self.home / FILE).exists() else None

    def ended(self, number: str) -> list[Row]:
        """Return how a case was destroyed: a list of one, or of none."""
        with self._transactions.reading() as connection:
            told = ended.destroyed_of(self._load(connection, number))
        return [{"number": number, "on": told["on"], "list": told["list"]}] if told else []

    def has_case(self, number: str) -> bool:
        """Tell whether there is a case of this number."""
        with self._transactions.reading() as connection:
            try:
                ledger_store.case_row(connection, self.settings.agency, number)
            except NotFound:
                return False
        return True

    def _filing(self) -> Filing:
        from yishenqing.office.filing import Filing

        return Filing(
            self.settings, self._letters, self._papers, self.today, self._letter_path, self._registry, self._order
        )

    @cached_property
    def _order(self) -> Order:
        from yishenqing.archive import read_order

        return read_order(self.home)


def check_lettered(case: Casework) -> None:
    """Refuse to print for a procedure whose papers are made elsewhere and attached (复议答复书、答辩状)."""
    if case.workflow.linked is not None:
        title, number = case.workflow.title, case.row.number
        raise Refused(
            f"案件{number}按“{title}”办理，没有由程序出具的文书；答复书、答辩状等请作为附件（attachments）记入。",
            law=list(case.workflow.law),
        )
