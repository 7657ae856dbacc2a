"""Backup and restore: everything comes back and is proved; damage, cuts and other keys never look whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from offices import APPLICATION, USER, tamper, use_database, ysq
from sqlalchemy import URL, create_engine, text

from yishenqing import Office
from yishenqing.backup import Reader, Secret, from_file, from_password, make_key
from yishenqing.backup import stream as sealed_stream
from yishenqing.core.errors import DataFault, IntegrityFault, NotFound, YishenqingError
from yishenqing.office import restoring, safekeeping
from yishenqing.office.restoring import restore
from yishenqing.office.safekeeping import back_up, inspected
from yishenqing.settings import read_settings
from yishenqing.store import snapshot
from yishenqing.store import upgrade as upgrading

pytest_plugins = ["pg"]

DAY = date(2026, 4, 20)
Make = Callable[[str], str]


@pytest.fixture
def key(tmp_path: Path) -> Secret:
    make_key(tmp_path / "备份.key")
    return from_file(tmp_path / "备份.key")


@pytest.fixture
def numbers(in_state: Make) -> list[str]:
    return [in_state("archived"), in_state("drafted"), in_state("")]


@pytest.fixture
def made(home: Path, numbers: list[str], key: Secret, tmp_path: Path) -> Path:
    back_up(home, tmp_path / "机关.ysq", key)
    return tmp_path / "机关.ysq"


def answers(home: Path, numbers: list[str]) -> list[object]:
    with Office.open(home, user=USER, today=lambda: DAY) as office:
        shown: list[object] = [{k: v for k, v in office.show(n).items() if k != "letters"} for n in numbers]
        letters = [[x["sha256"] for x in office.show(n)["letters"]] for n in numbers]
        return [*shown, letters, office.due(), office.cases(), office.precedents("征收补偿安置")]


def left_behind(folder: Path) -> list[str]:
    """Return what a backup or restore that failed must not leave."""
    return [p.name for p in folder.rglob("*") if any(w in p.name for w in (".restoring", ".writing", ".snapshot"))]


def test_everything_comes_back_by_two_commands(home: Path, numbers: list[str], tmp_path: Path) -> None:
    (home / "workflows" / "calendar").mkdir(parents=True)
    (home / "workflows" / "calendar" / "备注.txt").write_text("本机关的工作日安排", encoding="utf-8")
    before, file, new = answers(home, numbers), tmp_path / "b.ysq", tmp_path / "新 机关"
    (tmp_path / "口令").write_text("云溪县的备份口令不短于十二字\n", encoding="utf-8")
    words = ("--password-file", tmp_path / "口令")
    done = ysq("backup", file, "--home", home, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "已备份并读回核验" in done.stdout
    assert ysq("backup", "--check", file, *words).stdout.startswith("备份完整")
    done = ysq("restore", file, "--home", new, "--keys", home, *words)  # the keys lie elsewhere
    assert (done.returncode, done.stderr) == (0, "")
    assert "逐行核对一致；3件案件" in done.stdout
    assert answers(new, numbers) == before
    assert (new / "workflows" / "calendar" / "备注.txt").read_text(encoding="utf-8") == "本机关的工作日安排"
    assert sorted(p.name for p in (new / "issued").rglob("*.pdf")) == sorted(
        p.name for p in (home / "issued").rglob("*.pdf")
    )
    assert left_behind(tmp_path) == []
    with Office.open(new, user=USER, today=lambda: DAY) as office:  # and the office works on, its numbers too
        assert office.register({**APPLICATION, "arrived_on": "2026-04-20"})["number"] == "2026-0004"


def test_nothing_in_the_file_can_be_read(home: Path, made: Path) -> None:
    content = made.read_bytes()
    words = ("张某", "云溪县", APPLICATION["items"][0], "office.yaml", "entries", "2026-0001")
    assert [w for w in words if w.encode() in content] == []
    assert made.stat().st_mode & 0o077 == 0


def test_keys_stay_outside_unless_wished(home: Path, numbers: list[str], key: Secret, tmp_path: Path) -> None:
    (home / "personal.key").write_text("geheim")
    found = back_up(home, tmp_path / "a.ysq", key)
    assert (found["keys"], found["keys_left_out"]) == ([], ["personal.key", "recognition.key", "secrecy.key"])
    with pytest.raises(DataFault, match="--keys"):  # who applied is sealed with them: nothing could be verified
        restore(tmp_path / "a.ysq", tmp_path / "a", key)
    assert not (tmp_path / "a").exists()
    restore(tmp_path / "a.ysq", tmp_path / "c", key, keys=home)  # kept elsewhere, put back
    assert (tmp_path / "c" / "personal.key").read_text() == "geheim"
    found = back_up(home, tmp_path / "b.ysq", key, with_keys=True)
    assert found["keys"] == ["personal.key", "recognition.key", "secrecy.key"]
    restore(tmp_path / "b.ysq", tmp_path / "b", key)
    assert (tmp_path / "b" / "personal.key").read_text() == "geheim"
    assert (tmp_path / "b" / "personal.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "b" / "recognition.key").read_bytes() == (home / "recognition.key").read_bytes()


def test_links_are_not_followed_and_pipes_not_opened(home: Path, key: Secret, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("外面的文件")
    (home / "letters").mkdir()
    (home / "letters" / "link.html").symlink_to(tmp_path / "outside.txt")
    os.mkfifo(home / "letters" / "pipe.html")
    back_up(home, tmp_path / "b.ysq", key)
    restore(tmp_path / "b.ysq", tmp_path / "new", key, keys=home)
    assert not (tmp_path / "new" / "letters").exists()


def test_officers_work_while_it_is_written(home: Path, numbers: list[str], key: Secret, tmp_path: Path) -> None:
    """Cases are registered all the while; what comes back is one moment, whole."""
    stop, written, troubles = threading.Event(), [], []

    def work() -> None:
        try:
            with Office.open(home, user=USER, today=lambda: DAY) as office:
                while not stop.is_set():
                    written.append(office.register({**APPLICATION, "arrived_on": "2026-04-20"})["number"])
        except YishenqingError as error:
            troubles.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while not written:
            time.sleep(0.01)
        before = len(written)
        back_up(home, tmp_path / "b.ysq", key)
        during = len(written) - before
    finally:
        stop.set()
        worker.join()
    assert troubles == []
    assert during > 0
    found = restore(tmp_path / "b.ysq", tmp_path / "new", key, keys=home)
    assert found["faults"] == found["missing"] == []
    assert len(numbers) + before <= found["cases"] <= len(numbers) + len(written)


class TestPostgreSQL:
    @pytest.fixture
    def address(self, postgres_url: URL) -> str:
        return postgres_url.set(password=None).render_as_string(hide_password=False)

    def test_comes_back_into_a_folder(
        self, home: Path, numbers: list[str], key: Secret, address: str, tmp_path: Path
    ) -> None:
        before = answers(home, numbers)
        assert ysq("move-database", "--to", address, "--home", home).returncode == 0
        back_up(home, tmp_path / "b.ysq", key)
        found = restore(tmp_path / "b.ysq", tmp_path / "new", key, keys=home)
        assert (found["faults"], found["was_in"]) == ([], address)
        assert read_settings(tmp_path / "new").database == ""
        assert answers(tmp_path / "new", numbers) == before

    def test_takes_an_office_in(
        self, home: Path, numbers: list[str], made: Path, address: str, tmp_path: Path
    ) -> None:
        done = ysq(
            "restore",
            made,
            "--home",
            tmp_path / "new",
            "--db",
            address,
            "--key-file",
            tmp_path / "备份.key",
            "--keys",
            home,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert read_settings(tmp_path / "new").database == address
        assert answers(tmp_path / "new", numbers) == answers(home, numbers)

    def test_only_the_own_agency_is_backed_up(
        self, home: Path, key: Secret, postgres_url: URL, tmp_path: Path
    ) -> None:
        other = tmp_path / "别的机关"
        for folder, code in ((home, "yunxi-zrzy"), (other, "yunxi-jyj")):
            if folder is other:
                Office.init(other, USER)
                told = (
                    (other / "office.yaml")
                    .read_text(encoding="utf-8")
                    .replace("agency: yunxi-zrzy", f"agency: {code}")
                )
                (other / "office.yaml").write_text(told, encoding="utf-8")
            use_database(folder, postgres_url)
            Office.upgrade(folder)
            with Office.open(folder, user=USER, today=lambda: DAY) as office:
                office.register({**APPLICATION, "arrived_on": "2026-04-20"})
        back_up(home, tmp_path / "b.ysq", key)
        found = restore(tmp_path / "b.ysq", tmp_path / "new", key, keys=home)
        assert (found["cases"], found["faults"]) == (1, [])
        engine = create_engine(f"sqlite:///{tmp_path / 'new' / 'office.db'}")
        with engine.connect() as connection:
            assert connection.execute(text("SELECT DISTINCT agency FROM entries")).scalars().all() == ["yunxi-zrzy"]
        engine.dispose()


class TestRefused:
    def test_another_key(self, made: Path, tmp_path: Path) -> None:
        make_key(tmp_path / "other.key")
        with pytest.raises(DataFault, match="口令或者密钥不对"):
            restore(made, tmp_path / "new", from_file(tmp_path / "other.key"))
        with pytest.raises(DataFault, match="是用密钥文件"):
            inspected(made, from_password("irgendein langes Wort"))
        assert not (tmp_path / "new").exists()

    def test_a_key_that_others_may_read(self, key: Secret, tmp_path: Path) -> None:
        (tmp_path / "备份.key").chmod(0o644)
        with pytest.raises(DataFault, match="chmod 600"):
            from_file(tmp_path / "备份.key")

    def test_a_short_password_or_none(self, home: Path, tmp_path: Path) -> None:
        (tmp_path / "short").write_text("kurz\n")
        done = ysq("backup", tmp_path / "b", "--home", home, "--password-file", tmp_path / "short")
        assert (done.returncode, "至少12个字符" in done.stderr) == (6, True)
        done = ysq("backup", tmp_path / "b", "--home", home)
        assert (done.returncode, "没有终端" in done.stderr, "Warning" in done.stderr) == (2, True, False)
        assert not (tmp_path / "b").exists()

    def test_an_existing_file_or_office(self, home: Path, made: Path, key: Secret) -> None:
        before = made.read_bytes()
        with pytest.raises(DataFault, match="不覆盖"):
            back_up(home, made, key)
        with pytest.raises(DataFault, match="不覆盖"):
            restore(made, home, key)
        assert made.read_bytes() == before

    def test_a_place_within_the_office(self, home: Path, key: Secret) -> None:
        """The next backup would hold this one, and the one after it both."""
        for target in (home / "一月.ysq", home / "files" / ".." / "一月.ysq"):
            with pytest.raises(DataFault, match="不能放在机关文件夹内"):
                back_up(home, target, key)

    def test_what_is_no_backup(self, key: Secret, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"PK\3\4 zip")
        with pytest.raises(DataFault, match="不是 ysq backup"):
            inspected(tmp_path / "x", key)
        with pytest.raises(DataFault, match="不是文件"):
            inspected(tmp_path, key)
        with pytest.raises(NotFound):
            inspected(tmp_path / "nirgends", key)

    def test_a_newer_form_or_structure(
        self, home: Path, made: Path, key: Secret, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upgrading, "versions", lambda: ["0001"])  # as a program of long ago
        with pytest.raises(DataFault, match="请先升级本程序"):
            restore(made, tmp_path / "new", key, keys=home)
        with pytest.raises(DataFault, match="请使用较新的程序"):
            back_up(home, tmp_path / "b", key)
        monkeypatch.undo()
        monkeypatch.setattr(sealed_stream, "FORMAT", 2)
        back_up(home, tmp_path / "newer", key)
        monkeypatch.undo()
        with pytest.raises(DataFault, match="较新版本的程序"):
            inspected(tmp_path / "newer", key)
        assert not (tmp_path / "new").exists()
        assert left_behind(tmp_path) == []


class TestDamage:
    def test_every_cut_and_every_flipped_byte_is_found(
        self, home: Path, made: Path, key: Secret, tmp_path: Path
    ) -> None:
        """At the head, at every seam of two pieces, at the end, and at places between."""
        content, piece = made.read_bytes(), (1 << 16) + 16
        head = content.index(b"\n", len(sealed_stream.MAGIC)) + 1
        seams = range(head, len(content), piece)
        places = sorted({0, 11, 40, head - 1, *seams, *(s + 7 for s in seams), len(content) - 1, len(content) // 3})
        bad = tmp_path / "bad"
        for place in (p for p in places if p < len(content)):
            for broken in (content[:place], content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]):
                bad.write_bytes(broken)
                with pytest.raises((IntegrityFault, DataFault)) as told:
                    inspected(bad, key)
                assert told.value.exit_code == 7 or place < head, place
        bad.write_bytes(content + b"x")
        with pytest.raises(IntegrityFault):
            inspected(bad, key)
        swapped = content[:head] + content[head + piece : head + 2 * piece] + content[head : head + piece]
        bad.write_bytes(swapped + content[head + 2 * piece :])
        with pytest.raises(IntegrityFault, match="第1块"):
            restore(bad, tmp_path / "new", key, keys=home)
        assert not (tmp_path / "new").exists()

    def test_a_row_that_did_not_arrive_stops_the_restore(
        self, home: Path, made: Path, key: Secret, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = snapshot.put

        def careless(connection, table, names, rows):  # type: ignore[no-untyped-def]  # stands in for put
            put(connection, table, names, rows[1:] if table.name == "deadlines" else rows)

        monkeypatch.setattr(restoring, "put", careless)
        with pytest.raises(IntegrityFault, match="恢复后的“deadlines”与备份不一致"):
            restore(made, tmp_path / "new", key, keys=home)
        assert not (tmp_path / "new").exists()
        assert left_behind(tmp_path) == []

    def test_what_was_broken_before_comes_back_and_is_named(
        self, home: Path, numbers: list[str], key: Secret, tmp_path: Path
    ) -> None:
        tamper(home, "UPDATE entries SET actor = '别人' WHERE number = '2026-0002' AND seq = 2")
        paper = next(p for p in (home / "files").rglob("*") if p.is_file())
        paper.unlink()
        found = back_up(home, tmp_path / "b.ysq", key)
        assert found["missing"] == [paper.name]
        done = ysq(
            "restore",
            tmp_path / "b.ysq",
            "--home",
            tmp_path / "new",
            "--key-file",
            tmp_path / "备份.key",
            "--keys",
            home,
        )
        assert done.returncode == 7
        assert "2026-0002 第2条记录" in done.stdout
        assert paper.name in done.stdout

    def test_a_kill_leaves_no_office(self, home: Path, made: Path, key: Secret, tmp_path: Path) -> None:
        """Killed at growing times; nothing stands at the place, and the next restore clears away what lies beside."""
        new, killed = tmp_path / "new", 0
        for delay in (0.3, 0.6, 0.9, 1.2):
            words = [
                "-m",
                "yishenqing",
                "restore",
                made,
                "--home",
                new,
                "--key-file",
                tmp_path / "备份.key",
                "--keys",
                home,
            ]
            process = subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.DEVNULL)
            time.sleep(delay)
            killed += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
            if new.exists():
                break
        assert killed > 0
        if not new.exists():
            restore(made, new, key, keys=home)
        with Office.open(new, user=USER) as office:
            assert office.audit()["faults"] == []
        assert left_behind(tmp_path) == []

    def test_a_full_disk_leaves_nothing(self, home: Path, made: Path, tmp_path: Path) -> None:
        """No file may grow beyond a limit: what a full disk does to a writer."""

        def narrow() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        for words in (["backup", tmp_path / "b.ysq", "--home", home], ["restore", made, "--home", tmp_path / "new"]):
            done = subprocess.run(
                [sys.executable, "-m", "yishenqing", *map(str, words), "--key-file", str(tmp_path / "备份.key")],
                capture_output=True,
                text=True,
                check=False,
                preexec_fn=narrow,
            )
            assert done.returncode == 1, done.stderr
            assert "Traceback" not in done.stderr
        assert not (tmp_path / "b.ysq").exists()
        assert not (tmp_path / "new").exists()
        assert left_behind(tmp_path) == []

    def test_a_member_leads_nowhere_but_down(self, key: Secret, tmp_path: Path) -> None:
        from yishenqing.backup import Writer  # noqa: PLC0415 - one test forges

        for name in ("home/../../etc/x", "/etc/x", "home\\..\\x", ""):
            with (tmp_path / "forged").open("wb") as stream:
                writer = Writer(stream, key)
                writer.put(name, b"x")
                writer.finish()
            with (tmp_path / "forged").open("rb") as stream, pytest.raises(IntegrityFault, match="不可用"):
                print([m.path for m in Reader(stream, "forged", key)])  # noqa: T201 - the path is asked for


def test_one_backup_at_a_time_and_copies_of_a_killed_one_go(home: Path, key: Secret, tmp_path: Path) -> None:
    with safekeeping._alone(home), pytest.raises(YishenqingError, match="另一次备份正在进行"):
        back_up(home, tmp_path / "b.ysq", key)
    (home / ".snapshot-xyz.db").write_bytes(b"of a backup that was killed")
    back_up(home, tmp_path / "b.ysq", key)
    assert left_behind(home) == []
