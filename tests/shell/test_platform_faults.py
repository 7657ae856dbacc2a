"""Short versions of ``make faults``: whatever breaks, what was answered stands, and nothing stands twice."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest
from offices import APPLICATION, OPENED, USER, ysq
from sqlalchemy import URL, text
from trials import calamities, deeds, ground, judge, killing
from trials.deeds import Diary
from trials.ground import DUE_DAY, connected, made, opened, seed
from trials.server import Wire

from yishenqing import Office
from yishenqing.core.errors import Moved, YishenqingError
from yishenqing.letters import Letterbook
from yishenqing.office.verbs import verbs
from yishenqing.store.contention import Contended, Severed, Unsure, once_more
from yishenqing.store.sayings import committing, in_our_words

pytest_plugins = ["pg"]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is forked from this process has read the rules already, and prints letters of one line."""
    killing.warmed(made(tmp_path_factory.mktemp("warm") / "home"), times=4)
    yield
    setattr(Letterbook, "pdf", killing.REAL_PDF)  # noqa: B010 - put back for the tests that follow


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, warm: None) -> tuple[Path, Diary]:
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").render_as_string(hide_password=False)
    home = made(tmp_path / "home", url)
    seed(home, 12)
    return home, Diary(tmp_path / "diary.jsonl")


def lost(home: Path, diary: Diary) -> list[str]:
    return [*judge.ticked_out(home), *judge.losses(home, diary), *judge.timer_losses(home)]


def test_every_verb_is_on_trial_or_known_to_look_only() -> None:
    source = Path(deeds.__file__).read_text(encoding="utf-8")
    taken = {verb for verb in verbs(Office) if f"office.{verb}(" in source}
    assert verbs(Office).keys() - deeds.LOOKS - deeds.ONCE - taken == set()
    assert (deeds.LOOKS | deeds.ONCE) - verbs(Office).keys() == set()


def test_officers_killed_at_any_moment_lose_nothing(place: tuple[Path, Diary]) -> None:
    home, diary = place
    assert killing.kill_at_chance(home, diary, 10, 11, longest=0.1) >= 10
    assert killing.kill_at_each_statement(home, diary, deeds.register, 5, stride=9) > 1
    assert calamities.killed_ticks(home, diary, 4, 3, DUE_DAY) == 4
    killing.ended(killing.forked(partial(killing.at_work, home, diary, 7, times=2)))
    assert any("done" in line for line in diary.read())
    assert lost(home, diary) == []


def test_the_judge_sees_what_is_lost_and_what_is_doubled(tmp_path: Path, warm: None) -> None:
    home, diary = made(tmp_path / "home"), Diary(tmp_path / "diary.jsonl")
    seed(home, 2)
    killing.ended(killing.forked(partial(killing.at_work, home, diary, 1, times=1, deeds={deeds.register: 1})))
    (done,) = (line for line in diary.read() if "done" in line)
    diary.say(**{**done, "number": "2026-0099"})
    diary.say(**{**done, "hash": "0" * 64})
    letters = {"letters": ["云〔2026〕1号"], "number": done["number"], "seq": 1, "hash": done["hash"]}
    diary.say(done="Ta", deed="act:accepted", **letters)
    (home / "issued" / "2026-0001").mkdir(parents=True)
    (home / "issued" / "2026-0001" / "未发.pdf").write_bytes(b"%PDF")
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute("UPDATE counters SET last = last + 1 WHERE series = 'case'")
        connection.execute("DELETE FROM reminders")
    connection.close()
    killing.ended(killing.forked(partial(killing.at_work, home, diary, 2, times=1, deeds={deeds.register: 1})))
    said = "\n".join(judge.losses(home, diary))
    for word in ("已经答复办成，数据库中没有", "与答复的不符", "发文登记中没有", "看上去已经出具", "案件编号缺第3号"):
        assert word in said
    late = "\n".join(judge.timer_losses(home))
    assert "到期未提醒" in late
    assert "提醒遗漏" in late


def test_the_judge_sees_what_is_left_of_a_destroyed_case(tmp_path: Path, warm: None) -> None:
    home, diary = made(tmp_path / "home"), Diary(tmp_path / "diary.jsonl")
    killing.ended(
        killing.forked(partial(killing.at_work, home, diary, 1, times=1, deeds={deeds.destroyed_together: 1}))
    )
    assert judge.losses(home, diary) == []
    (token, *_) = (line["done"] for line in diary.read() if line.get("deed") == "register" and "done" in line)
    (home / "issued" / "2026-0001").mkdir(parents=True)
    (home / "previews").mkdir(exist_ok=True)
    (home / "previews" / "2026-0002.txt").write_text(token, encoding="utf-8")
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute("INSERT INTO sealed VALUES ((SELECT agency FROM cases), '2026-0001', 'd', '', 'v')")
        connection.execute("UPDATE disposal_removals SET done_at = NULL WHERE number = '2026-0002' AND sha256 = ''")
        connection.execute(
            "UPDATE search_documents SET ref = '2026-0001' WHERE collection = 'precedents' AND ref = 'P01'"
        )
        connection.execute("UPDATE search_documents SET collection = 'cases' WHERE ref = '2026-0001'")
        connection.execute("DELETE FROM exchange_events WHERE number = '2026-0001' AND seq = 2")
    connection.close()
    said = "\n".join(judge.losses(home, diary))
    for word in (
        "数据库中还有[1, 0, 1, 0, 0]",
        "还有其内容",
        "没有从磁盘上清理",
        "中还有它的文字",
        "还找得到",
        "应当告知的记录",
    ):
        assert word in said


def test_a_writer_that_is_stuck_is_waited_for_no_longer_than_the_office_says(place: tuple[Path, Diary]) -> None:
    home, diary = place
    said = calamities.suspended_writer(home, diary, 4)
    assert "没有报错" not in said
    (refused,) = (line for line in diary.read() if "refused" in line)
    assert refused["code"] == Moved.code
    assert lost(home, diary) == []


def test_whoever_holds_the_database_is_named(home: Path) -> None:
    path = home / "office.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("wait_seconds: 60", "wait_seconds: 1"), encoding="utf-8")
    with Office.open(home, user=USER, today=lambda: OPENED) as office, office._transactions.writing():
        done = ysq(
            "register", Path(__file__).parents[2] / "samples/applications/01.json", "--home", home, "--as", USER
        )
    assert done.returncode == 5
    assert f"进程{os.getpid()}）占用数据库已超过1秒，本次没有写入任何内容" in done.stderr
    assert "wait_seconds" in done.stderr
    with Office.open(home, user=USER, today=lambda: OPENED) as office:
        assert office.register(APPLICATION)["number"] == "2026-0001"


def test_the_wait_must_be_a_wait(home: Path) -> None:
    path = home / "office.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("wait_seconds: 60", "wait_seconds: 0"), encoding="utf-8")
    done = ysq("list", "--home", home)
    assert done.returncode == 6
    assert "至少为1秒" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_told_and_what_is_there_can_still_be_read(tmp_path: Path) -> None:
    with calamities.small_disk(tmp_path) as (disk, how):
        if "小盘" not in how:
            pytest.skip("this machine lets nobody mount")
        home = made(disk / "home")
        with opened(home) as office:
            office.register(APPLICATION)
        with (disk / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="No space"):
            ballast.writelines(repeat(b"\0" * 4096))
        shown = ysq("show", "2026-0001", "--home", home)
        assert (shown.returncode, "待审核" in shown.stdout or "已登记" in shown.stdout) == (0, True)
        assert ysq("archive", "verify", "2026-0001", "--home", home).returncode == 0
        refused = ysq("act", "2026-0001", "acknowledged", "--home", home, "--as", ground.USER)
        assert refused.returncode != 0
        assert "磁盘" in refused.stderr
        (disk / "ballast").unlink()
        with opened(home) as office:
            assert len(office.act("2026-0001", "acknowledged")["entries"]) == 2
            assert office.audit()["faults"] == []


def test_a_server_that_goes_and_comes_back_is_ridden_through(postgres_url: URL, tmp_path: Path) -> None:
    home = made(tmp_path / "home", postgres_url.render_as_string(hide_password=False))
    with opened(home) as office:
        number = office.register(APPLICATION)["number"]
        office.show(number)
        engine = connected(home)
        with engine.connect() as connection:  # as a server that is started anew ends every session
            others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            assert connection.execute(text(f"{others} AND datname = current_database()")).scalar_one() >= 2
        engine.dispose()
        assert office.show(number)["state"] == "registered"
        office.act(number, "acknowledged")
        assert [e["step"] for e in office.show(number)["entries"]][1:] == ["acknowledged"]


def test_a_database_that_was_never_there_is_told_at_once(home: Path) -> None:
    path = home / "office.yaml"
    wished = 'database: "postgresql+psycopg://nobody@127.0.0.1:1/none"'
    path.write_text(path.read_text(encoding="utf-8").replace('database: ""', wished), encoding="utf-8")
    begun = time.monotonic()
    with Office.open(home, user=USER) as office, pytest.raises(Severed, match="连不上数据库"):
        office.show("2026-0001")
    assert time.monotonic() - begun < 3


def test_a_cut_wire_loses_nothing(postgres_url: URL, tmp_path: Path) -> None:
    """The bytes pass until the wire is cut; both ends then see the end of it."""
    import socket  # noqa: PLC0415 - here alone

    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(server.getsockname()[1])
        client = socket.create_connection(("127.0.0.1", wire.port))
        other, _ = server.accept()
        client.sendall(b"x")
        assert other.recv(1) == b"x"
        wire.cut()
        assert client.recv(1) == b""
        with socket.create_connection(("127.0.0.1", wire.port)) as refused:
            assert refused.recv(1) == b""
        wire.mend()
        with socket.create_connection(("127.0.0.1", wire.port)):
            again, _ = server.accept()
            again.close()
        for end in (client, other):
            end.close()
        wire.close()


class OperationalError(Exception):
    """As psycopg says it."""

    __module__ = "psycopg.errors"
    sqlstate: str | None = None


def wrapped(state: str | None) -> Exception:
    from sqlalchemy.exc import OperationalError as Wrapped  # noqa: PLC0415 - the name is taken above

    error = OperationalError("gone")
    error.sqlstate = state
    return Wrapped("COMMIT", None, error)


@pytest.mark.parametrize("state", [None, "57P01", "57P02", "08006", "25P03"])
def test_a_line_that_breaks_during_a_commit_is_told_as_unsure(state: str | None) -> None:
    with pytest.raises(Unsure, match="不能确定"), in_our_words(), committing():
        raise wrapped(state)
    with pytest.raises(Severed, match="没有写入任何内容"), in_our_words():
        raise wrapped(state)


def test_what_a_server_refused_to_commit_is_no_doubt() -> None:
    with pytest.raises(Contended), in_our_words(), committing():
        raise wrapped("40001")
    with pytest.raises(YishenqingError, match="本次没有写入") as told, in_our_words(), committing():
        raise wrapped("22001")
    assert not isinstance(told.value, Unsure | Severed)


def test_nothing_is_begun_anew_when_patience_has_run_out() -> None:
    turns: list[int] = []

    def contended() -> None:
        turns.append(1)
        raise Contended("让路")

    with pytest.raises(Contended):
        once_more(contended, patience=0.0)
    assert len(turns) == 1
    turns.clear()
    with pytest.raises(Contended):
        once_more(contended)
    assert len(turns) == 10


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # on PostgreSQL too in make faults
def test_a_clock_that_goes_back_does_no_harm(place: tuple[Path, Diary]) -> None:
    home, diary = place
    calamities.clock_stepped_back(home, diary, 6, officers=1)
    assert lost(home, diary) == []


def test_a_doubt_is_not_done_again() -> None:
    turns: list[int] = []

    def unsure() -> None:
        turns.append(1)
        raise Unsure("不能确定")

    with pytest.raises(Unsure):
        once_more(unsure)
    assert len(turns) == 1


def test_the_commands_are_there() -> None:
    root = Path(__file__).parents[2]
    for name in ("faults", "soak"):
        said = subprocess.run(["make", "-n", name], cwd=root, capture_output=True, text=True, check=True).stdout
        assert f"scripts/{name}" in said
        assert os.access(root / "scripts" / name, os.X_OK)
