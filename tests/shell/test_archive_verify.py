"""Whatever is done to a package shows, at the file it was done to."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

# pytest puts this folder on the path, mypy does not look there
from test_archive import (
    case_file,
    ledger,
    names,
)

from yishenqing.archive import FilePaper, bag, export, verify
from yishenqing.core.errors import DataFault, NotFound
from yishenqing.core.ledger import canonical

LEDGER, SEALED, PAPERS = "data/ledger.jsonl", "data/sealed.jsonl", "data/papers.jsonl"
LETTER = "data/01-政府信息公开告知书.pdf"
# These have no third witness: where one and its listed hash differ, either may be the changed one.
EITHER = {"bag-info.txt", "sm3.txt", "verify.py", "tagmanifest-sha256.txt"}


@pytest.fixture(scope="module")
def sealed_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("archive") / "卷宗", case_file()).path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return export(tmp_path / "卷宗", case_file()).path


def files_of(package: Path) -> list[str]:
    return sorted(p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file())


def reseal(package: Path) -> None:
    """Forge: make the manifests agree with whatever lies in the package now."""
    payload = {f: bag.content_of((package / f).read_bytes()) for f in files_of(package) if f.startswith("data/")}
    oxum = f"{sum(c.size for c in payload.values())}.{len(payload)}"
    info = {**bag.read_info((package / bag.INFO).read_bytes()), "Payload-Oxum": oxum}
    (package / bag.INFO).write_bytes(bag.info_text(info))
    (package / bag.MANIFEST).write_bytes(bag.manifest(payload))
    tags = {n: bag.content_of((package / n).read_bytes()) for n in bag.TAG_FILES if n != bag.TAG_MANIFEST}
    (package / bag.TAG_MANIFEST).write_bytes(bag.manifest(tags))


def positions(package: Path, name: str) -> list[int]:
    """Every byte of the short tag files, some hundreds of each other file, always with its ends."""
    size = (package / name).stat().st_size
    if not name.startswith(("data/", "verify.py", "sm3.txt")):
        return list(range(size))
    picked = random.Random(name).sample(range(size), min(size, 150))  # noqa: S311 - repeatable, not secret
    return sorted({0, size - 1, *picked})


@pytest.mark.parametrize(
    "name",
    [
        "bag-info.txt",
        "bagit.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
        "sm3.txt",
        "verify.py",
        LETTER,
        "data/02-申请表（50％）.pdf",
        "data/deadlines.json",
        LEDGER,
        PAPERS,
        "data/rulebook.json",
        SEALED,
        "data/说明.txt",
    ],
)
def test_every_changed_byte_shows_at_its_file(sealed_package: Path, name: str) -> None:
    path = sealed_package / name
    content = path.read_bytes()
    try:
        for position in positions(sealed_package, name):
            old = content[position]
            for new in {old ^ 1, (old ^ 0x20, 0x20, 0x0A)[position % 3]} - {old}:
                path.write_bytes(content[:position] + bytes([new]) + content[position + 1 :])
                found = names(verify(sealed_package))
                assert name in found, (position, new, found)
                assert found <= (EITHER if name in EITHER else {name}), (position, new, found)
    finally:
        path.write_bytes(content)
    assert verify(sealed_package) == []


@pytest.mark.parametrize("name", ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"])
@pytest.mark.parametrize(
    "change",
    [
        lambda c: c + b"\n",
        lambda c: c[:-1],
        lambda c: c.replace(b"\n", b"\r\n"),
        lambda c: b"\xef\xbb\xbf" + c,
        lambda c: c.replace(b" ", b"  ", 1),
        lambda c: c.replace(b"\n", b" \n", 1),
        lambda c: b"".join(sorted(c.splitlines(keepends=True), reverse=True)),
        lambda c: c + c,
        lambda _: b"",
    ],
)
def test_what_bagit_forgives_shows(package: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    path = package / name
    content = path.read_bytes()
    if change(content) == content:
        pytest.skip("no change in this file")
    path.write_bytes(change(content))
    assert name in names(verify(package))


@pytest.mark.parametrize("name", [*bag.TAG_FILES, LETTER, LEDGER, SEALED, PAPERS, "data/rulebook.json"])
def test_a_missing_file_shows(package: Path, name: str) -> None:
    (package / name).unlink()
    assert names(verify(package)) == {name}


def extra_file(package: Path) -> str:
    (package / "data/多余.txt").write_text("x")
    return "data/多余.txt"


def extra_tag_file(package: Path) -> str:
    (package / "fetch.txt").write_text("https://example.org 1 data/x\n")
    return "fetch.txt"


def extra_folder(package: Path) -> str:
    (package / "data/空").mkdir()
    return "data/空"


def folder_beside_data(package: Path) -> str:
    (package / "meta").mkdir()
    return "meta"


def link_to_a_copy(package: Path) -> str:
    copy = package.parent / "copy"
    (package / LETTER).rename(copy)
    (package / LETTER).symlink_to(copy)
    return LETTER


def folder_in_its_place(package: Path) -> str:
    (package / LETTER).unlink()
    (package / LETTER).mkdir()
    return LETTER


def data_as_link(package: Path) -> str:
    (package / "data").rename(package.parent / "elsewhere")
    (package / "data").symlink_to(package.parent / "elsewhere")
    return "data"


def renamed(package: Path) -> str:
    (package / LETTER).rename(package / "data/改名.pdf")
    return "data/改名.pdf"


def swapped(package: Path) -> str:
    one, two = package / LETTER, package / "data/02-申请表（50％）.pdf"
    a, b = one.read_bytes(), two.read_bytes()
    one.write_bytes(b)
    two.write_bytes(a)
    return LETTER


def name_that_is_no_text(package: Path) -> str:
    with open(bytes(package / "data") + b"/\xff.txt", "w") as stream:  # noqa: PTH123 - a name no Path can spell
        stream.write("x")
    return "data/\\udcff.txt"


@pytest.mark.parametrize(
    "harm",
    [
        extra_file,
        extra_tag_file,
        extra_folder,
        folder_beside_data,
        link_to_a_copy,
        folder_in_its_place,
        data_as_link,
        renamed,
        swapped,
        name_that_is_no_text,
    ],
)
def test_files_and_folders_that_are_not_as_sealed_show(package: Path, harm: Callable[[Path], str]) -> None:
    name = harm(package)
    faults = verify(package)
    assert name in names(faults)
    assert all(fault.file for fault in faults)


def lines_of(package: Path, name: str) -> list[str]:
    return (package / name).read_text("utf-8").split("\n")[:-1]


def put_lines(package: Path, name: str, lines: list[str]) -> None:
    (package / name).write_bytes("".join(f"{line}\n" for line in lines).encode())


@pytest.mark.parametrize(
    ("change", "line", "text"),
    [
        (lambda ls: ls[1:], 1, "序号不连续"),
        (lambda ls: [ls[0], ls[2]], 2, "序号不连续"),
        (lambda ls: [ls[0], ls[2], ls[1]], 2, "序号不连续"),
        (lambda ls: [ls[0], ls[0], *ls[1:]], 1, "序号不连续"),
        (lambda ls: [ls[0].replace("张三", "王五"), *ls[1:]], 1, "已被改动"),
        (lambda ls: [ls[0], "{", *ls[1:]], 2, "不是合法的 JSON"),
        (lambda ls: [ls[0], "[" * 100_000, *ls[1:]], 2, "不是合法的 JSON"),
        (lambda ls: ["{}", *ls[1:]], 1, "缺少应有的项"),
        (lambda ls: [ls[0].replace('"seq":1', '"seq":true'), *ls[1:]], 1, "缺少应有的项"),
        (lambda ls: [ls[0].replace('"seq":1', '"seq": 1'), *ls[1:]], 1, "写法不规范"),
        (lambda ls: [ls[0].replace("2026-03-01", "20260301", 1), *ls[1:]], 1, "不规范"),
        (lambda ls: [ls[0].replace('"on":"2026', '"on":"x'), *ls[1:]], 1, "日期"),
        (lambda _: [], None, "没有可读的记录"),
    ],
)
def test_a_forged_ledger_shows_though_the_manifests_agree(
    package: Path, change: Callable[[list[str]], list[str]], line: int | None, text: str
) -> None:
    put_lines(package, LEDGER, change(lines_of(package, LEDGER)))
    reseal(package)
    faults = [f for f in verify(package) if f.file == LEDGER]
    assert faults
    assert faults[0].line == line
    assert text in faults[0].text


def test_a_ledger_cut_at_its_end_disagrees_with_its_registered_head(package: Path) -> None:
    put_lines(package, LEDGER, lines_of(package, LEDGER)[:-1])
    reseal(package)
    faults = verify(package)
    assert {(f.file, f.field) for f in faults} == {
        ("bag-info.txt", "Ledger-Entries"),
        ("bag-info.txt", "Ledger-Head"),
    }


def test_entries_of_another_case_show(package: Path) -> None:
    strange = ledger(("received", {}), ("replied", {}))
    mixed = [strange[0], strange[1]._replace(number="2026-0002")]
    mixed[1] = mixed[1]._replace(hash=mixed[1].computed_hash())
    put_lines(package, LEDGER, [canonical(entry.as_json()) for entry in mixed])
    reseal(package)
    assert "不是同一案件的记录" in [f.text for f in verify(package) if f.line == 2]


def test_other_rules_under_the_same_ledger_show(package: Path) -> None:
    (package / "data/rulebook.json").write_text('{"law": "30个工作日"}', "utf-8")
    reseal(package)
    assert names(verify(package)) == {"data/rulebook.json"}


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        (SEALED, "李四", "李五", "封存值与其哈希值不符"),
        (PAPERS, "申请表", "申请书", "文件登记与其哈希值不符"),
        (PAPERS, '"path":"02', '"path":"03', "不在封存包中"),
        (PAPERS, '"path":"02-申请表（50％）.pdf"', '"path":"../ledger.jsonl"', "不在封存包中"),
        ("data/deadlines.json", "[", "{", "不是合法的 JSON"),
        (LETTER, "政府", "官府", ""),
    ],
)
def test_forged_records_show_though_the_manifests_agree(
    package: Path, name: str, old: str, new: str, text: str
) -> None:
    path = package / name
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    reseal(package)
    faults = verify(package)
    if name == LETTER:  # a letter no entry's digest covers: only manifests kept elsewhere can tell
        assert faults == []
        return
    assert names(faults) == {name}
    assert text in faults[0].text


@pytest.mark.parametrize(("name", "text"), [(SEALED, "封存值"), (PAPERS, "所指的文件")])
def test_a_value_that_vanished_is_not_taken_for_destroyed(package: Path, name: str, text: str) -> None:
    put_lines(package, name, lines_of(package, name)[1:])
    reseal(package)
    faults = verify(package)
    assert names(faults) == {name}
    assert text in faults[0].text


def test_a_swapped_paper_shows_though_the_manifests_agree(package: Path) -> None:
    (package / "data/02-申请表（50％）.pdf").write_bytes(b"other")
    reseal(package)
    assert [str(f) for f in verify(package)] == ["data/02-申请表（50％）.pdf：内容与 papers.jsonl 第1行登记的不符"]


def test_nothing_there_and_no_package_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="找不到封存包"):
        verify(tmp_path / "none")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.zip").write_bytes(b"PK")
    for other in ("folder", "file.zip"):
        with pytest.raises(DataFault, match="不是封存包"):
            verify(tmp_path / other)


def test_large_papers_are_hashed_in_blocks(tmp_path: Path) -> None:
    size = 64 * 1024 * 1024
    case = replace(case_file(), contents=[FilePaper("大文件.bin", "大文件", bytes(size))])
    made = export(tmp_path / "大", case)
    tracemalloc.start()
    assert verify(made.path) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 16


def test_random_harm_never_passes_and_never_crashes(package: Path) -> None:
    chance = random.Random(20260302)  # noqa: S311 - repeatable, not secret
    for _ in range(300):
        name = chance.choice(files_of(package))
        content = (package / name).read_bytes()
        start, length = chance.randrange(len(content)), chance.randrange(1, 40)
        changed = content[:start] + chance.randbytes(chance.randrange(40)) + content[start + length :]
        (package / name).write_bytes(changed)
        faults = verify(package)
        assert faults or changed == content
        assert json.dumps([str(f) for f in faults], ensure_ascii=False).encode()
        (package / name).write_bytes(content)
    assert verify(package) == []
