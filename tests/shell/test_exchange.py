"""Events reach a receiver that loses, delays, doubles, rejects: all of them, once in effect, each case in order."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from offices import APPLICATION, USER, Calendar, rows, use_database, walked, ysq
from receiving import connected, listening, receiver
from timing import configure

from yishenqing import Office
from yishenqing.core.errors import Refused

pytest_plugins = ["pg"]

CALLED = {"how": "3月2日上午电话", "gist": "核对申请内容", "result": "无异议"}
DAY = date(2026, 3, 2)


@pytest.fixture
def opened(home: Path, calendar: Calendar, quick_letters: None) -> Iterator[Callable[[], Office]]:
    """Return a function that opens the office as its settings are by then."""
    offices: list[Office] = []

    def make() -> Office:
        offices.append(Office.open(home, user=USER, today=calendar))
        return offices[-1]

    yield make
    for office in offices:
        office.close()


class Hours:
    """A clock that goes on by hours: a pause is over at the next look."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(hours=5)
        return self.now


def sent_until_done(office: Office, most: int = 100) -> list[Any]:
    """Do rounds, hours apart, until nothing waits; return what each said."""
    sender, said = replace(office._sender(), now=Hours()), []
    for _ in range(most):
        said.append(sender.round())
        if all(row["waiting"] == 0 for row in said[-1]["receivers"]):
            return said
    raise AssertionError(said[-1])


def expected(office: Office) -> list[str]:
    """Return the keys of all events that lie in the office's queue, case by case in order."""
    with office._transactions.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT agency || '/' || number || '/' || seq FROM exchange_events ORDER BY number, seq"
        )
        return list(found.scalars())


def assert_once_and_in_order(office: Office, desk: Any) -> None:
    wanted = expected(office)
    assert wanted
    assert sorted(desk.order) == sorted(wanted)  # every one, none twice
    by_case: dict[str, list[int]] = {}
    for key in desk.order:
        _, number, seq = key.split("/")
        by_case.setdefault(number, []).append(int(seq))
    assert {n: seqs for n, seqs in by_case.items() if seqs != sorted(seqs)} == {}


def test_what_happens_leaves_with_its_entry(home: Path, opened: Callable[[], Office], calendar: Calendar) -> None:
    with listening() as server:
        connected(home, server)
        office = opened()
        number = office.register(APPLICATION)["number"]
        with pytest.raises(Refused):
            office.act(number, "signed")
        walked(office, calendar, number)
        office.tick()
        assert_once_and_in_order(office, server.desk)
        events = server.desk.cases[number]
    assert [e["step"] for e in office.show(number)["entries"] if e["seq"] in events] == [
        events[seq]["step"] for seq in sorted(events)
    ]
    assert {kind for event in events.values() for kind in event["events"]} == {
        "registered", "stage_changed", "replied", "delivered", "archived", "closed",
    }  # fmt: skip
    assert events[1]["hash"] == office.show(number)["entries"][0]["hash"]


@pytest.mark.parametrize("setting", [{}, {"excluded": ["yunxi-zrzy"]}])
def test_without_a_receiver_nothing_is_written(
    home: Path, opened: Callable[[], Office], setting: dict[str, Any]
) -> None:
    told = {"receivers": {"local": {"folder": "out"}}, **setting} if setting else {}
    configure(home, exchange=told)
    office = opened()
    office.register(APPLICATION)
    assert rows(home, "SELECT * FROM exchange_events") == rows(home, "SELECT * FROM exchange_cases") == []
    with pytest.raises(Refused, match="没有任何事项发出"):
        office.exchange_send()
    assert office.tick()["exchange"]["receivers"] == []


WRONGS = ["lost", "delayed", "unanswered", "doubled", "500", "503", "429", "page", "forgetful"]


@pytest.mark.parametrize("wrong", WRONGS)
def test_each_mishap_by_itself(home: Path, opened: Callable[[], Office], wrong: str) -> None:
    with listening(lambda call: wrong if call == 1 else "") as server:
        connected(home, server)
        office = opened()
        number = office.register(APPLICATION)["number"]
        office.act(number, "acknowledged")
        said = sent_until_done(office)
        assert server.calls == (1 if wrong == "doubled" else 2)
        if wrong != "doubled":
            assert said[0]["failed"][0]["given_up_at"] is None
        if wrong == "delayed":
            time.sleep(2.5)  # the late call arrives after the second
        assert_once_and_in_order(office, server.desk)
        assert office.failures()["exchange"] == []


@pytest.mark.parametrize("seed", range(3))
def test_everything_arrives_once_through_any_weather(home: Path, opened: Callable[[], Office], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - weather, nothing secret
    weather = [w for w in WRONGS if w != "delayed"] + [""] * 4
    with listening(lambda _call: chance.choice(weather)) as server:
        connected(home, server)
        (home / "workflows" / "exchange").mkdir(parents=True)
        path = Path(__file__).resolve().parents[2] / "workflows" / "exchange" / "events.yaml"
        text = path.read_text().replace("batch: 100 ", "batch: 3 ")
        (home / "workflows" / "exchange" / "events.yaml").write_text(text)
        office = opened()
        for _ in range(6):
            number = office.register(APPLICATION)["number"]
            office.act(number, "acknowledged")
            office.act(number, "accepted", {"handler": "征地管理科"})
        sender = replace(office._sender(), now=Hours())
        sender.round()
        office.act(number, "contacted", CALLED)  # goes on while events wait
        office.act(number, "withdrawn", {"statement": "书面撤回"})
        sent_until_done(office)
        assert_once_and_in_order(office, server.desk)


class Picky(receiver.Desk):  # type: ignore[misc] # the example is loaded from its file
    """Does not take what it is told not to."""

    unwanted = ""

    def objection(self, event: dict[str, Any]) -> str:
        return "字段有误" if self.unwanted and event["key"].startswith(self.unwanted) else ""


def test_what_is_not_taken_stops_its_case_alone_and_is_sent_again_on_request(
    home: Path, opened: Callable[[], Office]
) -> None:
    desk = Picky()
    with listening(desk=desk) as server:
        connected(home, server)
        office = opened()
        one, two = (office.register(APPLICATION)["number"] for _ in range(2))
        for number in (one, two):
            office.act(number, "acknowledged")
        desk.unwanted = f"yunxi-zrzy/{one}/1"
        found = office.exchange_send()
        assert desk.order == [f"yunxi-zrzy/{two}/1", f"yunxi-zrzy/{two}/2"]  # nothing overtakes within the case
        (failed,) = found["failed"]
        assert (failed["number"], failed["last_error"]) == (one, "对方不收：字段有误")
        assert failed["given_up_at"]
        calls = server.calls
        office.act(one, "accepted", {"handler": "征地管理科"})
        assert office.exchange_send()["receivers"][0] == {
            "receiver": "province", "now": 0, "sent": 2, "waiting": 3, "given_up": 1,
        }  # fmt: skip
        assert server.calls == calls
        said = ysq("--home", home, "--as", USER, "failures").stdout
        assert re.search(rf"案件{one}的事项未能发给“province”.*字段有误.*ysq exchange resend {one}", said)
        desk.unwanted = ""
        assert office.exchange_resend(stopped=True)["cases"] == {one: 3}
        office.exchange_send()
        assert [k for k in desk.order if one in k] == [
            f"yunxi-zrzy/{one}/{n}" for n in ("1~2", "2~2", "3~2")
        ]  # all of it anew
        assert office.failures()["exchange"] == []


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_batch_that_is_not_taken_is_tried_event_by_event(
    home: Path, opened: Callable[[], Office], status: str
) -> None:
    with listening(lambda call: status if call in (1, 3) else "") as server:  # the batch, then its second event
        connected(home, server)
        office = opened()
        for _ in range(3):
            office.register(APPLICATION)
        found = office.exchange_send()
        assert found["receivers"][0]["sent"] == 2
        assert [f["number"] for f in found["failed"] if f["given_up_at"]] == ["2026-0002"]
        assert f"HTTP {status}" in found["failed"][0]["last_error"]


def test_it_is_given_up_visibly_after_so_many_times(home: Path, opened: Callable[[], Office]) -> None:
    with listening(lambda _call: "503") as server:
        connected(home, server)
        office = opened()
        number = office.register(APPLICATION)["number"]
        sender = replace(office._sender(), now=Hours())
        for _ in range(62):
            found = sender.round()
        assert server.calls == 60
        assert found["failed"][0]["given_up_at"]
        assert [f["number"] for f in office.failures()["exchange"]] == [number]
        server.mishap = lambda _call: ""
        office.exchange_resend([number])
        office.exchange_send()
        assert server.desk.order == [f"yunxi-zrzy/{number}/1~2"]


def test_a_pause_grows_and_is_kept(home: Path, opened: Callable[[], Office]) -> None:
    with listening(lambda _call: "500") as server:
        connected(home, server)
        office = opened()
        office.register(APPLICATION)
        waits, moments = [], [datetime.now(UTC)]
        sender = replace(office._sender(), now=lambda: moments[-1])
        for _ in range(4):
            found = sender.round()
            again = datetime.fromisoformat(found["failed"][0]["next_try"])
            waits.append((again - moments[-1]).total_seconds())
            sender.round()  # its time has not come
            moments.append(again)
        assert waits == [60, 120, 240, 480]
        assert server.calls == 4


@pytest.mark.parametrize("wrong", ["secret", "readable", "missing"])
def test_nothing_is_given_up_for_a_secret_that_is_wrong(home: Path, opened: Callable[[], Office], wrong: str) -> None:
    with listening() as server:
        connected(home, server)
        path = home / "exchange.secret"
        if wrong == "secret":
            path.write_bytes(b"another")
        elif wrong == "readable":
            path.chmod(0o644)
        else:
            path.unlink()
        office = opened()
        office.register(APPLICATION)
        (failed,) = office.exchange_send()["failed"]
        assert failed["given_up_at"] is None
        assert {"secret": "HTTP 401", "readable": "chmod 600", "missing": "读不到密钥"}[wrong] in failed["last_error"]
        assert server.desk.order == []


def test_a_signature_is_of_this_time_and_this_body() -> None:
    now, body = str(int(time.time())), b"{}"
    from yishenqing.exchange.transport import signature  # noqa: PLC0415 - for this test

    right = signature(b"s", now, body)
    assert receiver.signed(b"s", now, body, right)
    assert not receiver.signed(b"s", now, b"{ }", right)
    assert not receiver.signed(b"t", now, body, right)
    old = str(int(time.time()) - 301)
    assert not receiver.signed(b"s", old, body, signature(b"s", old, body))


def test_nothing_is_sent_in_the_clear_outside_ones_own_network(home: Path, opened: Callable[[], Office]) -> None:
    with listening() as server:
        connected(home, server, url="http://203.0.113.5:8099/events")
        office = opened()
        office.register(APPLICATION)
        (failed,) = office.exchange_send()["failed"]
        assert "须用 https" in failed["last_error"] or "没有回应" not in failed["last_error"]


def test_a_folder_gets_whole_files(home: Path, opened: Callable[[], Office]) -> None:
    configure(home, exchange={"receivers": {"local": {"folder": "out"}}})
    office = opened()
    first, second = (office.register(APPLICATION)["number"] for _ in range(2))
    office.exchange_send()
    office.act(first, "acknowledged")
    office.exchange_send()
    files = sorted((home / "out").iterdir())
    assert [p.suffix for p in files] == [".jsonl"] * 2
    told = [json.loads(line) for p in files for line in p.read_text().splitlines()]
    assert [(e["number"], e["seq"]) for e in told] == [(first, 1), (second, 1), (first, 2)]
    (home / "out2").write_text("a file, no folder")
    configure(home, exchange={"receivers": {"local": {"folder": "out2"}}})
    office = opened()
    office.act(second, "acknowledged")
    assert "写不进去" in office.exchange_send()["failed"][0]["last_error"]


def test_an_event_goes_with_the_hosts_work_or_not_at_all(home: Path, calendar: Calendar) -> None:
    from sqlalchemy import create_engine  # noqa: PLC0415 - a host's own

    with listening() as server:
        connected(home, server)
        engine = create_engine(f"sqlite:///{home / 'office.db'}")
        with engine.connect() as connection:
            with Office.open(home, user=USER, today=calendar, connection=connection) as office:
                office.register(APPLICATION)
                assert office.tick()["exchange"]["receivers"][0]["waiting"] == 1
                with pytest.raises(Refused, match="尚未提交"):
                    office.exchange_send()
            connection.rollback()
        engine.dispose()
        assert rows(home, "SELECT * FROM exchange_events") == []
        assert server.calls == 0


def quick(home: Path) -> None:
    """Let pauses be short, as for impatient people."""
    folder = home / "workflows" / "exchange"
    folder.mkdir(parents=True)
    text = (Path(__file__).resolve().parents[2] / "workflows" / "exchange" / "events.yaml").read_text()
    text = text.replace("first_pause_seconds: 60 ", "first_pause_seconds: 1 ")
    text = text.replace("longest_pause_seconds: 14400 ", "longest_pause_seconds: 1 ").replace(
        "batch: 100 ", "batch: 5 "
    )
    (folder / "events.yaml").write_text(text)


def running(home: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "yishenqing", "--home", str(home), "--as", USER, "run", "--every", "1"]
    env = {**os.environ, "PYTHONUTF8": "1", "YISHENQING_TODAY": "2026-03-02"}
    return subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(20)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_processes_send_each_event_once(
    home: Path, opened: Callable[[], Office], database: str, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    chance = random.Random(7)  # noqa: S311 - weather, nothing secret
    weather = ["lost", "unanswered", "503", "page", "", "", "", ""]
    with listening(lambda _call: chance.choice(weather)) as server:
        connected(home, server)
        quick(home)
        office = opened()
        numbers = [office.register(APPLICATION)["number"] for _ in range(5)]
        both = [running(home) for _ in range(2)]
        try:
            for number in numbers:
                office.act(number, "acknowledged")
            for _ in range(200):
                if all(row["waiting"] == 0 for row in office.exchange_status()["receivers"]):
                    break
                time.sleep(0.3)
        finally:
            for process in both:
                ended(process)
        assert_once_and_in_order(office, server.desk)


def test_the_work_of_a_killed_sender_is_taken_up_when_its_lease_is_over(
    home: Path, opened: Callable[[], Office]
) -> None:
    with listening(lambda call: "delayed" if call == 1 else "") as server:
        connected(home, server, timeout=30.0)
        office = opened()
        number = office.register(APPLICATION)["number"]
        words = [sys.executable, "-m", "yishenqing", "--home", str(home), "--as", USER, "exchange", "send"]
        sender = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while server.calls == 0:
            time.sleep(0.02)
        os.kill(sender.pid, signal.SIGKILL)
        sender.wait(20)
        assert office.exchange_send()["receivers"][0] == {
            "receiver": "province", "now": 0, "sent": 0, "waiting": 1, "given_up": 0,
        }  # fmt: skip
        assert server.calls == 1  # the dead process's lease holds
        sent_until_done(office)
        time.sleep(3.2)  # the call of the dead arrives too
        assert server.calls == 2
        assert server.desk.order == [f"yunxi-zrzy/{number}/1"]


def test_a_sender_whose_lease_is_over_does_not_note_for_another(home: Path, opened: Callable[[], Office]) -> None:
    with listening() as server:
        connected(home, server)
        office = opened()
        office.register(APPLICATION)
        clock = Hours()
        sender = replace(office._sender(), now=clock)
        late = sender._take("province", 100)
        mine = sender._take("province", 100)  # hours later: the first lease is over
        assert len(late.cases) == len(mine.cases) == 1
        late.put_off(Refused("x"))  # type: ignore[arg-type] # any reason
        late.note_all()
        assert office.exchange_status()["failed"] == []
        mine.send(sender.way("province"))
        assert mine.note_all() == 1
        assert office.exchange_status()["receivers"][0]["waiting"] == 0
