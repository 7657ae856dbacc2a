"""Brings a database to the newest version, and says which version it has and when it was last written to."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, Engine, func, select

from yishenqing.core.errors import DataFault, Fault
from yishenqing.shipped import shipped
from yishenqing.store.tables import entries


def upgrade(engine: Engine, to: str = "head") -> str:
    """Run the migrations that the database lacks up to ``to``, in one transaction; return the version reached.

    Raises:
        DataFault: the database was written by a newer version of the program.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.util import CommandError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(shipped("alembic")).replace("%", "%%"))
    with engine.connect() as connection:
        connection.execution_options(yishenqing_writes=True)
        with connection.begin():
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, to)
            except CommandError:
                text = "数据库由更新的程序所建，请使用较新的程序"
                raise DataFault.of([Fault(text)]) from None
            return MigrationContext.configure(connection).get_current_revision() or ""


def newest() -> str:
    """Return the version to which this program brings a database."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(shipped("alembic")).replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def versions() -> list[str]:
    """Return every version that this program knows, the newest first."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(shipped("alembic")).replace("%", "%%"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def revision(connection: Connection) -> str:
    """Return the version that the database has; empty when it was never made."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""


def last_recorded(connection: Connection, agency: str) -> str:
    """Return the latest recording time in the ledger of ``agency`` (UTC text); empty while there is no entry."""
    found = connection.execute(select(func.max(entries.c.recorded_at)).where(entries.c.agency == agency)).scalar()
    return str(found or "")
