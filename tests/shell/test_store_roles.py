"""What the application's role may do in PostgreSQL: its whole work, for one agency, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, use_database, walked, ysq
from sqlalchemy import URL, Engine, Executable, Integer, create_engine, delete, insert, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from yishenqing import Office
from yishenqing.core.errors import YishenqingError
from yishenqing.office.schema import erasable, never_rewritten, tables
from yishenqing.precedents.records import versions
from yishenqing.store.engine import open_engine
from yishenqing.store.roles import APPLICATION as ROLE
from yishenqing.store.roles import READER
from yishenqing.store.tables import counters

pytest_plugins = ["pg"]

OWN = "yunxi-zrzy"


@pytest.fixture
def owned(home: Path, postgres_url: URL) -> URL:
    """A database with its roles given by the owner; returns the application's address of it."""
    use_database(home, postgres_url)
    Office.upgrade(home)
    assert len(Office.roles(home, apply=True)) > 50
    assert Office.roles(home, apply=True)  # again, as after each upgrade
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        for login, role in (("ysq_test", ROLE), ("ysq_test_read", READER)):
            connection.execute(text(f"DROP ROLE IF EXISTS {login}"))
            connection.execute(text(f"CREATE ROLE {login} LOGIN IN ROLE {role}"))
    engine.dispose()
    return postgres_url.set(username="ysq_test")


@pytest.fixture
def as_application(owned: URL) -> Iterator[Engine]:
    engine = open_engine(owned.render_as_string(hide_password=False), OWN)
    yield engine
    engine.dispose()


def denied(engine: Engine, statement: Executable) -> str:
    with engine.connect() as connection, pytest.raises(ProgrammingError) as caught:
        connection.execute(statement)
    return str(caught.value.orig)


def test_it_does_the_whole_work_of_an_office(owned: URL, home: Path, calendar: Calendar, quick_letters: None) -> None:
    (home / "office.yaml").write_text(
        (home / "office.yaml")
        .read_text(encoding="utf-8")
        .replace("postgres:@", "ysq_test@")
        .replace("postgresql+psycopg://postgres@", "postgresql+psycopg://ysq_test@"),
        encoding="utf-8",
    )
    with Office.open(home, user=USER, today=calendar) as office:
        who = office._transactions.engine.url.username
        assert who == "ysq_test"
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number)
        assert office.verify(number) == []
        assert office.precedents("征收")["matches"] == []  # the library was filled in the file, not here
        assert office.tick()["faults"] == []
        calendar.day = date(2026, 5, 7)
        office.link(number, "complaint", {"received_on": "2026-05-06", "organ": "县政府办", "matter": "逾期"})
        office.rebuild_recognition()
        office.add_agency("zhen", "某镇")
    Office.upgrade(home)  # nothing to do, and so nothing refused


def test_it_cannot_change_or_delete_history(as_application: Engine) -> None:
    final = [t for t in tables() if t.name in set(never_rewritten())]
    assert len(final) > 7
    for table in final:
        column = next(iter(table.c))
        for statement in (update(table).values({column: column}), delete(table), text(f"TRUNCATE {table.name}")):
            assert "permission denied" in denied(as_application, statement), table.name


def test_of_a_version_it_erases_the_text_and_changes_nothing_else(as_application: Engine) -> None:
    assert erasable() == {versions.name: "record"}
    said = {c.name: 1 if isinstance(c.type, Integer) else "试" for c in versions.c}
    with as_application.begin() as connection:
        connection.execute(insert(versions).values({**said, "agency": OWN, "rehearsal": False}))
    for column in versions.c:
        if column.name != "record":
            assert "permission denied" in denied(as_application, update(versions).values({column: None}))
    with as_application.begin() as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(update(versions).values(record="{}"))
    with as_application.begin() as connection:
        assert connection.execute(update(versions).values(record=None)).rowcount == 1


def test_it_cannot_undo_what_guards_it(as_application: Engine) -> None:
    for statement in (
        "DROP TRIGGER entries_append_only ON entries",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "CREATE TABLE mine (a int)",
        "DROP TABLE entries CASCADE",
        "DELETE FROM cases",
        "DELETE FROM users",
        "UPDATE alembic_version SET version_num = '1'",
        "ALTER TABLE cases DISABLE ROW LEVEL SECURITY",
        "SET ROLE postgres",
    ):
        said = denied(as_application, text(statement))
        assert any(word in said for word in ("permission denied", "must be owner")), statement


def test_it_sees_one_agency_alone(owned: URL, as_application: Engine, home: Path, quick_letters: None) -> None:
    """Were a query to forget whose rows it wants, the database would not."""
    with Office.open(home, user=USER, today=lambda: OPENED) as office:
        office.register(APPLICATION)
    other = open_engine(owned.render_as_string(hide_password=False), "another")
    nobody = open_engine(owned.render_as_string(hide_password=False))
    for engine, seen in ((as_application, 1), (other, 0), (nobody, 0)):
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM cases")).scalar() == seen
            assert connection.execute(text("SELECT count(*) FROM agencies")).scalar() == 1
    with other.connect() as connection, pytest.raises(ProgrammingError, match="row-level security"):
        connection.execute(insert(counters).values(agency=OWN, series="告", year=2027, last=1))
    other.dispose()
    nobody.dispose()


def test_the_reader_reads_all_but_the_passwords(owned: URL) -> None:
    engine = create_engine(owned.set(username="ysq_test_read"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM cases")).scalar() == 0
    for statement in ("SELECT hash FROM users", "SELECT * FROM sessions", "INSERT INTO bases VALUES ('a', 'b')"):
        assert "permission denied" in denied(engine, text(statement))
    engine.dispose()


def test_the_statements_are_printed_for_the_administrator(home: Path, postgres_url: URL) -> None:
    use_database(home, postgres_url)
    done = ysq("init", "--roles", "print", "--home", home)
    assert done.returncode == 0, done.stderr
    assert "GRANT INSERT ON entries TO ysq_app;" in done.stdout.splitlines()


def test_sqlite_has_no_roles(home: Path) -> None:
    with pytest.raises(YishenqingError, match="只有 PostgreSQL"):
        Office.roles(home)
