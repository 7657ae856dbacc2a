"""What a chain of its own cannot tell of a case, the checkpoints do; and every look at a case is noted."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, rows, tamper, use_database, walked
from test_archive import run_standalone

from yishenqing import Office
from yishenqing.core.errors import DataFault, IntegrityFault, NotFound, Refused
from yishenqing.core.ledger import Entry, chain_hash
from yishenqing.letters import Letterbook
from yishenqing.office.verifying import package_faults

pytest_plugins = ["pg"]
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h


def short_pdf(_book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
    """A page that says nothing, and is another one for each letter: filing counts pages."""
    from pypdf import PdfWriter  # noqa: PLC0415

    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(10, 10)
    writer.add_metadata({"/Title": f"{kind} {context['letter']['number']} {context['case']['number']}"})
    writer.write(out)
    return out.getvalue()


@pytest.fixture
def quick_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters whose looks do not matter, yet which are PDF."""
    monkeypatch.setattr(Letterbook, "pdf", short_pdf)


def texts(office: Office, minutes: str = "") -> list[str]:
    return [str(fault) for fault in office.audit(minutes)["faults"]]


@pytest.fixture
def two(in_state: Callable[[str], str], calendar: Calendar) -> tuple[str, str]:
    """One case closed, one under way."""
    closed = in_state("archived")
    calendar.day = OPENED
    return closed, in_state("accepted")


def entries_of(home: Path, number: str) -> list[Entry]:
    columns = 'agency, number, seq, "on", recorded_at, actor, step, rehearsal, payload, prev, hash'
    found = rows(home, f"SELECT {columns} FROM entries WHERE number = '{number}' ORDER BY seq")  # noqa: S608
    return [Entry._make([*r[:3], date.fromisoformat(r[3]), *r[4:7], bool(r[7]), *r[8:]]) for r in found]


def cut_tail(home: Path, number: str) -> list[str]:
    """Take the last entry away and set the row of the case right, as one who knows the tables would."""
    *_, before, last = entries_of(home, number)
    head = f"head_seq = {before.seq}, head_hash = '{before.hash}', state = 'under_review'"
    return [
        f"DELETE FROM entries WHERE number = '{number}' AND seq = {last.seq}",  # noqa: S608
        f"UPDATE cases SET {head} WHERE number = '{number}'",  # noqa: S608
    ]


def take_case(_home: Path, number: str) -> list[str]:
    tables = ("letters", "deadlines", "sealed", "files", "request_texts", "request_persons", "entries", "cases")
    return [f"DELETE FROM {t} WHERE number = '{number}'" for t in tables]  # noqa: S608


def hash_anew(home: Path, number: str) -> list[str]:
    """Change the actor of the second entry, and hash it and all after it anew."""
    statements, prev = [], ""
    for entry in entries_of(home, number):
        changed = entry._replace(actor="别人") if entry.seq == 2 else entry
        changed = changed._replace(prev=prev or changed.prev)
        prev = chain_hash(changed)
        statements.append(
            f"UPDATE entries SET actor = '{changed.actor}', prev = '{changed.prev}', hash = '{prev}' "  # noqa: S608
            f"WHERE number = '{number}' AND seq = {entry.seq}"
        )
    return [*statements, f"UPDATE cases SET head_hash = '{prev}' WHERE number = '{number}'"]  # noqa: S608


def harmed(home: Path, statements: list[str]) -> None:
    with sqlite3.connect(home / "office.db") as connection:
        kept = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, trigger in kept:
            connection.execute(trigger)
    connection.close()


ATTACKS: Mapping[str, tuple[Callable[[Path, str], list[str]], str]] = {
    "the tail cut and the row set right": (cut_tail, "检查点固定过，现已被删除或者改动"),
    "a whole case taken away": (take_case, "检查点固定过的案件不见了"),
    "a case hashed anew": (hash_anew, "检查点固定过，现已被删除或者改动"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_chain_alone_cannot_tell(attack: str, two: tuple[str, str], home: Path, office: Office) -> None:
    harm, said = ATTACKS[attack]
    number = two[1]
    office.checkpoint()
    assert texts(office) == []
    harmed(home, harm(home, number))
    found = texts(office)
    assert any(number in text and said in text for text in found), found
    assert not any(two[0] in text for text in found)
    with pytest.raises(IntegrityFault) as told:  # and nothing is ever signed over it
        office.checkpoint()
    assert number in str(told.value)


def test_a_case_put_in_later_with_an_earlier_day_is_found(
    two: tuple[str, str], home: Path, office: Office, calendar: Calendar
) -> None:
    office.checkpoint()
    number = office.register(APPLICATION)["number"]
    assert texts(office) == []
    *_, first = entries_of(home, number)
    early = first._replace(recorded_at="2020-01-01T00:00:00.000000Z")
    changed = f"recorded_at = '{early.recorded_at}', hash = '{chain_hash(early)}'"
    harmed(home, [f"UPDATE entries SET {changed} WHERE number = '{number}'"])  # noqa: S608
    harmed(home, [f"UPDATE cases SET head_hash = '{chain_hash(early)}' WHERE number = '{number}'"])  # noqa: S608
    assert texts(office) == [
        f"{number} 第1条记录：自称的记录时间早于检查点，而当时的检查点没有它，系后来补入（或者写入时本机时钟被拨回）"
    ]


SEARCH = {"systems": "档案系统", "keywords": "征收公告", "result": "检索到一份"}
LOG_HARMS = {
    "a root": "UPDATE checkpoints SET root = 'ab' || substr(root, 3) WHERE n = 1",
    "a signature": "UPDATE checkpoints SET signature = substr(signature, 3) || 'ab' WHERE n = 2",
    "a key": "UPDATE checkpoints SET key = 'ab' || substr(key, 3) WHERE n = 2",
    "a moment": "UPDATE checkpoints SET made_at = '2020-01-01T00:00:00.000000Z' WHERE n = 2",
    "a checkpoint gone": "DELETE FROM checkpoints WHERE n = 1",
    "a leaf": "UPDATE anchors SET hash = 'ab' || substr(hash, 3) WHERE leaf = 0",
    "a leaf gone": "DELETE FROM anchors WHERE leaf = 1",
    "the last leaf gone": "DELETE FROM anchors WHERE leaf = (SELECT max(leaf) FROM anchors)",
    "a leaf put in": "INSERT INTO anchors SELECT agency, leaf + 100, checkpoint, number, seq, hash FROM anchors",
    "a look changed": "UPDATE reads SET actor = '别人' WHERE n = 1",
    "a look gone": "DELETE FROM reads WHERE n = 1",
    "the last look gone": "DELETE FROM reads WHERE n = (SELECT max(n) FROM reads)",
}


@pytest.mark.parametrize("harm", LOG_HARMS)
def test_whatever_is_done_to_checkpoints_and_journal_is_found(
    harm: str, in_state: Callable[[str], str], home: Path, office: Office
) -> None:
    number = in_state("")
    office.show(number)
    office.show(number)
    office.checkpoint()
    in_state("")
    office.checkpoint()
    assert texts(office) == []
    tamper(home, LOG_HARMS[harm])
    assert texts(office)


def test_a_clock_that_was_set_back_records_nothing_before_the_last_checkpoint(
    two: tuple[str, str], home: Path, office: Office, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.checkpoint()["made_at"]
    with monkeypatch.context() as earlier:
        earlier.setattr("yishenqing.office.moments.now", lambda: "2020-01-01T00:00:00.000000Z")
        with Office.open(home, user=USER, today=calendar) as again:
            found = again.act(two[1], "search_recorded", SEARCH)
            assert again.checkpoint()["made_at"] == made
    assert found["entries"][-1]["recorded_at"] == made
    assert office.act(two[1], "search_recorded", SEARCH)["entries"][-1]["recorded_at"] > made
    assert texts(office) == []


def test_checkpoints_cut_off_together_are_told_by_the_minutes(
    in_state: Callable[[str], str], home: Path, office: Office
) -> None:
    in_state("")
    office.checkpoint()
    in_state("")
    line = office.checkpoint()["line"]
    assert texts(office, line) == []
    assert "不符" in texts(office, line[:-1] + ("0" if line[-1] != "0" else "1"))[0]
    tamper(home, "DELETE FROM anchors WHERE checkpoint = 2", "DELETE FROM checkpoints WHERE n = 2")
    assert texts(office) == []
    assert "第2号检查点不在这里" in texts(office, line)[0]
    with pytest.raises(NotFound, match="没有检查点"):
        office.audit("本次会议没有记载")


def test_rows_put_into_the_side_store_are_found(two: tuple[str, str], home: Path, office: Office) -> None:
    for table in ("sealed", "files"):
        columns = [row[1] for row in rows(home, f"PRAGMA table_info({table})")]
        copied = ", ".join("'ff' || substr(digest, 3)" if c == "digest" else c for c in columns)
        harmed(home, [f"INSERT INTO {table} SELECT {copied} FROM {table} WHERE number = '{two[0]}' LIMIT 1"])  # noqa: S608
    assert sum("系另行插入" in text for text in texts(office)) == 2


def test_a_damaged_page_names_what_it_holds_and_the_rest_is_read(
    two: tuple[str, str], home: Path, office: Office
) -> None:
    closed, open_case = two
    office.close()
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'deadlines'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with (home / "office.db").open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * size)
    with Office.open(home, user=USER) as again:
        found = texts(again)
        assert any(text.startswith("数据库文件") for text in found), found
        assert any(text.startswith(closed) for text in found)
        assert again.show(open_case)["state"] == "handling"


def test_a_missing_attachment_is_named_and_keeps_nobody_else_back(
    in_state: Callable[[str], str], home: Path, office: Office, calendar: Calendar, tmp_path: Path
) -> None:
    lost = in_state("archived")
    calendar.day = OPENED
    sound = in_state("archived")
    (sha256,) = rows(home, f"SELECT sha256 FROM letters WHERE number = '{lost}' ORDER BY seq DESC")[0]  # noqa: S608
    (home / "files" / sha256[:2] / sha256).unlink()
    assert all(lost in text and "的内容缺失" in text for text in texts(office))
    with pytest.raises(IntegrityFault, match=lost):
        office.archive_many(tmp_path / "卷", year=2026)
    found = office.archive_many(tmp_path / "卷", year=2026, skip_damaged=True)
    assert found["cases"] == [sound]
    assert lost in found["left_out"][0]["number"]
    assert f"{lost}　核验未通过" in (tmp_path / "卷/data/说明.txt").read_text("utf-8")


class TestAPackage:
    def test_proves_its_place_in_the_checkpoint(self, two: tuple[str, str], office: Office, tmp_path: Path) -> None:
        line = office.checkpoint()["line"]
        package = Path(office.archive(two[0], tmp_path / "卷")["path"])
        assert package_faults(package, line) == []
        done = run_standalone(package, "--sm3")
        assert (done.returncode, "其中1件由检查点固定" in done.stdout) == (0, True)
        assert re.search(r"[0-9a-f]{64}", line)[0] in done.stdout  # type: ignore[index]

    @pytest.mark.parametrize("part", ["signature", "root", "path"])
    def test_with_a_forged_proof_or_signature_is_found(
        self, part: str, two: tuple[str, str], office: Office, tmp_path: Path
    ) -> None:
        from test_archive_verify import reseal  # noqa: PLC0415

        office.checkpoint()
        package = Path(office.archive(two[0], tmp_path / "卷")["path"])
        path = package / ("data/anchor.json" if part == "path" else "checkpoints.jsonl")
        told = json.loads(path.read_text("utf-8"))
        told[part] = ["00" * 32] if part == "path" else "ab" + told[part][2:]
        path.write_text(json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n", "utf-8")
        reseal(package)
        assert package_faults(package)
        assert run_standalone(package).returncode == 7

    def test_of_a_year_holds_what_is_archived_and_says_what_is_not(
        self, two: tuple[str, str], office: Office, tmp_path: Path
    ) -> None:
        found = office.archive_many(tmp_path / "2026", year=2026)
        assert (found["cases"], [row["number"] for row in found["left_out"]]) == ([two[0]], [two[1]])
        assert package_faults(tmp_path / "2026") == []
        with pytest.raises(NotFound, match="没有符合"):
            office.archive_many(tmp_path / "2019", year=2019)
        with pytest.raises(NotFound, match="2026-9999"):
            office.archive_many(tmp_path / "x", numbers=["2026-9999"])
        with pytest.raises(DataFault, match="没有这样的条件"):
            office.archive_many(tmp_path / "x", filters={"name": "周"})
        with pytest.raises(Refused, match="没有可以封存的案件"):
            office.archive_many(tmp_path / "x", filters={"state": "handling"})


class TestWhoSawWhat:
    def test_is_noted_of_every_look(self, two: tuple[str, str], office: Office, tmp_path: Path) -> None:
        number = two[0]
        before = len(office.reads()["reads"])
        office.show(number)
        office.letter(number, "reply_granted")
        office.archive(number, tmp_path / "卷")
        office.precedents("会议纪要")
        found = office.reads()["reads"][before:]
        assert [(r["act"], r["number"]) for r in found] == [
            ("read", number),
            ("print", number),
            ("export", number),
            ("search", ""),
        ]
        assert found[3]["detail"] == "会议纪要"
        assert {r["number"] for r in office.reads(two[1])["reads"]} == {two[1]}

    def test_waits_in_a_file_while_somebody_writes(self, two: tuple[str, str], home: Path, office: Office) -> None:
        before = len(office.reads()["reads"])
        with Office.open(home, user=USER) as other, other._transactions.writing():
            office.show(two[0])
            assert office.reads()["waiting"]
        office.show(two[1])
        found = office.reads()
        assert ([r["number"] for r in found["reads"][before:]], found["waiting"]) == ([*two], False)
        assert texts(office) == []

    def test_that_cannot_be_noted_is_said_aloud(self, two: tuple[str, str], home: Path) -> None:
        home.chmod(0o500)
        for path in home.glob("office.db*"):
            path.chmod(0o400)
        try:
            done = powerless("--home", home, "show", two[0])
            assert done.returncode == 0, done.stderr
            assert "没有能够记入查阅记录" in done.stderr
        finally:
            home.chmod(0o700)

    def test_that_fails_everywhere_is_said_aloud(
        self, two: tuple[str, str], home: Path, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        tamper_proof = home / "reads-waiting.jsonl"
        tamper_proof.mkdir()  # neither the file nor, through it, the database can be written
        with caplog.at_level(logging.WARNING):
            assert office.show(two[0])["number"] == two[0]
        assert f"本次查阅（{two[0]}）没有能够记入查阅记录" in caplog.text


def powerless(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line without the power of root to write where nobody may (CAP_DAC_OVERRIDE)."""

    def drop() -> None:
        if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "root may not give up its powers here")

    command = [sys.executable, "-m", "yishenqing", *map(str, words)]
    env = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, preexec_fn=drop)


@pytest.fixture
def auditor(home: Path, office: Office) -> Iterator[Office]:
    path = home / "office.yaml"
    path.write_text(path.read_text("utf-8") + "  shenji:\n    name: 沈某\n    roles: [auditor]\n", "utf-8")
    with Office.open(home, user="shenji", today=lambda: office.today) as opened:
        yield opened


LOOKED = {"reads", "precedent_uses"}  # what looking writes down


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the office but who looked at what; the shadows of a full-text table cannot be read as rows."""
    tables = [name for (name,) in rows(home, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    kept = [t for t in tables if t not in LOOKED and not t.startswith("search_grams")]
    return {t: sorted(rows(home, f"SELECT * FROM {t}"), key=str) for t in kept}  # noqa: S608 - its own tables


def test_an_auditor_sees_everything_and_changes_nothing(
    two: tuple[str, str], auditor: Office, home: Path, tmp_path: Path
) -> None:
    closed, open_case = two
    before = contents(home)
    settings = (home / "office.yaml").read_bytes()
    listed = tmp_path / "x.jsonl"
    listed.write_text("{}\n")
    refused: list[Callable[[], object]] = [
        lambda: auditor.register(APPLICATION),
        lambda: auditor.act(open_case, "search_recorded", {"systems": "a", "keywords": "b", "result": "c"}),
        lambda: auditor.link(closed, "reconsideration", {}),
        lambda: auditor.move(open_case, "x"),
        lambda: auditor.merge(closed, open_case, "x"),
        auditor.checkpoint,
        lambda: auditor.rebuild_recognition(new_key=True),
        lambda: auditor.import_calendar(listed),
        auditor.tick,
    ]
    for verb in refused:
        try:
            answer = verb()
        except (Refused, DataFault):
            continue
        assert answer["faults"], answer  # type: ignore[index]
    looks: list[Callable[[], object]] = [
        lambda: dict(auditor.show(closed)),
        auditor.cases,
        auditor.due,
        lambda: auditor.letter(closed, "reply_granted"),
        lambda: auditor.precedents("会议纪要"),
        lambda: auditor.inspect(closed),
        lambda: auditor.archive(closed, tmp_path / "卷"),
        lambda: auditor.sample(2026, 1, "7", tmp_path / "评分表.xlsx"),
        auditor.audit,
        auditor.reads,
    ]
    for verb in looks:
        verb()
    assert contents(home) == before
    assert (home / "office.yaml").read_bytes() == settings
    assert {r["actor"] for r in auditor.reads()["reads"]} >= {"shenji"}


def test_a_sample_is_drawn_alike_by_whoever_has_the_seed(
    two: tuple[str, str], office: Office, tmp_path: Path
) -> None:
    from openpyxl import load_workbook  # noqa: PLC0415

    found = office.sample(2026, 1, "20261122", tmp_path / "评分表.xlsx")
    assert found["cases"] == office.sample(2026, 1, "20261122", tmp_path / "再次.xlsx")["cases"]
    assert {office.sample(2026, 1, str(n), tmp_path / "x.xlsx")["cases"][0] for n in range(12)} == set(two)
    sheet = load_workbook(tmp_path / "评分表.xlsx")["评分表"]
    assert sheet["A4"].value == found["cases"][0]
    assert str(sheet["Q4"].value).startswith("=SUM(")
    assert sum(int(m) for cell in sheet[3] for m in re.findall(r"（(\d+)分）", str(cell.value))) == 100
    with pytest.raises(NotFound):
        office.sample(2019, 1, "x", tmp_path / "x.xlsx")


def test_a_lost_key_is_asked_for_and_an_old_one_is_not_taken(
    two: tuple[str, str], home: Path, office: Office
) -> None:
    first = office.checkpoint()
    key = home / "checkpoint.key"
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(Refused, match="还在"):
        office.checkpoint(new_key=True)
    old = key.rename(home / "old.key")
    with pytest.raises(Refused, match="不见了"):
        office.checkpoint()
    second = office.checkpoint(new_key=True)
    assert first["key"] != second["key"]
    key.unlink()
    old.rename(key)
    with pytest.raises(Refused, match="旧密钥"):
        office.checkpoint()
    assert texts(office) == []


@pytest.mark.usefixtures("quick_letters")
def test_postgresql_keeps_it_too(home: Path, postgres_url: Any, calendar: Calendar, tmp_path: Path) -> None:
    use_database(home, postgres_url)
    Office.upgrade(home)
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number)
        line = office.checkpoint()["line"]
        office.show(number)
        found = office.audit(line)
        assert (found["faults"], found["cases"], found["checkpoints"]) == ([], 1, 1)
        office.archive_many(tmp_path / "卷", year=2026)
        assert package_faults(tmp_path / "卷", line) == []
        assert [r["act"] for r in office.reads(number)["reads"]][-1] == "export"
