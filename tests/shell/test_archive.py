"""Sealed packages: what goes in, who agrees that it is sound, and what an export that dies leaves behind."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from yishenqing.archive import CaseFile, FilePaper, PaperRecord, export, verify
from yishenqing.archive.names import payload_name
from yishenqing.core.errors import DataFault, IntegrityFault, NotFound, Refused, YishenqingError
from yishenqing.core.ledger import Entry, Sealed, append, canonical, digest, placeholder, seal

AGENCY, NUMBER = "jiangbin", "2026-0001"
SNAPSHOT = canonical({"workflow": {"title": "政府信息公开申请办理流程"}, "law": {"第三十三条": "20个工作日"}})
RULES = digest("rulebook", SNAPSHOT)
LETTER = "政府信息公开告知书".encode() * 3
FORM = b"%PDF-1.7 \x00\xff application form"


def paper(content: bytes, name: str, salt: str = "5a17") -> PaperRecord:
    sha256 = hashlib.sha256(content).hexdigest()
    return PaperRecord(digest("file", salt, sha256, name), salt, sha256, len(content), name)


def mention(record: PaperRecord) -> dict[str, Any]:
    return {"file": record.digest, "size": record.size}


def ledger(*acts: tuple[str, dict[str, Any]], agency: str = AGENCY, number: str = NUMBER) -> list[Entry]:
    entries: list[Entry] = []
    for n, (step, facts) in enumerate(acts, 1):
        entry = append(
            entries[-1] if entries else None,
            agency=agency,
            number=number,
            rulebook=RULES,
            on=date(2026, 3, n),
            recorded_at=f"2026-03-{n:02}T01:02:03.000004Z",
            actor="张三",
            step=step,
            rehearsal=False,
            payload=canonical(facts),
        )
        entries.append(entry)
    return entries


def case_file(steps: int = 3) -> CaseFile:
    applicant = seal({"name": "李四", "id": "110101199001011237"}, "salt-1")
    destroyed = seal("13800000000", "salt-2")
    form, scan = paper(FORM, "申请表（50%）.pdf"), paper(b"scan", "信封.jpg")
    acts: list[tuple[str, dict[str, Any]]] = [
        ("received", {"applicant": placeholder(applicant), "phone": placeholder(destroyed)}),
        ("destroyed", {"attachments": [mention(form), mention(scan)], "destroyed": [destroyed.digest]}),
        ("replied", {"method": "mail"}),
    ]
    return CaseFile(
        agency=AGENCY,
        number=NUMBER,
        title="李四申请公开征地批复",
        rulebook=RULES,
        snapshot=SNAPSHOT,
        entries=ledger(*acts[:steps]),
        sealed=[applicant] if steps > 1 else [applicant, destroyed],
        papers=[form, scan] if steps > 1 else [],
        deadlines=[{"clock": "reply", "title": "答复期限", "due": "2026-03-30", "reasons": []}],
        contents=[
            FilePaper("01-政府信息公开告知书.pdf", "政府信息公开告知书", LETTER),
            FilePaper("02-申请表（50%）.pdf", "申请表", FORM),
        ],
        info={"Source-Organization": "江滨市自然资源局", "档号": "Z109-WS·2026-D10-0001"},
        destroyed=[destroyed.digest] if steps > 1 else [],
    )


def names(faults: list[Any]) -> set[str]:
    return {fault.file for fault in faults}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return export(tmp_path / "卷宗 2026-0001", case_file()).path


def test_a_package_says_what_it_holds(tmp_path: Path) -> None:
    made = export(tmp_path / "档案" / "卷宗", case_file())
    lying = {p.relative_to(made.path).as_posix() for p in (made.path / "data").iterdir()}
    assert verify(made.path) == []
    assert set(made.files) == lying
    assert made.as_json() == {"path": str(made.path), "cases": [NUMBER], "files": sorted(lying)}
    assert "data/02-申请表（50％）.pdf" in lying  # a bare % is an escape in a BagIt manifest
    assert (made.path / "data/01-政府信息公开告知书.pdf").read_bytes() == LETTER
    assert (made.path / "data/rulebook.json").read_text("utf-8") == SNAPSHOT
    records = [json.loads(line) for line in (made.path / "data/papers.jsonl").read_text("utf-8").splitlines()]
    assert [r["path"] for r in records] == ["02-申请表（50％）.pdf", None]
    info = (made.path / "bag-info.txt").read_text("utf-8")
    assert "Source-Organization: 江滨市自然资源局\n" in info
    assert "档号: Z109-WS·2026-D10-0001\n" in info
    assert f"Ledger-Head: {case_file().entries[-1].hash}\n" in info
    assert "1. 政府信息公开告知书　→ 01-政府信息公开告知书.pdf" in (made.path / "data/说明.txt").read_text("utf-8")
    assert [p.name for p in made.path.parent.iterdir() if not p.name.startswith(".")] == ["卷宗"]


def test_the_bagit_command_agrees(package: Path) -> None:
    command = [sys.executable, "-m", "bagit", "--validate", str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum_agrees(package: Path, manifest: str) -> None:
    done = subprocess.run(["sha256sum", "--strict", "-c", manifest], cwd=package, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def run_standalone(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program that lies in the package, as an auditor would, without our code on the path."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", "verify.py", *words]
    return subprocess.run(command, cwd=package, capture_output=True, text=True, check=False, encoding="utf-8")


def test_the_package_lets_an_auditor_recompute_without_us(package: Path) -> None:
    done = run_standalone(package, "--sm3")
    assert done.returncode == 0, done.stdout
    assert case_file().entries[-1].hash in done.stdout
    example = re.search(r'H\("甲", "b"\) = ([0-9a-f]{64})', (package / "data/说明.txt").read_text("utf-8"))
    raw = b"\0\0\0\0\0\0\0\x03" + "甲".encode() + b"\0\0\0\0\0\0\0\x01b"
    assert example is not None
    assert example[1] == hashlib.sha256(raw).hexdigest()


def test_the_standalone_program_finds_a_changed_entry(package: Path) -> None:
    path = package / "data/ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"mail", b"meal"))
    done = run_standalone(package)
    assert done.returncode == 7
    assert "第3条记录已被改动" in done.stdout


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    case = replace(case_file(), info={"Bagging-Date": "2026-11-21"})
    one, two = export(tmp_path / "甲", case), export(tmp_path / "乙", case)
    for path in sorted(p for p in one.path.rglob("*") if p.is_file()):
        assert path.read_bytes() == (two.path / path.relative_to(one.path)).read_bytes()


@pytest.mark.parametrize(
    ("wished", "safe"),
    [
        ("01-告知书.pdf", "01-告知书.pdf"),
        ("../../etc/passwd", "．．／．．／etc／passwd".replace("．", ".").strip(".")),
        ("a\nb\r.pdf", "a_b_.pdf"),
        ("报告\u202efdp.exe", "报告_fdp.exe"),
        ("行\u2028分隔.txt", "行_分隔.txt"),
        ("", "未命名"),
        ("con.pdf", "con_.pdf"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("ledger.jsonl", "ledger（2）.jsonl"),
        ("Ledger.JSONL", "Ledger（2）.JSONL"),
    ],
)
def test_names_are_safe_everywhere(wished: str, safe: str) -> None:
    assert payload_name(wished, ["ledger.jsonl"]) == safe


def test_a_long_name_keeps_its_ending_and_fits_a_file_system() -> None:
    name = payload_name("很" * 300 + ".pdf", [])
    assert name.endswith("很.pdf")
    assert len(name.encode()) <= 200


def test_hostile_names_and_titles_survive(tmp_path: Path) -> None:
    odd = ["a\nb.pdf", "a%0Ab.pdf", "../x", "ledger.jsonl", "说明.txt", "同名.txt", "同名.txt", "行\u2028.txt"]
    papers = [FilePaper(name, f"标题\n{name}", f"{n}".encode()) for n, name in enumerate(odd)]
    info = {"External-Description": "一\n二\u2028三\x85四"}
    made = export(tmp_path / "x", replace(case_file(), contents=papers, info=info, title="a\n  b: c"))
    assert verify(made.path) == []
    assert len([f for f in made.files if (made.path / f).stat().st_size == 1]) == len(odd)
    test_the_bagit_command_agrees(made.path)


@pytest.mark.parametrize("key", ["", "a b", "a:b", "Ledger-Head", "Payload-Oxum", "a\nb"])
def test_an_impossible_field_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(DataFault, match="字段"):
        export(tmp_path / "x", replace(case_file(), info={key: "值"}))
    assert not (tmp_path / "x").exists()


def broken_cases() -> list[Any]:
    case = case_file()
    entries = list(case.entries)
    sealed = case.sealed[0]
    changed = entries[1]._replace(actor="王五")
    return [
        pytest.param(replace(case, snapshot=case.snapshot + " "), "规则文本", id="rulebook"),
        pytest.param(replace(case, entries=[entries[0], changed, entries[2]]), "哈希值不符", id="entry"),
        pytest.param(replace(case, entries=[entries[0], entries[2]]), "序号不连续", id="gap"),
        pytest.param(replace(case, entries=[]), "没有可读的记录", id="empty"),
        pytest.param(replace(case, sealed=[Sealed(sealed.digest, "x", sealed.value)]), "封存值", id="sealed"),
        pytest.param(replace(case, sealed=[]), "未列为已销毁", id="lost-value"),
        pytest.param(replace(case, destroyed=[]), "未列为已销毁", id="not-destroyed"),
        pytest.param(
            replace(case, sealed=[], destroyed=[*case.destroyed, sealed.digest]), "没有销毁它的记录", id="unlawful"
        ),
        pytest.param(
            replace(case, destroyed=[], sealed=[sealed, seal("13800000000", "salt-2")]), "仍在封存包中", id="undead"
        ),
        pytest.param(
            replace(case, papers=case.papers[:1], destroyed=[*case.destroyed, case.papers[1].digest]),
            "没有销毁它的记录",
            id="unlawful-paper",
        ),
        pytest.param(replace(case, papers=case.papers[:1]), "未列为已销毁", id="lost-paper"),
        pytest.param(
            replace(case, papers=[replace(case.papers[0], name="x"), case.papers[1]]), "文件登记", id="paper"
        ),
        pytest.param(replace(case, papers=[replace(case.papers[0], size=1), case.papers[1]]), "字节数", id="size"),
        pytest.param(replace(case, sealed=[sealed, sealed]), "重复", id="twin"),
    ]


@pytest.mark.parametrize(("case", "text"), broken_cases())
def test_a_case_that_does_not_hold_together_is_not_sealed(tmp_path: Path, case: CaseFile, text: str) -> None:
    with pytest.raises(IntegrityFault, match=text):
        export(tmp_path / "x", case)
    assert [p.name for p in tmp_path.iterdir()] == [".ysq-export.lock"] or not list(tmp_path.iterdir())


def test_sealing_again_leaves_an_equal_package_alone(package: Path) -> None:
    before = (package / "bag-info.txt").stat().st_ino
    assert export(package, case_file()).path == package
    assert (package / "bag-info.txt").stat().st_ino == before


def test_a_longer_ledger_replaces_a_shorter_one_but_never_the_reverse(tmp_path: Path) -> None:
    target = tmp_path / "卷宗"
    export(target, case_file(steps=2))
    export(target, case_file())
    assert len((target / "data/ledger.jsonl").read_bytes().splitlines()) == 3
    with pytest.raises(Refused, match="记录更多"):
        export(target, case_file(steps=2))
    assert verify(target) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [".ysq-export.lock", "卷宗"]


def test_another_case_or_another_thing_is_not_overwritten(package: Path, tmp_path: Path) -> None:
    other = replace(case_file(), number="2026-0002", entries=ledger(("received", {}), number="2026-0002"), sealed=[])
    with pytest.raises(Refused, match="另一案件"):
        export(package, other)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("mine")
    with pytest.raises(Refused, match="不是封存包"):
        export(tmp_path / "notes", case_file())
    assert (tmp_path / "notes/a.txt").read_text() == "mine"


def test_a_damaged_package_is_not_overwritten(package: Path) -> None:
    (package / "data/01-政府信息公开告知书.pdf").write_bytes(b"x")
    with pytest.raises(Refused, match="01-政府信息公开告知书"):
        export(package, case_file())


def fail_at(monkeypatch: pytest.MonkeyPatch, call: int, error: BaseException) -> None:
    real, count = os.fsync, iter(range(1000))

    def fsync(descriptor: int) -> None:
        if next(count) == call:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("call", range(16))
def test_a_full_disk_leaves_the_place_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    fail_at(monkeypatch, call, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(YishenqingError, match="磁盘空间不足") as told:
        export(tmp_path / "卷宗", case_file())
    assert told.value.exit_code == 1
    assert [p.name for p in tmp_path.iterdir()] == [".ysq-export.lock"]


def test_a_disk_that_fails_while_replacing_keeps_the_old_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = export(tmp_path / "卷宗", case_file(steps=2)).path
    real = Path.rename

    def rename(self: Path, to: Path) -> Path:
        if self.name.endswith(".ysq-exporting"):
            raise OSError(errno.EIO, "Input/output error")
        return real(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(YishenqingError, match="磁盘读写错误") as told:
        export(target, case_file())
    assert told.value.exit_code == 1
    assert verify(target) == []
    assert len((target / "data/ledger.jsonl").read_bytes().splitlines()) == 2


def killed(tmp_path: Path, spoil: Callable[[], None], case: CaseFile) -> None:
    """Export in a child process that ``spoil`` makes kill itself, as a power cut would."""
    pid = os.fork()
    if pid == 0:
        try:
            spoil()
            export(tmp_path / "卷宗", case)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def die_at_fsync(call: int) -> Callable[[], None]:
    def spoil() -> None:
        real, count = os.fsync, iter(range(1000))

        def fsync(descriptor: int) -> None:
            if next(count) == call:
                os.kill(os.getpid(), signal.SIGKILL)
            real(descriptor)

        os.fsync = fsync  # type: ignore[assignment]

    return spoil


def die_before_naming() -> None:
    real = Path.rename

    def rename(self: Path, to: Path) -> Path:
        if self.name.endswith(".ysq-exporting"):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, to)

    Path.rename = rename  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("spoil", [die_at_fsync(0), die_at_fsync(5), die_at_fsync(12), die_before_naming])
def test_a_kill_leaves_no_package_and_the_next_export_clears_up(tmp_path: Path, spoil: Callable[[], None]) -> None:
    killed(tmp_path, spoil, case_file())
    assert not (tmp_path / "卷宗").exists()
    assert any(p.name.endswith(".ysq-exporting") for p in tmp_path.iterdir())
    export(tmp_path / "another", case_file())
    assert sorted(p.name for p in tmp_path.iterdir()) == [".ysq-export.lock", "another"]


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    export(tmp_path / "卷宗", case_file(steps=2))
    killed(tmp_path, die_before_naming, case_file())
    with pytest.raises(NotFound):
        verify(tmp_path / "卷宗")
    with pytest.raises(Refused):  # put back by the next export, which then sees what lies there
        export(tmp_path / "卷宗", case_file(steps=1))
    assert verify(tmp_path / "卷宗") == []
    export(tmp_path / "卷宗", case_file())
    assert sorted(p.name for p in tmp_path.iterdir()) == [".ysq-export.lock", "卷宗"]


def test_exports_at_once_end_with_one_sound_package(tmp_path: Path) -> None:
    here, problems = Path.cwd(), []

    def run() -> None:
        try:
            export(tmp_path / "卷宗", case_file())
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert verify(tmp_path / "卷宗") == []
    assert Path.cwd() == here


def test_a_place_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(YishenqingError, match="上级路径不是文件夹") as told:
        export(tmp_path / "file" / "卷宗", case_file())
    assert told.value.exit_code == 1
