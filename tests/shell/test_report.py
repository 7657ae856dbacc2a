"""The annual report: the published tables of one city for two years, cell for cell; every rule; native cases."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from ledgers import expected, made, write
from offices import APPLICATION, ROAD, USER, Calendar, tamper, ysq
from openpyxl import load_workbook
from pypdfium2 import PdfDocument

from yishenqing import Office
from yishenqing.core.errors import DataFault, IntegrityFault, NotFound, Refused
from yishenqing.reporting.form import read_form
from yishenqing.reporting.supervision import bars
from yishenqing.shipped import shipped


@pytest.fixture(scope="module")
def city(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office that has taken over the ledger of both years."""
    home = Path(shutil.copytree(template, tmp_path_factory.mktemp("city") / "home"))
    write(home.parent / "suqian.jsonl", made())
    with Office.open(home, user=USER, today=lambda: date(2025, 2, 10)) as office:
        assert office.import_ledger(home.parent / "suqian.jsonl")["imported"] == 7132
        yield office


@pytest.mark.parametrize("year", [2023, 2024])
def test_the_published_tables_come_out_cell_for_cell(city: Office, year: int) -> None:
    found = city.report(year)
    three, four = expected(year)
    assert found["table3"] == three
    assert found["table4"] == four
    assert [c["rule"] for c in found["checks"] if not c["holds"]] == []
    assert found["warnings"] == []


def test_what_one_year_leaves_the_next_one_finds(city: Office) -> None:
    before, after = city.report(2023), city.report(2024)
    assert before["table3"]["carried_forward"] == after["table3"]["carried_over"]
    left = {c["number"] for c in city.report_cell(2023, "carried_forward.total")["cases"]}
    found = {c["number"] for c in city.report_cell(2024, "carried_over.total")["cases"]}
    assert len(left) == 121
    assert left == found


def test_every_cell_opens_as_many_cases_as_it_counts(city: Office) -> None:
    report = city.report(2024)
    for name in ("table3", "table4"):
        for row, cells in report[name].items():
            column = max(cells, key=lambda c: (c != "total", cells[c]))
            for one in (column, "total"):
                found = city.report_cell(2024, f"{row}.{one}")
                assert (found["count"], len({c["number"] for c in found["cases"]})) == (cells[one],) * 2, (row, one)
    with pytest.raises(NotFound):
        city.report_cell(2024, "granted.alien")


def test_any_day_of_the_year_balances(city: Office) -> None:
    for day in (date(2024, 1, 1), date(2024, 4, 30), date(2024, 12, 30)):
        found = city.report(2024, as_of=day)
        assert found["as_of"] == day.isoformat()
        assert all(c["holds"] for c in found["checks"])
    with pytest.raises(DataFault):
        city.report(2024, as_of=date(2023, 6, 1))


def test_sentences_say_the_figures_of_the_tables(city: Office) -> None:
    said = "".join(city.report(2023)["sentences"])
    assert "新收政府信息公开申请3511件，上年结转96件，办结3486件，结转下年度继续办理121件" in said
    assert "予以公开1191件，占34.2%" in said
    assert "不予公开142件，无法提供1078件，不予处理406件，其他处理341件" in said
    assert "行政诉讼113件，其中维持14件、纠正1件、其他结果83件、尚未审结15件" in said
    assert "{" not in said


def test_the_workbook_is_the_official_form(city: Office, tmp_path: Path) -> None:
    found = city.report(2024)
    city.report_papers(found, xlsx=tmp_path / "年报.xlsx", pdf=tmp_path / "年报.pdf")
    book = load_workbook(tmp_path / "年报.xlsx")
    assert book.sheetnames == ["表二", "表三", "表四", "勾稽关系", "正文数字"]
    sheet = book["表三"]
    merged = {str(m) for m in sheet.merged_cells.ranges}
    # 申请人情况 over seven columns, 法人或其他组织 over five; 三、本年度办理结果 beside its twenty-two rows.
    assert {"A2:C4", "D2:J2", "D3:D4", "E3:I3", "J3:J4", "A7:A28", "B9:B16"} <= merged
    assert (sheet["D2"].value, sheet["E3"].value, sheet["A7"].value) == (
        "申请人情况",
        "法人或其他组织",
        "三、本年度办理结果",
    )
    figures = [[sheet.cell(r, c).value for c in range(4, 11)] for r in range(5, 30)]
    assert figures == [list(cells.values()) for cells in found["table3"].values()]
    assert [c.value for c in book["表四"][5]] == [n for cells in found["table4"].values() for n in cells.values()]
    assert (tmp_path / "年报.pdf").read_bytes().startswith(b"%PDF")


def test_a_published_year_is_what_the_next_is_checked_against(office: Office, calendar: Calendar) -> None:
    calendar.day = date(2025, 12, 30)
    office.register({**APPLICATION, "arrived_on": "2025-12-30"})
    with pytest.raises(Refused):
        office.report_publish(2025)
    calendar.day = date(2026, 3, 2)
    assert office.report_publish(2025)["version"] == 1
    assert all(c["holds"] for c in office.report(2026)["checks"])
    office.register({**APPLICATION, "arrived_on": "2025-12-31"})  # found in a drawer after publication
    (broken,) = [c for c in office.report(2026)["checks"] if not c["holds"]]
    assert broken["id"] == "carried"
    assert "“总计”栏：本年上年结转2≠上一年度结转1" in broken["where"]


def test_table_two_is_entered_kept_and_asked_for(office: Office, home: Path) -> None:
    assert len(office.report(2026)["missing"]) == 10
    with pytest.raises(DataFault):
        office.report_enter(2026, {"normative.made": "3.5"})
    with pytest.raises(DataFault):
        office.report_enter(2026, {"nothing.made": "3"})
    office.report_enter(2025, {"normative.in_force": "20", "rules.in_force": "0"})
    some = {"normative.made": "3", "normative.repealed": "1", "normative.in_force": "23", "charges.amount": "12.5"}
    rules = {"rules.made": "0", "rules.repealed": "0", "rules.in_force": "0"}
    found = office.report_enter(2026, {**some, **rules})
    assert len(found["missing"]) == 3
    (stock,) = [c for c in office.report(2026)["checks"] if c["id"] == "stock"]
    assert stock["where"] == ["行政规范性文件：20＋3－1≠23"]
    office.report_enter(2026, {"normative.in_force": "22"})
    assert office.report(2026)["table2"]["normative.in_force"] == 22
    assert all(c["holds"] for c in office.report(2026)["checks"])
    with pytest.raises(IntegrityFault), office._transactions.writing() as connection:
        connection.exec_driver_sql("DELETE FROM report_entered")


def test_cases_of_the_office_count_with_their_acts(
    office: Office, calendar: Calendar, in_state: Callable[[str], str]
) -> None:
    done, asked = in_state("delivered"), in_state("acknowledged")
    calendar.day = date(2026, 4, 1)
    office.act(asked, "withdrawn", {"statement": "书面撤回"})
    still = office.register({**APPLICATION, "channel": "fax", "arrived_on": "2026-04-01"})["number"]
    table = office.report(2026)["table3"]
    assert (table["granted"]["natural"], table["other_other"]["natural"]) == (1, 1)
    assert table["carried_forward"]["total"] == 0  # the fax is not received until receipt is confirmed
    office.act(still, "receipt_confirmed", {"how": "电话"})
    found = office.report(2026)
    assert (found["table3"]["new_received"]["total"], found["table3"]["carried_forward"]["total"]) == (3, 1)
    assert all(c["holds"] for c in found["checks"])
    assert office.report_cell(2026, "granted.natural")["cases"][0]["decided_on"] == "2026-03-24"
    # As of the day before the reply was posted, the case was open.
    assert office.report(2026, as_of=date(2026, 3, 23))["table3"]["granted"]["total"] == 0
    assert done in {c["number"] for c in office.report_cell(2026, "total_processed.total")["cases"]}


def test_an_application_counts_once_however_often_it_is_answered(
    office: Office, calendar: Calendar, in_state: Callable[[str], str]
) -> None:
    number = in_state("delivered")
    calendar.day = date(2026, 4, 20)
    linked = office.link(
        number, "reconsideration", {"received_on": "2026-04-17", "accepted_on": "2026-04-15", "organ": "县政府"}
    )["number"]
    assert office.report(2026)["table4"]["reconsideration"]["pending"] == 1
    (case,) = office.report_cell(2026, "reconsideration.pending")["cases"]
    assert (case["number"], case["linked"]) == (number, linked)
    calendar.day = date(2026, 5, 20)
    ordered = {"organ": "县政府", "document": "〔2026〕1号", "decided_on": "2026-05-18", "until": "2026-06-20"}
    office.act(number, "reply_ordered", ordered)
    calendar.day = date(2026, 5, 25)
    for step, facts in [(s, f) for _, s, f in ROAD if s in ("drafted", "reviewed", "secrecy_reviewed", "signed")]:
        office.act(number, step, facts)
    office.act(number, "replied", {"method": "mail"})
    found = office.report(2026)
    assert found["table3"]["total_processed"]["total"] == 1
    assert office.report_cell(2026, "granted.total")["cases"][0]["decided_on"] == "2026-03-24"
    assert all(c["holds"] for c in found["checks"])


def test_lost_rows_are_noticed_and_rebuilt(office: Office, home: Path, in_state: Callable[[str], str]) -> None:
    in_state("delivered")
    before = office.report(2026)
    tamper(home, "DELETE FROM report_applications")
    (broken,) = [c for c in office.report(2026)["checks"] if not c["holds"]]
    assert broken["id"] == "once"
    assert office.report_rebuild()["cases"] == 1
    assert office.report(2026) == before


def test_an_unknown_outcome_breaks_the_sum_and_is_shown(
    office: Office, home: Path, in_state: Callable[[str], str]
) -> None:
    in_state("delivered")
    tamper(home, "UPDATE report_applications SET outcome = 'other_new'")
    (broken,) = [c for c in office.report(2026)["checks"] if not c["holds"]]
    assert broken["id"] == "results"
    assert broken["where"] == ["“自然人”栏：1≠0", "“总计”栏：1≠0"]


def test_a_direct_lawsuit_over_a_refusal_is_pointed_out(office: Office, tmp_path: Path) -> None:
    suit = {"kind": "litigation_direct", "filed_on": "2026-02-20", "result": "pending"}
    case = {
        "number": "旧1",
        "received_on": "2026-01-05",
        "applicant": {"kind": "natural"},
        "outcome": "denied_process",
    }
    write(tmp_path / "a.jsonl", [{**case, "replied_on": "2026-01-20", "remedies": [suit]}])
    office.import_ledger(tmp_path / "a.jsonl")
    (smell,) = office.report(2026)["warnings"]
    assert (smell["cases"], smell["law"]) == (["旧1"], "行政复议法第二十三条")


def test_other_agencies_are_for_those_who_supervise(office: Office, home: Path, tmp_path: Path) -> None:
    office.register(APPLICATION)
    text = (home / "office.yaml").read_text(encoding="utf-8")
    own = text.replace("agency: yunxi-zrzy ", "agency: yunxi-jyj ")
    clerk = "  clerk:\n    name: 文某\n    roles: [registrar]\n"
    (home / "office.yaml").write_text(own + clerk, encoding="utf-8")
    office.add_agency("yunxi-jyj", "云溪县教育局")
    with Office.open(home, user=USER, today=lambda: date(2026, 3, 2)) as below:
        below.register(APPLICATION)
        assert below.report(2026, agencies=["all"])["table3"]["new_received"]["total"] == 1
        with pytest.raises(Refused, match="不是本机关的下级机关"):
            below.report(2026, agencies=["yunxi-zrzy"])
    (home / "office.yaml").write_text(text + clerk, encoding="utf-8")
    with Office.open(home, user=USER, today=lambda: date(2026, 3, 2)) as above:
        assert above.report(2026)["table3"]["new_received"]["total"] == 1
        assert above.report(2026, agencies=["all"])["table3"]["new_received"]["total"] == 2
        assert above.report(2026, agencies=["yunxi-jyj"])["agencies"] == ["yunxi-jyj"]
        month = above.month(2026, 3, agencies=["all"])["agencies"]
        assert [(a["name"], a["new"]) for a in month][1] == ("云溪县教育局", 1)
        with pytest.raises(NotFound):
            above.report(2026, agencies=["nobody"])
    with Office.open(home, user="clerk", today=lambda: date(2026, 3, 2)) as clerk_office, pytest.raises(Refused):
        clerk_office.report(2026, agencies=["all"])


def test_supervision_lights_lamps_and_counts_days(
    office: Office, calendar: Calendar, in_state: Callable[[str], str], tmp_path: Path
) -> None:
    done, late, fresh = in_state("delivered"), in_state("accepted"), in_state("acknowledged")
    calendar.day = date(2026, 4, 10)
    found = office.supervision(date(2026, 1, 1), date(2026, 4, 10))
    (row,) = found["agencies"]
    assert (row["on_time"], row["late"], row["on_time_rate"]) == (1, 0, 1)
    assert row["median_days"] == row["high_days"] == 16
    assert row["lamps"]["red"]["cases"] == sorted([late, fresh])
    assert row["unassigned"] == [fresh]
    assert found["applicants"]["most"] == [{"cases": [done, late, fresh], "count": 3}]
    calendar.day = date(2026, 4, 10) + timedelta(days=60)
    (row,) = office.supervision(date(2026, 1, 1), calendar.day)["agencies"]
    assert row["lamps"]["black"]["cases"] == sorted([late, fresh])
    papers = office.supervision_papers(found, xlsx=tmp_path / "s.xlsx", pdf=tmp_path / "s.pdf", svg=tmp_path / "svg")
    read = PdfDocument(papers["pdf"])[0].get_textpage().get_text_range()
    assert re.search(r"纠正率\s+（无）", read)  # nobody has asked for reconsideration yet
    assert load_workbook(papers["xlsx"]).sheetnames[0] == "各机关办理情况"
    assert all(Path(p).read_text(encoding="utf-8").startswith("<svg") for p in papers["svg"])


def test_an_old_database_is_counted_at_its_upgrade(
    office: Office, home: Path, in_state: Callable[[str], str]
) -> None:
    in_state("delivered")
    before: Any = office.report(2026)
    tamper(home, "DELETE FROM report_applications")
    Office.upgrade(home)
    assert office.report(2026) == before


def test_the_form_is_data_and_its_faults_have_lines(tmp_path: Path) -> None:
    own = tmp_path / "workflows" / "report.yaml"
    own.parent.mkdir()
    text = (shipped("workflows") / "report.yaml").read_text(encoding="utf-8")
    own.write_text(
        text.replace("left: [new_received, carried_over]", "left: [new_receive, carried_over]", 1), "utf-8"
    )
    with pytest.raises(DataFault) as found:
        read_form(tmp_path)
    assert [f.text for f in found.value.faults] == ["没有行“new_receive”"]
    assert found.value.faults[0].line


def test_the_command_answers_in_the_words_of_the_contract(home: Path, office: Office, calendar: Calendar) -> None:
    number = office.register(APPLICATION)["number"]
    done = ysq("--home", home, "--as", USER, "report", "annual", "2026", "--json")
    found = json.loads(done.stdout)
    three, four = expected(2024)
    assert {k: list(v) for k, v in found["table3"].items()} == {k: list(v) for k, v in three.items()}
    assert {k: list(v) for k, v in found["table4"].items()} == {k: list(v) for k, v in four.items()}
    assert found["year"] == 2026
    assert {"rule", "holds"} <= found["checks"][0].keys()
    shown = ysq("--home", home, "--as", USER, "report", "annual", "2026", "--cell", "new_received.natural")
    assert number in shown.stdout
    assert ysq("--home", home, "--as", USER, "report", "annual", "2026", "--cell", "x.y").returncode == 5
    assert ysq("--home", home, "--as", USER, "report", "month", "2026-03").returncode == 0
    assert ysq("--home", home, "--as", USER, "report", "month", "2026-13").returncode == 2
    said = ysq("--home", home, "--as", USER, "report", "annual", "2026").stdout
    assert "  ✓ 表三每一栏：一＋二＝三（七）＋四" in said


def test_a_chart_of_nothing_says_so() -> None:
    assert "（没有数据）" in bars("按期率", [])
    assert "（没有数据）" not in bars("按期率", [("本机关", 100.0)])
