"""An office inside a host's own transaction: the host commits, the host rolls back, and nothing escapes either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, use_database, walked
from sqlalchemy import Connection, Engine, create_engine, text

from yishenqing import Office
from yishenqing.core.errors import Refused

pytest_plugins = ["pg"]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, home: Path) -> Iterator[Engine]:
    """The host's own engine, made as hosts make them: on SQLite the driver is left in its legacy mode."""
    if request.param == "sqlite":
        url: Any = f"sqlite:///{home / 'office.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
        use_database(home, url)
        Office.upgrade(home)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    yield engine
    engine.dispose()


def counted(engine: Engine) -> dict[str, int]:
    tables = ("orders", "cases", "entries", "sealed", "letters", "deadlines", "counters", "rulebooks")
    with engine.connect() as connection:
        found = {t: connection.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in tables}  # noqa: S608
    return {t: n for t, n in found.items() if n}


def inside(home: Path, connection: Connection, calendar: Calendar) -> Office:
    return Office.open(home, user=USER, today=calendar, connection=connection)


def order(connection: Connection) -> None:
    connection.execute(text("INSERT INTO orders VALUES (1)"))


def copies(home: Path) -> list[Path]:
    return [p for p in (home / "issued").rglob("*") if p.is_file()]


@pytest.mark.usefixtures("quick_letters")
class TestAHost:
    def test_that_rolls_back_undoes_everything(self, engine: Engine, home: Path, calendar: Calendar) -> None:
        with engine.connect() as connection:
            office = inside(home, connection, calendar)
            order(connection)
            number = office.register(APPLICATION)["number"]
            walked(office, calendar, number)
            assert office.show(number)["state"] == "archived"
            connection.rollback()
        assert (counted(engine), copies(home)) == ({}, [])

    def test_that_commits_keeps_everything(self, engine: Engine, home: Path, calendar: Calendar) -> None:
        with engine.begin() as connection:
            office = inside(home, connection, calendar)
            number = office.register(APPLICATION)["number"]
            walked(office, calendar, number)
            order(connection)
            assert copies(home) == []  # nothing has gone out before it is certain
        assert counted(engine)["orders"] == 1
        assert len(copies(home)) == 2
        with Office.open(home, user=USER, today=calendar) as own:
            assert own.show(number)["state"] == "archived"
            assert own.verify(number) == []

    def test_whose_act_is_refused_keeps_its_own_work(self, engine: Engine, home: Path, calendar: Calendar) -> None:
        with engine.begin() as connection:
            office = inside(home, connection, calendar)
            order(connection)
            number = office.register(APPLICATION)["number"]
            with pytest.raises(Refused):
                office.act(number, "signed")
        assert counted(engine)["orders"] == counted(engine)["entries"] == 1

    def test_that_has_only_read_so_far(self, engine: Engine, home: Path, calendar: Calendar) -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM orders")).all()
            inside(home, connection, calendar).register(APPLICATION)
            connection.rollback()
        assert counted(engine) == {}

    def test_that_rolls_back_and_tries_again_gets_the_same_number(
        self, engine: Engine, home: Path, calendar: Calendar
    ) -> None:
        with engine.connect() as connection:
            office = inside(home, connection, calendar)
            first = office.register(APPLICATION)["number"]
            office.act(first, "acknowledged")
            connection.rollback()
            other = {**APPLICATION, "items": ["另一件事"]}
            assert office.register(other)["number"] == first
            found = office.act(first, "acknowledged")
            connection.commit()
        (copy,) = copies(home)
        assert str(copy) == found["letters"][0]["path"]
        with Office.open(home, user=USER, today=calendar) as own:
            assert own.verify(first) == []

    def test_sees_its_own_uncommitted_work_and_others_do_not(
        self, engine: Engine, home: Path, calendar: Calendar
    ) -> None:
        with engine.connect() as connection:
            office = inside(home, connection, calendar)
            number = office.register(APPLICATION)["number"]
            assert office.show(number)["number"] == number
            with Office.open(home, user=USER, today=calendar) as own:
                assert own.cases() == {"cases": []}
            connection.rollback()

    def test_may_use_a_savepoint_of_its_own(self, engine: Engine, home: Path, calendar: Calendar) -> None:
        with engine.begin() as connection:
            office = inside(home, connection, calendar)
            number = office.register(APPLICATION)["number"]
            savepoint = connection.begin_nested()
            office.act(number, "acknowledged")
            savepoint.rollback()
            assert len(office.show(number)["entries"]) == 1
        assert copies(home) == []
        assert "letters" not in counted(engine)
