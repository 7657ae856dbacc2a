"""The office: every verb of the command line as a method, each one transaction.

with Office.open("yishenqing-home") as office:
    case = office.register({...})
    office.act(case["number"], "acknowledged")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import NotFound
from yishenqing.office.batch import BatchVerbs
from yishenqing.office.casework import Row
from yishenqing.office.desk import database_url, system_user
from yishenqing.office.exporting import ArchiveVerbs
from yishenqing.office.joining import JoinVerbs
from yishenqing.office.links import LinkVerbs
from yishenqing.office.rules import RuleVerbs
from yishenqing.office.wording import WordVerbs
from yishenqing.rulebook import openable
from yishenqing.settings import read_settings, write_settings
from yishenqing.store.engine import Transactions, open_engine

if TYPE_CHECKING:
    from yishenqing.precedents import Precedent


class Office(BatchVerbs, JoinVerbs, LinkVerbs, ArchiveVerbs, WordVerbs, RuleVerbs):
    """An authority's office: its cases, its papers, its library, its rules."""

    @classmethod
    def init(cls, home: Path | str, user: str | None = None, workflow: str = "") -> Path:
        """Make (or bring up to date) an office's folder: settings, database, shipped precedents.

        The operating-system user gets every role until others are named. Safe to run twice. ``workflow`` names the
        procedure, or the variant of it, under which the office opens its cases.

        Raises:
            NotFound: there is no such procedure.
            DataFault: the folder has settings already, which name another procedure.
        """
        from yishenqing.precedents import Library, shipped_library  # noqa: PLC0415

        home = Path(home)
        if workflow and workflow not in (known := openable(home)):
            raise NotFound(f"没有可以登记申请的流程“{workflow}”；现有：{'、'.join(known)}。")
        settings_file = write_settings(home, user or system_user(), workflow)
        cls.upgrade(home)
        with cls.open(home, user=user) as office, office._transactions.writing() as connection:  # noqa: SLF001 - its own class
            library = Library(connection, office.settings.agency)
            if library.count() == 0:
                library.add(shipped_library())
        return settings_file

    @classmethod
    def upgrade(cls, home: Path | str) -> str:
        """Bring the office's database to the structure of this program; return its version. No entry changes.

        Raises:
            DataFault: the database was written by a newer program.
        """
        from yishenqing.store.upgrade import upgrade  # noqa: PLC0415

        home = Path(home)
        engine = open_engine(database_url(home, read_settings(home)))
        transactions = Transactions(engine)
        try:
            with transactions.checked():
                version = upgrade(engine)
        finally:
            transactions.close()
        with cls.open(home) as office:
            office._enter_unrecognised()  # noqa: SLF001 - its own class
        return version

    def import_precedents(self, path: Path) -> Row:
        """Take the precedents of a JSON-lines file into the library; all or none."""
        from yishenqing.precedents import Library, read_jsonl  # noqa: PLC0415

        records = read_jsonl(path)
        with self._transactions.writing() as connection:
            return {"imported": Library(connection, self.settings.agency).add(records)}

    def precedents(self, text: str, limit: int = 10) -> Row:
        """Search the library; each hit with its score and why it was found."""
        from yishenqing.precedents import Library  # noqa: PLC0415

        with self._transactions.reading() as connection:
            matches = Library(connection, self.settings.agency).search(text, limit)
        self._saw("search", "", text)
        return {"matches": [{"id": m.id, "score": m.score, "title": m.title, "why": list(m.why)} for m in matches]}

    def precedent(self, name: str) -> Precedent:
        """Return one precedent.

        Raises:
            NotFound: there is none of that id.
        """
        from yishenqing.precedents import Library  # noqa: PLC0415

        with self._transactions.reading() as connection:
            return Library(connection, self.settings.agency).get(name)

    def precedent_batch(self, queries: Path, limit: int = 10) -> Row:
        """Search for every line of a file (``{"id", "text"}``)."""
        from yishenqing.precedents import Library, batch, read_queries  # noqa: PLC0415

        questions = read_queries(queries)
        with self._transactions.reading() as connection:
            return batch(Library(connection, self.settings.agency), questions, limit)

    def precedent_evaluation(self, queries: Path, qrels: Path) -> Row:
        """Measure the search against known answers."""
        from yishenqing.precedents import Library, evaluate, read_qrels, read_queries  # noqa: PLC0415

        questions, answers = read_queries(queries), read_qrels(qrels)
        with self._transactions.reading() as connection:
            return evaluate(Library(connection, self.settings.agency), questions, answers)
