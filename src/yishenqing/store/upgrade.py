"""Brings a database to the newest version, and says which version it has."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from yishenqing.core.errors import DataFault, Fault
from yishenqing.shipped import shipped


def upgrade(engine: Engine) -> str:
    """Run the migrations that the database lacks, in one transaction; return the version reached.

    Raises:
        DataFault: the database was written by a newer version of the program.
    """
    from alembic import command  # noqa: PLC0415 - only init and upgrade pay for alembic
    from alembic.config import Config  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(shipped("alembic")).replace("%", "%%"))
    with engine.connect() as connection:
        connection.execution_options(yishenqing_writes=True)
        with connection.begin():
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                text = f"数据库版本与程序不符，请使用较新的程序（{error}）"
                raise DataFault.of([Fault(text)]) from None
            return MigrationContext.configure(connection).get_current_revision() or ""
