"""Precedents from CSV, XLSX and Word: all of a file or nothing, each fault with its line; what is old law."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import docx
import pytest
from openpyxl import Workbook

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.office import Office
from yishenqing.precedents import Precedent
from yishenqing.precedents.customs import Era, read_customs
from yishenqing.precedents.reading import read_records

CUSTOMS = read_customs(None)
HEAD = [
    "案例编号",
    "案例名称",
    "案情",
    "申请内容",
    "处理结果",
    "法律依据",
    "裁判要旨",
    "是否被纠正",
    "裁判时间",
    "关键词",
]
ROW = [
    *("2024-017", "某公司申请公开验收报告案", "机关以商业秘密为由不予公开", "验收报告", "商业秘密"),
    *("政府信息公开条例（2019年修订）第十五条；行政诉讼法", "须自行审查是否构成商业秘密", "被撤销", "2024年3月"),
    "商业秘密、第三方",
]
READ = Precedent(
    id="2024-017",
    title="某公司申请公开验收报告案",
    facts="机关以商业秘密为由不予公开",
    request="验收报告",
    outcome="denied_third_party",
    legal_basis=("政府信息公开条例（2019年修订）第十五条", "行政诉讼法"),
    holding="须自行审查是否构成商业秘密",
    overturned=True,
    decided_on="2024-03",
    topics=("商业秘密", "第三方"),
)


def table_csv(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    with path.with_suffix(".csv").open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path.with_suffix(".csv")


def table_xlsx(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


def table_docx(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    document = docx.Document()
    document.add_paragraph("案例汇总表")
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = str(text)
    document.save(str(path.with_suffix(".docx")))
    return path.with_suffix(".docx")


def form_docx(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """One table of two columns for each record."""
    document = docx.Document()
    for row in rows[1:]:
        table = document.add_table(rows=0, cols=2)
        for heading, text in zip(rows[0], row, strict=True):
            cells = table.add_row().cells
            cells[0].text, cells[1].text = heading, str(text)
    document.save(str(path.with_suffix(".docx")))
    return path.with_suffix(".docx")


def prose_docx(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    document = docx.Document()
    document.add_paragraph("典型案例")
    for row in rows[1:]:
        for heading, text in zip(rows[0], row, strict=True):
            document.add_paragraph(f"{heading}：{text}")
    document.save(str(path.with_suffix(".docx")))
    return path.with_suffix(".docx")


WRITERS = [table_csv, table_xlsx, table_docx, form_docx, prose_docx]


@pytest.mark.parametrize("write", WRITERS)
def test_every_form_of_a_list_is_read_alike(tmp_path: Path, write: Callable[..., Path]) -> None:
    second = ["2024-018", "另一案", *ROW[2:]]
    found = read_records(write(tmp_path / "案例", [HEAD, ROW, second]), CUSTOMS)
    assert [p.id for p in found] == ["2024-017", "2024-018"]
    assert found[0] == READ


@pytest.mark.parametrize(
    ("heading", "cell", "told"),
    [
        ("处理结果", "拒绝", "“拒绝”不是规定的办理结果代码"),
        ("是否被纠正", "也许", "“也许”不能认，应为是、被撤销"),
        ("裁判时间", "2024-13", "“2024-13”不是存在的日期"),
        ("裁判时间", "前年", "“前年”不是日期"),
        ("案例编号", "2024-017", "编号“2024-017”重复，已见于第2行"),
        ("要点", "x", "没有这一项"),
    ],
)
def test_faults_are_told_with_line_and_heading(tmp_path: Path, heading: str, cell: str, told: str) -> None:
    head = HEAD if heading in HEAD else [*HEAD, heading]
    values = dict(zip(HEAD, ["2024-018", *ROW[1:]], strict=True)) | {heading: cell}
    path = table_csv(tmp_path / "案例", [head, [*ROW, *[""] * (len(head) - len(HEAD))], [values[h] for h in head]])
    with pytest.raises(DataFault) as error:
        read_records(path, CUSTOMS)
    assert f"{path} 第3行" in str(error.value)
    assert told in str(error.value)


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = table_csv(tmp_path / "案例", [HEAD, ["", *ROW[1:]], [*ROW[:4], "拒绝", *ROW[5:]], ROW])
    with pytest.raises(DataFault) as error:
        read_records(path, CUSTOMS)
    assert [f.line for f in error.value.faults] == [2, 3]
    path = table_csv(tmp_path / "案例", [[*HEAD, "要点"], [*ROW[:4], "拒绝", *ROW[5:], "x"]])
    with pytest.raises(DataFault) as error:
        read_records(path, CUSTOMS)
    assert {f.field for f in error.value.faults} == {"要点", "办理结果"}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("坏.docx", b"PK\x03\x04 not a zip", "不是可以读取的 Word 文件"),
        ("坏.xlsx", b"nothing", "不是可以读取的 XLSX"),
        ("旧.doc", b"\xd0\xcf\x11\xe0", "另存为 .docx"),
        ("空.csv", "编号,标题\n".encode(), "没有一个案例"),
        ("无表头.csv", "甲,乙\n1,2\n".encode(), "没有找到表头，表头须有“编号”一列"),
        ("引号.csv", '编号,标题\nA,"没有关上\nB,题\n'.encode(), "第2行：不是合法的 CSV（引号没有成对"),
        ("二进制.csv", b"\xff\xfe\x00\x01", "不是"),
    ],
)
def test_a_broken_file_is_refused_in_words(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataFault, match=re.escape(told)):
        read_records(tmp_path / name, CUSTOMS)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    for name in ("无.csv", "无.docx", "无.xlsx", "无.jsonl"):
        with pytest.raises(NotFound):
            read_records(tmp_path / name, CUSTOMS)


def test_a_text_of_a_megabyte_is_taken_and_more_refused(tmp_path: Path) -> None:
    fits = table_csv(tmp_path / "案例", [["编号", "案情"], ["A", "公" * 333_000]])
    assert len(read_records(fits, CUSTOMS)[0].facts) == 333_000
    over = table_xlsx(tmp_path / "案例", [["编号", "案情"], ["A", "短"]])
    assert read_records(over, CUSTOMS)[0].facts == "短"
    long = table_csv(tmp_path / "长", [["编号", "案情"], ["A", "公" * 334_000]])
    with pytest.raises(DataFault, match="文字过长"):
        read_records(long, CUSTOMS)


def test_a_second_run_imports_nothing_twice(office: Office, tmp_path: Path) -> None:
    path = table_csv(tmp_path / "案例", [HEAD, ROW])
    first = office.import_precedents(path)
    assert (first["imported"], first["new"], first["unchanged"]) == (1, ["2024-017"], 0)
    again = office.import_precedents(path)
    assert (again["imported"], again["unchanged"]) == (0, 1)
    changed = office.import_precedents(table_csv(tmp_path / "案例", [HEAD, [ROW[0], "改名", *ROW[2:]]]))
    assert changed["changed"] == ["2024-017"]
    assert [v["record"]["title"] for v in office.precedent_history("2024-017")["versions"]] == [ROW[1], "改名"]


def test_nothing_of_a_faulty_file_is_taken_in(office: Office, tmp_path: Path) -> None:
    with pytest.raises(DataFault):
        office.import_precedents(table_csv(tmp_path / "案例", [HEAD, ROW, ["B", *ROW[1:4], "拒绝", *ROW[5:]]]))
    with pytest.raises(NotFound):
        office.precedent("2024-017")


def test_records_with_personal_data_are_named(office: Office, tmp_path: Path) -> None:
    row = [ROW[0], ROW[1], "申请人身份证号码999101196805170231，电话19900000001", *ROW[3:]]
    found = office.import_precedents(table_csv(tmp_path / "案例", [HEAD, row]))
    assert found["personal"] == [{"id": "2024-017", "kinds": {"证件号码": 1, "电话": 1}}]


# ---- expiry: what was decided under law that has changed


def marks(**given: Any) -> tuple[str, ...]:
    return CUSTOMS.marks(Precedent(id="A", holding="x", **given))


def test_old_law_is_marked_by_day_or_by_what_is_cited() -> None:
    old = marks(legal_basis=("政府信息公开条例第十三条",), decided_on="2018-05-01")
    assert old[0] == "依旧条例裁判，援引时须核对现行条例的对应条文。"
    assert "“三需要”已经取消" in old[1]
    assert marks(legal_basis=("政府信息公开条例第十三条",), decided_on="2019-05-15") == ()
    assert marks(legal_basis=("政府信息公开条例（2007年，旧条例）第十三条",)) == old
    assert marks(legal_basis=("政府信息公开条例第十三条",)) == ()  # nothing says when


def test_articles_that_did_not_change_and_years_that_may_be_either_are_left() -> None:
    assert marks(legal_basis=("政府信息公开条例第三十六条",), decided_on="2018") == ()
    assert marks(legal_basis=("政府信息公开条例第二十四条",), decided_on="2019") == ()
    assert marks(legal_basis=("政府信息公开条例第二十四条",), decided_on="2018")
    assert marks(legal_basis=("国有土地上房屋征收与补偿条例第二十九条",), decided_on="2018") == ()


def test_every_article_of_an_era_is_told_in_its_data() -> None:
    assert all(isinstance(era, Era) and era.text and era.checked_on for era in CUSTOMS.eras)
    assert {era.until.isoformat() for era in CUSTOMS.eras} == {"2019-05-15", "2024-01-01", "2025-06-01"}


def test_old_law_shows_in_search_and_in_the_record(office: Office) -> None:
    (match,) = [m for m in office.precedents("三需要 生产生活科研特殊需要")["matches"] if m["id"] == "PT24"]
    assert any("“三需要”已经取消" in why for why in match["why"])
    assert office.precedent("PT24").marks


def test_a_newer_program_brings_its_records_and_leaves_the_offices_own(home: Path, office: Office) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    from yishenqing.precedents import Noted, Shelf, shipped_library  # noqa: PLC0415

    records = {p.id: p for p in shipped_library()}
    noted = Noted("", office.today, "", rehearsal=False, source="随程序发布")
    with office._transactions.writing() as connection:
        shelf = Shelf(connection, office.settings.agency, CUSTOMS)
        shelf.keep([replace(records["T01"], fate="旧文字")], noted)
        shelf.keep([replace(records["T02"], fate="本机关改过")], replace(noted, actor="某人"))
        shelf.remove("PT03", erase=False)
    Office.init(home)
    assert office.precedent("T01").fate == records["T01"].fate
    assert office.precedent("T02").fate == "本机关改过"
    with pytest.raises(NotFound):
        office.precedent("PT03")


def test_every_shipped_record_is_complete(office: Office) -> None:
    from yishenqing.precedents import shipped_library  # noqa: PLC0415

    lacking = {
        (p.id, name)
        for p in shipped_library()
        for name in ("title", "facts", "request", "holding", "fate", "source", "legal_basis", "topics")
        if not getattr(p, name)
    }
    assert lacking == set()


def test_a_formula_without_its_result_is_named_and_not_lost(tmp_path: Path) -> None:
    """A workbook that no spreadsheet program has saved holds formulas alone."""
    row = [*ROW]
    row[1], row[7] = '=A2&"某案"', "=1"
    with pytest.raises(DataFault) as raised:
        list(read_records(table_xlsx(tmp_path / "案例", [HEAD, row]), CUSTOMS))
    said = [(f.line, f.text[:2]) for f in raised.value.faults]
    assert said == [(2, "B列"), (2, "H列")]
    assert "请在表格软件中打开并保存" in raised.value.text
