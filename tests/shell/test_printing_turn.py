"""What happens to a letter while its officer waits for the turn to print it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, rows, tamper

from yishenqing import Office
from yishenqing.core.errors import Refused
from yishenqing.office import cases


class Waiting:
    """An officer who has had the receipt of case 2026-0001 inspected and waits for the turn."""

    def __init__(self, home: Path, calendar: Calendar, thread: ThreadPoolExecutor) -> None:
        self.home, self.calendar, self.thread = home, calendar, thread
        self.there, self.go = Event(), Event()
        self.answer: Future[Any]

    def wait(self, _held: ExitStack, _home: Path, _series: str) -> None:
        if self.there.is_set():
            return  # another letter's turn
        self.there.set()
        assert self.go.wait(30)

    def begin(self) -> None:
        self.answer = self.thread.submit(self._act)
        assert self.there.wait(30)

    def _act(self) -> Any:
        with Office.open(self.home, user=USER, today=self.calendar) as mine:
            return mine.act("2026-0001", "acknowledged")

    def end(self) -> list[str]:
        self.go.set()
        return [letter["number"] for letter in self.answer.result(60)["letters"]]


@pytest.fixture
def waiting(home: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    with Office.open(home, user=USER, today=calendar) as office:
        office.register(APPLICATION)
    with ThreadPoolExecutor(1) as thread:
        found = Waiting(home, calendar, thread)
        monkeypatch.setattr(cases, "wait_to_print", found.wait)
        found.begin()
        yield found
        found.go.set()


def test_nothing_has_happened(waiting: Waiting, home: Path) -> None:
    assert waiting.end() == ["云自然资依申请回〔2026〕1号"]
    assert _sound(home)


def test_its_number_was_given_to_another(waiting: Waiting, home: Path) -> None:
    tamper(home, "UPDATE counters SET last = last + 1 WHERE series <> 'case'")
    assert waiting.end() == ["云自然资依申请回〔2026〕2号"]
    assert rows(home, "SELECT number, n FROM letters") == [("2026-0001", 2)]


def test_the_case_has_ended(waiting: Waiting, home: Path, calendar: Calendar) -> None:
    with Office.open(home, user=USER, today=calendar) as office:
        office.act("2026-0001", "withdrawn", {"statement": "书面撤回"})
    with pytest.raises(Refused, match="已撤回待归档"):
        waiting.end()
    assert rows(home, "SELECT series FROM letters") == [("撤",)]  # the confirmation of the withdrawal alone
    assert _sound(home)


def _sound(home: Path) -> bool:
    with Office.open(home, user=USER) as office:
        return office.verify("2026-0001") == []
