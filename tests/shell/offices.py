"""An office in a folder, a case's road, raw changes; ``conftest`` hands the fixtures to every test here."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from yishenqing.letters import Letterbook
from yishenqing.office import Office, checking

USER = "经办人"
OPENED = date(2026, 3, 2)
APPLICATION: Mapping[str, Any] = {
    "channel": "in_person",
    "arrived_on": "2026-03-02",
    "applicant": {
        "kind": "natural",
        "name": "周德旺",
        "id_type": "居民身份证",
        "id_number": "999101196805170231",
        "phone": "19900000001",
        "address": "云溪县青禾镇柳湾村二组17号",
    },
    "items": ["关于柳湾片区安置房项目的土地征收公告"],
    "preferred_form": "paper",
    "delivery": "mail",
}
# Day, step, facts: the whole road from the counter to the archive.
ROAD: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("2026-03-02", "acknowledged", {}),
    ("2026-03-04", "accepted", {"handler": "征地管理科"}),
    ("2026-03-12", "search_recorded", {"systems": "档案系统", "keywords": "征收公告", "result": "检索到一份"}),
    ("2026-03-18", "drafted", {"outcome": "granted", "provided": "土地征收公告"}),
    ("2026-03-19", "reviewed", {"opinion": "同意"}),
    ("2026-03-20", "secrecy_reviewed", {"conclusion": "releasable"}),
    ("2026-03-23", "signed", {}),
    ("2026-03-24", "replied", {"method": "mail", "posted_on": "2026-03-24", "tracking": "XA1"}),
    ("2026-03-26", "delivered", {"signed_by": "申请人本人"}),
    ("2026-04-09", "archived", {"retention": "D10"}),
)


class Calendar:
    """Today's date in an office under test; a test turns the page."""

    def __init__(self, day: date) -> None:
        self.day = day

    def __call__(self) -> date:
        return self.day


def walked(office: Office, calendar: Calendar, number: str, until: str = "archived") -> Mapping[str, Any]:
    """Take a case along the road up to and including step ``until``; return the last answer."""
    found: Mapping[str, Any] = {}
    taken = {e["step"] for e in office.show(number)["entries"]}
    for day, step, facts in ROAD:
        if step not in taken:
            calendar.day = max(calendar.day, date.fromisoformat(day))
            found = office.act(number, step, facts)
        if step == until:
            return found
    raise AssertionError(until)


def ysq(*words: str | Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "yishenqing", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", **env},
    )


def tamper(home: Path, *statements: str) -> None:
    """Change rows as somebody with the database file in hand would: triggers dropped, then put back."""
    with sqlite3.connect(home / "office.db") as connection:
        kept = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in kept:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
        for _, trigger in kept:
            connection.execute(trigger)
    connection.close()


def without_keys(home: Path) -> Path:
    """Leave an office as it was before personal data were encrypted: no key, everything in clear."""
    tamper(home, "DELETE FROM data_keys")
    (home / "secrecy.key").unlink()
    return home


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Read the office's database without the program."""
    with sqlite3.connect(home / "office.db") as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def use_database(home: Path, url: URL) -> None:
    """Let the office in ``home`` keep its ledger elsewhere."""
    path = home / "office.yaml"
    address = url.render_as_string(hide_password=False)
    path.write_text(re.sub(r'(?m)^database: ""$', f'database: "{address}"', path.read_text()))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office as ``init`` leaves it, made once."""
    home = tmp_path_factory.mktemp("template") / "home"
    Office.init(home, USER)
    with Office.open(home, user=USER) as office:
        office.triage(APPLICATION)  # what is read once is remembered in the folder, and copied with it
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """An office of one's own, in a folder whose name has a blank and Chinese in it."""
    return Path(shutil.copytree(template, tmp_path / "某 机关"))


@pytest.fixture
def calendar() -> Calendar:
    return Calendar(OPENED)


@pytest.fixture
def office(home: Path, calendar: Calendar) -> Iterator[Office]:
    with Office.open(home, user=USER, today=calendar) as opened:
        yield opened


@pytest.fixture
def quick_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters whose looks do not matter: one line instead of a typeset page."""
    monkeypatch.setattr(Letterbook, "pdf", quick_pdf)


@pytest.fixture
def unproved(monkeypatch: pytest.MonkeyPatch) -> None:
    """``check`` without the proof of the workflows, for tests of whatever else it finds; seconds less."""
    monkeypatch.setattr(checking, "_proofs", lambda *_: ([], []))


def quick_pdf(_book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
    return f"%PDF-1.7 {kind} {context['letter']['number']} {context['case']['number']}".encode()


@pytest.fixture
def in_state(office: Office, calendar: Calendar, quick_letters: None) -> Callable[[str], str]:
    """Return a function that registers a case and takes it along the road up to a step."""

    def make(until: str = "") -> str:
        number: str = office.register(APPLICATION)["number"]
        if until:
            walked(office, calendar, number, until)
        return number

    return make
