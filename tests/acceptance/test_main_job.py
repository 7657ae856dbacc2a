"""The main job as an officer does it, by the command line alone: from the counter to a package that others verify."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples" / "applications"
# Day and words of each act; the sample arrives on 2026-03-02.
ROAD = (
    ("2026-03-02", "acknowledged"),
    ("2026-03-04", "accepted", "handler=征地管理科", "opinion=申请内容明确"),
    ("2026-03-12", "search_recorded", "systems=档案系统；公文系统", "keywords=征收公告", "result=检索到公告一份"),
    ("2026-03-18", "drafted", "outcome=granted", "provided=土地征收公告（2025年）"),
    ("2026-03-19", "reviewed", "opinion=同意"),
    ("2026-03-20", "secrecy_reviewed", "conclusion=releasable"),
    ("2026-03-23", "signed"),
    ("2026-03-24", "replied", "method=mail", "posted_on=2026-03-24", "tracking=XA00000000000"),
    ("2026-03-26", "delivered", "signed_by=申请人本人"),
    ("2026-04-09", "archived", "retention=D10"),
)


def ysq(*words: str | Path, day: str = "2026-04-09") -> tuple[int, Any]:
    """Run the command line with --json in a process of its own; return exit code and answer."""
    done = subprocess.run(
        [sys.executable, "-m", "yishenqing", "--json", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1", "YISHENQING_TODAY": day},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


class Archived(Struct, frozen=True):
    """An office with one archived case, and its package."""

    home: Path
    number: str
    package: Path


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Archived:
    """Walk the road once, however many processes run the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "验收"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "卷宗").exists():
            walk(folder / "云溪县 机关").rename(folder / "卷宗")
    return Archived(folder / "云溪县 机关", "2026-0001", folder / "卷宗")


def walk(home: Path) -> Path:
    """Take the first sample from the counter to the archive; return its package."""
    assert ysq("--home", home, "init")[0] == 0
    code, found = ysq("--home", home, "register", SAMPLES / "01.json", day="2026-03-02")
    assert (code, found["number"], found["state"]) == (0, "2026-0001", "registered")
    assert {d["clock"]: d["due"] for d in found["deadlines"]} == {
        "reply": "2026-03-30",
        "supplement_notice": "2026-03-11",
    }
    for day, *words in ROAD:
        code, found = ysq("--home", home, "act", "2026-0001", *words, day=day)
        assert code == 0, found
    assert (found["state"], found["outcome"]) == ("archived", "granted")
    assert [Path(x["path"]).is_file() for x in found["letters"]] == [True, True]
    code, exported = ysq("--home", home, "archive", "export", "2026-0001")
    assert (code, exported["cases"]) == (0, ["2026-0001"])
    return Path(exported["path"])


@pytest.fixture
def archived(first: Archived, tmp_path: Path) -> Archived:
    """A copy of one's own, free to be damaged."""
    shutil.copytree(first.home, tmp_path / "机关")
    shutil.copytree(first.package, tmp_path / "卷宗")
    return Archived(tmp_path / "机关", first.number, tmp_path / "卷宗")


def test_the_package_stands_up_to_us_and_to_bagit_alone(archived: Archived) -> None:
    names = {p.name for p in archived.package.rglob("*") if p.is_file()}
    assert any("告知书" in n and n.endswith(".pdf") for n in names)
    assert any("登记回执" in n and n.endswith(".pdf") for n in names)
    for form in ("卷宗封面", "卷内目录", "备考表"):
        assert any(form in n and n.endswith(".pdf") for n in names)
    code, verified = ysq("archive", "verify", archived.package)
    assert (code, verified["intact"]) == (0, True)
    assert ysq("--home", archived.home, "archive", "verify", archived.number)[0] == 0
    words = [sys.executable, "-m", "bagit", "--validate", str(archived.package)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_one_changed_byte_anywhere_is_found_and_the_file_named(
    archived: Archived, capsys: pytest.CaptureFixture[str]
) -> None:
    from yishenqing.cli import run  # noqa: PLC0415 - in this process: there are many files

    files = sorted(p for p in archived.package.rglob("*") if p.is_file())
    assert len(files) > 10
    for file in files:
        whole = file.read_bytes()
        place = len(whole) // 2
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code = run(["archive", "verify", str(archived.package)])
        said = capsys.readouterr().err
        assert (code, file.name in said) == (7, True), (file, said)
        file.write_bytes(whole)
    assert run(["archive", "verify", str(archived.package)]) == 0


def test_one_changed_row_is_found_and_the_entry_named(archived: Archived) -> None:
    with sqlite3.connect(archived.home / "office.db") as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        connection.execute("UPDATE entries SET actor = '别人' WHERE seq = 4")
    connection.close()
    code, found = ysq("--home", archived.home, "archive", "verify", archived.number)
    assert (code, found["error"]["code"]) == (7, "integrity")
    assert f"{archived.number} 第4条记录" in found["error"]["text"]
    code, _ = ysq("--home", archived.home, "archive", "export", archived.number, "--to", archived.home / "again")
    assert (code, (archived.home / "again").exists()) == (7, False)


def test_every_sample_registers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from yishenqing.cli import run  # noqa: PLC0415

    home = str(tmp_path / "机关")
    assert run(["--home", home, "init"]) == 0
    samples = sorted(p for p in SAMPLES.iterdir() if p.is_file())
    assert len(samples) == 12
    capsys.readouterr()
    warned = 0
    for sample in samples:
        assert run(["--home", home, "--json", "register", str(sample)]) == 0, sample
        found = json.loads(capsys.readouterr().out)
        assert {d["clock"] for d in found["deadlines"]} >= {"reply"}, sample
        warned += bool(found["warnings"])
        assert run(["--home", home, "archive", "verify", found["number"]]) == 0, sample
        capsys.readouterr()
    assert 0 < warned < len(samples)


def test_the_demonstration_ends_with_a_verified_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from yishenqing.cli import run  # noqa: PLC0415

    for _ in range(2):  # safe to run twice
        assert run(["demo", "--json", "--to", str(tmp_path / "演 示")]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["verified"], Path(found["package"]["path"]).is_dir()) == (True, True)
    (tmp_path / "我的").mkdir()
    (tmp_path / "我的" / "要紧.txt").touch()
    assert run(["demo", "--to", str(tmp_path / "我的")]) == 6
    assert (tmp_path / "我的" / "要紧.txt").exists()
