"""Every reader of files, over spoiled files: a few of each here, many by ``make fuzz``; and the known bombs."""

from __future__ import annotations

import io
import resource
import zipfile
from pathlib import Path

import pytest
from fuzzing import once, patience
from targets import Target, targets

from yishenqing.core.errors import YishenqingError
from yishenqing.documents import read

NAMES = [
    "application-json",
    "application-yaml",
    "clock",
    "ledger-jsonl",
    "ledger-csv",
    "ledger-xlsx",
    "precedents-jsonl",
    "precedents-csv",
    "precedents-xlsx",
    "holdings-jsonl",
    "holdings-csv",
    "holdings-xlsx",
    "precedents-docx",
    "postings-csv",
    "workflow",
    "law",
    "variant",
    "calendar",
    "calendar-holiday-cn",
    "calendar-regional",
    "settings",
    "routing",
    "advice",
    "inspection",
    "filing",
    "letter-template",
    "letter-word",
    "package",
    "backup",
]
EACH = 8
BOMB = 120  # megabytes of one part


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def known(folder: Path) -> dict[str, Target]:
    return {t.name: t for t in targets(folder)}


def test_every_target_is_run(known: dict[str, Target]) -> None:
    assert list(known) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_spoiled_file_is_read_or_refused_in_chinese(name: str, known: dict[str, Target], folder: Path) -> None:
    target, path = known[name], folder / f"whole{known[name].suffix}"
    path.write_bytes(target.seed)
    target.read(path)  # what is spoiled was whole
    went = [once(target, folder, f"{name}:{n}") for n in range(EACH)]
    assert "refused" in went


def refused(target: Target, folder: Path, content: bytes) -> str:
    """Return how a file is refused, within seconds and a memory that any machine has."""
    path = folder / f"bomb{target.suffix}"
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with patience(), pytest.raises(YishenqingError) as told:
        target.read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert told.value.exit_code == 6
    return str(told.value)


def aliases() -> bytes:
    """Nine lines that stand for a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines).encode()


YAML = ("application-yaml", "workflow", "law", "calendar", "settings", "routing", "inspection")


@pytest.mark.parametrize("name", YAML)
def test_aliases_are_refused_before_they_unfold(name: str, known: dict[str, Target], folder: Path) -> None:
    assert "不能使用引用" in refused(known[name], folder, aliases())


@pytest.mark.parametrize("name", [*YAML, "application-json", "clock", "ledger-jsonl", "precedents-jsonl"])
def test_depth_is_refused(name: str, known: dict[str, Target], folder: Path) -> None:
    for left, right in (("[", "]"), ('{"a":', "}")):
        told = refused(known[name], folder, (left * 100_000 + "1" + right * 100_000).encode())
        assert "嵌套层数过多" in told or "不是合法的" in told


def test_a_number_of_a_million_digits_is_refused(tmp_path: Path) -> None:
    for name in ("a.json", "a.yaml"):
        (tmp_path / name).write_text('{"a": ' + "9" * 1_000_000 + "}")
    with patience(), pytest.raises(YishenqingError, match="数字过长"):
        read(tmp_path / "a.json")
    with patience():
        assert len(read(tmp_path / "a.yaml").data["a"]) == 1_000_000  # a word, as any number that nobody counts


def bomb(content: bytes, part: str) -> bytes:
    """Return an archive one of whose parts unpacks to far more than it takes."""
    kept = io.BytesIO()
    packed = zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with zipfile.ZipFile(io.BytesIO(content)) as old, packed as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        with new.open(part, "w", force_zip64=True) as stream:
            for _ in range(BOMB):
                stream.write(b" " * 1_000_000)
    return kept.getvalue()


def saying(content: bytes, size: int) -> bytes:
    """Return an archive that says of each of its parts that it unpacks to so much."""
    at, found = 0, bytearray(content)
    while (at := found.find(b"PK\1\2", at)) >= 0:
        found[at + 24 : at + 28] = size.to_bytes(4, "little")
        at += 4
    return bytes(found)


ZIPPED = ("ledger-xlsx", "precedents-xlsx", "holdings-xlsx", "precedents-docx")  # a letter is read to a bound


@pytest.mark.parametrize("name", ZIPPED)
def test_an_archive_that_says_it_is_a_bomb_is_refused(name: str, known: dict[str, Target], folder: Path) -> None:
    refused(known[name], folder, saying(known[name].seed, 600_000_000))


@pytest.mark.parametrize("name", ["ledger-xlsx", "precedents-docx", "letter-word"])
def test_a_bomb_that_lies_is_refused(name: str, known: dict[str, Target], folder: Path) -> None:
    part = "xl/worksheets/sheet1.xml" if "xlsx" in name else "word/document.xml"
    refused(known[name], folder, saying(bomb(known[name].seed, part), 1000))
