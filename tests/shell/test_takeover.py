"""An older ledger is taken over: all of it or nothing, each case once, every fault by line and field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ledgers import as_table, made, write
from offices import APPLICATION, USER, Calendar, rows, use_database, ysq
from openpyxl import load_workbook
from sqlalchemy import URL

from yishenqing import Office
from yishenqing.core import moving
from yishenqing.core.deadline import Fact
from yishenqing.core.errors import DataFault, Refused
from yishenqing.takeover import Earlier, parse, read_customs

pytest_plugins = ["pg"]
CLOSED: Mapping[str, Any] = {
    "number": "旧2024-1",
    "received_on": "2024-03-05",
    "applicant": {"kind": "natural", "name": "周某"},
    "request": "征收补偿方案",
    "outcome": "denied_process",
    "replied_on": "2024-03-28",
    "remedies": [
        {"kind": "reconsideration", "filed_on": "2024-04-20", "decided_on": "2024-06-18", "result": "corrected"}
    ],
}
OPEN: Mapping[str, Any] = {"number": "旧2026-9", "received_on": "2026-02-26", "applicant": {"kind": "commercial"}}


def ledger(folder: Path, *cases: Mapping[str, Any], name: str = "older.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(c, ensure_ascii=False) + "\n" for c in cases), encoding="utf-8")
    return path


def read(path: Path) -> list[Earlier]:
    return parse(path, read_customs(None), date(2008, 5, 1), date(2026, 3, 2)).cases


def without_place(cases: list[Earlier]) -> list[tuple[Any, ...]]:
    return [(c.number, c.received_on, c.kind, c.outcome, c.replied_on, c.request, c.remedies) for c in cases]


def faults_of(office: Office, path: Path) -> list[tuple[int | None, str, str]]:
    with pytest.raises(DataFault) as found:
        office.import_ledger(path)
    return [(f.line, f.field, f.text) for f in found.value.faults]


def test_imported_cases_are_ledger_cases(office: Office, tmp_path: Path) -> None:
    done = office.import_ledger(ledger(tmp_path, CLOSED, OPEN))
    assert (done["imported"], done["open"], done["closed"], done["remedies"]) == (2, 1, 1, 1)
    closed, still = office.show("旧2024-1"), office.show("旧2026-9")
    assert [e["step"] for e in closed["entries"]] == ["imported", "earlier_reply", "remedy_noted", "remedy_ended"]
    assert closed["entries"][0]["facts"]["applicant"]["name"] == "周某"
    assert closed["entries"][0]["facts"]["source"] == "older.jsonl 第1行"
    assert (closed["state"], closed["outcome"], closed["deadlines"]) == ("closed", "denied_process", [])
    assert (still["state"], still["deadlines"][0]["due"]) == ("handling", "2026-03-25")
    assert office.verify("旧2024-1") == []


def test_an_open_case_goes_on_to_its_end(office: Office, calendar: Calendar, tmp_path: Path) -> None:
    office.import_ledger(ledger(tmp_path, OPEN))
    calendar.day = date(2026, 3, 20)
    extended = office.act("旧2026-9", "extended", {"days": 10, "reason": "数量较大", "approved_by": "王主任"})
    assert next(d["due"] for d in extended["deadlines"] if d["clock"] == "reply") == "2026-04-09"
    office.act("旧2026-9", "replied", {"outcome": "granted", "approved_by": "李局长", "method": "mail"})
    office.act("旧2026-9", "delivered", {"signed_by": "本人"})
    assert office.act("旧2026-9", "archived", {"retention": "D10"})["state"] == "archived"
    table = office.report(2026)["table3"]
    assert table["granted"]["commercial"] == 1
    assert table["carried_forward"]["total"] == 0
    assert office.verify("旧2026-9") == []


def test_what_was_imported_is_lawful_by_its_own_procedure(office: Office, tmp_path: Path) -> None:
    """The import writes in bulk; entry by entry the procedure must allow the same."""
    office.import_ledger(ledger(tmp_path, CLOSED, OPEN))
    with office._transactions.reading() as connection:
        for number in ("旧2024-1", "旧2026-9"):
            case = office._load(connection, number)
            empty = office._practice.standing(case.rules, ())
            facts = [Fact(e.step, e.on, e.facts) for e in case.entries]
            assert moving.objection(empty, facts, [e.actor for e in case.entries], office.today) is None


def test_a_second_run_imports_nothing_twice_and_goes_on_where_the_ledger_went_on(
    office: Office, home: Path, tmp_path: Path
) -> None:
    path = ledger(tmp_path, CLOSED, OPEN)
    office.import_ledger(path)
    before = rows(home, "SELECT * FROM entries ORDER BY number, seq")
    again = office.import_ledger(path)
    assert (again["imported"], again["unchanged"]) == (0, 2)
    assert rows(home, "SELECT * FROM entries ORDER BY number, seq") == before
    answered = {**OPEN, "outcome": "granted", "replied_on": "2026-03-01"}
    later = office.import_ledger(ledger(tmp_path, CLOSED, answered))
    assert (later["imported"], later["continued"], later["unchanged"]) == (0, 1, 1)
    assert office.show("旧2026-9")["state"] == "closed"
    assert office.verify("旧2026-9") == []
    assert office.report(2026)["table3"]["granted"]["commercial"] == 1


def test_another_story_under_a_known_number_is_refused(office: Office, tmp_path: Path) -> None:
    own = office.register(APPLICATION)["number"]
    office.import_ledger(ledger(tmp_path, CLOSED))
    found = faults_of(office, ledger(tmp_path, {**CLOSED, "outcome": "granted"}, {**OPEN, "number": own}))
    assert [(line, field) for line, field, _ in found] == [(1, "number"), (2, "number")]
    assert "不是由旧台账转入" in found[1][2]


def test_a_dry_run_writes_nothing(office: Office, home: Path, tmp_path: Path) -> None:
    done = office.import_ledger(ledger(tmp_path, CLOSED), dry_run=True)
    assert (done["dry_run"], done["imported"]) == (True, 1)
    assert rows(home, "SELECT count(*) FROM cases") == [(0,)]


def test_every_fault_is_named_by_line_and_field_and_nothing_is_imported(
    office: Office, home: Path, tmp_path: Path
) -> None:
    bad = [
        {**CLOSED, "number": "好1"},
        {**CLOSED, "number": "a/b"},
        {**CLOSED, "number": "坏2", "received_on": "2024-02-30"},
        {**CLOSED, "number": "坏3", "replied_on": "2024-03-01"},
        {k: v for k, v in CLOSED.items() if k != "replied_on"} | {"number": "坏4"},
        {**OPEN, "number": "坏5", "applicant": {"kind": "alien"}},
        {**OPEN, "number": "坏6", "outcom": "granted"},
        {**OPEN, "number": "坏7", "received_on": "2027-01-01"},
        {**CLOSED, "number": "坏8", "remedies": [{"kind": "reconsideration", "result": "maintained"}]},
        {**CLOSED, "number": "好1"},
    ]
    found = faults_of(office, ledger(tmp_path, *bad))
    assert [(line, field) for line, field, _ in found] == [
        (2, "number"),
        (3, "received_on"),
        (4, "replied_on"),
        (5, "replied_on"),
        (6, "kind"),
        (7, "outcom"),
        (8, "received_on"),
        (9, "remedies.1.filed_on"),
        (10, "number"),
    ]
    assert "第1行" in found[-1][2]
    assert rows(home, "SELECT count(*) FROM cases") == [(0,)]


def test_a_table_says_the_same_as_json_lines(tmp_path: Path) -> None:
    every = made()
    cases = [c for c in every if c["remedies"]][:150] + [c for c in every if not c["remedies"]][-250:]
    found = []
    for name in ("a.jsonl", "a.csv", "a.xlsx"):
        write(tmp_path / name, cases)
        found.append(without_place(read(tmp_path / name)))
    assert len(found[0]) == 400
    assert any(c[-1] for c in found[0])
    assert found[0] == found[1] == found[2]


def test_a_fault_in_a_table_names_the_heading(office: Office, tmp_path: Path) -> None:
    table = as_table(made()[:3])
    table[4][1] = "2023年13月1日"
    table[5][5] = "同意啦"
    text = "\n".join(",".join("" if c is None else str(c) for c in row) for row in table)
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    found = faults_of(office, tmp_path / "t.csv")
    assert [(line, field) for line, field, _ in found] == [(5, "收到日期"), (6, "办理结果")]


def test_own_numbers_go_on_after_those_taken_over(office: Office, tmp_path: Path) -> None:
    office.import_ledger(ledger(tmp_path, {**OPEN, "number": "2026-0041"}))
    assert office.register(APPLICATION)["number"] == "2026-0042"


def test_only_who_registers_takes_over(office: Office, home: Path, tmp_path: Path) -> None:
    text = (home / "office.yaml").read_text(encoding="utf-8")
    (home / "office.yaml").write_text(text + "  auditor:\n    name: 审计\n    roles: [auditor]\n", encoding="utf-8")
    with Office.open(home, user="auditor", today=lambda: date(2026, 3, 2)) as other, pytest.raises(Refused):
        other.import_ledger(ledger(tmp_path, CLOSED))


def test_the_list_given_out_can_be_taken_in_and_holds_no_formula(
    office: Office, home: Path, tmp_path: Path, template: Path
) -> None:
    evil = {**CLOSED, "number": "旧2024-2", "request": '=HYPERLINK("http://x","点")', "remedies": []}
    office.import_ledger(ledger(tmp_path, CLOSED, OPEN, evil))
    for name in ("台账.xlsx", "台账.csv"):
        assert office.export_ledger(tmp_path / name)["cases"] == 3
    cells = [c for row in load_workbook(tmp_path / "台账.xlsx").worksheets[0].iter_rows() for c in row]
    assert {c.data_type for c in cells if isinstance(c.value, str)} == {"s"}
    columns = load_workbook(tmp_path / "台账.xlsx").worksheets[0].column_dimensions
    dates = {c.column_letter for c in cells if isinstance(c.value, date)}
    assert len(dates) > 1
    assert min(columns[letter].width for letter in dates) > len("2026-03-02")  # narrower, a day shows as ###
    assert "'=HYPERLINK" in (tmp_path / "台账.csv").read_text(encoding="utf-8-sig")
    again = office.import_ledger(tmp_path / "台账.xlsx", dry_run=True)
    assert (again["unchanged"], again["imported"]) == (3, 0)
    with pytest.raises(DataFault):
        office.export_ledger(tmp_path / "台账.doc")


def test_commands_and_exit_codes(home: Path, tmp_path: Path) -> None:
    path = ledger(tmp_path, CLOSED)
    dry = ysq("--home", home, "--as", USER, "import", path, "--dry-run")
    assert (dry.returncode, "没有写入任何内容" in dry.stdout) == (0, True)
    done = ysq("--home", home, "--as", USER, "import", path, "--json")
    assert json.loads(done.stdout)["imported"] == 1
    bad = ysq("--home", home, "--as", USER, "import", ledger(tmp_path, {"number": "x"}, name="bad.jsonl"))
    assert bad.returncode == 6
    assert "bad.jsonl 第1行 “received_on”：必须填写" in bad.stderr
    assert ysq("--home", home, "--as", USER, "import", tmp_path / "none.csv").returncode == 5


def test_on_postgresql_the_same(home: Path, tmp_path: Path, postgres_url: URL) -> None:
    use_database(home, postgres_url)
    Office.upgrade(home)
    with Office.open(home, user=USER, today=lambda: date(2026, 3, 2)) as office:
        assert office.import_ledger(ledger(tmp_path, CLOSED, OPEN))["imported"] == 2
        assert office.import_ledger(ledger(tmp_path, CLOSED, OPEN))["unchanged"] == 2
        office.register(APPLICATION)
        report = office.report(2024)
        assert report["table3"]["denied_process"]["natural"] == 1
        assert report["table4"]["reconsideration"]["corrected"] == 1
        assert all(c["holds"] for c in report["checks"])
        assert office.report_cell(2024, "total_processed.total")["count"] == 1
        assert office.report_rebuild()["cases"] == 3
        assert office.report(2024)["table3"] == report["table3"]
        assert office.supervision(date(2024, 1, 1), date(2024, 12, 31))["causes"][0]["corrected_rate"] == 1
