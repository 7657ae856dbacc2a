"""The office: every verb of the command line as a method, each one transaction.

with Office.open("yishenqing-home") as office:
    case = office.register({...})
    office.act(case["number"], "acknowledged")
"""

from __future__ import annotations

from pathlib import Path

from yishenqing.core.errors import DataFault, Fault, NotFound, YishenqingError
from yishenqing.office import overseeing
from yishenqing.office.agencies import AgencyVerbs
from yishenqing.office.batch import BatchVerbs
from yishenqing.office.exporting import ExportVerbs
from yishenqing.office.importing import ImportVerbs
from yishenqing.office.joining import JoinVerbs
from yishenqing.office.links import LinkVerbs
from yishenqing.office.premises import database_url, system_user
from yishenqing.office.rules import RuleVerbs
from yishenqing.office.sealing import ArchiveVerbs
from yishenqing.office.searching import SearchVerbs
from yishenqing.office.secrecy import SecrecyVerbs
from yishenqing.office.surveying import SurveyVerbs
from yishenqing.office.unnamed import UnnamedVerbs
from yishenqing.office.upkeep import UpkeepVerbs
from yishenqing.office.watching import WatchVerbs
from yishenqing.rulebook import openable
from yishenqing.settings import FILE, read_settings, write_settings
from yishenqing.store import address
from yishenqing.store.engine import Transactions, open_engine


class Office(
    AgencyVerbs,
    BatchVerbs,
    JoinVerbs,
    LinkVerbs,
    UpkeepVerbs,
    ArchiveVerbs,
    SurveyVerbs,
    SearchVerbs,
    RuleVerbs,
    WatchVerbs,
    ImportVerbs,
    ExportVerbs,
    SecrecyVerbs,
    UnnamedVerbs,
):
    """An authority's office: its cases, its papers, its library, its rules."""

    @classmethod
    def init(cls, home: Path | str, user: str | None = None, workflow: str = "", database: str = "") -> Path:
        """Make (or bring up to date) an office's folder: settings, database, shipped precedents.

        The operating-system user gets every role until others are named. Safe to run twice. ``workflow`` names the
        procedure, or the variant of it, under which the office opens its cases; ``database`` the address of a
        PostgreSQL (default: a file in the folder).

        Raises:
            NotFound: there is no such procedure.
            DataFault: the folder has settings already, which name another procedure or database; or the address
                has a password in it.
        """
        home = Path(home)
        if workflow and workflow not in (known := openable(home)):
            raise NotFound(f"没有可以登记申请的流程“{workflow}”；现有：{'、'.join(known)}。")
        if address.has_password(database):
            text = f"口令不写在地址里；请放在环境变量 {address.PASSWORD} 或者机关文件夹的 {address.PASSWORD_FILE} 中"
            raise DataFault.of([Fault(text, field="db")])
        existed = (home / FILE).exists()
        settings_file = write_settings(home, user or system_user(), workflow, database)
        try:
            cls.upgrade(home)
        except YishenqingError:
            if database and not existed:  # the address may be the fault: another one must be free to be given
                settings_file.unlink()
            raise
        with cls.open(home, user=user) as office:
            office._begin_encrypted()  # noqa: SLF001 - its own class
            with office._transactions.writing() as connection:  # noqa: SLF001 - its own class
                office._stock(connection)  # noqa: SLF001 - its own class
        return settings_file

    @classmethod
    def roles(cls, home: Path | str, *, apply: bool = False) -> list[str]:
        """Return the statements that give a PostgreSQL database its roles; ``apply`` runs them too.

        Raises:
            DataFault: the office's database is no PostgreSQL.
        """
        from yishenqing.store.roles import statements

        home = Path(home)
        transactions = Transactions(open_engine(database_url(home, read_settings(home))))
        try:
            with transactions.writing() as connection:
                if connection.dialect.name != "postgresql":
                    raise DataFault.of([Fault("只有 PostgreSQL 有数据库角色", str(home / FILE), field="database")])
                found = list(statements(connection))
                for statement in found if apply else ():
                    connection.exec_driver_sql(statement)
                return found
        finally:
            transactions.close()

    @classmethod
    def upgrade(cls, home: Path | str, database: str = "") -> str:
        """Bring the office's database to the structure of this program; return its version. No entry changes.

        ``database`` is another address of the same database, by which its owner makes tables.

        Raises:
            DataFault: the database was written by a newer program.
        """
        from yishenqing.store.upgrade import upgrade

        home = Path(home)
        own = read_settings(home)
        engine = open_engine(address.with_password(database, home) if database else database_url(home, own))
        transactions = Transactions(engine)
        try:
            with transactions.checked():
                version = upgrade(engine)
        finally:
            transactions.close()
        with cls.open(home) as office:
            office._enter_unrecognised()  # noqa: SLF001 - its own class
            office._count_uncounted()  # noqa: SLF001 - its own class
            overseeing.introduce(office._transactions, office.settings)  # noqa: SLF001 - its own class
            office.rebuild_search()
        return version
