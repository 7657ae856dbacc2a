"""Several officers at once, and officers cut off in the middle: nothing lost, nothing doubled, nothing half."""

from __future__ import annotations

import multiprocessing
import secrets
import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, quick_pdf, rows, use_database, walked

from yishenqing import Office
from yishenqing.core.errors import Refused
from yishenqing.letters import Letterbook

pytest_plugins = ["pg"]

DAY = date(2026, 3, 12)
SEARCH = {"systems": "档案系统", "keywords": "征收", "result": "无"}


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, home: Path) -> Path:
    if request.param == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    return home


@pytest.fixture(autouse=True)
def letters_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``at`` prints by is undone afterwards: the tests after these print real letters."""
    monkeypatch.setattr(Letterbook, "pdf", Letterbook.pdf)


def at(home: Path) -> Office:
    """Open the office as another process would, its letters quickly printed."""
    Letterbook.pdf = quick_pdf  # type: ignore[method-assign, assignment]
    return Office.open(home, user=USER, today=lambda: DAY)


def searches(home: Path, number: str, officer: int) -> None:
    with at(home) as office:
        for turn in range(8):
            office.act(number, "search_recorded", {**SEARCH, "searched_by": f"{officer}-{turn}"})


def receipts(home: Path, officer: int) -> list[str]:
    with at(home) as office:
        numbers = [office.register(APPLICATION)["number"] for _ in range(5)]
        return [office.act(n, "acknowledged")["letters"][0]["number"] for n in numbers]


def acknowledges(home: Path, number: str) -> str:
    with at(home) as office:
        try:
            return str(office.act(number, "acknowledged")["letters"][0]["number"])
        except Refused:
            return "refused"


def verifies(home: Path, number: str) -> list[str]:
    with at(home) as office:
        return [str(f) for _ in range(25) for f in office.verify(number)]


@pytest.mark.usefixtures("quick_letters")
def test_two_officers_on_one_case_lose_nothing(either: Path) -> None:
    calendar = Calendar(OPENED)
    with Office.open(either, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number, "accepted")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        seen = pool.apply_async(verifies, (either, number))
        pool.starmap(searches, [(either, number, officer) for officer in (1, 2)])
        assert seen.get(60) == []  # whoever looks meanwhile sees a whole case
    with at(either) as office:
        found = office.show(number)
        assert office.verify(number) == []
    by = [e["facts"]["searched_by"] for e in found["entries"] if e["step"] == "search_recorded"]
    assert sorted(by) == sorted(f"{officer}-{turn}" for officer in (1, 2) for turn in range(8))


def test_letters_of_two_officers_are_numbered_without_gap(either: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        given = [n for numbers in pool.starmap(receipts, [(either, 1), (either, 2)]) for n in numbers]
    assert sorted(given) == sorted(f"云自然资依申请回〔2026〕{n}号" for n in range(1, 11))
    with at(either) as office:
        for line in office.cases()["cases"]:
            assert office.verify(line["number"]) == []


def test_one_letter_asked_for_twice_goes_out_once(either: Path) -> None:
    with at(either) as office:
        number = office.register(APPLICATION)["number"]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        said = pool.starmap(acknowledges, [(either, number)] * 2)
    assert sorted(said) == sorted(["云自然资依申请回〔2026〕1号", "refused"])
    with at(either) as office:
        assert len(office.show(number)["letters"]) == 1


# Children are forked from one prepared process and killed at a moment of chance.
_KILLING = textwrap.dedent("""
    import os, random, signal, sys, time
    sys.path.insert(0, sys.argv[1])
    from pathlib import Path
    from offices import APPLICATION
    from test_office_together import at
    home, chance = Path(sys.argv[2]), random.Random(int(sys.argv[3]))
    with at(home) as office:
        office.act(office.register(APPLICATION)["number"], "acknowledged")  # everything imported, every page warm
    for turn in range(int(sys.argv[4])):
        ready, begun = os.pipe()
        child = os.fork()
        if child == 0:
            with at(home) as office:
                while True:
                    number = office.register(APPLICATION)["number"]
                    os.write(begun, b"1")  # warm: from now on the kill may come
                    office.act(number, "acknowledged")
                    office.act(number, "withdrawn", {"statement": "书面撤回", "attachments": sys.argv[5]})
        os.read(ready, 1)
        time.sleep(chance.uniform(0, 0.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready), os.close(begun)
""")


def test_a_kill_at_any_moment_leaves_every_case_whole(either: Path, tmp_path: Path) -> None:
    paper, seed = tmp_path / "撤回申请.txt", secrets.randbelow(2**32)
    paper.write_text("本人撤回申请")
    folder = str(Path(__file__).parent)
    words = [sys.executable, "-c", _KILLING, folder, str(either), str(seed), "25", str(paper)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, ""), seed
    with at(either) as office:
        cases = [line["number"] for line in office.cases()["cases"]]
        assert len(cases) > 3, seed
        for number in cases:
            assert office.verify(number) == [], seed
            found = office.show(number)
            steps = [e["step"] for e in found["entries"]]
            assert steps == ["received", "acknowledged", "withdrawn"][: len(steps)], seed
            kinds = [x["kind"] for x in found["letters"]]
            assert kinds == ["registration_receipt", "withdrawal_confirmation"][: len(steps) - 1], seed
            assert all(Path(x["path"]).read_bytes().startswith(b"%PDF") for x in found["letters"])
        issued = sorted(n for c in cases for n in _places(office, c, "registration_receipt"))
        assert issued == list(range(1, len(issued) + 1)), seed
        confirmed = sorted(n for c in cases for n in _places(office, c, "withdrawal_confirmation"))
        assert confirmed == list(range(1, len(confirmed) + 1)), seed
        assert cases == [f"2026-{n:04d}" for n in range(1, len(cases) + 1)], seed
        after = office.register(APPLICATION)["number"]
        assert after == f"2026-{len(cases) + 1:04d}"
        assert office.act(after, "acknowledged")["letters"][0]["number"].endswith(f"〕{len(issued) + 1}号")


def _places(office: Office, number: str, kind: str) -> list[int]:
    letters = [e["facts"]["letter"] for e in office.show(number)["entries"] if "letter" in e["facts"]]
    return [letter["n"] for letter in letters if letter["kind"] == kind]


def test_a_folder_that_cannot_grow_refuses_and_recovers(home: Path) -> None:
    """A real write error from the system, not a pretended one: the process may write no file beyond 1 kB."""
    script = textwrap.dedent("""
        import resource, signal, sys
        sys.path.insert(0, sys.argv[1])
        from pathlib import Path
        from offices import APPLICATION
        from test_office_together import at
        office = at(Path(sys.argv[2]))
        number = office.register(APPLICATION)["number"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        for verb in (lambda: office.register(APPLICATION), lambda: office.act(number, "acknowledged")):
            try:
                verb()
            except Exception as error:
                print(type(error).__name__, getattr(error, "exit_code", 1), error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(len(office.show(number)["entries"]), office.verify(number))
        print(office.act(number, "acknowledged")["state"], office.register(APPLICATION)["number"])
    """)
    words = [sys.executable, "-c", script, str(Path(__file__).parent), str(home)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    first, second, third, fourth = done.stdout.splitlines()
    assert " 1 " in first, done.stdout
    assert "没有写入任何内容" in first, done.stdout
    assert " 1 " in second, done.stdout
    assert (third, fourth) == ("1 []", "under_review 2026-0002")
    assert rows(home, "SELECT count(*) FROM cases") == [(2,)]
