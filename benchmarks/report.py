"""The annual report over a large ledger against the bare aggregate; taking over an older ledger.

    python benchmarks/report.py [CASES] [LINES] [FOLDER]     (500,000 and 50,000; FOLDER default: /dev/shm, a tmpfs)

Aims: the report (tables three and four, every rule, the sentences) within 3 times one bare aggregate, the outcomes
of the year by kind of applicant, over the same rows; an import of at least 2,000 lines a second. The rows are those
that acts write beside their cases; cases of ten years, a fifth more in each year, are inserted without a ledger.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour

from yishenqing import Office
from yishenqing.reporting import form as forms
from yishenqing.reporting import tables
from yishenqing.store.tables import cases, rulebooks

ROUNDS = 7
USER, TODAY, YEAR = "bench", date(2026, 6, 30), 2025
KINDS = ("natural",) * 29 + ("commercial", "research", "public_welfare", "legal_service", "other_org")
BARE = (
    "SELECT applicant_kind, outcome, count(*) FROM report_applications "
    "WHERE agency = ? AND decided_on BETWEEN ? AND ? GROUP BY applicant_kind, outcome"
)


def rows(number: int, agency: str) -> Iterator[dict[str, Any]]:
    """Yield what cases of ten years count as."""
    dice = random.Random(11)
    outcomes = [r.id for r in forms.read_form(None).table3.rows if r.counts == "outcome"]
    for n in range(number):
        year = 2017 + int(10 * (n / number) ** 0.8)
        received = date(year, 1, 1) + timedelta(days=dice.randrange(365))
        decided = received + timedelta(days=dice.randrange(3, 60))
        open_still = decided > TODAY
        yield {
            "agency": agency,
            "number": f"B{n:07}",
            "received_on": received,
            "applicant_kind": dice.choice(KINDS),
            "outcome": None if open_still else dice.choice(outcomes),
            "decided_on": None if open_still else decided,
            "extended": False,
            "supplements": 0,
            "fee": 0,
        }


def filled(home: Path, number: int) -> Office:
    Office.init(home, USER)
    office = Office.open(home, user=USER, today=lambda: TODAY)
    rules = office._rules()  # noqa: SLF001 - no verb makes cases without a ledger
    with office._transactions.writing() as connection:  # noqa: SLF001
        connection.execute(rulebooks.insert(), [{"digest": "bench", "snapshot": rules.snapshot()}])
        found = list(rows(number, office.settings.agency))
        for start in range(0, number, 20_000):
            some = found[start : start + 20_000]
            connection.execute(tables.applications.insert(), some)
            connection.execute(cases.insert(), [_case(r) for r in some])
    from yishenqing.office import casework  # noqa: PLC0415

    casework._KNOWN_RULES["bench"] = rules  # noqa: SLF001 - its digest is a word
    return office


def _case(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "agency": row["agency"],
        "number": row["number"],
        "rulebook": "bench",
        "opened_on": row["received_on"],
        "state": "archived" if row["decided_on"] else "handling",
        "outcome": row["outcome"],
        "head_seq": 1,
        "head_hash": "0",
    }


def annual(home: Path, number: int) -> None:
    office = filled(home, number)
    bare = sqlite3.connect(home / "office.db")
    given = (office.settings.agency, f"{YEAR}-01-01", f"{YEAR}-12-31")
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        bare.execute(BARE, given).fetchall()
        between = time.process_time()
        found = office.report(YEAR)
        rounds.append((between - begun, time.process_time() - between))
    print(f"{number} cases, {found['table3']['total_processed']['total']} decided in {YEAR}")
    floor, taken = (statistics.median(x) * 1000 for x in zip(*rounds, strict=True))
    ratio = statistics.median(t / f for f, t in rounds)
    print(
        f"bare aggregate {floor:.0f} ms, annual report {taken:.0f} ms of processor time, ratio {ratio:.1f} (aim ≤ 3)"
    )
    assert all(c["holds"] for c in found["checks"])
    bare.close()
    office.close()


def taken_over(home: Path, number: int) -> None:
    path = home.parent / "older.jsonl"
    dice = random.Random(5)
    with path.open("w", encoding="utf-8") as stream:
        for n in range(number):
            received = date(2020, 1, 1) + timedelta(days=dice.randrange(1800))
            case: dict[str, Any] = {
                "number": f"旧〔{received.year}〕{n}号",
                "received_on": received.isoformat(),
                "applicant": {"kind": dice.choice(KINDS), "name": "周某"},
                "request": f"青禾镇第{n % 977}号地块的征收补偿方案",
                "outcome": "granted",
                "replied_on": (received + timedelta(days=20)).isoformat(),
                "remedies": [],
            }
            if n % 10 == 0:
                filed = received + timedelta(days=40)
                remedy = {"kind": "reconsideration", "filed_on": filed.isoformat(), "result": "maintained"}
                case["remedies"] = [{**remedy, "decided_on": (filed + timedelta(days=60)).isoformat()}]
            stream.write(json.dumps(case, ensure_ascii=False) + "\n")
    Office.init(home, USER)
    with Office.open(home, user=USER, today=lambda: TODAY) as office:
        begun, waited = time.process_time(), time.perf_counter()
        office.import_ledger(path)
        cpu, wall = time.process_time() - begun, time.perf_counter() - waited
        print(f"import: {number / cpu:.0f} lines a second of processor time (aim ≥ 2000)")
        print(f"        {number / wall:.0f} of waiting")
        begun = time.process_time()
        assert office.import_ledger(path)["unchanged"] == number
        print(f"imported again, nothing twice: {number / (time.process_time() - begun):.0f} lines a second")


def main() -> None:
    words = sys.argv[1:]
    number, lines = (int(words[0]) if words else 500_000), (int(words[1]) if len(words) > 1 else 50_000)
    base = words[2] if len(words) > 2 else "/dev/shm"
    print(machine(), base, sep=", ")
    with tempfile.TemporaryDirectory(dir=base) as folder:
        annual(Path(folder) / "annual", number)
        taken_over(Path(folder) / "import", lines)


if __name__ == "__main__":
    main()
