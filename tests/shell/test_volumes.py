"""A year in one package: who agrees that it is sound, whatever is done to it shows, and what a kill leaves behind."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from test_archive import AGENCY, RULES, SNAPSHOT, case_file, ledger, names, run_standalone

from yishenqing.archive import CaseFile, Package, Planned, Volume, bag, export_volume, verify
from yishenqing.archive.volume import Told
from yishenqing.core.errors import DataFault, IntegrityFault, Refused, YishenqingError
from yishenqing.core.ledger import Entry, chain_faults

NUMBERS = ("2025-0001", "2025-0002", "2025-0003", "依申请〔2025〕4号")


def case(number: str, steps: int = 3) -> CaseFile:
    """The sample case under another number; the entries mention the same papers and values."""
    sample = case_file(steps)
    acts = [(entry.step, dict(entry.facts)) for entry in sample.entries]
    return replace(sample, number=number, entries=ledger(*acts, number=number), info={"Archive-Code": f"Z-{number}"})


def volume(numbers: Sequence[str] = NUMBERS, made: Callable[[str], CaseFile] = case, made_by: str = "1") -> Volume:
    planned = [Planned(n, case(n).entries[-1].hash, lambda n=n: made(n)) for n in numbers]  # type: ignore[misc]
    return Volume(AGENCY, "江滨市2025年卷宗", made_by, planned, {RULES: SNAPSHOT}.__getitem__)


def exported(target: Path, made: Volume | None = None, told: Told = lambda _done, _all: None) -> Package:
    return export_volume(target, made or volume(), told)


@pytest.fixture(scope="module")
def sealed_volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("volume") / "2025年").path


@pytest.fixture
def package(sealed_volume: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed_volume, tmp_path / "2025年"))


def files_of(package: Path) -> list[str]:
    return sorted(p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file())


def reseal(package: Path) -> None:
    """Forge: make manifests and totals agree with whatever lies in the package now."""
    payload = {f: bag.content_of((package / f).read_bytes()) for f in files_of(package) if f.startswith("data/")}
    oxum = f"{sum(c.size for c in payload.values())}.{len(payload)}"
    info = {**bag.read_info((package / bag.INFO).read_bytes()), "Payload-Oxum": oxum}
    (package / bag.INFO).write_bytes(bag.info_text(info))
    (package / bag.MANIFEST).write_bytes(bag.manifest(payload))
    tags = {n: bag.content_of((package / n).read_bytes()) for n in bag.TAG_FILES if n != bag.TAG_MANIFEST}
    (package / bag.TAG_MANIFEST).write_bytes(bag.manifest(tags))


def three_say(package: Path) -> list[bool]:
    """Ask our own check, the bagit tool and the program in the package whether it is sound."""
    try:
        ours = verify(package) == []
    except DataFault:
        ours = False
    tool = subprocess.run([sys.executable, "-m", "bagit", "--validate", package], capture_output=True, check=False)
    return [ours, tool.returncode == 0, run_standalone(package, "--sm3").returncode == 0]


def test_all_three_agree_that_it_is_sound(package: Path) -> None:
    assert three_say(package) == [True, True, True]
    assert sorted(p.name for p in package.parent.iterdir()) == ["2025年"]
    listed = [json.loads(line) for line in (package / "data/cases.jsonl").read_text("utf-8").splitlines()]
    assert [row["number"] for row in listed] == list(NUMBERS)


@pytest.mark.parametrize(
    "name",
    [*bag.TAG_FILES, "data/cases.jsonl", "data/2025-0002/ledger.jsonl", "data/2025-0003/01-政府信息公开告知书.pdf"],
)
def test_one_flipped_bit_and_none_of_them_does(package: Path, name: str) -> None:
    path = package / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert three_say(package) == [False, False, False]


def flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + content[start + chance.randrange(1, 80) :]


def insert(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.randbytes(chance.randrange(1, 80)) + content[place:]


def lines_swapped(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def line_twice(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


HARMS = (flip, cut, insert, lines_swapped, line_twice)


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A volume of two short cases, quickly walked."""
    short = volume(NUMBERS[:2], lambda number: case(number, 2))
    planned = [replace(p, head=case(p.number, 2).entries[-1].hash) for p in short.cases]
    return exported(tmp_path / "两件", replace(short, cases=planned)).path


def test_hundreds_of_random_harms_are_all_found_at_their_file(pair: Path) -> None:
    package, chance, done = pair, random.Random(20251231), 0  # noqa: S311 - repeatable, not secret
    listed = files_of(package)
    while done < 500:
        name, harm = chance.choice(listed), chance.choice(HARMS)
        path = package / name
        content = path.read_bytes()
        changed = harm(content, chance)
        if changed == content:
            continue
        path.write_bytes(changed)
        assert name in names(verify(package)), (name, harm.__name__)
        path.write_bytes(content)
        done += 1
    assert verify(package) == []


def test_harms_under_forged_manifests_are_found_in_the_records(pair: Path) -> None:
    package, chance, done = pair, random.Random(7), 0  # noqa: S311 - repeatable, not secret
    records = [f for f in files_of(package) if f.endswith((".jsonl", "papers.jsonl")) or "/rules/" in f]
    kept = {name: (package / name).read_bytes() for name in files_of(package)}
    while done < 80:
        name, harm = chance.choice(records), chance.choice(HARMS)
        changed = harm(kept[name], chance)
        if changed == kept[name] or sorted(changed.splitlines()) == sorted(kept[name].splitlines()) != []:
            continue  # the side store is a set: the order of its lines says nothing
        (package / name).write_bytes(changed)
        reseal(package)
        assert verify(package), (name, harm.__name__)
        for file, content in kept.items():
            (package / file).write_bytes(content)
        done += 1


def test_thousands_of_harms_to_a_chain_are_all_found() -> None:
    """What a ledger holds, entry by entry: changed in any field, taken out, put in, swapped, said twice."""
    chance = random.Random(3)  # noqa: S311 - repeatable, not secret
    entries = case("2025-0001").entries
    sound = [*entries]
    for _ in range(5000):
        harmed, place = [*sound], chance.randrange(len(sound))
        kind = chance.choice(("field", "field", "field", "gone", "swapped", "twice"))
        if kind == "field":
            name = chance.choice(("agency", "number", "recorded_at", "actor", "step", "payload", "prev", "hash"))
            text = flip(str(getattr(sound[place], name)).encode(), chance).decode("utf-8", "replace")
            harmed[place] = Entry(**{**sound[place]._asdict(), name: text})
        elif kind == "gone" and place < len(sound) - 1:  # the tail is the head's, and the checkpoints', to tell
            del harmed[place]
        elif kind == "swapped":
            other = (place + 1) % len(sound)
            harmed[place], harmed[other] = sound[other], sound[place]
        else:
            harmed.insert(place, sound[place])
        assert chain_faults(harmed, AGENCY, "2025-0001", RULES), (kind, place)
    assert chain_faults(sound, AGENCY, "2025-0001", RULES) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda p: shutil.rmtree(p / "data/2025-0002"), "data/2025-0002"),
        (lambda p: shutil.copytree(p / "data/2025-0002", p / "data/2025-0009"), "data/2025-0009"),
        (lambda p: (p / "data/cases.jsonl").unlink(), "data/2025-0001"),
        (lambda p: (p / "data/rules" / f"{RULES}.json").unlink(), f"data/rules/{RULES}.json"),
    ],
)
def test_cases_taken_away_or_put_in_show_though_the_manifests_agree(
    package: Path, change: Callable[[Path], object], named: str
) -> None:
    change(package)
    reseal(package)
    assert any(named in fault.file for fault in verify(package))
    assert run_standalone(package).returncode == 7


def test_two_cases_of_one_number_are_named(package: Path) -> None:
    path = package / "data/cases.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1].replace('"folder":"2025-0002"', '"folder":"2025-0003"')]), "utf-8")
    reseal(package)
    assert "与第2行同为案件2025-0002" in "\n".join(map(str, verify(package)))


def test_a_package_of_a_newer_program_is_told_from_a_damaged_one(package: Path) -> None:
    info = bag.read_info((package / bag.INFO).read_bytes())
    (package / bag.INFO).write_bytes(bag.info_text({**info, "Package-Format": "3"}))
    assert names(verify(package)) >= {"bag-info.txt"}
    reseal(package)
    with pytest.raises(DataFault, match="较新版本") as told:
        verify(package)
    assert told.value.exit_code == 6


def test_what_was_made_is_not_made_again_after_a_kill(tmp_path: Path) -> None:
    made: list[str] = []

    def make(number: str) -> CaseFile:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(number)
        return case(number)

    with pytest.raises(KeyboardInterrupt):
        exported(tmp_path / "卷", volume(made=make))
    assert not (tmp_path / "卷").exists()
    again: list[str] = []
    exported(tmp_path / "卷", volume(made=lambda n: again.append(n) or case(n)))  # type: ignore[func-returns-value]
    assert made + again == list(NUMBERS)
    assert verify(tmp_path / "卷") == []
    assert [p.name for p in tmp_path.iterdir()] == ["卷"]


@pytest.mark.parametrize("why", ["another program", "another choice", "a case that moved on", "a spoiled file"])
def test_what_does_not_fit_any_more_is_made_anew(tmp_path: Path, why: str) -> None:
    target, work = tmp_path / "卷", tmp_path / ".卷.ysq-volume"
    with pytest.raises(KeyboardInterrupt):
        exported(target, told=lambda done, _: (_ for _ in ()).throw(KeyboardInterrupt) if done == 3 else None)
    numbers: tuple[str, ...] = NUMBERS
    made_by = "1"
    if why == "another program":
        made_by = "2"
    elif why == "another choice":
        numbers = NUMBERS[1:3]
    elif why == "a case that moved on":
        lines = (work / "progress.jsonl").read_text("utf-8").splitlines(keepends=True)
        lines[2] = lines[2].replace(case(NUMBERS[1]).entries[-1].hash, "0" * 64, 1)
        (work / "progress.jsonl").write_text("".join(lines), "utf-8")
    else:
        (work / "bag/data/2025-0001/ledger.jsonl").write_text("spoiled")
        with pytest.raises(IntegrityFault, match="2025-0001/ledger"):
            exported(target)
    assert exported(target, volume(numbers, made_by=made_by)).cases == tuple(numbers)
    assert verify(target) == []


def test_killed_at_random_points_it_is_never_half_and_ends_whole(tmp_path: Path) -> None:
    chance = random.Random(41)  # noqa: S311 - repeatable, not secret
    target, kills = tmp_path / "卷", 0
    slow = volume(made=lambda n: time.sleep(0.004) or case(n))  # type: ignore[func-returns-value]
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            try:
                exported(target, slow)
                os._exit(0)
            finally:
                os._exit(1)
        time.sleep(chance.uniform(0.0, 0.05))
        os.kill(pid, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        if target.exists():
            assert verify(target) == []
            shutil.rmtree(target)
            shutil.rmtree(tmp_path / ".卷.ysq-volume", ignore_errors=True)
    assert kills > 5
    shutil.rmtree(target, ignore_errors=True)
    exported(target)
    assert verify(target) == []


@pytest.mark.parametrize("call", [0, 7, 20, 33])
def test_a_full_disk_keeps_what_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    real, count = os.fsync, iter(range(1000))

    def fsync(descriptor: int) -> None:
        if next(count) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(YishenqingError, match=r"磁盘空间不足.*再次运行") as told:
        exported(tmp_path / "卷")
    assert told.value.exit_code == 1
    assert not (tmp_path / "卷").exists()
    exported(tmp_path / "卷")
    assert verify(tmp_path / "卷") == []


def test_damaged_cases_are_all_named_and_the_sound_ones_need_not_be_made_again(tmp_path: Path) -> None:
    def make(number: str) -> CaseFile:
        if number in NUMBERS[1:3]:
            raise IntegrityFault("数据库文件已损坏")
        return case(number)

    with pytest.raises(IntegrityFault, match=r"(?s)2025-0002：.*2025-0003："):
        exported(tmp_path / "卷", volume(made=make))
    again: list[str] = []
    exported(tmp_path / "卷", volume(made=lambda n: again.append(n) or case(n)))  # type: ignore[func-returns-value]
    assert again == list(NUMBERS[1:3])


def test_a_taken_place_and_a_second_writer_are_refused(tmp_path: Path) -> None:
    exported(tmp_path / "卷")
    with pytest.raises(Refused, match="已存在"):
        exported(tmp_path / "卷")

    def second(_done: int, _all: int) -> None:
        with pytest.raises(Refused, match="另一项导出"):
            exported(tmp_path / "乙")

    exported(tmp_path / "乙", told=second)
