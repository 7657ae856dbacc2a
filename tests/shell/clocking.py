"""Histories for ``ysq clock``, and a way to ask it in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from yishenqing import rulebook
from yishenqing.cli import run
from yishenqing.rulebook import Rulebook

Answer = Mapping[str, Any]
Ask = Callable[..., tuple[int, Answer]]
RECEIVED = "2026-03-02 received channel=in_person"
DONE, REFUSED, NO_CALENDAR, NOT_FOUND, MALFORMED = 0, 3, 4, 5, 6


def fact(line: str) -> dict[str, Any]:
    """Read ``day fact key=value …``; digits are a number, 是 is true."""
    on, name, *words = line.split()
    given: dict[str, Any] = {"on": on, "fact": name}
    for key, value in (w.split("=") for w in words):
        given[key] = int(value) if value.isdigit() else True if value == "是" else value
    return given


def history(today: str, *lines: str) -> dict[str, Any]:
    return {"today": today, "facts": [fact(line) for line in lines]}


def clocks(answer: Answer) -> dict[str, str]:
    """Return due date and state of each clock."""
    return {d["clock"] + d.get("id", ""): f"{d['due']} {d['state']}" for d in answer["deadlines"]}


def stand_alone(monkeypatch: pytest.MonkeyPatch, folder: Path, rules: Rulebook) -> None:
    """Work in ``folder`` with no office anywhere near, and the shipped rules read once."""
    monkeypatch.setenv("YISHENQING_TODAY", "2026-11-21")
    monkeypatch.delenv("YISHENQING_HOME", raising=False)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(rulebook, "read_rulebook", lambda _home: rules)


def asking(capsys: pytest.CaptureFixture[str], file: Path) -> Ask:
    """Return how to ask for one history, or for a text as it stands; it answers exit code and one JSON document."""

    def ask(given: Answer | str | bytes) -> tuple[int, Answer]:
        if isinstance(given, bytes):
            file.write_bytes(given)
        else:
            file.write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8")
        code = run(["clock", str(file), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return ask
