"""A call under a key is done once: repeated, at the same time, after a crash, in a host; stale forms are refused."""

from __future__ import annotations

import inspect
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, rows, use_database, ysq
from sqlalchemy import create_engine
from test_agencies import NO_CASES, arguments

from yishenqing import Office
from yishenqing.core.errors import DataFault, Moved, Refused, YishenqingError
from yishenqing.letters import Letterbook
from yishenqing.office.premises import database_url
from yishenqing.office.verbs import verbs
from yishenqing.settings import read_settings

pytest_plugins = ["pg"]

CALLED = {"how": "3月2日上午电话", "gist": "核对申请内容", "result": "无异议"}


def plain(answer: Mapping[str, Any]) -> str:
    return json.dumps(dict(answer), ensure_ascii=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def placed(request: pytest.FixtureRequest, home: Path) -> Path:
    if request.param == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    return home


def test_a_repeated_call_gets_the_first_answer(placed: Path, calendar: Calendar, quick_letters: None) -> None:
    with Office.open(placed, user=USER, today=calendar) as office:
        first = office.once("a").register(APPLICATION)
        assert plain(office.once("a").register(APPLICATION)) == plain(first)
        done = office.once("b").act(first["number"], "acknowledged")
        office.act(first["number"], "accepted", {"handler": "征地管理科"})
        calendar.day = date(2026, 3, 9)
        assert plain(office.once("b").act(first["number"], "acknowledged")) == plain(done)
        assert [e["step"] for e in office.show(first["number"])["entries"]] == [
            "received",
            "acknowledged",
            "accepted",
        ]
        assert len(office.cases()["cases"]) == 1


@pytest.mark.parametrize("other", ["step", "facts", "user"])
def test_a_key_is_for_one_call_alone(office: Office, other: str) -> None:
    number = office.register(APPLICATION)["number"]
    office.once("k").act(number, "contacted", CALLED)
    step = "acknowledged" if other == "step" else "contacted"
    facts = {**CALLED, "result": "有异议"} if other == "facts" else CALLED
    with pytest.raises(DataFault, match=f"“k”已由{USER}于.*用于“act {number} contacted”.*没有写入"):
        office.once("k").act(number, step, facts, by="别人" if other == "user" else None)
    assert len(office.show(number)["entries"]) == 2


def test_a_file_is_what_stands_in_it(office: Office, tmp_path: Path) -> None:
    one, two = tmp_path / "一.json", tmp_path / "二.json"
    for path in (one, two):
        path.write_text(json.dumps(APPLICATION))
    first = office.once("k").register(one)
    assert plain(office.once("k").register(two)) == plain(first)
    two.write_text(json.dumps({**APPLICATION, "items": ["别的"]}))
    with pytest.raises(DataFault, match="内容与那一次不同"):
        office.once("k").register(two)


def test_a_refusal_keeps_no_key(office: Office) -> None:
    number = office.register(APPLICATION)["number"]
    with pytest.raises(Refused):
        office.once("k").act(number, "signed")
    assert office.once("k").act(number, "contacted", CALLED)["entries"][-1]["step"] == "contacted"


@pytest.mark.parametrize("key", ["", " a", "a\n", "长" * 201])
def test_what_is_no_key_is_refused(office: Office, key: str) -> None:
    with pytest.raises(DataFault, match="key"):
        office.once(key)


def test_a_key_is_forgotten_when_its_time_is_over(office: Office, home: Path) -> None:
    office.once("k").register(APPLICATION)
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute("UPDATE given_keys SET kept_until = '2026-01-01T00:00:00.000000Z'")
    connection.close()
    office.once("k").register(APPLICATION)
    assert len(office.cases()["cases"]) == 2
    assert len(rows(home, "SELECT * FROM given_keys")) == 1
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute("UPDATE given_keys SET kept_until = '2026-01-01T00:00:00.000000Z'")
    connection.close()
    office.tick()
    assert rows(home, "SELECT * FROM given_keys") == []


AT_ONCE = """
import sys
from yishenqing.cli import run
sys.exit(run(["--home", sys.argv[1], "--as", sys.argv[2], "--json", "--on", "2026-03-02", "--key", "k",
              "act", "2026-0001", "contacted", "how=电话", "gist=核对", "result=无异议"]))
"""


def test_processes_with_one_key_act_once(placed: Path, calendar: Calendar) -> None:
    with Office.open(placed, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
    assert number == "2026-0001"
    with ThreadPoolExecutor(3) as pool:
        words = [sys.executable, "-c", AT_ONCE, str(placed), USER]
        found = [
            pool.submit(subprocess.run, words, capture_output=True, text=True, check=False, timeout=120)
            for _ in range(3)
        ]
        done = [f.result() for f in found]
    assert [d.returncode for d in done] == [0] * 3, [d.stdout + d.stderr for d in done]
    assert len({d.stdout for d in done}) == 1
    with Office.open(placed, user=USER, today=calendar) as office:
        assert [e["step"] for e in office.show(number)["entries"]] == ["received", "contacted"]


KILLED = """
import os, sys
from yishenqing.cli import run
from yishenqing.store import keys
from yishenqing.store.engine import Transactions
from yishenqing.store.single import Single
if sys.argv[3] == "before":
    keys.answer = lambda *_: os._exit(9)          # all is written, nothing is kept
else:
    leave = Single.__exit__
    Single.__exit__ = lambda *a: (leave(*a), os._exit(9))   # all is kept, nothing is told
words = ["--on", "2026-03-02", "--key", "k", "act", "2026-0001", "acknowledged"]
run(["--home", sys.argv[1], "--as", sys.argv[2], *words])
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_crash_the_repeated_call_does_it_or_reads_the_answer(home: Path, office: Office, when: str) -> None:
    number = office.register(APPLICATION)["number"]
    words = [sys.executable, "-c", KILLED, str(home), USER, when]
    assert subprocess.run(words, check=False, timeout=120).returncode == 9
    assert len(office.show(number)["entries"]) == (1 if when == "before" else 2)
    for path in (home / "issued").rglob("*.pdf"):
        path.unlink()
    again = ysq(
        "--home", home, "--as", USER, "--on", "2026-03-02", "--key", "k", "--json", "act", number, "acknowledged"
    )
    found = json.loads(again.stdout)
    assert [e["step"] for e in found["entries"]] == ["received", "acknowledged"]
    assert [Path(x["path"]).is_file() for x in found["letters"]] == [True]
    assert len(office.show(number)["entries"]) == 2


def test_nobody_waits_for_the_letter_of_a_call_under_a_key(
    home: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = (office.register(APPLICATION)["number"] for _ in range(2))

    def slow(_book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
        with Office.open(home, user=USER, today=lambda: date(2026, 3, 2)) as second:
            second.act(other, "contacted", CALLED)
        return f"%PDF-1.7 {context['letter']['number']}".encode()

    monkeypatch.setattr(Letterbook, "pdf", slow)
    begun = time.monotonic()
    assert len(office.once("k").act(number, "acknowledged")["entries"]) == 2
    assert time.monotonic() - begun < 5
    assert len(office.show(other)["entries"]) == 2


@pytest.fixture
def hosted(home: Path) -> Iterator[Any]:
    engine = create_engine(database_url(home, read_settings(home)))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_host_keeps_the_key_with_its_own_work(home: Path, hosted: Any, calendar: Calendar) -> None:
    with Office.open(home, user=USER, today=calendar, connection=hosted) as office:
        office.once("k").register(APPLICATION)
        hosted.rollback()
        first = plain(office.once("k").register(APPLICATION))
        hosted.commit()
        assert plain(office.once("k").register(APPLICATION)) == first
        assert len(office.cases()["cases"]) == 1


def test_a_stale_form_is_told_who_wrote_what(office: Office, home: Path) -> None:
    number = office.register(APPLICATION)["number"]
    office.act(number, "contacted", CALLED)
    with pytest.raises(Moved, match=f"{USER}于2026-03-02办理“"):
        office.once(seen=1).act(number, "contacted", CALLED)
    with pytest.raises(Moved, match=f"{USER}于2026-03-02办理“"):
        office.once("k", seen=1).split(number, [1], "分开")
    office.once("k", seen=2).act(number, "contacted", CALLED)
    office.once("k", seen=2).act(
        number, "contacted", CALLED
    )  # the answer was lost: it is told again, not called stale
    assert len(office.show(number)["entries"]) == 3
    with pytest.raises(DataFault, match="seen"):
        office.once(seen=1).register(APPLICATION)
    said = ysq("--home", home, "--as", USER, "--on", "2026-03-02", "act", number, "acknowledged", "--seen", "1")
    assert said.returncode == 5
    assert "没有写入任何内容" in said.stderr


def test_every_verb_can_bear_a_key(office: Office, quick_letters: None, tmp_path: Path) -> None:
    """Found by reflection: what is answered under a key can be kept, and is told again in the same words."""
    number = office.register(APPLICATION)["number"]
    known, kept = arguments(number, tmp_path), set()
    refused: dict[str, str] = {}
    for verb in sorted(verbs(Office).keys() - NO_CASES):
        taken = inspect.signature(getattr(office, verb)).parameters
        given = {n: known[n] for n, p in taken.items() if p.default is p.empty}
        try:
            first = getattr(office.once(verb), verb)(**given)
        except YishenqingError as error:
            refused[verb] = str(error)
            continue
        with office._transactions.reading() as connection:
            if connection.exec_driver_sql("SELECT 1 FROM given_keys WHERE key = ?", (verb,)).first() is None:
                continue  # it only looked
        kept.add(verb)
        second = getattr(office.once(verb), verb)(**given)
        assert json.dumps(second, default=dict) == json.dumps(first, default=dict), verb
    assert [verb for verb, text in refused.items() if "不能带键" in text] == []
    assert {"register", "checkpoint", "rebuild_search"} <= kept, kept
