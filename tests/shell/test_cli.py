"""The command line as the contract fixes it: shapes, exit codes, options before and after, every word Chinese."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from offices import APPLICATION, ROAD, USER, tamper, ysq

from yishenqing.cli import cli, run

Answer = Mapping[str, Any]
Cli = Callable[..., tuple[int, str, str]]
_DEADLINE = {"clock", "title", "due", "state", "provisional", "owed_by", "reasons", "alternatives"}
_CASE = {"number", "state", "outcome", "deadlines", "permitted", "letters", "entries"}
_ENTRY = {"seq", "on", "recorded_at", "actor", "step", "facts", "hash"}
_LINE = {"number", "state", "clock", "due", "working_days_left", "provisional", "owed_by"}


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YISHENQING_TODAY", "2026-03-02")
    monkeypatch.delenv("YISHENQING_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process; return exit code, stdout, stderr."""

    def asked(*words: str | Path) -> tuple[int, str, str]:
        code = run([str(w) for w in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return asked


@pytest.fixture
def said(ask: Cli, home: Path) -> Callable[..., tuple[int, Answer]]:
    """Run a command on the office with --json; return exit code and the one document."""

    def asked(*words: str | Path) -> tuple[int, Answer]:
        code, out, _ = ask("--home", home, "--as", USER, "--json", *words)
        return code, json.loads(out)

    return asked


@pytest.fixture
def application(tmp_path: Path) -> Path:
    file = tmp_path / "申请 一.json"
    file.write_text(json.dumps(APPLICATION, ensure_ascii=False))
    return file


@pytest.fixture
def number(said: Callable[..., tuple[int, Answer]], application: Path) -> str:
    code, found = said("register", application)
    assert code == 0
    return str(found["number"])


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command there is."""
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


class TestShapes:
    def test_register_show_and_act(self, said: Callable[..., tuple[int, Answer]], number: str) -> None:
        code, found = said("show", number)
        assert code == 0
        assert found.keys() >= _CASE
        assert found["outcome"] is None
        assert all(d.keys() >= _DEADLINE for d in found["deadlines"])
        assert all(r.keys() == {"text", "law"} for d in found["deadlines"] for r in d["reasons"])
        assert all(p.keys() == {"step", "title", "role"} for p in found["permitted"])
        assert all(e.keys() >= _ENTRY for e in found["entries"])
        reply = {d["clock"]: d for d in found["deadlines"]}["reply"]
        assert (reply["due"], reply["state"], reply["provisional"], reply["owed_by"]) == (
            "2026-03-30",
            "running",
            False,
            "organ",
        )
        code, moved = said("act", number, "withdrawn", "statement=书面撤回")
        assert (code, moved.keys() >= _CASE, moved["state"]) == (0, True, "withdrawn")

    def test_lists(self, said: Callable[..., tuple[int, Answer]], number: str) -> None:
        for command in ("list", "due"):
            code, found = said(command)
            assert (code, list(found)) == (0, ["cases"])
            assert all(line.keys() >= _LINE for line in found["cases"])
            assert found["cases"][0]["number"] == number

    def test_letters(self, said: Callable[..., tuple[int, Answer]], number: str) -> None:
        """One letter really printed: its file name bears number and title."""
        code, found = said("act", number, "acknowledged")
        (letter,) = found["letters"]
        assert (code, letter.keys() >= {"kind", "number", "path", "sha256"}) == (0, True)
        assert Path(letter["path"]).read_bytes().startswith(b"%PDF")
        assert re.fullmatch(r"云自然资依申请演回〔2026〕1号.*登记回执\.pdf", Path(letter["path"]).name)
        code, again = said("letter", number, "registration_receipt")
        assert (code, again["path"], again["number"]) == (0, letter["path"], letter["number"])

    def test_ticks_and_the_rest(self, said: Callable[..., tuple[int, Answer]], number: str, tmp_path: Path) -> None:
        code, found = said("tick")
        assert (code, found["reminders"], found["faults"]) == (0, [], [])
        code, found = said("precedent", "search", "土地征收公告", "--limit", "3")
        assert code == 0
        assert all(m.keys() == {"id", "score", "title", "why", "passage"} for m in found["matches"])
        assert 0 < len(found["matches"]) <= 3
        queries = tmp_path / "queries.jsonl"
        queries.write_text('{"id": "q1", "text": "会议纪要"}\n')
        code, found = said("precedent", "search", "--queries", queries)
        assert (code, [r["id"] for r in found["results"]]) == (0, ["q1"])
        assert all(m.keys() == {"id", "score"} for m in found["results"][0]["matches"])
        code, found = said("archive", "verify", number)
        assert (code, found["faults"]) == (0, [])
        assert said("init")[0] == said("upgrade")[0] == said("diagram", "--to", tmp_path / "图")[0] == 0

    @pytest.mark.parametrize("command", ["draft", "check"])
    def test_one_document(self, said: Callable[..., tuple[int, Answer]], number: str, command: str) -> None:
        words = ["draft", number, "outcome=granted"] if command == "draft" else ["check"]
        code, found = said(*words)
        assert (code, isinstance(found, dict)) == (0, True)


class TestOptions:
    @pytest.mark.parametrize("place", ["before", "after", "both", "environment"])
    def test_stand_before_and_after_the_command(
        self, ask: Cli, home: Path, number: str, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = ["--home", str(home), "--json", "--as", USER, "--on", "2026-03-01"]
        act = ["act", number, "withdrawn", "statement=撤回"]
        if place == "environment":
            monkeypatch.setenv("YISHENQING_HOME", str(home))
            options = options[2:]
        words = {"after": [*act, *options], "both": ["--home", "/nowhere", "--on", "2025-01-01", *act, *options]}
        code, out, _ = ask(*words.get(place, [*options, *act]))
        # The day of the act is before the last entry: refused, and by its own date.
        assert (code, json.loads(out)["error"]["code"]) == (3, "refused")
        assert "2026-03-01" in out

    def test_the_folder_is_the_one_beside_when_none_is_named(self, ask: Cli, tmp_path: Path) -> None:
        assert ask("init")[0] == 0
        assert (tmp_path / "yishenqing-home" / "office.db").is_file()

    def test_the_day_and_the_person_are_recorded(self, said: Callable[..., tuple[int, Answer]], number: str) -> None:
        _, found = said("act", number, "withdrawn", "statement=撤回", "--on", "2026-03-02")
        last = found["entries"][-1]
        assert (last["on"], last["actor"], last["rehearsal"]) == ("2026-03-02", USER, True)

    def test_a_fact_given_twice_is_a_list(self, said: Callable[..., tuple[int, Answer]], number: str) -> None:
        code, found = said("act", number, "withdrawn", "statement=撤回", "statement=再撤回")
        assert (code, found["error"]["faults"][0]["field"]) == (6, "statement")


class TestExitCodes:
    """0 is everywhere above; here each of the others, as text and as one JSON document."""

    @pytest.fixture
    def refused(self, ask: Cli, home: Path) -> Callable[..., str]:
        def asked(expected: int, *words: str | Path) -> str:
            for options in (("--home", home, "--as", USER), ("--home", home, "--as", USER, "--json")):
                code, out, err = ask(*options, *words)
                assert code == expected, (out, err)
                if "--json" in options:
                    error = json.loads(out)["error"]
                    assert error.keys() >= {"code", "text", "law", "permitted"}
                else:
                    assert out == ""
                    assert re.search(r"[\u4e00-\u9fff]", err)
                    assert "Traceback" not in err
            return str(error["text"]) + json.dumps(error, ensure_ascii=False)

        return asked

    def test_1_a_folder_that_is_a_file(self, ask: Cli, application: Path) -> None:
        code, out, _ = ask("--home", application, "init", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (1, "error")

    @pytest.mark.parametrize(
        "words",
        [
            ("nosuch",),
            ("shwo",),
            ("show",),
            ("show", "a", "b"),
            ("act", "x", "y", "no-equals"),
            ("act", "x", "y", "=value"),
            ("act", "x", "y", "--expect", "abc"),
            ("list", "--nosuch"),
            ("list", "--on", "2026-02-30"),
            ("list", "--on", "tomorrow"),
            ("list", "--home"),
            ("precedent", "search"),
            ("precedent", "search", "a", "--queries", "b"),
            ("precedent", "search", "a", "--limit", "0"),
            ("run", "--every", "0"),
            ("archive", "nosuch"),
            ("archive", "export", "2026-0001", "--skip-damaged"),
            ("archive", "export", "2026-0001", "--masked", "--skip-damaged"),
            ("backup", "--new-key", "k", "file"),
            ("backup", "--check", "--with-keys", "file"),
            ("search", "会议纪要", "--rebuild"),
            ("search", "--rebuild", "--year", "2024"),
            ("show", "\udcff"),
        ],
    )
    def test_2_usage(self, ask: Cli, words: tuple[str, ...]) -> None:
        code, out, err = ask(*words)
        assert (code, out) == (2, "")
        assert foreign(err) == []
        if "--json" not in words[:-1] and words[-1] != "--home":
            code, out, _ = ask(*words, "--json")
            assert (code, json.loads(out)["error"]["code"]) == (2, "usage")

    def test_3_a_step_out_of_order(self, refused: Callable[..., str], number: str) -> None:
        text = refused(3, "act", number, "signed")
        assert "acknowledged" in text

    def test_3_an_unknown_person(self, ask: Cli, home: Path, number: str) -> None:
        code, _, err = ask("--home", home, "--as", "某人", "act", number, "acknowledged")
        assert (code, "某人" in err, USER in err) == (3, True, True)

    def test_3_an_archived_case(
        self, refused: Callable[..., str], in_state: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        number = in_state("archived")
        monkeypatch.setenv("YISHENQING_TODAY", "2026-05-06")
        refused(3, "act", number, "delivered", "signed_by=x")

    def test_3_an_export_too_early(self, refused: Callable[..., str], number: str, home: Path) -> None:
        refused(3, "archive", "export", number)
        assert not (home / "archive").exists()

    def test_4_no_calendar_for_a_past_year(
        self, ask: Cli, home: Path, application: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("YISHENQING_TODAY", "2031-06-02")
        application.write_text(json.dumps({**APPLICATION, "arrived_on": "2031-06-02"}, ensure_ascii=False))
        code, out, _ = ask("--home", home, "--as", USER, "--json", "register", application)
        assert (code, json.loads(out)["error"]["code"]) == (4, "calendar_gap")

    def test_5_what_is_not_there(self, refused: Callable[..., str], application: Path) -> None:
        for words in (
            ("show", "2026-0009"),
            ("act", "2026-0009", "acknowledged"),
            ("letter", "2026-0009", "x"),
            ("draft", "2026-0009"),
            ("archive", "export", "2026-0009"),
            ("archive", "verify", "2026-0009"),
            ("register", "nowhere.json"),
            ("precedent", "show", "nosuch"),
            ("precedent", "import", "nowhere.jsonl"),
        ):
            refused(5, *words)

    def test_5_no_office_at_all(self, ask: Cli, tmp_path: Path, application: Path) -> None:
        for words in (("list",), ("show", "x"), ("register", application), ("tick",), ("due",)):
            code, _, err = ask("--home", tmp_path / "none", *words)
            assert (code, "ysq init" in err) == (5, True)
        assert not (tmp_path / "none").exists()

    def test_5_somebody_wrote_first(self, refused: Callable[..., str], number: str) -> None:
        assert "已有变化" in refused(5, "act", number, "acknowledged", "--expect", "7")

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "[]",
            '"x"',
            "{}",
            '{"channel": "in_person", "channel": "fax"}',
            json.dumps({**APPLICATION, "arrived_on": "2026-02-30"}),
            json.dumps({**APPLICATION, "channel": "pigeon"}),
            json.dumps({**APPLICATION, "chanel": "fax"}),
            json.dumps({**APPLICATION, "items": []}),
            json.dumps({**APPLICATION, "items": ["a\u202eb"]}),
            json.dumps({**APPLICATION, "attachments": ["../../etc/passwd"]}),
            "[" * 100_000,
            '{"n": ' + "9" * 10_000 + "}",
            "\ufeff",
            "\x00",
        ],
    )
    def test_6_an_application_that_is_malformed(
        self, refused: Callable[..., str], application: Path, home: Path, text: str
    ) -> None:
        application.write_text(text)
        assert application.name in refused(6, "register", application)
        with sqlite3.connect(home / "office.db") as connection:
            assert connection.execute("SELECT count(*) FROM cases").fetchone() == (0,)

    def test_6_a_typing_error_in_the_offices_own_workflow(
        self, refused: Callable[..., str], application: Path, home: Path
    ) -> None:
        shipped = Path(__file__).parents[2] / "workflows" / "disclosure.yaml"
        (home / "workflows").mkdir()
        own = home / "workflows" / "disclosure.yaml"
        own.write_text(
            shipped.read_text().replace("    owner: registrar", "    ownr: registrar").replace("owner:", "ownr:")
        )
        line = next(n for n, t in enumerate(own.read_text().splitlines(), 1) if "ownr" in t)
        text = refused(6, "register", application)
        assert f"{own} 第{line}行" in text
        assert "是否想写" in text or "未知的键" in text

    def test_6_check_names_the_fault_too(self, ask: Cli, home: Path) -> None:
        (home / "workflows").mkdir()
        (home / "workflows" / "disclosure.yaml").write_text("id: x\nid: y\n")
        code, out, _ = ask("--home", home, "check")
        assert (code, "第2行" in out, "重复" in out) == (6, True, True)

    def test_6_settings_with_a_fault(self, refused: Callable[..., str], home: Path) -> None:
        settings = home / "office.yaml"
        settings.write_text(settings.read_text().replace("court:", "cuort:"))
        assert "office.yaml 第" in refused(6, "list")

    def test_6_an_unknown_fact_and_a_bad_value(self, refused: Callable[..., str], number: str) -> None:
        assert "可以填写" in refused(6, "act", number, "withdrawn", "statment=x")
        refused(6, "act", number, "withdrawn", "statement=x", "attachments=/nowhere")

    def test_7_a_changed_row(self, refused: Callable[..., str], number: str, home: Path) -> None:
        tamper(home, "UPDATE entries SET actor = '别人'")
        text = refused(7, "archive", "verify", number)
        assert f"{number} 第1条记录" in text

    @pytest.mark.parametrize("harm", [b"garbage, not a database " * 400, None])
    def test_7_a_broken_database(
        self, refused: Callable[..., str], number: str, home: Path, harm: bytes | None
    ) -> None:
        file = home / "office.db"
        file.write_bytes(harm or file.read_bytes()[:6000])
        for word in ("-wal", "-shm"):
            (home / f"office.db{word}").unlink(missing_ok=True)
        assert "备份" in refused(7, "show", number)

    def test_5_an_empty_database(self, refused: Callable[..., str], home: Path) -> None:
        (home / "office.db").write_bytes(b"")
        assert "ysq init" in refused(5, "list")

    def test_a_tick_goes_on_past_a_damaged_case(self, ask: Cli, home: Path, number: str) -> None:
        tamper(home, "UPDATE entries SET payload = '{'")
        os.environ["YISHENQING_TODAY"] = "2026-03-31"  # put back by the fixture
        code, _, err = ask("--home", home, "tick")
        assert (code, number in err, "Traceback" in err) == (7, True, False)


def foreign(text: str) -> list[str]:
    """Return the English words in ``text`` that an officer has not typed and need not know."""
    known = {"ysq", "json", "yaml", "jsonl", "home", "act", "init", "demo", "register", "help", "svg", "mermaid"}
    known |= {word for command in commands() for word in command} | {"bagit", "ndcg", "map", "id", "text", "utf"}
    known |= {"query", "precedent", "grade", "x", "y", "days", "reason", "approved", "by", "ctrl", "yishenqing"}
    plain = re.sub(r"--[a-z-]+|[’'“\"][^’'”\"]*[’'”\"]|没有(?:命令|选项) \S+|是否指 [^？]+|多余的参数：.*", "", text)
    return [w for w in re.findall(r"[A-Za-z]+", plain) if w.lower() not in known]


class TestHelp:
    @pytest.mark.parametrize("words", [(), *commands()], ids=" ".join)
    def test_is_chinese_throughout(self, ask: Cli, words: tuple[str, ...]) -> None:
        code, out, err = ask(*words, "--help")
        assert (code, err) == (0, "")
        assert "用法：ysq" in out
        for english in (
            "Usage",
            "Options",
            "Commands",
            "Show this",
            "[OPTIONS]",
            "COMMAND",
            "default",
            "required",
            "<=",
        ):
            assert english not in out
        assert all(f"--{name}" in out for name in ("home", "json", "as", "on"))

    @pytest.mark.parametrize("words", [(), ("archive",), ("precedent",)])
    def test_a_missing_command_shows_the_help(self, ask: Cli, words: tuple[str, ...]) -> None:
        code, out, err = ask(*words)
        assert (code, out) == (2, "")
        assert "用法：ysq" in err


class TestTheProcess:
    """What only a process of its own can show."""

    def test_a_case_in_a_folder_with_blanks_and_chinese(self, home: Path, application: Path) -> None:
        done = ysq("register", application, "--home", home, "--as", USER, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["number"] == "2026-0001"
        assert "2026-0001" in ysq("list", "--home", home).stdout

    def test_json_is_one_document_also_for_errors(self, home: Path) -> None:
        for words, code in ((("show", "x"), 5), (("nosuch",), 2), (("--on", "x", "list"), 2)):
            done = ysq("--home", home, "--json", *words)
            assert (done.returncode, done.stderr) == (code, "")
            assert json.loads(done.stdout)["error"]["text"]

    def test_the_version_is_told_without_imports(self) -> None:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "yishenqing", "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.fullmatch(r"依申请 yishenqing \d+\.\d+\S*\n", done.stdout)
        assert not re.search(r"\b(click|sqlalchemy|pydantic|yaml)\b", done.stderr)

    def test_show_pays_for_no_printing_scheduling_or_searching(self, home: Path, number: str) -> None:
        script = (
            "import sys; from yishenqing.cli import run; code = run(sys.argv[1:]);"
            "print([m for m in ('weasyprint', 'apscheduler', 'jieba', 'jinja2', 'alembic', 'bagit', 'pypdf')"
            " if m in sys.modules], file=sys.stderr); sys.exit(code)"
        )
        words = [sys.executable, "-c", script, "--home", str(home), "show", number]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert done.stderr == "[]\n"

    @pytest.mark.parametrize("encoding", ["gbk", "ascii"])
    def test_a_terminal_without_all_characters_is_no_error(self, home: Path, number: str, encoding: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "yishenqing", "--home", str(home), "check"],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)

    def test_a_reader_that_goes_away_is_no_error(self, home: Path) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        words = [sys.executable, "-m", "yishenqing", "--home", str(home), "check"]
        done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writer)
        assert (done.stderr, done.returncode) == ("", 1)

    def test_run_tells_reminders_and_stops_when_asked(self, home: Path, number: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "yishenqing", "--home", str(home), "run", "--every", "1", "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "YISHENQING_TODAY": "2026-03-31"},
        )
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(2)
        rest, _ = process.communicate(timeout=20)
        assert {(t["number"], t["clock"]) for t in told} == {(number, "reply"), (number, "supplement_notice")}
        assert (rest, process.returncode) == ("", 0)


def test_no_command_takes_a_word_from_the_global_options() -> None:
    def walk(command: click.Command) -> Iterator[click.Command]:
        yield command
        for below in command.commands.values() if isinstance(command, click.Group) else ():
            yield from walk(below)

    names = {p.name for p in cli.params}
    assert names > {"home", "user", "agency"}
    for command in walk(cli):
        taken = [p.name for p in command.params if p.name in names]
        assert len(taken) == len(set(taken)), command.name


def test_the_overview_says_of_every_command_what_it_does(ask: Cli) -> None:
    overview = ask("--help")[1]
    assert "..." not in overview
    assert "inspect        发出前的检查：" in overview


def test_the_road_by_the_command_line_alone(
    said: Callable[..., tuple[int, Answer]],
    number: str,
    quick_letters: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for day, step, facts in ROAD:
        monkeypatch.setenv("YISHENQING_TODAY", day)
        code, found = said("act", number, step, *(f"{k}={v}" for k, v in facts.items()))
        assert (code, found["entries"][-1]["step"]) == (0, step)
    assert found["state"] == "archived"
    assert said("archive", "verify", number)[0] == 0
    assert said("due") == (0, {"cases": []})
