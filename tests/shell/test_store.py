"""The store's contract, kept on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from yishenqing.core.errors import DataFault, IntegrityFault, Moved, NotFound, YishenqingError
from yishenqing.core.ledger import Entry, append, canonical, genesis, seal
from yishenqing.intake.attachments import read_attachments
from yishenqing.office import schema
from yishenqing.store import due, issued, ledger, vault
from yishenqing.store.contention import Contended
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.issued import Issued
from yishenqing.store.ledger import CaseRow
from yishenqing.store.tables import APPEND_ONLY, entries
from yishenqing.store.upgrade import upgrade

pytest_plugins = ["pg"]

AGENCY, NUMBER, RULES = "yunxi", "2026-0001", "r" * 64
DAY = date(2026, 3, 2)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / '机关 库.db'}"
    address: str = request.getfixturevalue("postgres_url").render_as_string(hide_password=False)
    return address


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> Transactions:
    return Transactions(engine)


def opened(connection: Connection, number: str = NUMBER, agency: str = AGENCY) -> Entry:
    """Open a case with its first entry."""
    first = genesis(agency, number, RULES)
    ledger.open_case(connection, CaseRow(agency, number, RULES, DAY, "new", None, 0, first))
    return added(connection, None, number=number, agency=agency)


def added(
    connection: Connection,
    last: Entry | None,
    *,
    number: str = NUMBER,
    agency: str = AGENCY,
    state: str = "registered",
) -> Entry:
    entry = append(
        last,
        agency=agency,
        number=number,
        rulebook=RULES,
        on=DAY,
        recorded_at="2026-03-02T01:02:03.000004Z",
        actor="张三",
        step="received",
        rehearsal=False,
        payload=canonical({"项": "值"}),
    )
    ledger.append(connection, entry, state, None)
    return entry


class Interruption(Exception):
    """Something that stops a transaction half-way."""


def interrupted(store: Transactions, do: Callable[[Connection], object]) -> None:
    with store.writing() as connection:
        do(connection)
        raise Interruption


def letter(n: int, seq: int = 1) -> Issued:
    return Issued("告", 2026, n, NUMBER, seq, "reply_granted", "告知书", f"告〔2026〕{n}号", DAY, "a" * 64)


class TestMigrations:
    def test_create_exactly_the_declared_tables(self, engine: Engine) -> None:
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415
        from alembic.migration import MigrationContext  # noqa: PLC0415

        declared = schema.declared()
        own = {t for m in declared for t in m.tables}
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    # The index of the search is made by hand for each dialect, beside its tables.
                    "include_name": lambda name, kind, _parents: kind != "table" or name in own,
                },
            )
            differences = compare_metadata(context, declared)  # type: ignore[arg-type]
        assert differences == []

    def test_run_again_without_a_change(self, engine: Engine) -> None:
        with engine.connect() as connection:
            before = sorted(inspect(connection).get_table_names())
        assert upgrade(engine) == upgrade(engine) != ""
        with engine.connect() as connection:
            assert sorted(inspect(connection).get_table_names()) == before

    def test_refuse_a_database_of_a_newer_program(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(DataFault, match="较新的程序"):
            upgrade(engine)

    def test_leave_nothing_when_they_break_off(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_arguments: object, **_options: object) -> None:
            raise RuntimeError("停电")

        monkeypatch.setattr("alembic.op.create_index", broken)  # by then tables stand
        engine = open_engine(url)
        with pytest.raises(RuntimeError, match="停电"):
            upgrade(engine)
        with engine.connect() as connection:
            assert inspect(connection).get_table_names() == []
        engine.dispose()

    def test_are_named_as_the_cause_when_they_were_not_run(self, url: str) -> None:
        engine = open_engine(url)
        with pytest.raises(NotFound, match="ysq init"), Transactions(engine).reading() as connection:
            ledger.case_row(connection, AGENCY, NUMBER)
        engine.dispose()


def test_the_agency_leads_every_key(engine: Engine) -> None:
    """Else offices could not be spread over machines (Citus and the like refuse such keys)."""
    inspector = inspect(engine)
    shared = {"rulebooks", "alembic_version", "search_rows"}  # and SQLite's own numbers for its text index
    for table in inspector.get_table_names():
        if table in shared or table.startswith("search_grams_"):
            continue
        keys = [inspector.get_pk_constraint(table)["constrained_columns"]]
        keys += [key["column_names"] for key in inspector.get_unique_constraints(table)]
        keys += [key["constrained_columns"] for key in inspector.get_foreign_keys(table)]
        for key in keys:
            assert not key or key[0] == "agency", (table, key)


class TestEntries:
    def test_come_back_as_written(self, store: Transactions) -> None:
        with store.writing() as connection:
            second = added(connection, first := opened(connection), state="handling")
        with store.reading() as connection:
            assert ledger.entries_of(connection, AGENCY, NUMBER) == [first, second]
            row = ledger.case_row(connection, AGENCY, NUMBER)
            assert [r.number for r in ledger.case_rows(connection, AGENCY)] == [NUMBER]
        assert (row.head_seq, row.head_hash, row.state) == (2, second.hash, "handling")

    def test_belong_to_one_agency_alone(self, store: Transactions) -> None:
        with store.writing() as connection:
            opened(connection)
            opened(connection, agency="other")
        with store.reading() as connection:
            assert len(ledger.entries_of(connection, "other", NUMBER)) == 1
            with pytest.raises(NotFound, match="2026-0002"):
                ledger.case_row(connection, AGENCY, "2026-0002")

    def test_a_second_writer_is_told_and_loses_nothing(self, store: Transactions) -> None:
        with store.writing() as connection:
            first = opened(connection)
        with store.writing() as connection:
            second = added(connection, first)
        with pytest.raises(Moved, match="没有写入任何内容"), store.writing() as connection:
            added(connection, first)  # has not seen the second
        with store.reading() as connection:
            assert ledger.entries_of(connection, AGENCY, NUMBER) == [first, second]

    def test_a_stale_head_cannot_be_moved(self, store: Transactions) -> None:
        with store.writing() as connection:
            first = opened(connection)
            added(connection, first)
        with pytest.raises(Moved), store.writing() as connection:
            ledger.append(connection, first, "registered", None)

    def test_an_error_undoes_the_whole_transaction(self, store: Transactions) -> None:
        with pytest.raises(Interruption):
            interrupted(store, opened)
        with store.reading() as connection:
            assert ledger.case_rows(connection, AGENCY) == []

    def test_an_entry_needs_its_case(self, store: Transactions) -> None:
        with pytest.raises(Moved), store.writing() as connection:
            connection.execute(insert(entries).values(**{**stray_entry(), "number": "2026-0009"}))


def stray_entry() -> dict[str, Any]:
    entry = append(
        None,
        agency=AGENCY,
        number=NUMBER,
        rulebook=RULES,
        on=DAY,
        recorded_at="",
        actor="",
        step="",
        rehearsal=False,
        payload="{}",
    )
    return {c.name: getattr(entry, c.name) for c in entries.c}


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_the_database_refuses_to_rewrite_history(store: Transactions, table: str, change: str) -> None:
    with store.writing() as connection:
        opened(connection)
        ledger.keep_rulebook(connection, "d" * 64, "{}")
        issued.put_letter(connection, AGENCY, letter(1))
    column = {"entries": "actor", "letters": "title", "rulebooks": "snapshot"}[table]
    with pytest.raises(IntegrityFault, match="只能追加"), store.writing() as connection:
        connection.execute(text(change.format(table=table, column=column)))
    with store.reading() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1  # noqa: S608


class TestNumbers:
    def test_run_by_series_and_year(self, store: Transactions) -> None:
        with store.writing() as connection:
            taken = [ledger.next_number(connection, AGENCY, "告", 2026) for _ in range(3)]
            assert taken == [1, 2, 3]
            assert ledger.peek_number(connection, AGENCY, "告", 2026) == 4
            assert ledger.next_number(connection, AGENCY, "告", 2027) == 1
            assert ledger.next_number(connection, AGENCY, "回", 2026) == 1
            assert ledger.next_number(connection, "other", "告", 2026) == 1

    def test_are_given_back_when_nothing_was_recorded(self, store: Transactions) -> None:
        with pytest.raises(Interruption):
            interrupted(store, lambda connection: ledger.next_number(connection, AGENCY, "告", 2026))
        with store.writing() as connection:
            assert ledger.next_number(connection, AGENCY, "告", 2026) == 1

    def test_have_no_gap_and_no_twin_among_four_processes(self, engine: Engine, url: str) -> None:
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            taken = [n for numbers in pool.starmap(take_numbers, [(url, i) for i in range(4)]) for n in numbers]
        assert sorted(taken) == list(range(1, 41))

    def test_a_letter_number_is_used_once(self, store: Transactions) -> None:
        with store.writing() as connection:
            opened(connection)
            issued.put_letter(connection, AGENCY, letter(1))
        with pytest.raises(Moved), store.writing() as connection:
            issued.put_letter(connection, AGENCY, letter(1))
        with store.reading() as connection:
            assert issued.letters_of(connection, AGENCY, NUMBER) == [letter(1)]


def take_numbers(url: str, process: int) -> list[int]:
    """Take ten numbers, and in between some that are given back."""
    store, taken = Transactions(open_engine(url)), []
    for turn in range(10):
        if turn % 3 == process % 3:
            with contextlib.suppress(Interruption):
                interrupted(store, lambda connection: ledger.next_number(connection, AGENCY, "告", 2026))
        with store.writing() as connection:
            taken.append(ledger.next_number(connection, AGENCY, "告", 2026))
    store.close()
    return taken


class TestSideStore:
    def test_keeps_sealed_values_and_papers_by_case(self, store: Transactions, tmp_path: Path) -> None:
        hidden = seal({"name": "周德旺"}, "5a17")
        paper = vault.Papers(tmp_path / "files").keep(b"content", "附件 一.pdf")
        with store.writing() as connection:
            opened(connection)
            vault.put_sealed(connection, AGENCY, NUMBER, [hidden])
            vault.put_sealed(connection, AGENCY, NUMBER, [])
            vault.put_papers(connection, AGENCY, NUMBER, [paper])
        with store.reading() as connection:
            sealed = vault.sealed_of(connection, AGENCY, NUMBER)
            assert vault.papers_of(connection, AGENCY, NUMBER) == {paper.digest: paper}
        assert sealed == {hidden.digest: hidden}
        assert paper.holds()
        opened_facts = vault.opener(sealed)({"applicant": {"sealed": hidden.digest}, "gone": {"sealed": "0" * 64}})
        assert opened_facts == {"applicant": {"name": "周德旺"}, "gone": "（已销毁）"}

    def test_notices_what_is_missing_or_changed(self, tmp_path: Path) -> None:
        papers = vault.Papers(tmp_path)
        kept = papers.keep(b"content", "a.pdf")
        assert papers.fault(kept.sha256) is None
        papers.path(kept.sha256).write_bytes(b"Content")
        assert "改动" in str(papers.fault(kept.sha256))
        with pytest.raises(IntegrityFault, match="已被改动"):
            papers.read(kept.sha256)
        papers.keep(b"content", "b.pdf")  # whoever hands the content in again mends it
        assert papers.read(kept.sha256) == b"content"
        papers.path(kept.sha256).unlink()
        assert "缺失" in str(papers.fault(kept.sha256))
        with pytest.raises(NotFound, match="缺失"):
            papers.read(kept.sha256)

    def test_a_write_that_fails_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            vault.write_whole(tmp_path / "甲" / "乙", b"content")
        assert [p for p in tmp_path.rglob("*") if p.is_file()] == []

    @pytest.mark.parametrize("name", ["", "nothing", "/dev/zero"])
    def test_only_files_can_be_attached(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(DataFault, match=r"不是文件|无法读取"):
            read_attachments(None).content(tmp_path / name)


def deadline(clock: str, due_on: date, **changes: Any) -> dict[str, Any]:
    return {
        "agency": AGENCY,
        "number": NUMBER,
        "clock": clock,
        "title": "答复期限",
        "due": due_on,
        "state": "running",
        "provisional": False,
        "owed_by": "organ",
        "remind_on": None,
        "listed": True,
        "recipe": None,
        **changes,
    }


class TestDeadlines:
    def test_are_written_over(self, store: Transactions) -> None:
        with store.writing() as connection:
            opened(connection)
            due.put_deadlines(connection, [])
            due.put_deadlines(connection, [deadline("reply", DAY), deadline("fee", DAY)])
            due.put_deadlines(connection, [deadline("reply", date(2026, 4, 1), state="stopped", provisional=True)])
        with store.reading() as connection:
            fee, reply = due.deadlines_of(connection, AGENCY, NUMBER)
        assert (fee.due, fee.state, fee.case_state) == (DAY, "running", "registered")
        assert (reply.due, reply.state, reply.provisional) == (date(2026, 4, 1), "stopped", True)

    def test_are_listed_by_date_when_the_office_watches_them(self, store: Transactions) -> None:
        with store.writing() as connection:
            opened(connection)
            later, sooner = deadline("a", date(2026, 4, 2)), deadline("b", date(2026, 4, 1))
            due.put_deadlines(connection, [later, sooner, deadline("c", DAY, listed=False)])
        with store.reading() as connection:
            assert [r.clock for r in due.open_deadlines(connection, AGENCY)] == ["b", "a"]
            assert due.open_deadlines(connection, "other") == []

    def test_say_which_case_to_look_at(self, store: Transactions) -> None:
        with store.writing() as connection:
            opened(connection)
            opened(connection, "2026-0002")
            first = deadline("a", DAY, remind_on=date(2026, 3, 10))
            second = deadline("b", DAY, remind_on=date(2026, 3, 9), number="2026-0002")
            due.put_deadlines(connection, [first, second])
        with store.reading() as connection:
            assert due.to_remind(connection, AGENCY, date(2026, 3, 8)) == []
            assert due.to_remind(connection, AGENCY, date(2026, 3, 10)) == ["2026-0002", NUMBER]
            row = due.deadlines_of(connection, AGENCY, "2026-0002")[0]
        with store.writing() as connection:
            due.put_next_reminders(connection, AGENCY, [(row, None)])
        with store.reading() as connection:
            assert due.to_remind(connection, AGENCY, date(2026, 3, 10)) == [NUMBER]

    def test_a_reminder_is_given_once(self, store: Transactions) -> None:
        row = {"agency": AGENCY, "number": NUMBER, "clock": "reply", "mark": "red", "due": DAY, "recorded_at": "x"}
        with store.writing() as connection:
            opened(connection)
            due.remind(connection, [row, {**row, "due": date(2026, 4, 1)}])
        with pytest.raises(Moved), store.writing() as connection:
            due.remind(connection, [row])
        with store.reading() as connection:
            assert due.given(connection, AGENCY, [NUMBER]) == {
                (NUMBER, "reply", "red", DAY),
                (NUMBER, "reply", "red", date(2026, 4, 1)),
            }


def test_a_reader_sees_one_moment(store: Transactions, engine: Engine, url: str) -> None:
    """Else a verification would find a head without its entry whenever somebody acts meanwhile."""
    with store.writing() as connection:
        first = opened(connection)
    other = Transactions(open_engine(url))
    with store.reading() as connection:
        assert ledger.case_row(connection, AGENCY, NUMBER).head_seq == 1
        with other.writing() as writer:
            added(writer, first)
        assert len(ledger.entries_of(connection, AGENCY, NUMBER)) == 1
    other.close()


@pytest.mark.parametrize(
    "address", ["nonsense", "oracle://x/y", "mysql+nodriver://x", "postgresql+psycopg://[::1", "sqlite+none:///x"]
)
def test_an_address_that_is_none_is_said_so(address: str) -> None:
    with pytest.raises(DataFault, match=r"office\.yaml.*数据库地址"):
        open_engine(address)


class TestSayings:
    """What the database says, in the words of an officer, with the exit code that belongs to it."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        engine = open_engine(f"sqlite:///{tmp_path / 'office.db'}")
        upgrade(engine)
        engine.dispose()
        return tmp_path / "office.db"

    @staticmethod
    def said(file: Path, do: Callable[[Transactions], object]) -> YishenqingError:
        store = Transactions(open_engine(f"sqlite:///{file}"))
        with pytest.raises(YishenqingError) as caught:
            do(store)
        store.close()
        return caught.value

    @staticmethod
    def write(store: Transactions) -> None:
        with store.writing() as connection:
            opened(connection)

    @staticmethod
    def read(store: Transactions) -> None:
        with store.reading() as connection:
            ledger.case_rows(connection, AGENCY)

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        file = tmp_path / "office.db"
        file.write_bytes(b"\x00\x01 no database at all" * 500)
        assert self.said(file, self.read).exit_code == 7

    def test_a_truncated_file(self, file: Path) -> None:
        file.write_bytes(file.read_bytes()[:9000])
        said = self.said(file, self.read)
        assert (said.exit_code, "损坏" in said.text) == (7, True)

    def test_a_file_that_cannot_be_opened(self, tmp_path: Path) -> None:
        """Whether there is an office at all is asked before; here the folder is read-only, or not ours."""
        said = self.said(tmp_path / "none" / "office.db", self.read)
        assert (said.exit_code, "只读" in said.text) == (1, True)

    def test_another_program_that_holds_the_lock(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        holder = sqlite3.connect(file, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        def impatient(store: Transactions) -> None:
            with store.reading() as connection:
                connection.exec_driver_sql("PRAGMA busy_timeout=10")
            self.write(store)

        said = self.said(file, impatient)
        holder.close()
        assert (type(said), said.exit_code) == (Moved, 5)
        assert "稍后重试" in said.text

    def test_a_database_that_has_no_room(self, file: Path) -> None:
        def cramped(store: Transactions) -> None:
            with store.writing() as connection:
                connection.exec_driver_sql("PRAGMA max_page_count=1")
                for n in range(500):
                    opened(connection, f"2026-{n:04d}-{'长' * 200}")

        said = self.said(file, cramped)
        assert (said.exit_code, "磁盘空间不足" in said.text) == (1, True)
        with sqlite3.connect(file) as connection:
            assert connection.execute("SELECT count(*) FROM cases").fetchone() == (0,)

    def test_a_read_only_database(self, file: Path) -> None:
        def forbidden(store: Transactions) -> None:
            with store.writing() as connection:
                connection.exec_driver_sql("PRAGMA query_only=ON")
                opened(connection)

        said = self.said(file, forbidden)
        assert (said.exit_code, "只读" in said.text) == (1, True)


def test_what_postgresql_says_is_no_damage(postgres_url: Any) -> None:
    """A typing error, a missing table or a hidden character is not a broken database."""
    engine = open_engine(postgres_url.render_as_string(hide_password=False))
    upgrade(engine)
    store = Transactions(engine)
    for statement, exit_code in (("SELECT * FROM nowhere", 5), ("SELECT 1/0", 1), ("CREATE TABLE cases (a int)", 5)):
        with pytest.raises(YishenqingError) as caught, store.writing() as connection:
            connection.execute(text(statement))
        assert caught.value.exit_code == exit_code, statement
    with pytest.raises(NotFound), store.reading() as connection:
        ledger.case_row(connection, AGENCY, "2026\x00")
    engine.dispose()


def test_personal_data_stand_in_no_entry(store: Transactions) -> None:
    """Every column of an entry that a later reader could guess from is a digest."""
    hidden = seal("周德旺", "5a17")
    assert "周德旺" not in hidden.digest
    with store.writing() as connection:
        opened(connection)
        vault.put_sealed(connection, AGENCY, NUMBER, [hidden])
        payloads = connection.execute(select(entries.c.payload)).scalars()
        assert all("周德旺" not in p and json.loads(p) for p in payloads)


def test_who_reads_a_case_to_move_it_holds_it(postgres_url: Any) -> None:
    """PostgreSQL lets several write at once: the second waits for the first, case by case and series by series."""
    engine = open_engine(postgres_url.render_as_string(hide_password=False))
    upgrade(engine)
    store = Transactions(engine)
    with store.writing() as connection:
        opened(connection)
        ledger.next_number(connection, AGENCY, "告", 2026)

    def impatient(read: Callable[[Connection], object]) -> None:
        with store.writing() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
            read(connection)

    for read in (
        lambda c: ledger.case_row(c, AGENCY, NUMBER, lock=True),
        lambda c: ledger.peek_number(c, AGENCY, "告", 2026),
    ):
        with store.writing() as first:
            read(first)
            impatient(lambda c: ledger.case_row(c, AGENCY, NUMBER))  # reading alone waits for nobody
            with pytest.raises(Contended, match="稍后重试"):
                impatient(read)
    engine.dispose()


def test_errors_of_the_driver_never_get_out(store: Transactions) -> None:
    with pytest.raises(YishenqingError) as caught, store.writing() as connection:
        connection.execute(text("this is no SQL"))
    assert isinstance(caught.value.__cause__, SQLAlchemyError)
