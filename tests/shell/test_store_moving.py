"""From the office's own file to PostgreSQL: every row, resumable after a kill, the source untouched and marked."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from offices import APPLICATION, USER, tamper, ysq
from sqlalchemy import URL, create_engine, select, text

from yishenqing import Office
from yishenqing.core.errors import DataFault, IntegrityFault, Moved
from yishenqing.office.relocating import move_database
from yishenqing.office.schema import erasable, never_rewritten, tables
from yishenqing.precedents.records import versions
from yishenqing.settings import read_settings
from yishenqing.store.engine import Transactions, moved_mark
from yishenqing.store.transfer import Transfer
from yishenqing.store.upgrade import upgrade

pytest_plugins = ["pg"]

DAY = date(2026, 4, 20)
Make = Callable[[str], str]


@pytest.fixture
def to(postgres_url: URL) -> str:
    return postgres_url.set(password=None).render_as_string(hide_password=False)


@pytest.fixture
def numbers(in_state: Make) -> list[str]:
    return [in_state("archived"), in_state("drafted"), in_state("")]


def content(home: Path) -> str:
    """Return a digest of everything that stands in the office's file."""
    engine = create_engine(f"sqlite:///{home / 'office.db'}")
    with engine.connect() as connection:
        said = [list(connection.execute(select(table))) for table in tables()]
        said.append(list(connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name"))))
    engine.dispose()
    return hashlib.sha256(repr(said).encode()).hexdigest()


def answers(home: Path, numbers: list[str]) -> list[object]:
    with Office.open(home, user=USER, today=lambda: DAY) as office:
        assert [office.verify(n) for n in numbers] == [[]] * len(numbers)
        found: list[object] = [{k: v for k, v in office.show(n).items() if k != "letters"} for n in numbers]
        return [*found, office.due(), office.cases(), office.precedents("征收补偿安置")]


def test_one_command_moves_everything(home: Path, numbers: list[str], to: str) -> None:
    before, file = answers(home, numbers), content(home)
    done = ysq("move-database", "--to", to, "--home", home)
    assert done.returncode == 0, done.stderr
    assert "逐条核对一致" in done.stdout
    assert read_settings(home).database == to
    assert (home / "office.yaml").read_text(encoding="utf-8").count("\ndatabase:") == 1
    assert answers(home, numbers) == before
    assert content(home) == file
    assert to in moved_mark(home / "office.db").read_text(encoding="utf-8")
    with Office.open(home, user=USER, today=lambda: DAY) as office:  # and the office works on, its numbers too
        assert office.register({**APPLICATION, "arrived_on": "2026-04-20"})["number"] == "2026-0004"
        assert office.act(numbers[1], "reviewed", {"opinion": "同意"}, on=DAY)["state"] == "reviewed"


def test_whoever_still_has_the_file_open_cannot_write_to_it(home: Path, numbers: list[str], to: str) -> None:
    with Office.open(home, user=USER, today=lambda: DAY) as late:
        move_database(home, to)
        with pytest.raises(Moved, match="已经迁移"):
            late.act(numbers[1], "reviewed", {"opinion": "同意"}, on=DAY)


_DYING = """
    import sys
    from pathlib import Path
    from yishenqing.office.relocating import move_database
    print("begun", flush=True)
    move_database(Path(sys.argv[1]), sys.argv[2], lambda *_: print(*_, flush=True))
"""


def found_again(office: Office) -> list[str]:
    return sorted(row["id"] for row in office.search("征收公告", kinds=["case"], limit=50)["matches"])


def test_cut_off_anywhere_it_goes_on(home: Path, numbers: list[str], to: str) -> None:
    """Killed at moments of chance, with work done in the file in between; at last everything has arrived."""
    chance = random.Random(os.getpid())  # noqa: S311 - nothing secret
    for turn in range(3):
        words = [sys.executable, "-c", textwrap.dedent(_DYING), str(home), to]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        for _ in range(chance.randrange(1, 25)):
            process.stdout.readline()
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if not moved_mark(home / "office.db").exists():
            with Office.open(home, user=USER, today=lambda: DAY) as office:
                numbers.append(office.register({**APPLICATION, "arrived_on": f"2026-04-{turn + 10}"})["number"])
    if not read_settings(home).database and moved_mark(home / "office.db").exists():
        with pytest.raises(Moved), Office.open(home, user=USER) as office:
            office.register(APPLICATION)
    with contextlib.suppress(DataFault):  # it had come to its end
        move_database(home, to)
    with Office.open(home, user=USER, today=lambda: DAY) as office:
        assert sorted(x["number"] for x in office.cases()["cases"]) == sorted(numbers)
        assert found_again(office) == sorted(numbers)
        assert [office.verify(n) for n in numbers] == [[]] * len(numbers)


def test_cut_off_behind_the_change_over_everything_is_found_when_it_is_run_again(
    home: Path, numbers: list[str], to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Office, "rebuild_search", cut_off)
    with pytest.raises(KeyboardInterrupt):
        move_database(home, to)
    monkeypatch.undo()
    assert read_settings(home).database == to
    found = move_database(home, to)
    assert (found["moved"], found["database"], found["rows"]) == (False, to, 0)
    with Office.open(home, user=USER, today=lambda: DAY) as office:
        assert found_again(office) == sorted(numbers)
    with pytest.raises(DataFault, match="没有可迁移的"):
        move_database(home, to)


def test_a_text_erased_while_it_moves_is_erased_there_too_and_none_is_replaced(home: Path, to: str) -> None:
    engine, source = create_engine(to), create_engine(f"sqlite:///{home / 'office.db'}")
    upgrade(engine)
    there = Transactions(engine)
    final = frozenset(never_rewritten())

    def carried() -> list[str | None]:
        with source.connect() as connection:
            Transfer(connection, there, [versions], final, erasable()).carry()
        with engine.connect() as connection:
            return list(connection.execute(select(versions.c.record).order_by(versions.c.id)).scalars())

    tamper(home, "DELETE FROM precedent_versions WHERE id <> (SELECT min(id) FROM precedent_versions)")
    (record,) = carried()
    assert record
    tamper(home, "UPDATE precedent_versions SET record = '{}'")
    with pytest.raises(IntegrityFault, match="precedent_versions"):
        carried()
    tamper(home, "UPDATE precedent_versions SET record = NULL")
    assert carried() == [None]
    tamper(home, "UPDATE precedent_versions SET actor = '别人'")
    with pytest.raises(IntegrityFault, match="precedent_versions"):
        carried()
    for one in (engine, source):
        one.dispose()


def test_what_was_broken_before_is_carried_as_it_is_and_named(home: Path, numbers: list[str], to: str) -> None:
    assert numbers[1] == "2026-0002"
    tamper(home, "UPDATE entries SET actor = '别人' WHERE number = '2026-0002' AND seq = 2")
    done = ysq("move-database", "--to", to, "--home", home)
    assert done.returncode == 7
    assert f"{numbers[1]} 第2条记录" in done.stdout
    with Office.open(home, user=USER, today=lambda: DAY) as office:
        assert office.verify(numbers[1]) != []
        assert office.verify(numbers[0]) == []


def test_a_row_that_did_not_arrive_stops_the_change_over(
    home: Path, numbers: list[str], to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yishenqing.store import transfer  # noqa: PLC0415

    prove = transfer.Transfer.prove

    def altered(self: transfer.Transfer) -> None:
        with self.target.writing() as connection:
            connection.execute(text("UPDATE cases SET state = 'x' WHERE number = '2026-0001'"))
        prove(self)

    with monkeypatch.context() as patch:
        patch.setattr(transfer.Transfer, "prove", altered)
        with pytest.raises(IntegrityFault, match="与原库不一致"):
            move_database(home, to)
    assert read_settings(home).database == ""
    assert not moved_mark(home / "office.db").exists()
    assert move_database(home, to)["written"] == 1  # the next run puts that very row right


def test_an_office_joins_others_that_are_there_and_never_twice(
    home: Path, numbers: list[str], to: str, template: Path, tmp_path: Path
) -> None:
    from timing import configure  # noqa: PLC0415

    other = tmp_path / "青禾"
    other.mkdir()
    (other / "office.yaml").write_bytes((template / "office.yaml").read_bytes())
    configure(other, agency="qinghe", name="青禾局", database=to)
    Office.init(other, USER)
    with Office.open(other, user=USER, today=lambda: DAY) as office:
        office.register({**APPLICATION, "arrived_on": "2026-04-20"})
    move_database(home, to)
    with Office.open(other, user=USER, today=lambda: DAY) as office:
        assert [x["number"] for x in office.cases()["cases"]] == ["2026-0001"]
    moved_mark(home / "office.db").unlink()
    yaml = home / "office.yaml"
    yaml.write_text(yaml.read_text(encoding="utf-8").replace(f'database: "{to}"', 'database: ""'), encoding="utf-8")
    with pytest.raises(DataFault, match="不能再迁入"):
        move_database(home, to)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:////tmp/x.db", "只能迁往 PostgreSQL"),
        ("postgresql+psycopg://a:secret@h/d", "口令不写在地址里"),
        ("postgresql+psycopg://a@127.0.0.1:1/d", ""),
    ],
)
def test_a_wrong_address_changes_nothing(home: Path, address: str, said: str) -> None:
    done = ysq("move-database", "--to", address, "--home", home)
    assert done.returncode == (6 if said else 1)
    assert said in done.stderr
    assert "secret" not in done.stderr.replace(address, "")
    assert read_settings(home).database == ""


class TestInit:
    def test_makes_an_office_on_postgresql(self, tmp_path: Path, to: str) -> None:
        home = tmp_path / "home"
        done = ysq("init", "--db", to, "--home", home)
        assert done.returncode == 0, done.stderr
        assert read_settings(home).database == to
        assert not (home / "office.db").exists()
        engine = create_engine(to)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM precedents")).scalar()
        engine.dispose()
        assert ysq("doctor", "--home", home).stdout.count("数据库　结构") == 1

    @pytest.mark.parametrize("wrong", ["postgresql+psycopg://a@127.0.0.1:1/d", "garbage", "mysql://a@h/d"])
    def test_a_wrong_address_leaves_no_settings_behind(self, tmp_path: Path, to: str, wrong: str) -> None:
        home = tmp_path / "机关"
        assert ysq("--home", home, "--as", USER, "init", "--db", wrong).returncode != 0
        assert not (home / "office.yaml").exists()
        assert ysq("--home", home, "--as", USER, "init", "--db", to).returncode == 0

    def test_whoever_wrote_the_settings_before_is_told_of_the_key(self, home: Path, tmp_path: Path) -> None:
        new = tmp_path / "新设"
        new.mkdir()
        (new / "office.yaml").write_bytes((home / "office.yaml").read_bytes())
        said = ysq("--home", new, "--as", USER, "init").stdout
        assert "请将密钥另存一份" in said
        assert "请将密钥另存一份" not in ysq("--home", new, "--as", USER, "init").stdout

    def test_takes_no_password_in_the_address(self, tmp_path: Path) -> None:
        done = ysq("init", "--db", "postgresql+psycopg://a:geheim@h/d", "--home", tmp_path / "home")
        assert done.returncode == 6
        assert "YISHENQING_DB_PASSWORD" in done.stderr
        assert "geheim" not in done.stdout + done.stderr
        assert not (tmp_path / "home" / "office.yaml").exists()

    def test_takes_it_from_a_file_that_nobody_else_may_read(self, home: Path) -> None:
        from yishenqing.store.address import with_password  # noqa: PLC0415

        file = home / "database.password"
        file.write_text("p@ss:w/rd\n")
        file.chmod(0o644)
        with pytest.raises(DataFault, match="chmod 600"):
            with_password("postgresql+psycopg://a@h/d", home)
        file.chmod(0o600)
        assert with_password("postgresql+psycopg://a@h/d", home) == "postgresql+psycopg://a:p%40ss%3Aw%2Frd@h/d"
        assert with_password("sqlite:///x.db", home) == "sqlite:///x.db"

    def test_is_no_way_to_change_the_database(self, home: Path, to: str) -> None:
        done = ysq("init", "--db", to, "--home", home)
        assert (done.returncode, "move-database" in done.stderr) == (6, True)
