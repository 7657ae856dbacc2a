"""``ysq clock FILE`` given what it cannot read: exit 6, with file, line and field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clocking import (
    MALFORMED,
    NOT_FOUND,
    RECEIVED,
    REFUSED,
    Ask,
    asking,
    fact,
    history,
    stand_alone,
)

from yishenqing.cli import run
from yishenqing.rulebook import Rulebook


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rules: Rulebook) -> None:
    stand_alone(monkeypatch, tmp_path, rules)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "经过 一.json"


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str], file: Path) -> Ask:
    return asking(capsys, file)


R = json.dumps(fact(RECEIVED))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"facts": [{"on": "2026-02-31", "fact": "received"}]}', "facts.1.on"),
        ('{"facts": [{"on": "2026-03-02T00:00:00+08:00", "fact": "received"}]}', "facts.1.on"),
        ('{"facts": [{"on": "2026-03-02Z", "fact": "received"}]}', "facts.1.on"),
        ('{"facts": [{"on": "20260302", "fact": "received"}]}', "facts.1.on"),
        ('{"facts": [{"on": 20260302, "fact": "received"}]}', "facts.1.on"),
        ('{"facts": [{"fact": "received"}]}', "facts.1.on"),
        ('{"today": "2026-02-31", "facts": []}', "today"),
        ('{"today": 1, "facts": []}', "today"),
        ('{"facts": [], "fact": 1}', "fact"),
        ('{"facts": [7]}', "facts.1"),
        ('{"facts": [{"on": "2026-03-02", "fact": "recieved"}]}', "facts.1.fact"),
        ('{"facts": [{"on": "2026-03-02", "fact": null}]}', "facts.1.fact"),
        ('{"facts": [{"on": "2026-03-02", "fact": "received", "channel": "pigeon"}]}', "channel"),
        ('{"facts": [{"on": "2026-03-02", "fact": "received", "chanel": "fax"}]}', "chanel"),
        (f'{{"facts": [{R}, {{"on": "2026-03-20", "fact": "extended", "days": "many"}}]}}', "days"),
        (f'{{"facts": [{R}, {{"on": "2026-03-20", "fact": "extended", "days": true}}]}}', "days"),
        (f'{{"facts": [{R}, {{"on": "2026-03-20", "fact": "extended", "days": [5]}}]}}', "days"),
        (
            f'{{"facts": [{R}, {{"on": "2026-03-04", "fact": "supplement_requested", "until": "2026-13-01"}}]}}',
            "until",
        ),
        ('{"facts": "x"}', ""),
        ('{"facts": {}}', ""),
        ("{}", ""),
        ("[]", ""),
        ("null", ""),
        (f'{{"facts": [], "facts": [{R}]}}', ""),
        ('{"facts": [{"on": "2026-03-02", "on": "2026-03-03", "fact": "received"}]}', ""),
    ],
)
def test_what_is_malformed_names_file_and_field(asked: Ask, file: Path, text: str, field: str) -> None:
    code, answer = asked(text)
    assert (code, answer["error"]["code"]) == (MALFORMED, "data_fault")
    (fault, *_) = answer["error"]["faults"]
    assert (fault["file"], fault["field"]) == (str(file), field)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("你好", 1),
        ('[\n{"on": 2026-03-02}]', 2),
        (b'{"facts":\n "\xff\xfe"}', 2),
        ('{"facts": [\n', 2),
    ],
)
def test_what_is_no_json_names_the_line(asked: Ask, file: Path, text: str | bytes, line: int) -> None:
    code, answer = asked(text)
    (fault,) = answer["error"]["faults"]
    assert (code, fault["file"], fault["line"]) == (MALFORMED, str(file), line)


def test_a_file_that_is_not_there(asked: Ask, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["clock", str(tmp_path / "没有.json")]) == NOT_FOUND
    assert run(["clock", str(tmp_path)]) == MALFORMED
    assert capsys.readouterr().out == ""


def _slips() -> Iterator[Any]:
    """What people write by mistake, each with the exit code that says so."""
    yield pytest.param('{"facts": [{"on": "2026-03-02", "fact": ["received"]}]}', MALFORMED, id="fact is a list")
    yield pytest.param("[" * 100_000, MALFORMED, id="nested too deep")
    yield pytest.param(history("9999-12-31", "9999-12-30 received channel=in_person"), MALFORMED, id="year 9999")
    yield pytest.param(history("2026-03-10", "2026-03-05 extended days=3"), REFUSED, id="extended before received")
    yield pytest.param(history("2026-11-21", "2005-03-02 received channel=in_person"), REFUSED, id="2005")
    early = "2026-03-02 received channel=fax confirmed_on=2026-02-05"
    yield pytest.param(history("2026-03-10", early), REFUSED, id="confirmed before arrival")
    unasked = "2026-03-10 supplement_received"
    yield pytest.param(history("2026-03-10", RECEIVED, unasked), REFUSED, id="supplement nobody asked for")
    yield pytest.param(
        history("2026-03-27", RECEIVED, "2026-03-27 delivered"), REFUSED, id="delivered before replied"
    )
    twice = '{"facts": [], "facts": []}\n{"facts": []}\n'
    yield pytest.param(twice, MALFORMED, id="a key twice in JSON lines")


@pytest.mark.parametrize(("given", "expected"), list(_slips()))
def test_slips_of_the_pen(capsys: pytest.CaptureFixture[str], file: Path, given: Any, expected: int) -> None:
    file.write_text(given if isinstance(given, str) else json.dumps(given))
    assert run(["clock", str(file), "--json"]) == expected


def test_a_misspelt_document_over_several_lines_is_one_fault(asked: Ask) -> None:
    code, answer = asked('{"facts": [\n{"on": 2026-03-02}\n]}')
    assert (code, answer["error"]["faults"][0]["line"]) == (MALFORMED, 2)
