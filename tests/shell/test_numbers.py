"""Letter numbers: in each series and year from one on, without a hole and without a double, come what may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select, text

from yishenqing.core.errors import YishenqingError
from yishenqing.core.ledger import append, canonical, genesis
from yishenqing.settings import Settings, read_settings
from yishenqing.store import issued, ledger
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.issued import Issued
from yishenqing.store.ledger import CaseRow
from yishenqing.store.tables import counters, letters
from yishenqing.store.upgrade import upgrade

pytest_plugins = ["pg"]

RULES = "r" * 64
SERIES, YEARS = ("告", "延", "补"), (2026, 2027)
FATES = ("kept", "kept", "rolled back", "cut off")
Letter = tuple[str, int, str]  # series, year, what becomes of the transaction
letter = st.tuples(st.sampled_from(SERIES), st.sampled_from(YEARS), st.sampled_from(FATES))
schedules = st.lists(st.lists(letter, min_size=1, max_size=8), min_size=2, max_size=4)


class GivenUp(Exception):
    """Somebody changed their mind before the end."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('numbers') / '库.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        maker = open_engine(server.render_as_string(hide_password=False)).execution_options(
            isolation_level="AUTOCOMMIT"
        )
        with maker.connect() as connection:
            connection.execute(text("CREATE DATABASE numbers"))
        maker.dispose()
        url = server.set(database="numbers").render_as_string(hide_password=False)
    found = open_engine(url)
    upgrade(found)
    with Transactions(found).writing() as connection:
        ledger.keep_rulebook(connection, RULES, "{}")
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    from yishenqing.settings import write_settings  # noqa: PLC0415

    home = tmp_path_factory.mktemp("numbering")
    write_settings(home, "经办人")
    return read_settings(home)


def cut(connection: Connection) -> None:
    """End the connection under the transaction, as a kill or a lost network would."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    else:
        connection.connection.driver_connection.close()  # type: ignore[union-attr]
        raise GivenUp


def issue(store: Transactions, office: Settings, agency: str, case: str, wish: Letter) -> None:
    """Number one letter as an act does: seen, printed for, taken, written with its entry."""
    series, year, fate = wish
    day = date(year, 3, 2)
    with store.writing() as connection:
        n = ledger.peek_number(connection, agency, series, year)
        row = CaseRow(agency, case, RULES, day, "new", None, 0, genesis(agency, case, RULES))
        ledger.open_case(connection, row)
        given: dict[str, Any] = {"on": day, "recorded_at": "2026-03-02T01:00:00Z", "actor": "甲", "step": "x"}
        entry = append(
            None, agency=agency, number=case, rulebook=RULES, rehearsal=False, payload=canonical({}), **given
        )
        ledger.append(connection, entry, "new", None)
        assert ledger.next_number(connection, agency, series, year) == n
        number = office.numbered_letter(series, year, n)
        issued.put_letter(connection, agency, Issued(series, year, n, case, 1, "k", "t", number, day, "0" * 64))
        if fate == "rolled back":
            raise GivenUp
        if fate == "cut off":
            cut(connection)


def officer(engine: Engine, office: Settings, agency: str, name: str, wishes: list[Letter]) -> None:
    store = Transactions(engine)
    for turn, wish in enumerate(wishes):
        try:
            issue(store, office, agency, f"{name}-{turn}", wish)
        except (GivenUp, YishenqingError):
            assert wish[2] != "kept"


_AGENCIES = iter(range(10_000))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(plan=schedules)
def test_no_hole_and_no_double(engine: Engine, office: Settings, plan: list[list[Letter]]) -> None:
    agency = f"机关{next(_AGENCIES)}"
    failures: list[BaseException] = []

    def work(n: int, wishes: list[Letter]) -> None:
        try:
            officer(engine, office, agency, str(n), wishes)
        except BaseException as error:  # noqa: BLE001 - told by the test, whatever it is
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n, wishes)) for n, wishes in enumerate(plan)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    kept = [(series, year) for wishes in plan for series, year, fate in wishes if fate == "kept"]
    with engine.connect() as connection:
        rows = connection.execute(select(letters).where(letters.c.agency == agency)).all()
        last = connection.execute(select(counters).where(counters.c.agency == agency)).all()
    for series in SERIES:
        for year in YEARS:
            given_out = sorted(r.n for r in rows if (r.series, r.year) == (series, year))
            assert given_out == list(range(1, kept.count((series, year)) + 1))
            assert [c.last for c in last if (c.series, c.year) == (series, year)] in ([], [len(given_out)])
    assert len({r.letter_number for r in rows}) == len(kept)


def test_a_number_once_given_is_never_given_again(engine: Engine, office: Settings) -> None:
    store = Transactions(engine)
    issue(store, office, "重号", "1", ("告", 2026, "kept"))
    with store.writing() as connection:
        again = Issued("告", 2026, 1, "1", 1, "k", "t", "另一样式1号", date(2026, 3, 2), "0" * 64)
        with pytest.raises(Exception, match=r"(?i)unique"), connection.begin_nested():
            issued.put_letter(connection, "重号", again)
    with pytest.raises(YishenqingError, match="只能追加"), store.writing() as connection:
        connection.execute(letters.delete())
    with engine.connect() as connection:
        assert connection.execute(select(letters.c.n).where(letters.c.agency == "重号")).scalars().all() == [1]


def test_a_series_may_have_a_pattern_of_its_own(tmp_path: Path) -> None:
    from test_settings import changed  # noqa: PLC0415

    from yishenqing.settings import write_settings  # noqa: PLC0415

    write_settings(tmp_path, "经办人")
    found = read_settings(changed(tmp_path, "letter_numbers", '{延: "云延期〔{year}〕{n:03d}号"}'))
    assert found.numbered_letter("延", 2026, 7) == "云延期〔2026〕007号"
    assert found.numbered_letter("告", 2026, 7) == "云自然资依申请告〔2026〕7号"
