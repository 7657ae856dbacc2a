"""Do thousands of random harms to packages and databases, and kill exports at random: each must be found.

Too long for every run of the tests: ``make tamper``. The same seed does the same harms, but for when a kill meets the
export.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent / "shell"), str(Path(__file__).parent)]

import test_volumes as volumes  # noqa: E402 - the folders of the tests are put on the path first
from offices import APPLICATION, OPENED, USER, Calendar, walked  # noqa: E402
from test_archive import names  # noqa: E402
from test_retention import short_pdf  # noqa: E402
from timing import configure  # noqa: E402

from yishenqing.archive import verify  # noqa: E402
from yishenqing.checkpoints import rows as rows_of_checkpoints  # noqa: E402
from yishenqing.core.errors import YishenqingError  # noqa: E402
from yishenqing.core.ledger import instant  # noqa: E402
from yishenqing.letters import Letterbook  # noqa: E402
from yishenqing.office import Office, casework  # noqa: E402
from yishenqing.office.signing import SignInDesk  # noqa: E402
from yishenqing.released import Find, Finds  # noqa: E402
from yishenqing.store import outbox  # noqa: E402

# What an office's evidence stands on.
TABLES = (
    "cases",
    "entries",
    "sealed",
    "files",
    "letters",
    "deadlines",
    "anchors",
    "checkpoints",
    "reads",
    "rulebooks",
)
# What follows from it, and what people decided outside the cases: ``docs/archive.md`` says how each is held.
BESIDE = (
    *("report_applications", "report_disputes", "report_entered", "report_published"),
    *("request_persons", "request_texts", "request_bands", "proposals", "proposal_requests", "proposal_decisions"),
    *("search_documents", "search_frequencies", "search_totals", "search_uncounted", "search_rows"),
    *("holdings", "holding_versions", "holding_totals", "holding_grams", "holding_frequencies", "assessments"),
    *("precedents", "precedent_versions", "precedent_acts", "precedent_origins"),
    *("retention_holds", "disposal_lists", "disposal_items", "disposal_decisions"),
    *("released_finds", "released_decisions", "access_log", "reminders", "messages", "data_keys", "counters"),
)
# When somebody is told, whether a message went, which case a precedent's last reply stands in: no evidence.
FREE = {
    ("deadlines", "remind_on"),
    ("data_keys", "retired_at"),
    ("precedent_origins", "seq"),
    ("search_uncounted", "number"),  # drawn: only its own row is found by it
    *(("messages", name) for name in ("attempts", "next_try", "last_error", "sent_at")),
}
# What is left of a document that says no more what it said, and the numbers of cases, which an older ledger moves.
WITHOUT = {"search_frequencies": "documents <> 0", "counters": "series <> 'case'"}

EVERY = [
    "registrar",
    "reviewer",
    "handler",
    "secrecy",
    "director",
    "signer",
    "dispatcher",
    "archivist",
    "legal",
    "supervisor",
]
PEOPLE = {USER: {"name": "经办人", "roles": EVERY}, "签发": {"name": "签发", "roles": ["signer"]}}
ASKED = ("关于柳湾片区安置房项目的土地征收公告", "2025年柳湾村集体土地征收补偿登记表", "青禾镇柳湾村村庄规划图")
LIST = """标题,文号,制作日期,公开属性,依据,理由,复核日期,公开网址
柳湾片区安置房项目土地征收公告,云政发〔2025〕3号,2025-03-05,主动公开,,,,门户网站
柳湾片区征收工作会议纪要,云府纪〔2025〕7号,2025-04-01,不予公开,条例第十六条第二款,讨论记录,2026-03-10,
"""
FOUND = Find(
    "2026Q1", "letter", "2026-0001", "公开告知书", "告知书第1页", "phone", "199****0001", instant(datetime.now(UTC))
)
EARLIER = """{"number": "旧1", "received_on": "2025-02-03", "applicant": {"kind": "natural"}, "request": "征地批文", \
"outcome": "granted", "replied_on": "2025-02-20", "remedies": [{"kind": "reconsideration", \
"filed_on": "2025-03-03", "decided_on": "2025-04-20", "result": "maintained"}]}
""".replace("\\\n", "")


def packages(place: Path, chance: random.Random, count: int) -> Counter[str]:
    """Harm files of a volume; return what was not found, by kind."""
    package, missed, done = volumes.exported(place / "卷").path, Counter[str](), 0
    listed = volumes.files_of(package)
    while done < count:
        name, harm = chance.choice(listed), chance.choice(volumes.HARMS)
        path = package / name
        content = path.read_bytes()
        changed = harm(content, chance)
        if changed != content:
            path.write_bytes(changed)
            if name not in names(verify(package)):
                missed[f"{name} {harm.__name__}"] += 1
            path.write_bytes(content)
            done += 1
    return missed


def office_of_three(home: Path) -> None:
    """Make an office of a few cases, checkpoints and some looks, and a row in every table that stands beside."""
    rows_of_checkpoints.UNDER_WAY = timedelta(0)  # here all was done within a minute
    setattr(Letterbook, "pdf", short_pdf)  # noqa: B010 - letters whose looks do not matter; an assignment is not typed
    Office.init(home, USER)
    calendar = Calendar(OPENED)
    configure(home, sign_in={"by": "password"}, people=PEOPLE)
    with SignInDesk(home) as desk:
        desk.set_password(USER, "Yun-xi 2026 ok", new_user=True)
    configure(home, sign_in={"by": "system"}, propose_applicants=2)
    with Office.open(home, user=USER, today=calendar) as office:
        for n, until in enumerate(("archived", "delivered", "accepted", "registered")):
            calendar.day = OPENED
            who = {**APPLICATION["applicant"], "name": f"申请人{n}", "id_number": f"E000000{n}", "id_type": "护照"}
            asked = {**APPLICATION, "applicant": {**who, "phone": None, "address": None}, "items": [ASKED[n % 3]]}
            number = office.register(asked)["number"]
            if until != "registered":
                walked(office, calendar, number, until)
            office.checkpoint()
        furnished(home, office, calendar)


def furnished(home: Path, office: Office, calendar: Calendar) -> None:
    """Do what leaves rows outside the cases: report, register, library, proposals, destruction, reminders."""
    calendar.day = date(2026, 4, 9)
    (home / "清单.csv").write_text(LIST)
    office.import_holdings(home / "清单.csv")
    office.assess(2, "kept", "仍属讨论记录")
    office.propose_precedent("2026-0001", {"holding": "征收公告属主动公开范围，应当提供"})
    office.hold("2026-0002", "法院调卷")
    office.decide_proposal(1, "decline", "内容各不相同")
    (home / "旧账.jsonl").write_text(EARLIER)
    office.import_ledger(home / "旧账.jsonl")
    office.report_enter(2025, {"normative.made": "3", "normative.in_force": "23"})
    office.report_publish(2025)
    office.tick()
    with office._transactions.writing() as connection:
        Finds(connection, office.settings.agency).add([FOUND])
        told = {"channel": "mail", "person": USER, "content": "2026-0003的答复期限", "created_at": FOUND.found_at}
        outbox.put(connection, [{**told, "agency": office.settings.agency, "id": f"m{n}"} for n in (1, 2)])
    office.settle_find(1, "误报", "系本机关值班电话")
    calendar.day = date(2037, 1, 5)
    listed = office.propose_destruction("已满十年，无继续保存的价值", ["2026-0001"])["lists"][0]["list"]
    office.refuse_destruction(listed, "仍在调卷期间", by="签发")
    calendar.day = date(2026, 4, 9)
    office.checkpoint()


def harmed(database: Path, chance: random.Random) -> str | None:
    """Do one harm to a row; return what it was, None where the database would not have it or nothing changed."""
    with sqlite3.connect(database) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        table = Rows.of(connection, chance.choice((*TABLES, *BESIDE)))
        columns = [name for name in table.columns if (table.name, name) not in FREE]
        one, column, kind = chance.choice(table.all), chance.choice(columns), chance.choice(_KINDS)
        before = connection.total_changes
        try:
            changed = kind(table, column, one, chance)
        except sqlite3.IntegrityError:
            changed = False
        done = changed and connection.total_changes > before
    connection.close()
    return f"{table.name}.{column} {kind.__name__}" if done else None


class Rows:
    """A table as it lies there, and how a row of it is named."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.connection, self.name = connection, name
        told = connection.execute(f"PRAGMA table_info({name})").fetchall()
        self.columns = [c[1] for c in told]
        self.keys = [c[1] for c in told if c[5]]
        self.all = connection.execute(f"SELECT * FROM {name} WHERE {WITHOUT.get(name, 'true')}").fetchall()  # noqa: S608 - a name of ours

    @classmethod
    def of(cls, connection: sqlite3.Connection, name: str) -> Rows:
        """Read a table; each of those named must have rows, else nothing was tried."""
        found = cls(connection, name)
        assert found.all, name
        return found

    def cell(self, row: Any, column: str) -> Any:
        """Return one value of a row."""
        return row[self.columns.index(column)]

    def put(self, row: Any, column: str, value: Any) -> None:
        """Write one value of a row."""
        self.connection.execute(
            f'UPDATE {self.name} SET "{column}" = ? WHERE {self._this()}',  # noqa: S608 - names of the database's own
            (value, *self._key(row)),
        )

    def delete(self, row: Any) -> None:
        """Take a row away."""
        self.connection.execute(f"DELETE FROM {self.name} WHERE {self._this()}", self._key(row))  # noqa: S608 - as above

    def insert(self, values: Any) -> None:
        """Put a row in."""
        self.connection.execute(f"INSERT INTO {self.name} VALUES ({','.join('?' * len(values))})", values)  # noqa: S608 - a name of ours

    def _this(self) -> str:
        return " AND ".join(f'"{name}" = ?' for name in self.keys)

    def _key(self, row: Any) -> list[Any]:
        return [self.cell(row, name) for name in self.keys]


def flip(table: Rows, column: str, one: Any, chance: random.Random) -> bool:
    """Change one character of one cell."""
    value = table.cell(one, column)
    if isinstance(value, bytes):
        place = chance.randrange(len(value))
        table.put(
            one, column, value[:place] + bytes([value[place] ^ (1 << chance.randrange(8))]) + value[place + 1 :]
        )
        return True
    text = "" if value is None else str(value)
    place = chance.randrange(len(text) + 1)
    other = text[:place] + chance.choice("0123456789abcdef王") + text[place + 1 :]
    new: Any = int(other) if isinstance(value, int) and other.isdecimal() and len(other) < 19 else other
    table.put(one, column, new)
    return bool(new != value)


def delete(table: Rows, column: str, one: Any, chance: random.Random) -> bool:
    """Take one row away."""
    table.delete(one)
    return True


def swap(table: Rows, column: str, one: Any, chance: random.Random) -> bool:
    """Exchange one cell with that of another row."""
    other = chance.choice(table.all)
    a, b = table.cell(one, column), table.cell(other, column)
    table.put(one, column, b)
    table.put(other, column, a)
    return bool(a != b)


def insert(table: Rows, column: str, one: Any, chance: random.Random) -> bool:
    """Put a row in that is like another but for one cell."""
    if column == "agency":
        return False  # a row of another agency is that one's matter
    values = list(one)
    place = table.columns.index(column)
    values[place] = values[place] + 1 if isinstance(values[place], int) else f"{values[place]}0"
    table.insert(values)
    return True


_KINDS = (flip, flip, flip, delete, swap, insert)


def rows(place: Path, chance: random.Random, count: int) -> Counter[str]:
    """Harm rows of an office's database; return what was not found, by table, column and kind."""
    home, missed, done = place / "机关", Counter[str](), 0
    office_of_three(home)
    sound = (home / "office.db").read_bytes()
    while done < count:
        (home / "office.db").write_bytes(sound)
        what = harmed(home / "office.db", chance)
        if what is None:
            continue
        casework._KNOWN_RULES.clear()
        try:
            with Office.open(home, user=USER, today=lambda: date(2026, 4, 9)) as office:
                found = bool(office.audit()["faults"])
        except YishenqingError:
            found = True
        missed[what] += not found
        if not found:
            said(f"  未发现：{what}", Counter())
        done += 1
    return +missed


def kills(place: Path, chance: random.Random, count: int) -> tuple[int, int]:
    """Kill exports of a volume at random; return how many were killed, and how many half packages passed."""
    target, killed, half = place / "年", 0, 0
    slow = volumes.volume(made=lambda n: time.sleep(0.004) or volumes.case(n))  # type: ignore[func-returns-value]
    while killed < count:
        pid = os.fork()
        if pid == 0:
            try:
                volumes.exported(target, slow)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0.0, 0.06))
        os.kill(pid, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        if target.exists():
            half += bool(verify(target))
            shutil.rmtree(target)
            shutil.rmtree(place / ".年.ysq-volume", ignore_errors=True)
    volumes.exported(target)
    return killed, half + bool(verify(target))


def said(text: str, missed: Counter[str]) -> None:
    """Say how a part went, and what was not found."""
    sys.stdout.write(f"{text}\n" + "".join(f"  {what}　{n}\n" for what, n in missed.items()))
    sys.stdout.flush()


def main() -> int:
    """Do the harms that are asked for and say what was found."""
    parser = argparse.ArgumentParser(description="篡改试验：每一处改动都必须被发现")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--packages", type=int, default=3000)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=300)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311 - repeatable, not secret
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        missed = packages(place, chance, asked.packages)
        said(f"封存包：{asked.packages}处，未发现{missed.total()}处", missed)
        lost = rows(place, chance, asked.rows)
        said(f"数据库：{asked.rows}处，未发现{lost.total()}处", lost)
        killed, half = kills(place, chance, asked.kills)
        said(f"终止导出：{killed}次，半个封存包被当作完整的{half}次", Counter())
    return 7 if missed or lost or half else 0


if __name__ == "__main__":
    sys.exit(main())
