"""``ysq run`` as processes: two at once, one killed; stopped cleanly; in another zone; with its office changing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from offices import OPENED, use_database, ysq
from timing import YELLOW, configure, looked, many, registered, ticked

from yishenqing import Office, scheduler

pytest_plugins = ["pg"]

THOUSAND = 1000


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, home: Path) -> Path:
    if request.param == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    return home


Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Return a function that starts ``ysq run``; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(home: Path, day: str = YELLOW.isoformat(), *words: str, **env: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "yishenqing", "run", "--every", "1", "--home", str(home), *words]
        # A file, not a pipe: nobody reads while it runs.
        with (tmp_path / f"out-{len(running)}").open("w") as out, (tmp_path / f"err-{len(running)}").open("w") as err:
            full = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "YISHENQING_TODAY": day, **env}
            running.append(subprocess.Popen(command, stdout=out, stderr=err, text=True, env=full))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(true: Callable[[], bool], seconds: float = 30.0, pause: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(pause)


def recorded(home: Path) -> int:
    return int(looked(home, "SELECT count(*) FROM reminders")[0][0])


def told(tmp_path: Path, process: int) -> list[dict[str, Any]]:
    lines = (tmp_path / f"out-{process}").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


class TestTwoProcesses:
    def test_and_a_kill_between_them_give_each_of_a_thousand_once(
        self, either: Path, started: Started, tmp_path: Path
    ) -> None:
        numbers = many(either, THOUSAND)
        first, second = (started(either, YELLOW.isoformat(), "--json") for _ in range(2))
        until(lambda: recorded(either) > 0, pause=0.001)
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: recorded(either) >= THOUSAND)
        time.sleep(1.5)  # one more tick, which must find nothing
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
        assert first.wait(5) == -signal.SIGKILL
        once = "SELECT count(*), count(DISTINCT number) FROM reminders WHERE clock = 'reply' AND mark = 'yellow'"
        assert looked(either, once) == [(THOUSAND, THOUSAND)]
        assert sorted(n for (n,) in looked(either, "SELECT number FROM reminders WHERE clock = 'reply'")) == numbers
        assert looked(either, "SELECT count(*) FROM deadlines WHERE remind_on <= '2026-03-23'") == [(0,)]
        assert ticked(either, YELLOW)["reminders"] == []
        assert ysq("--home", either, "tick", YISHENQING_TODAY=YELLOW.isoformat()).returncode == 0
        assert list(either.glob(".ticking-*")) == []  # what the killed one left has been named by now
        by_both = [(r["number"], r["clock"], r["mark"]) for p in (0, 1) for r in told(tmp_path, p)]
        assert len(by_both) == len(set(by_both))

    def test_what_was_recorded_and_not_shown_is_named_by_the_next(self, home: Path) -> None:
        """Deterministic: everything is recorded, and the process dies before it prints a line."""
        numbers = many(home, 60)
        dying = """
            import os, signal, sys
            from yishenqing.cli import run, timing
            timing.reminder_lines = lambda reminders: os.kill(os.getpid(), signal.SIGKILL)
            run(["--home", sys.argv[1], "tick"])
        """
        words = [sys.executable, "-c", textwrap.dedent(dying), str(home)]
        day = {**os.environ, "PYTHONUTF8": "1", "YISHENQING_TODAY": YELLOW.isoformat()}
        assert subprocess.run(words, check=False, env=day).returncode == -signal.SIGKILL
        assert recorded(home) >= len(numbers)
        again = ysq("--home", home, "tick", YISHENQING_TODAY=YELLOW.isoformat()).stdout.splitlines()
        assert again[0] == "上次检查中断，下列提醒已经记录，可能没有显示过："
        assert sorted(n for n in numbers if any(f"【黄灯】{n}　答复期限：" in line for line in again)) == numbers
        assert again[-1] == "没有新的提醒。"
        assert ysq("--home", home, "tick", YISHENQING_TODAY=YELLOW.isoformat()).stdout == "没有新的提醒。\n"
        assert recorded(home) == len(again) - 2
        assert list(home.glob(".ticking-*")) == []

    def test_killed_in_the_middle_of_a_batch_leave_that_batch_due(self, either: Path) -> None:
        """Deterministic: the fifth transaction has written its reminders and dies before it commits."""
        many(either, THOUSAND)
        dying = """
            import os, signal, sys
            from datetime import date
            from yishenqing import Office
            from yishenqing.store import due
            record, calls = due.remind, iter(range(99))
            def remind(connection, rows):
                record(connection, rows)
                if next(calls) == 4:
                    os.kill(os.getpid(), signal.SIGKILL)
            due.remind = remind
            with Office.open(sys.argv[1], today=lambda: date.fromisoformat(sys.argv[2])) as office:
                office.tick()
        """
        words = [sys.executable, "-c", textwrap.dedent(dying), str(either), YELLOW.isoformat()]
        assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
        assert recorded(either) == 200
        assert len(ticked(either, YELLOW)["reminders"]) == THOUSAND - 200
        assert looked(either, "SELECT count(*), count(DISTINCT number) FROM reminders") == [(THOUSAND, THOUSAND)]


class TestOneProcess:
    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
    def test_stops_cleanly(self, home: Path, started: Started, tmp_path: Path, how: signal.Signals) -> None:
        registered(home)
        process = started(home)
        until(lambda: recorded(home) > 0)
        time.sleep(0.3)
        process.send_signal(how)
        assert process.wait(20) == 0
        assert (tmp_path / "err-0").read_text() == ""

    def test_sees_new_settings_and_survives_broken_ones(self, home: Path, started: Started, tmp_path: Path) -> None:
        registered(home)
        process = started(home, "2026-03-18")
        until(lambda: recorded(home) == 2)  # both marks of the notice to supplement
        good = (home / "office.yaml").read_text(encoding="utf-8")
        (home / "office.yaml").write_text("agency: [", encoding="utf-8")
        until(lambda: "将再次尝试" in (tmp_path / "err-0").read_text(encoding="utf-8"))
        (home / "office.yaml").write_text(good, encoding="utf-8")
        configure(home, reminders={"reply": {"yellow": 8}})
        until(lambda: recorded(home) == 3)
        assert process.poll() is None

    def test_that_finds_no_office_says_so_and_ends(self, tmp_path: Path) -> None:
        done = ysq("run", "--home", tmp_path / "nowhere")
        assert (done.returncode, "ysq init" in done.stderr) == (5, True)

    def test_goes_on_after_a_fault_of_the_program(self, caplog: pytest.LogCaptureFixture) -> None:
        answers = iter([KeyError("x"), "好", SystemExit(0)])
        heard: list[Any] = []

        def tick() -> Any:
            answer = next(answers)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        class Again:
            running = False

            def __init__(self, **_options: Any) -> None: ...

            def add_job(self, job: Callable[[], None], *_args: Any, **_options: Any) -> None:
                self.job = job

            def start(self) -> None:
                self.job()
                self.job()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("apscheduler.schedulers.blocking.BlockingScheduler", Again)
            scheduler.run(tick, 1, heard.append)
        assert heard == ["好"]
        assert "程序内部错误" in caplog.text
        assert "KeyError" in caplog.text


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_the_servers_time_zone_changes_nothing(home: Path, zone: str) -> None:
    registered(home)
    done = ysq("tick", "--home", home, "--json", TZ=zone, YISHENQING_TODAY="2026-03-23")
    found = json.loads(done.stdout)
    assert {(r["clock"], r["mark"], r["due"]) for r in found["reminders"]} == {
        ("reply", "yellow", "2026-03-30"),
        ("supplement_notice", "red", "2026-03-11"),
    }
    probe = """
        import os, time
        from yishenqing.office.premises import now, system_today
        for zone in (os.environ["TZ"], "Asia/Shanghai"):
            os.environ["TZ"] = zone
            time.tzset()
            print(system_today(), now()[:16])
    """
    words, env = [sys.executable, "-c", textwrap.dedent(probe)], {**os.environ, "TZ": zone}
    here, there = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    assert here[:10] == there[:10]  # the instants differ by the moment between them, the days must not


def test_tick_says_what_was_not_delivered_and_exits_with_one(home: Path) -> None:
    registered(home)
    configure(home, hook=["/nowhere/notify"])
    done = ysq("tick", "--home", home, YISHENQING_TODAY="2026-03-23")
    assert done.returncode == 1
    assert "【黄灯】2026-0001" in done.stdout
    assert "提醒命令未能送达，已试1次" in done.stderr
    assert OPENED.isoformat() not in done.stderr
