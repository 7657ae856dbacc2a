"""What a monitor sees: figures that Prometheus reads, a log without persons, a heartbeat; what doctor makes of it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from offices import APPLICATION, USER, Calendar, rows, tamper, use_database, walked, ysq
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL
from timing import configure

from yishenqing import Office
from yishenqing.core.errors import DataFault, Refused
from yishenqing.logbook import Logbook
from yishenqing.office import doctor
from yishenqing.settings import read_settings

pytest_plugins = ["pg"]

Make = Callable[[str], str]
DAY = date(2026, 4, 20)


def figures(text: str) -> dict[str, float]:
    """Read the figures as Prometheus does; each under its name and label."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            found["/".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def measured(home: Path, day: date = DAY) -> dict[str, float]:
    with Office.open(home, user=USER, today=lambda: day) as office:
        return figures(office.metrics()["text"])


def levels(home: Path) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["level"], row["remedy"]) for row in doctor.examine(home)["findings"]}


class TestFigures:
    @pytest.fixture(params=["sqlite", "postgresql"])
    def either(self, request: pytest.FixtureRequest, home: Path) -> Path:
        if request.param == "postgresql":
            url: URL = request.getfixturevalue("postgres_url")
            use_database(home, url)
            Office.upgrade(home)
        return home

    def test_count_what_there_is(self, either: Path, quick_letters: None, calendar: Calendar) -> None:
        with Office.open(either, user=USER, today=calendar) as office:
            walked(office, calendar, office.register(APPLICATION)["number"])
            calendar.day = date(2026, 3, 2)
            office.register(APPLICATION)
        found = measured(either)
        assert found["ysq_cases/archived"] == found["ysq_cases/registered"] == 1
        assert found["ysq_open_cases/red"] == 1
        assert found["ysq_deadlines_overdue/reply"] == 1
        assert found["ysq_timers_due"] >= 1
        assert found["ysq_letters_issued_total/registration_receipt"] == 1
        assert found["ysq_failures"] == 0
        assert found["ysq_outbox_waiting/messages"] == 0
        assert "ysq_scheduler_heartbeat_age_seconds" not in found
        with Office.open(either, user=USER, today=lambda: DAY) as office:
            office.tick()
            office.beat(60)
            office.beat(60)
        found = measured(either)
        assert found["ysq_timers_due"] == 0
        assert 0 <= found["ysq_scheduler_heartbeat_age_seconds"] < 60
        assert found["ysq_scheduler_interval_seconds"] == 60

    def test_name_no_case_and_nobody(self, home: Path, in_state: Make) -> None:
        number = in_state("drafted")
        with Office.open(home, user=USER, today=lambda: DAY) as office:
            text = office.metrics()["text"]
        assert [w for w in (number, USER, *persons()) if w in text] == []

    def test_are_written_whole_for_node_exporter(self, home: Path, in_state: Make, tmp_path: Path) -> None:
        in_state("")
        target = tmp_path / "ysq.prom"
        done = ysq("metrics", "--to", target, "--home", home)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert figures(target.read_text(encoding="utf-8"))["ysq_cases/registered"] == 1
        assert target.stat().st_mode & 0o777 == 0o644
        assert list(tmp_path.glob(".ysq.prom*")) == []
        assert figures(ysq("metrics", "--home", home).stdout)["ysq_cases/registered"] == 1

    def test_are_left_by_the_tick(self, home: Path, in_state: Make) -> None:
        in_state("")
        configure(home, metrics_file="metrics/ysq.prom")
        (home / "metrics").mkdir()
        assert ysq("tick", "--home", home, YISHENQING_TODAY="2026-04-20").returncode == 0
        found = figures((home / "metrics" / "ysq.prom").read_text(encoding="utf-8"))
        assert found["ysq_scheduler_interval_seconds"] == 0
        assert levels(home)["scheduler"][0] == "ok"


def persons() -> list[str]:
    """Return what must never stand where a monitor reads: who the applicant is, and what is applied for."""
    told = APPLICATION["applicant"]
    return [str(v) for k, v in told.items() if v and k not in {"kind", "id_type"}] + list(APPLICATION["items"])


class TestLog:
    def test_tells_of_every_verb_and_of_nobody(self, home: Path, calendar: Calendar, quick_letters: None) -> None:
        """A whole road, refusals and broken files: no name, number, telephone or request is in the log."""
        configure(home, log={"file": "logs/ysq.jsonl"})
        bad = home / f"{APPLICATION['applicant']['name']}.json"
        bad.write_text(json.dumps({**APPLICATION, "channel": APPLICATION["applicant"]["phone"]}, ensure_ascii=False))
        with Office.open(home, user=USER, today=calendar) as office:
            number = office.register(APPLICATION)["number"]
            walked(office, calendar, number)
            with pytest.raises(Refused):
                office.act(number, "accepted", {"handler": APPLICATION["applicant"]["name"]})
            with pytest.raises(DataFault):
                office.register(bad)
            office.search(APPLICATION["applicant"]["name"])
            office.tick()
            office.beat(60)
        text = (home / "logs" / "ysq.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        verbs = [line["verb"] for line in lines if line["event"] == "verb"]
        assert verbs[0] == "register"
        assert verbs.count("act") >= 8
        assert [w for w in persons() if w in text] == []
        assert persons()
        refusals = [(x["verb"], x["level"], x["code"]) for x in lines if x.get("outcome") == "refused"]
        assert refusals == [("act", "warning", "refused"), ("register", "warning", "data_fault")]
        known = {"at", "level", "event", "pid", "agency", "user", "verb", "outcome", "number", "code", "ms", "every"}
        assert {key for line in lines for key in line} == known
        assert {line.get("number") for line in lines} == {None, number}

    def test_tells_where_the_program_failed_and_not_what_it_said(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(home, log={"file": "ysq.jsonl", "level": "error"})
        secret = str(APPLICATION["applicant"]["name"])

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError(secret)

        with Office.open(home, user=USER) as office:
            office.cases()
            monkeypatch.setattr("yishenqing.store.ledger.case_rows", broken)
            with pytest.raises(RuntimeError):
                office.cases()
        (line,) = (home / "ysq.jsonl").read_text(encoding="utf-8").splitlines()
        assert secret not in line
        told = json.loads(line)
        assert (told["level"], told["outcome"], told["code"]) == ("error", "failed", "RuntimeError")
        assert "office/cases.py" in told["where"]

    def test_is_put_aside_when_full_and_the_oldest_goes(self, tmp_path: Path) -> None:
        book = Logbook(tmp_path / "log" / "x.jsonl", largest=500, keep=3)
        for n in range(60):
            book.note("info", "test", ms=n)
        names = sorted(p.name for p in (tmp_path / "log").iterdir())
        assert names == ["x.jsonl", "x.jsonl.1", "x.jsonl.2", "x.jsonl.3", "x.jsonl.lock"]
        order = [f"x.jsonl.{n}" for n in (3, 2, 1)] + ["x.jsonl"]
        told = [json.loads(x)["ms"] for name in order for x in (tmp_path / "log" / name).read_text().splitlines()]
        assert told == list(range(told[0], 60))
        assert told[0] > 0
        assert (tmp_path / "log" / "x.jsonl").stat().st_mode & 0o077 == 0

    def test_of_many_processes_loses_no_line(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from yishenqing.logbook import Logbook\n"
            "book = Logbook(Path(sys.argv[1]), largest=4000, keep=100)\n"
            "for n in range(100): book.note('info', sys.argv[2], ms=n)"
        )
        words = [sys.executable, "-c", code, str(tmp_path / "x.jsonl")]
        processes = [subprocess.Popen([*words, f"p{n}"]) for n in range(4)]
        assert [p.wait() for p in processes] == [0] * 4
        told = [
            json.loads(x)
            for p in tmp_path.glob("x.jsonl*")
            if p.suffix != ".lock"
            for x in p.read_text().splitlines()
        ]
        assert sorted((x["event"], x["ms"]) for x in told) == [(f"p{n}", m) for n in range(4) for m in range(100)]

    def test_that_cannot_be_written_stops_nobody(
        self, home: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        configure(home, log={"file": str(tmp_path / "file" / "x.jsonl")})
        with Office.open(home, user=USER) as office, caplog.at_level(logging.WARNING):
            office.register({**APPLICATION, "arrived_on": "2026-03-02"})
        assert "运行日志写不到" in caplog.text

    @pytest.mark.parametrize(("name", "value"), [("megabytes", 0), ("keep", 0)])
    def test_needs_sensible_settings(self, home: Path, name: str, value: int) -> None:
        configure(home, log={"file": "x", name: value})
        with pytest.raises(DataFault, match=f"log.{name}.*不能小于1"):
            read_settings(home)


class TestDoctor:
    def test_a_clock_that_stopped(self, home: Path) -> None:
        assert levels(home)["scheduler"][0] == "warning"
        with Office.open(home, user=USER) as office:
            office.beat(60)
        assert levels(home)["scheduler"] == ("ok", "")
        long_ago = (datetime.now(UTC) - timedelta(minutes=11)).isoformat()
        tamper(home, f"UPDATE heartbeats SET at = '{long_ago}'")  # noqa: S608 - our own words
        level, remedy = levels(home)["scheduler"]
        assert (level, "ysq run" in remedy) == ("fault", True)
        tamper(home, "UPDATE heartbeats SET every = 0")  # ticks by hand or by cron come more rarely
        assert levels(home)["scheduler"] == ("ok", "")

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM entries WHERE number = '2026-0001' AND seq = (SELECT max(seq) FROM entries)",
            "UPDATE cases SET head_seq = head_seq - 1 WHERE number = '2026-0001'",
            "UPDATE cases SET head_hash = 'x' WHERE number = '2026-0001'",
            "DELETE FROM entries WHERE number = '2026-0001'",
        ],
    )
    def test_a_head_that_does_not_fit(self, home: Path, in_state: Make, statement: str) -> None:
        in_state("accepted")
        assert levels(home)["chains"] == ("ok", "")
        tamper(home, statement)
        level, remedy = levels(home)["chains"]
        assert (level, "ysq audit verify" in remedy) == ("fault", True)

    def test_cases_that_the_clock_cannot_look_at(self, home: Path, in_state: Make) -> None:
        number = in_state("")
        tamper(home, f"UPDATE entries SET payload = 'x' WHERE number = '{number}'")  # noqa: S608 - our own words
        assert ysq("tick", "--home", home, YISHENQING_TODAY="2026-04-20").returncode != 0
        assert rows(home, "SELECT count(*) FROM failures WHERE over_at IS NULL") == [(1,)]
        assert levels(home)["failures"] == ("warning", "请运行：ysq failures")

    def test_a_key_that_others_may_read(self, home: Path) -> None:
        assert levels(home)["secrets"] == ("ok", "")
        for name in ("recognition.key", "database.password"):
            path = home / name
            path.touch()
            path.chmod(0o640)
            level, remedy = levels(home)["secrets"]
            assert (level, "chmod 600" in remedy) == ("fault", True)
            path.chmod(0o600)
        assert os.access(home / "recognition.key", os.R_OK)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("mail.password_env", {"mail": {"host": "x", "from": "a@b.cn", "user": "a", "password_env": "s3cret!"}}),
        (
            "models.embedding.key_env",
            {"models": {"embedding": {"url": "http://10.1.1.1/v1", "model": "m", "key_env": "sk-1x"}}},
        ),
        ("models.writing.url", {"models": {"writing": {"url": "http://ich:geheim@10.1.1.1/v1", "model": "m"}}}),
        ("letters.sign.password_env", {"letters": {"sign": {"pkcs12": "a.p12", "password_env": "geheim"}}}),
        ("database", {"database": "postgresql+psycopg://ich:geheim@10.1.1.1/ysq"}),
        ("database", {"database": "postgresql+psycopg://10.1.1.1/ysq?user=ich&password=geheim"}),
    ],
)
def test_no_setting_takes_a_secret_itself(home: Path, place: str, value: dict[str, object]) -> None:
    configure(home, **value)
    with pytest.raises(DataFault) as told:
        read_settings(home)
    assert [fault.field for fault in told.value.faults] == [place]
    assert "geheim" not in str(told.value)
