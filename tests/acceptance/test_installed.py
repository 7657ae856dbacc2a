"""The program finds its rules, letters, migrations and samples from a wheel and from a checkout alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("workflows", "letters", "alembic", "samples")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is released."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel unpacked as pip would; running it leaves compiled files beside its own."""
    with zipfile.ZipFile(built) as archive:
        archive.extractall(built.parent / "site")
    return built.parent / "site"


def run(source: Path, cwd: Path, *words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONUTF8": "1", "YISHENQING_TODAY": "2026-03-02"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("how", ["wheel", "checkout"])
def test_works_from(how: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    source = request.getfixturevalue("wheel") if how == "wheel" else ROOT / "src"
    where = (
        "import yishenqing, json; from yishenqing.shipped import shipped;"
        f"print(json.dumps([yishenqing.__file__, *(str(shipped(n)) for n in {SHIPPED!r})]))"
    )
    package, *folders = json.loads(run(source, tmp_path, "-c", where))
    assert Path(package).is_relative_to(source)
    base = source if how == "wheel" else ROOT
    assert all(Path(f).is_relative_to(base) for f in folders)
    ysq = ("-m", "yishenqing", "--home", tmp_path / "机关", "--json")
    assert json.loads(run(source, tmp_path, *ysq, "check"))["faults"] == []
    run(source, tmp_path, *ysq, "init")
    found = json.loads(run(source, tmp_path, *ysq, "register", Path(folders[3]) / "applications" / "01.json"))
    assert found["number"] == "2026-0001"
    if how == "wheel":  # the checkout's letters are printed all over the other tests
        assert json.loads(run(source, tmp_path, *ysq, "act", "2026-0001", "acknowledged"))["letters"]


def test_the_wheel_carries_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        files = [PurePosixPath(name) for name in archive.namelist()]
    assert {f.parts[0] for f in files if not f.parts[0].endswith(".dist-info")} == {"yishenqing"}
    for name in SHIPPED:
        inside = {p.relative_to(ROOT / name).as_posix() for p in (ROOT / name).rglob("*") if p.is_file()}
        folder = PurePosixPath("yishenqing/_shipped") / name
        carried = {f.relative_to(folder).as_posix() for f in files if f.is_relative_to(folder)}
        assert {p for p in inside if "__pycache__" not in p} == carried
