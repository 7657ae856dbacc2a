"""Makes an older ledger that fits published annual tables: every case invented, every sum as published.

python tests/shell/ledgers.py FILE.jsonl|FILE.csv|FILE.xlsx     (宿迁 2023 and 2024, about 7,100 cases)
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

TABLES = json.loads((Path(__file__).parent / "annual_tables.json").read_text(encoding="utf-8"))
KINDS: list[str] = TABLES["columns"][:-1]
RESULTS: list[str] = TABLES["results"][:-1]
FRAME = {"new_received", "carried_over", "total_processed", "carried_forward"}
FIRST = {  # 复议前置: no lawsuit without reconsideration about these
    "partial",
    "denied_state_secret",
    "denied_law_forbidden",
    "denied_three_safety",
    "denied_third_party",
    "denied_internal",
    "denied_process",
    "denied_enforcement_file",
}
Case = dict[str, Any]


def expected(year: int) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Return tables three and four of a year as published."""
    found = TABLES["years"][str(year)]
    three = {row: dict(zip(TABLES["columns"], values, strict=True)) for row, values in found["table3"].items()}
    four = {kind: dict(zip(TABLES["results"], values, strict=True)) for kind, values in found["table4"].items()}
    return three, four


def made(years: Sequence[int] = (2023, 2024), seed: int = 7) -> list[Case]:
    """Return the cases of consecutive years; what one year leaves is what the next one finds."""
    dice = random.Random(seed)  # noqa: S311 - invented cases, not secrets
    cases: list[Case] = []
    before, _ = expected(years[0])
    waiting = {k: [_received(k, years[0] - 1, 335 + n % 30) for n in range(before["carried_over"][k])] for k in KINDS}
    for kind in KINDS:
        cases += waiting[kind]
        for year in years:
            three, _ = expected(year)
            days = sorted(dice.randrange(1, 360) for _ in range(three["new_received"][kind]))
            new = [_received(kind, year, day) for day in days]
            cases += new
            outcomes = [row for row, cells in three.items() if row not in FRAME for _ in range(cells[kind])]
            dice.shuffle(outcomes)
            queue = waiting[kind] + new
            for case, outcome in zip(queue, outcomes, strict=False):
                _decide(case, outcome, year, dice)
            waiting[kind] = queue[len(outcomes) :]
    _dispute(cases, years)
    cases.sort(key=lambda c: c["received_on"])
    for n, case in enumerate(cases, 1):
        case["number"] = f"宿依申请{case['received_on'][:4]}第{n}号"
    return cases


def _received(kind: str, year: int, day: int) -> Case:
    on = date(year, 1, 1) + timedelta(days=day - 1)
    applicant = {"kind": kind, "name": "张某" if kind == "natural" else "某单位"}
    return {
        "number": "",
        "received_on": on.isoformat(),
        "applicant": applicant,
        "request": "征收补偿方案",
        "remedies": [],
    }


def _decide(case: Case, outcome: str, year: int, dice: random.Random) -> None:
    earliest = max(date.fromisoformat(case["received_on"]), date(year, 1, 2))
    day = min(earliest + timedelta(days=dice.randrange(3, 28)), date(year, 12, 31))
    case |= {"outcome": outcome, "replied_on": day.isoformat()}


def _dispute(cases: Sequence[Case], years: Sequence[int]) -> None:
    """Hang reconsiderations and lawsuits on cases; what pends at the end of a year is decided in the next."""
    for kind in ("reconsideration", "litigation_direct", "litigation_after_reconsideration"):
        pending: list[dict[str, str]] = []
        for year in years:
            _, four = expected(year)
            cells = four[kind]
            decided = [r for r in RESULTS if r != "pending" for _ in range(cells[r])]
            for remedy in pending:
                remedy |= {"result": decided.pop(), "decided_on": f"{year}-03-20"}
            new = [{"result": r, "decided_on": f"{year}-11-30"} for r in decided]
            pending = [{"result": "pending"} for _ in range(cells["pending"])]
            free = [c for c in cases if _may(c, kind, year)]
            for case, remedy in zip(free, [*new, *pending], strict=False):
                remedy |= {"kind": kind, "filed_on": f"{year}-10-15"}
                case["remedies"].append(remedy)
            assert len(free) >= len(new) + len(pending)


def _may(case: Case, kind: str, year: int) -> bool:
    if not f"{year}-01-01" <= case.get("replied_on", "") <= f"{year}-09-30" or case["remedies"]:
        return False
    return kind != "litigation_direct" or case["outcome"] not in FIRST


def as_table(cases: Sequence[Case]) -> list[list[Any]]:
    """Return the cases as offices keep them: a caption, headings in two rows, days and figures typed in many ways."""
    groups = ("行政复议", "未经复议直接起诉", "复议后起诉")
    kinds = ("reconsideration", "litigation_direct", "litigation_after_reconsideration")
    head = ["编号", "收到日期", "申请人姓名", "申请人类型", "申请内容", "办理结果", "答复日期"]
    rows: list[list[Any]] = [
        ["2023—2024年依申请公开办理台账"],
        [*head, *(x for g in groups for x in (g, None, None))],
        [*([None] * len(head)), *(("申请日期", "结果", "决定日期") * len(groups))],
    ]
    for n, case in enumerate(cases):
        remedies = {r["kind"]: r for r in case["remedies"]}
        cells = [remedies.get(kind, {}) for kind in kinds]
        rows.append(
            [
                case["number"],
                _typed(case["received_on"], n),
                case["applicant"]["name"],
                KIND_WORDS[case["applicant"]["kind"]],
                case["request"],
                case.get("outcome"),
                _typed(case.get("replied_on"), n + 1),
                *(
                    x
                    for c in cells
                    for x in (c.get("filed_on"), RESULT_WORDS.get(c.get("result", "")), c.get("decided_on"))
                ),
            ]
        )
    return rows


KIND_WORDS = dict(zip(KINDS, ("公民", "商业企业", "科研机构", "社会公益组织", "法律服务机构", "其他"), strict=True))
RESULT_WORDS = {"maintained": "维持", "corrected": "结果纠正", "other": "其他结果", "pending": "尚未审结"}
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_SPELT = str.maketrans("0123456789", "〇一二三四五六七八九")


def _typed(text: str | None, n: int) -> Any:
    """Return a day in one of the ways in which offices type it."""
    if text is None:
        return None
    day = date.fromisoformat(text)
    written = f"{day.year}年{day.month}月{day.day}日"
    return (
        text,
        written,
        written.translate(_WIDE),
        f"{day.year}.{day.month}.{day.day}",
        (day - date(1899, 12, 30)).days,
        f"{str(day.year).translate(_SPELT)}年{_chinese(day.month)}月{_chinese(day.day)}日",
    )[n % 6]


def _chinese(n: int) -> str:
    tens, units = divmod(n, 10)
    digits = "〇一二三四五六七八九"
    return ("" if tens == 0 else "十" if tens == 1 else digits[tens] + "十") + (digits[units] if units else "")


def write(path: Path, cases: Sequence[Mapping[str, Any]]) -> None:
    """Write the ledger as its name says."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(c, ensure_ascii=False) + "\n" for c in cases), encoding="utf-8")
    elif path.suffix == ".csv":
        with path.open("w", encoding="gb18030", newline="") as stream:
            csv.writer(stream).writerows(as_table([dict(c) for c in cases]))
    else:
        _workbook(path, as_table([dict(c) for c in cases]))


def _workbook(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    from openpyxl import Workbook  # noqa: PLC0415

    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=16)
    for column in range(1, 8):
        sheet.merge_cells(start_row=2, start_column=column, end_row=3, end_column=column)
    for column in (8, 11, 14):
        sheet.merge_cells(start_row=2, start_column=column, end_row=2, end_column=column + 2)
    book.save(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]), made())
