"""The verbs of the dispatcher's desk: print a day's letters in one go, record what the post office says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.articles import article
from yishenqing.core import destroying
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, NotFound, Refused
from yishenqing.office.cases import CaseVerbs
from yishenqing.office.casework import Casework, Row
from yishenqing.office.paperwork import Story
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault
from yishenqing.store.engine import Transactions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.letters.model import LetterKind
    from yishenqing.office.mailing import Posting
    from yishenqing.store.issued import Issued

ENVELOPE, WAYBILL = "envelope", "ems_sheet"
_LAW = "work_order"
_BY_MAIL = "mail"
_POSTING_STEPS = ("replied", "resent")  # the steps that record under which number an answer was posted
_CORRECT = "登记有误的，请办理“更正记录”（corrected）。"
Told = Callable[[int, int], None]


class _Way(Struct, frozen=True):
    """What is done with one row of a list of mail numbers, and why where nothing is."""

    number: str
    doing: str  # record, already or skipped
    step: str = ""
    why: str = ""


class BatchVerbs(CaseVerbs):
    """What is done with many letters at once."""

    def print_batch(
        self,
        folder: Path | str,
        *,
        since: date | None = None,
        on: date | None = None,
        kinds: Sequence[str] = (),
        duplex: bool = False,
        told: Told = lambda _done, _all: None,
    ) -> Row:
        """Write the letters issued on a day (or from ``since`` to it) to ``folder``: single files, and one to print.

        Letters that the post carries bring envelope and waybill along. The single letters are the issued files byte
        for byte; the bound file is a copy for the printer. Those of destroyed cases are told under ``destroyed``.
        ``told`` hears how many of how many are done.

        Raises:
            NotFound: there is no such kind of letter.
            DataFault: ``since`` lies after the day, or an envelope cannot be printed.
            IntegrityFault: an issued letter is no longer what was issued.
        """
        until = on or self.today
        first = since or until
        if first > until:
            raise DataFault.of([Fault(f"起始日期{first}晚于截止日期{until}", field="since")])
        for kind in kinds:
            self._letters.kind(kind)
        letters, ended = self._lying(first, until, kinds)
        answer: Row = {"since": first.isoformat(), "on": until.isoformat(), "letters": [], "destroyed": ended}
        if not letters:
            return {**answer, "printed": None, "pages": 0}
        printed = self._bound(Path(folder), _days(first, until), letters, told, duplex=duplex)
        self._journal.note_all([self._look("print", x.number, x.letter_number) for x in letters])
        return {**answer, **printed}

    def _lying(self, first: date, until: date, kinds: Sequence[str]) -> tuple[list[Issued], list[str]]:
        """Return the letters of these days, and the numbers of those that were destroyed with their cases."""
        with self._transactions.reading() as connection:
            found = issued_store.letters_between(connection, self.settings.agency, first, until)
            numbers = sorted({x.number for x in found})
            cases = ledger_store.rows_of_many(connection, self.settings.agency, numbers)
        ended = {row.number for row in cases if row.state == destroying.STATE}
        asked = [x for x in found if not kinds or x.kind in kinds]
        return [x for x in asked if x.number not in ended], [x.letter_number for x in asked if x.number in ended]

    def _bound(self, folder: Path, days: str, letters: Sequence[Issued], told: Told, *, duplex: bool) -> Row:
        from yishenqing.letters.binding import bound

        path = folder / f"打印件{days}.pdf"
        rows: list[Row] = []
        with bound(path) as binder:
            for letter in letters:
                row: Row = {"number": letter.number, "kind": letter.kind, "title": letter.title}
                row |= {"letter": letter.letter_number, "sha256": letter.sha256}
                for part, name, content in self._parts(letter):
                    vault.write_whole(folder / name, content)
                    binder.add(content, duplex=duplex)
                    row[part] = str(folder / name)
                rows.append({ENVELOPE: None, WAYBILL: None, **row})
                told(len(rows), len(letters))
            pages = binder.pages
        return {"letters": rows, "printed": str(path), "pages": pages}

    def _parts(self, letter: Issued) -> Iterator[tuple[str, str, bytes]]:
        """Yield the issued letter, then what it is posted in; each with its file name."""
        name = issued_store.file_name(letter.letter_number, letter.title)
        yield "path", name, self._papers.read(letter.sha256)
        context = self._posted_in(letter)
        for part in (ENVELOPE, WAYBILL) if context is not None else ():
            kind = self._letters.kind(part)
            yield part, f"{name.removesuffix('.pdf')}-{kind.title}.pdf", self._letters.pdf(part, context or {})

    def _posted_in(self, letter: Issued) -> Mapping[str, Any] | None:
        """Return what envelope and waybill are filled from; None where no post carries the letter."""
        from yishenqing.office import sheets

        kind = sheets.kind_of(letter, self._letters)
        if kind is None or not (kind.goes_out and kind.mailed):
            return None
        with self._transactions.reading() as connection:
            case = self._load(connection, letter.number)
            open_facts = self._opener(connection, letter.number)
        story = Story.of(case.standing, open_facts)
        if _to_applicant(kind) and story.received.get("delivery") != _BY_MAIL:
            return None
        context = self._registry.form_context(case, open_facts, self.today)
        return {**context, "document": sheets.addressed(letter, kind, story)}

    def track_batch(self, path: Path | str, *, record: bool = False, by: str | None = None) -> Row:
        """Read mail numbers from a list (CSV, XLSX, JSON lines) and record them as posted on the day that it says.

        Without ``record`` everything is tried and nothing is kept: the answer says what would be recorded. All rows
        are recorded, or none. Rows that stand in the ledger already, and rows about letters that are no answer
        (notices have no step that records how they were posted), are told and left alone.

        Raises:
            DataFault: any row has a fault or is refused; all of them, each with its line. Nothing was recorded.
        """
        from yishenqing.office.mailing import read_postings

        postings = read_postings(Path(path))
        rows: list[Row] = []
        with suppress(_Tried), self._transactions.writing() as connection:  # raised here alone, to take all back
            rows = self._tracked(connection, postings, by)
            if not record:
                raise _Tried
        return {"file": str(path), "recorded": record, "rows": rows}

    def _tracked(self, connection: Connection, postings: Sequence[Posting], by: str | None) -> list[Row]:
        inner = type(self)(
            self.home, self.settings, Transactions(None, connection), today=self._today, user=self._user
        )
        rows: list[Row] = []
        faults: list[Fault] = []
        seen: dict[str, Posting] = {}
        self._hold(connection, postings)
        for posting in postings:
            try:
                way = self._way(connection, posting, seen)
                if way.doing == "record":
                    facts = {"method": _BY_MAIL, "posted_on": posting.posted_on, "tracking": posting.tracking}
                    inner.act(way.number, way.step, facts, on=posting.posted_on, by=by)
            except IntegrityFault:  # not the list's fault
                raise
            except (Refused, NotFound, DataFault) as error:
                laws = "、".join(dict.fromkeys(error.law))
                faults.append(posting.line.fault(error.text, law=laws))
            else:
                rows.append(_row(posting, way))
        if faults:
            raise DataFault.of(faults)
        return rows

    def _hold(self, connection: Connection, postings: Sequence[Posting]) -> None:
        """Lock the cases of a list in the order in which everybody locks, not in the list's."""
        from yishenqing.office.mailing import letter_numbers

        numbers = {p.number for p in postings if not p.letter}
        for posting in postings:
            given = letter_numbers(posting.letter) if posting.letter else []
            letter = issued_store.letter_numbered(connection, self.settings.agency, given) if given else None
            numbers |= {letter.number} if letter else set()
        ledger_store.rows_of_many(connection, self.settings.agency, sorted(numbers), lock=True)

    def _way(self, connection: Connection, posting: Posting, seen: dict[str, Posting]) -> _Way:
        """Return what is to be done with one row; ``seen`` are the rows before it, by case."""
        from yishenqing.office import sheets

        letter = self._letter_of(connection, posting)
        number = letter.number if letter is not None else posting.number
        case = self._load(connection, number)
        if letter is not None and letter.kind not in sheets.replies_of(case.workflow):
            return _Way(number, "skipped", why=f"《{letter.title}》不是答复，流程中没有登记其邮件号的步骤")
        if (first := seen.setdefault(number, posting)) is not posting:
            raise DataFault(f"案件{number}重复，已见于第{first.line.line}行")
        step = next((s for s in _POSTING_STEPS if _may(case, s)), "")
        posted = self._posted(connection, case)
        if same := next((facts for facts in posted if facts.get("tracking") == posting.tracking), None):
            if same["day"] == posting.posted_on:
                return _Way(number, "already", why=f"已登记{same['day']}交邮")
            raise Refused(
                f"案件{number}的邮件号{posting.tracking}已登记{same['day']}交邮，与本行不一致；{_CORRECT}",
                law=[article(_LAW, self.today)],
            )
        if not step and posted:
            last = posted[-1]
            how = f"邮件号{last['tracking']}" if last.get("tracking") else "没有登记邮件号"
            raise Refused(
                f"案件{number}已登记{last['day']}发出（{how}），不能再登记；{_CORRECT}",
                law=[article(_LAW, self.today)],
            )
        return _Way(number, "record", step or _POSTING_STEPS[0])

    def _letter_of(self, connection: Connection, posting: Posting) -> Issued | None:
        """Return the letter that a row names.

        Raises:
            NotFound: the office has issued none of that number.
            DataFault: it belongs to another case than the row says.
        """
        from yishenqing.office.mailing import letter_numbers

        if not posting.letter:
            return None
        found = issued_store.letter_numbered(connection, self.settings.agency, letter_numbers(posting.letter))
        if found is None:
            raise NotFound(f"没有文号为“{posting.letter}”的文书。")
        if posting.number and posting.number != found.number:
            raise DataFault(f"文号“{posting.letter}”属于案件{found.number}，与本行的案件编号{posting.number}不符")
        return found

    def _posted(self, connection: Connection, case: Casework) -> list[Row]:
        """Return how the case's answers were posted, each with its ``day``."""
        facts = [f for f in case.standing.facts if f.step in _POSTING_STEPS]
        if not facts:
            return []
        story = Story.of(case.standing, self._opener(connection, case.row.number))
        return [
            {**told, "day": told.get("posted_on") or on} for step, on, told in story.facts if step in _POSTING_STEPS
        ]


class _Tried(Exception):
    """Ends a trial: what was written is rolled back."""


def _may(case: Casework, step: str) -> bool:
    known = case.workflow.steps.get(step)
    return known is not None and case.standing.state in known.from_


def _to_applicant(kind: LetterKind) -> bool:
    from yishenqing.letters.model import APPLICANT

    return kind.to == APPLICANT


def _days(first: date, until: date) -> str:
    return f"{until}" if first == until else f"{first}至{until}"


def _row(posting: Posting, way: _Way) -> Row:
    return {
        "line": posting.line.line,
        "number": way.number,
        "letter": posting.letter or None,
        "tracking": posting.tracking,
        "posted_on": posting.posted_on.isoformat(),
        "step": way.step or None,
        "doing": way.doing,
        "why": way.why,
    }
