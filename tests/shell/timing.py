"""What the tests of the timers share: offices with persons and a mail server, many cases at once, raw looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from offices import APPLICATION, OPENED, USER
from sqlalchemy import create_engine, insert, select, text

from yishenqing import Office
from yishenqing.office.premises import database_url
from yishenqing.settings import read_settings
from yishenqing.store.tables import cases, deadlines, entries

YELLOW, RED, DUE = date(2026, 3, 23), date(2026, 3, 26), date(2026, 3, 30)
ALL_ROLES = ["registrar", "reviewer", "handler", "secrecy", "signer", "dispatcher", "archivist"]
PEOPLE = {
    USER: {"name": "经办人", "roles": ["reviewer", "handler"], "email": "jing@example.cn"},
    "deng": {"name": "邓登记", "roles": ["registrar"], "email": "deng@example.cn"},
    "jian": {"name": "简监督", "roles": ["supervisor"], "email": "jian@example.cn"},
}


def configure(home: Path, **settings: Any) -> None:
    """Change an office's settings as an officer would who edits the file."""
    path = home / "office.yaml"
    data = {**yaml.safe_load(path.read_text(encoding="utf-8")), **settings}
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def registered(home: Path, cases_: int = 1, day: date = OPENED) -> list[str]:
    (registrar, *_) = read_settings(home).holders("registrar")
    with Office.open(home, user=registrar, today=lambda: day) as office:
        return [office.register({**APPLICATION, "arrived_on": day.isoformat()})["number"] for _ in range(cases_)]


def ticked(home: Path, day: date) -> dict[str, Any]:
    """Tick in an office opened for the purpose, as a scheduler started anew would."""
    with Office.open(home, user=USER, today=lambda: day) as office:
        return dict(office.tick())


def marks(found: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((r["clock"], r["mark"]) for r in found["reminders"])


def many(home: Path, count: int, remind_on: date = YELLOW) -> list[str]:
    """Put many cases of one entry into the database at once, each with one deadline that is to be told of."""
    registered(home)
    ticked(home, OPENED)  # what is stored from now on counts as reckoned by today's settings
    numbers = [f"C-{n:05d}" for n in range(count)]
    engine = create_engine(database_url(home, read_settings(home)))
    with engine.begin() as connection:
        for table in (cases, entries, deadlines):
            query = select(table).where(table.c.number == "2026-0001")
            if table is deadlines:
                query = query.where(table.c.clock == "reply")
            row = dict(connection.execute(query).one()._mapping)
            if table is deadlines:
                row["remind_on"] = remind_on
            connection.execute(insert(table), [{**row, "number": number} for number in numbers])
        connection.execute(text("UPDATE deadlines SET remind_on = NULL WHERE number = '2026-0001'"))
    engine.dispose()
    return numbers


def looked(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Read the office's database, wherever it is, without the program."""
    engine = create_engine(database_url(home, read_settings(home)))
    with engine.connect() as connection:
        found: Sequence[Any] = connection.execute(text(query)).all()
    engine.dispose()
    return [tuple(row) for row in found]


def changed(home: Path, statements: Iterable[str]) -> None:
    engine = create_engine(database_url(home, read_settings(home)))
    with engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0, statement
    engine.dispose()
