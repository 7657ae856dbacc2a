"""The office: every verb of the command line as a method, each one transaction.

with Office.open("yishenqing-home") as office:
    case = office.register({...})
    office.act(case["number"], "acknowledged")
"""

from __future__ import annotations

from pathlib import Path

from yishenqing.core.errors import NotFound
from yishenqing.office.batch import BatchVerbs
from yishenqing.office.casework import Row
from yishenqing.office.desk import database_url, system_user
from yishenqing.office.joining import JoinVerbs
from yishenqing.office.links import LinkVerbs
from yishenqing.office.papers import PaperVerbs
from yishenqing.office.rules import RuleVerbs
from yishenqing.office.searching import SearchVerbs
from yishenqing.office.wording import WordVerbs
from yishenqing.rulebook import openable
from yishenqing.settings import read_settings, write_settings
from yishenqing.store.engine import Transactions, open_engine


class Office(BatchVerbs, JoinVerbs, LinkVerbs, PaperVerbs, SearchVerbs, WordVerbs, RuleVerbs):
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
            office.rebuild_search()
        return version

    def import_precedents(self, path: Path) -> Row:
        """Take the precedents of a JSON-lines file into the library; all or none."""
        from yishenqing.precedents import Library, read_jsonl  # noqa: PLC0415

        records = read_jsonl(path)
        with self._transactions.writing() as connection:
            return {"imported": Library(connection, self.settings.agency).add(records)}
