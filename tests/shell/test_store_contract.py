"""The same office on every kind of database: SQLite, PostgreSQL, spread by agency, and under SERIALIZABLE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, use_database, walked
from spreading import partition
from sqlalchemy import Computed, Integer, Table, UniqueConstraint, create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ForeignKeyConstraint

from yishenqing import Office
from yishenqing.core.errors import IntegrityFault, Moved, Refused
from yishenqing.office.schema import never_rewritten, tables
from yishenqing.store import ledger
from yishenqing.store.contention import Contended, once_more
from yishenqing.store.engine import Transactions, open_engine

pytest_plugins = ["pg"]

KINDS = ["sqlite", "postgresql", "partitioned", "serializable"]
SEARCH = {"systems": "档案系统", "keywords": "征收", "result": "无"}


@pytest.fixture(params=KINDS)
def anywhere(request: pytest.FixtureRequest, home: Path) -> Path:
    """An office whose database is of each kind in turn."""
    if request.param == "sqlite":
        return home
    url = request.getfixturevalue("postgres_url")
    engine = create_engine(url)
    use_database(home, url)
    if request.param == "partitioned":
        from yishenqing.store.upgrade import upgrade  # noqa: PLC0415

        upgrade(engine)
        with engine.begin() as connection:
            partition(connection)
    if request.param == "serializable":
        with engine.begin() as connection:
            connection.execute(
                text(f"ALTER DATABASE {url.database} SET default_transaction_isolation = serializable")
            )
    engine.dispose()
    Office.upgrade(home)
    return home


@pytest.fixture
def opened(anywhere: Path, calendar: Calendar, quick_letters: None) -> Iterator[Office]:
    with Office.open(anywhere, user=USER, today=calendar) as office:
        yield office


def at_once(do: Callable[[Any], None], *given: Any) -> None:
    """Do it for each of these in a thread of its own; what one of them stumbles over is raised here."""
    with ThreadPoolExecutor(len(given)) as pool:
        assert list(pool.map(do, given, timeout=60)) == [None] * len(given)


def test_a_case_goes_its_whole_road(opened: Office, calendar: Calendar) -> None:
    number = opened.register(APPLICATION)["number"]
    found = walked(opened, calendar, number)
    assert (found["state"], len(found["letters"])) == ("archived", 2)
    assert opened.verify(number) == []
    calendar.day = date(2026, 5, 7)
    child = opened.link(number, "complaint", {"received_on": "2026-05-06", "organ": "县政府办", "matter": "逾期"})
    assert [x["number"] for x in opened.show(number)["linked"]] == [child["number"]]
    assert opened.verify(child["number"]) == []
    assert [x["number"] for x in opened.cases()["cases"]] == [number, child["number"]]
    assert opened.tick()["faults"] == []


def test_two_officers_on_one_case_lose_nothing(anywhere: Path, opened: Office, calendar: Calendar) -> None:
    number = opened.register(APPLICATION)["number"]
    walked(opened, calendar, number, "accepted")

    def search(officer: int) -> None:
        with Office.open(anywhere, user=USER, today=calendar) as mine:
            for turn in range(6):
                mine.act(number, "search_recorded", {**SEARCH, "searched_by": f"{officer}-{turn}"})

    at_once(search, 1, 2)
    by = [e["facts"]["searched_by"] for e in opened.show(number)["entries"] if e["step"] == "search_recorded"]
    assert sorted(by) == sorted(f"{officer}-{turn}" for officer in (1, 2) for turn in range(6))
    assert opened.verify(number) == []


def test_history_is_refused_to_be_rewritten(anywhere: Path, opened: Office) -> None:
    opened.register(APPLICATION)
    with pytest.raises(IntegrityFault, match="只能追加"), opened._transactions.writing() as connection:
        connection.execute(text("UPDATE entries SET actor = '别人'"))


class TestOnceMore:
    def test_a_verb_is_done_anew_until_the_database_lets_it(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        append, turns = ledger.append, iter(range(99))

        def contended(*given: Any) -> None:
            append(*given)
            if next(turns) < 3:
                raise Contended("让路")

        monkeypatch.setattr(ledger, "append", contended)
        assert office.register(APPLICATION)["number"] == "2026-0001"
        assert next(turns) == 4
        assert [x["number"] for x in office.cases()["cases"]] == ["2026-0001"]

    def test_but_not_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses: list[float] = []
        monkeypatch.setattr("time.sleep", pauses.append)

        def never() -> None:
            raise Contended("让路")

        with pytest.raises(Moved):
            once_more(never)
        assert len(pauses) == 9
        assert max(pauses) <= 1.0

    def test_and_not_when_something_was_kept(self, office: Office) -> None:
        transactions, calls = office._transactions, []

        def half() -> None:
            calls.append(1)
            with transactions.writing() as connection:
                ledger.next_number(connection, "yunxi-zrzy", "case", 2026)
            raise Contended("让路")

        with pytest.raises(Contended):
            transactions.whole(half)
        assert len(calls) == 1

    def test_nor_in_a_hosts_transaction(self, home: Path) -> None:
        engine, calls = open_engine(f"sqlite:///{home / 'office.db'}"), []

        def never() -> None:
            calls.append(1)
            raise Contended("让路")

        with engine.begin() as connection, pytest.raises(Contended):
            Transactions(None, connection).whole(never)
        engine.dispose()
        assert len(calls) == 1


def test_officer_and_linked_case_never_wait_for_each_other(home: Path, postgres_url: Any, calendar: Calendar) -> None:
    """Whoever acts in a linked case tells its parent; whoever links locks the parent first. No deadlock, no loss."""
    use_database(home, postgres_url)
    Office.upgrade(home)
    facts = {"received_on": "2026-03-02", "organ": "县政府办", "matter": "逾期"}
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
        first = office.link(number, "complaint", facts)["number"]

    def many(do: Any) -> None:
        with Office.open(home, user=USER, today=calendar) as mine:
            for _ in range(8):
                do(mine)

    def tell(office: Office) -> None:
        """As an act of the linked case does: the linked case is held, the parent asked for."""
        from yishenqing.office import linking  # noqa: PLC0415

        def told() -> None:
            with office._transactions.writing() as connection:
                child = office._load(connection, first, lock=True)
                ledger.lock_at_once(connection, office.settings.agency, linking.parent_of(child))

        office._transactions.whole(told)

    at_once(many, lambda o: o.link(number, "complaint", facts), tell, tell)
    with Office.open(home, user=USER, today=calendar) as office:
        assert len(office.show(number)["linked"]) == 9
        assert office.verify(number) == []


REFERENCE = {"rulebooks"}  # the same for all agencies


@pytest.mark.parametrize("table", tables(), ids=lambda t: str(t.name))
def test_every_table_may_be_spread_by_agency(table: Table) -> None:
    """What Citus, YugabyteDB and their like refuse (K1 to K9 of the measurements), refused here first."""
    key = [c.name for c in table.primary_key.columns]
    assert key, "no primary key"
    if table.name in REFERENCE:
        assert "agency" not in table.c
        return
    assert key[0] == "agency"
    assert not isinstance(table.primary_key.columns[0].type, Integer)
    for constraint in table.constraints:
        assert not getattr(constraint, "deferrable", None), constraint.name
        assert not isinstance(constraint, postgresql.ExcludeConstraint)
        if isinstance(constraint, UniqueConstraint | ForeignKeyConstraint):
            assert next(iter(constraint.columns)).name == "agency", constraint.name
        if isinstance(constraint, ForeignKeyConstraint):
            assert constraint.ondelete is None, "a case's rows would go with it"
    for index in table.indexes:
        assert not index.unique or next(iter(index.columns)).name == "agency", index.name
        assert not index.dialect_options["postgresql"].get("include"), index.name
    for column in table.columns:
        assert not isinstance(column.type, postgresql.ENUM | postgresql.DOMAIN | postgresql.TSRANGE), column.name
        assert not isinstance(column.computed, Computed), column.name


def test_no_query_rests_on_what_other_databases_lack() -> None:
    """No advisory lock, LISTEN, NOTIFY, LOCK TABLE: correctness is a row's lock and a key's uniqueness."""
    source = Path(__file__).resolve().parents[2] / "src" / "yishenqing"
    for path in sorted(source.rglob("*.py")):
        said = path.read_text(encoding="utf-8")
        for word in ("pg_advisory", "pg_try_advisory", "LISTEN ", "NOTIFY ", "LOCK TABLE", "nextval("):
            assert word not in said, (path, word)


def test_what_is_declared_final_is_final_in_the_database(home: Path) -> None:
    """Every table of history has its triggers, and no trigger stands on a table that is not declared so."""
    engine = open_engine(f"sqlite:///{home / 'office.db'}")
    with engine.connect() as connection:
        names = connection.execute(text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")).all()
        found = {table for table, name in names if "_no_" in name}
        assert set(inspect(connection).get_table_names()) > {t.name for t in tables()}
    engine.dispose()
    assert found == set(never_rewritten())


def test_nobody_refused_is_retried(office: Office) -> None:
    """What the law refuses is refused at once, once."""
    number, calls = office.register(APPLICATION)["number"], []
    whole = office._transactions.whole

    def counted(verb: Any) -> Any:
        calls.append(1)
        return whole(verb)

    office._transactions.whole = counted  # type: ignore[method-assign]
    with pytest.raises(Refused):
        office.act(number, "replied", on=OPENED)
    assert len(calls) == 1
