"""Scan what left the office again: letters, the files they gave, precedents; what was found is listed, masked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core import destroying
from yishenqing.core.errors import IntegrityFault, NotFound
from yishenqing.core.ledger import digest
from yishenqing.office import casework
from yishenqing.office.casework import Casework
from yishenqing.office.filing import mentions
from yishenqing.released import Find, Finds, Rescan, Scan
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.letters import Letterbook
    from yishenqing.office.casework import Practice
    from yishenqing.settings import Settings
    from yishenqing.store.engine import Transactions
    from yishenqing.store.vault import Papers

LETTER, DOCUMENT, PRECEDENT = "letter", "document", "precedent"
SOURCES = {LETTER: "文书", DOCUMENT: "所提供的文件", PRECEDENT: "案例"}
_DOCUMENTS = "documents"
_CASE, _SHARED = "1", "2"  # cases come before precedents


class _Paper(Struct, frozen=True):
    """Something that was released; ``allowed`` are numbers that may stand in it."""

    source: str
    ref: str
    title: str
    mark: str  # tells this very content
    text: str | None
    allowed: tuple[str, ...]


class Rescanning(Struct, frozen=True):
    """What a scan needs of the office."""

    transactions: Transactions
    practice: Practice
    settings: Settings
    letters: Letterbook
    papers: Papers
    customs: Rescan

    def some(self, turn: str, most: int, now: str) -> Scan:
        """Scan up to ``most`` more cases and precedents of a turn; return how far it has come.

        What is read is read outside any lock; a process that dies loses this part alone, and nothing is listed twice.
        """
        agency = self.practice.agency
        with self.transactions.reading() as connection:
            scan = Finds(connection, agency).scan(turn) or Scan(turn, now)
            if scan.finished_at is not None:
                return scan
            places = self._places(connection, scan.last, most + 1)
            found, papers, unread = [], 0, 0
            for paper in self._released(connection, places[:most]):
                papers += 1
                unread += paper.text is None
                found += list(self._finds(paper, turn, now))
        after = replace(
            scan,
            last=places[:most][-1] if places else scan.last,
            papers=scan.papers + papers,
            unread=scan.unread + unread,
            finished_at=now if len(places) <= most else None,
        )
        with self.transactions.writing() as connection:
            register = Finds(connection, agency)
            known = register.scan(turn)
            if known is not None and (known.last, known.finished_at) != (scan.last, scan.finished_at):
                return known  # another process was faster; what it found is the same
            register.add(found)
            register.keep_scan(after)
        return after

    def _places(self, connection: Connection, after: str, most: int) -> list[str]:
        """Return the next cases and precedents after the place ``after``: a part costs what it is, not what waits."""
        from yishenqing.precedents import Library

        agency, kind, ref = self.practice.agency, after[:1], after[1:]
        places = []
        if kind != _SHARED:
            rows = ledger_store.case_rows(connection, agency, limit=most, after=ref)
            places = [f"{_CASE}{row.number}" for row in rows]
        library = Library(connection, agency)
        rest = library.ids(after=ref if kind == _SHARED else "", most=most - len(places))
        return [*places, *(f"{_SHARED}{one}" for one in rest)]

    def _released(self, connection: Connection, places: list[str]) -> Iterator[_Paper]:
        numbers = [place[1:] for place in places if place[0] == _CASE]
        gone_out = issued_store.having_letters(connection, self.practice.agency, numbers)
        gone_out |= vault.having_papers(connection, self.practice.agency, numbers)
        for place in places:
            if place[0] == _SHARED:
                yield self._precedent(connection, place[1:])
            elif place[1:] in gone_out:
                yield from self._of(connection, place[1:])

    def _of(self, connection: Connection, number: str) -> Iterator[_Paper]:
        try:
            case = casework.load(connection, self.practice, number)
        except IntegrityFault:  # verify names it
            return
        if case.row.state == destroying.STATE:
            return
        own = self._own(connection, case)
        for letter in issued_store.letters_of(connection, self.practice.agency, case.row.number):
            if self._goes_out(letter.kind):
                text = self._text(f"{letter.title}.pdf", letter.sha256)
                name = f"{letter.letter_number}《{letter.title}》"
                yield _Paper(LETTER, case.row.number, name, letter.sha256, text, own)
        papers = vault.papers_of(connection, self.practice.agency, case.row.number)
        given = [told["file"] for e in case.entries for told in mentions(e.facts.get(_DOCUMENTS))]
        for one in (papers[name] for name in dict.fromkeys(given) if name in papers):
            text = self._text(one.name, one.sha256)
            yield _Paper(DOCUMENT, case.row.number, one.name, one.sha256, text, self._organ)

    @property
    def _organ(self) -> tuple[str, ...]:
        return (self.settings.phone,)

    def _own(self, connection: Connection, case: Casework) -> tuple[str, ...]:
        """Return what may stand in a letter to the applicant: the office's numbers, and the applicant's own."""
        opened = vault.opener(vault.sealed_of(connection, case.row.agency, case.row.number))(case.entries[0].facts)
        applicant = opened.get("applicant")
        agent = applicant.get("agent") if isinstance(applicant, dict) else None
        people = [who for who in (applicant, agent) if isinstance(who, dict)]
        numbers = (str(who[key]) for who in people for key in ("id_number", "phone") if who.get(key))
        return (*self._organ, *numbers)

    def _goes_out(self, kind: str) -> bool:
        try:
            return self.letters.kind(kind).goes_out
        except NotFound:  # the office has given this kind up since; what was issued may have gone out
            return True

    def _text(self, name: str, sha256: str) -> str | None:
        from yishenqing.inspection.texts import text_of
        from yishenqing.released.scanning import pdf_text

        try:
            content = self.papers.read(sha256)
        except (NotFound, IntegrityFault):  # verify names it
            return None
        return pdf_text(content) if Path(name).suffix.lower() == ".pdf" else text_of(name, content)

    def _precedent(self, connection: Connection, identifier: str) -> _Paper:
        from yishenqing.precedents import Library

        one = Library(connection, self.practice.agency).get(identifier)
        text = "\n".join((one.title, one.facts, one.request, one.holding, one.reply, one.fate))
        return _Paper(PRECEDENT, identifier, one.title, digest("precedent", text), text, self._organ)

    def _finds(self, paper: _Paper, turn: str, now: str) -> Iterator[Find]:
        from yishenqing.released.scanning import seen

        for one in seen(paper.text or "", self.customs.kinds, paper.allowed):
            place = f"{paper.source}:{paper.ref}:{paper.mark}:{one.kind}:{one.start}"
            yield Find(turn, paper.source, paper.ref, paper.title, place, one.kind, one.excerpt, now)
