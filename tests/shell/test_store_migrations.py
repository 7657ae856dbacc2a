"""Every earlier version comes up to today's with its data: rows, triggers, checks and keys are what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from offices import USER, use_database, without_keys
from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, insert, inspect, select, text, types

from yishenqing import Office
from yishenqing.office.premises import database_url
from yishenqing.settings import read_settings
from yishenqing.shipped import shipped
from yishenqing.store.engine import open_engine
from yishenqing.store.upgrade import upgrade

pytest_plugins = ["pg"]

CONFIG = Config()
CONFIG.set_main_option("script_location", str(shipped("alembic")))
EARLIER = [s.revision for s in reversed([*ScriptDirectory.from_config(CONFIG).walk_revisions()])][:-1]
# What each version brought: a database of that day has these, and those of the versions before it.
BROUGHT: dict[str, set[str]] = {
    "0001": {"cases", "counters", "deadlines", "entries", "files", "letters", "precedents", "reminders", "rulebooks"}
    | {"sealed"},
    "0002": {"bases", "messages"},
    "0003": {"assessments", "holding_frequencies", "holding_grams", "holding_totals", "holding_versions", "holdings"}
    | {"proposal_decisions", "proposal_requests", "proposals", "request_bands", "request_counters", "request_keys"}
    | {"request_persons", "request_texts", "reviews"},
    "0004": set(),
    "0005": {"precedent_acts", "precedent_origins", "precedent_proposals", "precedent_shared", "precedent_uses"}
    | {"precedent_versions"},
    "0007": {"anchors", "checkpoints", "reads"},
    "0008": {"report_applications", "report_disputes", "report_entered", "report_published"},
    "0009": {"access_log", "agencies", "failures", "moves", "sessions", "users"},
    "0010": {"data_keys"},
    "0011": {"disposal_decisions", "disposal_items", "disposal_lists", "disposal_removals", "retention_holds"}
    | {"released_decisions", "released_finds", "released_jobs", "released_scans"},
    "0012": {"exchange_cases", "exchange_events", "given_keys"},
    "0013": {"heartbeats"},
}
# What 0004 took from the library's records when the index became the search's.
LOST = {"precedents": {"length", "vector"}}
# Indexes: derived, made anew, and kept by SQLite for itself.
NOT_TABLES = ("alembic_version", "precedent_rows", "precedent_grams", "search_")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'office.db'}")
    else:
        engine = create_engine(request.getfixturevalue("postgres_url"))
    yield engine
    engine.dispose()


def raised(engine: Engine, revision: str) -> None:
    """Bring the database to an earlier version, as the program of that day did."""
    with engine.connect() as connection:
        connection.execution_options(yishenqing_writes=True)
        with connection.begin():
            config = Config()
            config.set_main_option("script_location", str(shipped("alembic")))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)


def known(connection: Connection) -> list[Table]:
    """Return the tables that the database has now, each after those it refers to."""
    metadata = MetaData()
    names = [n for n in inspect(connection).get_table_names() if not n.startswith(NOT_TABLES)]
    metadata.reflect(connection, only=names)
    return metadata.sorted_tables


def value_of(column: Any, n: int) -> Any:
    """Return a value that any column of its type takes; equal in all tables, so that every reference holds."""
    kinds: tuple[tuple[type[Any], Any], ...] = (
        (types.Boolean, n % 2 == 0),
        (types.Integer, n),
        (types.Date, date(2026, 3, n)),
        (types.LargeBinary, bytes([n])),
        (types.Text, f"值'{n}"),
    )
    return next(value for kind, value in kinds if isinstance(column.type, kind))


def filled(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Put three rows into every table; return what stands in each."""
    for table in known(connection):
        for n in (1, 2, 3):
            connection.execute(insert(table).values({c.name: value_of(c, n) for c in table.c}))
    return content(connection, known(connection))


def content(connection: Connection, tables: list[Table]) -> dict[str, list[tuple[Any, ...]]]:
    """Return what stands in the columns that are still there today."""
    found = {}
    for table in tables:
        columns = [c for c in table.c if c.name not in LOST.get(table.name, ())]
        found[table.name] = sorted(map(tuple, connection.execute(select(*columns))), key=repr)
    return found


def guards(connection: Connection, tables: list[Table]) -> dict[str, Any]:
    """Return what keeps the tables' rows as they are: triggers, checks, keys."""
    inspector = inspect(connection)
    sqlite = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'"
    server = "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    triggers = connection.execute(text(sqlite if connection.dialect.name == "sqlite" else server)).all()
    names = {t.name for t in tables}
    return {
        "triggers": sorted(tuple(row) for row in triggers if row[0] in names),
        "checks": {n: sorted(map(repr, inspector.get_check_constraints(n))) for n in names},
        "keys": {n: repr(inspector.get_pk_constraint(n)) for n in names},
        "references": {n: sorted(map(repr, inspector.get_foreign_keys(n))) for n in names},
    }


@pytest.mark.parametrize("revision", EARLIER)
def test_every_row_and_every_guard_is_kept(engine: Engine, revision: str) -> None:
    raised(engine, revision)
    with engine.begin() as connection:
        tables = known(connection)
        before, guarded = filled(connection), guards(connection, tables)
    assert before.keys() == set().union(*(names for brought, names in BROUGHT.items() if brought <= revision))
    assert all(before.values())
    assert guarded["triggers"]
    assert upgrade(engine) > revision
    with engine.connect() as connection:
        assert content(connection, tables) == before  # their own columns: later ones may stand beside them
        after = guards(connection, tables)
        assert set(after["triggers"]) >= set(guarded["triggers"])
        for kind in ("checks", "keys", "references"):
            assert after[kind] == {t.name: guarded[kind][t.name] for t in tables}
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


@pytest.mark.parametrize("revision", EARLIER)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_case_of_an_earlier_version_holds_and_goes_on(
    home: Path, request: pytest.FixtureRequest, in_state: Callable[[str], str], kind: str, revision: str
) -> None:
    """The rows of a real office, put into the tables of that day, brought up, verified, and acted on."""
    without_keys(home)  # which none of those versions had
    numbers = [in_state("accepted"), in_state("drafted")]
    newest = create_engine(f"sqlite:///{home / 'office.db'}")
    if kind == "sqlite":
        old = open_engine(f"sqlite:///{home / 'old.db'}")
    else:
        use_database(home, request.getfixturevalue("postgres_url"))
        old = open_engine(database_url(home, read_settings(home)))
    raised(old, revision)
    with newest.connect() as source, old.connect() as target:
        target.execution_options(yishenqing_writes=True)
        with target.begin():
            for table in known(target):
                if table.name not in inspect(source).get_table_names():
                    continue
                here = {c["name"] for c in inspect(source).get_columns(table.name)}
                now = [c for c in table.c if c.name in here]
                then = {c.name: value_of(c, 1) for c in table.c if c.name not in here and not c.nullable}
                rows = [{**row, **then} for row in source.execute(select(*now)).mappings()]
                if rows:
                    target.execute(insert(table), rows)
    newest.dispose()
    old.dispose()
    if kind == "sqlite":
        for suffix in ("-wal", "-shm"):
            (home / f"office.db{suffix}").unlink(missing_ok=True)
        (home / "old.db").replace(home / "office.db")
    Office.upgrade(home)
    with Office.open(home, user=USER, today=lambda: date(2026, 3, 19)) as office:
        assert [office.verify(number) for number in numbers] == [[], []]
        assert office.encrypt()["faults"] == []
        assert [office.verify(number) for number in numbers] == [[], []]
        assert office.act(numbers[1], "reviewed", {"opinion": "同意"})["state"] == "reviewed"
        assert office.due()["cases"]
        assert office.precedents("会议纪要")["matches"]  # found by an index made anew
        assert {m["id"] for m in office.search(numbers[0], kinds=["case"])["matches"]} >= {numbers[0]}
