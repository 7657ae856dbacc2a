"""The inspection where letters are issued: faults stop them, warnings need a reason, the entry says so."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from offices import APPLICATION, USER, Calendar, walked, ysq
from openpyxl import Workbook

from yishenqing.core import moving
from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.core.identity import luhn
from yishenqing.inspection import read_inspection, text_of
from yishenqing.inspection.leads import covered, leads, plain
from yishenqing.inspection.personal import contacts, identities
from yishenqing.office import Office, checking
from yishenqing.office.inspecting import NOTED
from yishenqing.rulebook import read_rulebook
from yishenqing.shipped import shipped

Step = tuple[str, Mapping[str, Any]]
OPENED: list[Step] = [("acknowledged", {}), ("accepted", {"handler": "征地管理科"})]
SEARCHED: Step = (
    "search_recorded",
    {"systems": "档案系统;公文系统", "keywords": "征收公告;柳湾片区", "result": "检索到一份", "searched_by": "赵某"},
)
CHECKED: list[Step] = [("reviewed", {"opinion": "同意"}), ("secrecy_reviewed", {"conclusion": "releasable"})]
GRANTED = {"outcome": "granted", "provided": "土地征收公告"}
MOBILE = "13800138000"


def drafted(office: Office, facts: Mapping[str, Any], **application: Any) -> str:
    number: str = office.register({**APPLICATION, **application})["number"]
    for step, given_facts in (*OPENED, SEARCHED, ("drafted", facts), *CHECKED):
        office.act(number, step, given_facts)
    return number


def adjust(home: Path, checks: Mapping[str, Mapping[str, str]]) -> None:
    path = home / "office.yaml"
    text = re.sub(r"(?m)^inspection: .*$", "", path.read_text(encoding="utf-8"))
    path.write_text(f"{text}\ninspection: {json.dumps(checks, ensure_ascii=False)}\n", encoding="utf-8")


def test_every_citation_of_the_checks_is_in_the_law_data() -> None:
    law, inspection = read_rulebook().law, read_inspection(None)
    assert [
        p for c in (inspection.law, *(x.law for x in inspection.checks.values())) if (p := law.unresolved(c))
    ] == []
    assert {n for c in inspection.checks.values() for n in c.practice} == set(range(1, 28))


def test_a_fault_stops_the_letter_and_nothing_is_taken(office: Office, quick_letters: None) -> None:
    number = drafted(office, {**GRANTED, "reasoning": "可以在三十日内提起行政诉讼"})
    with pytest.raises(Refused) as refused:
        office.act(number, "signed")
    assert "不能办理“签发答复”，发出前的检查发现1处错误" in refused.value.text
    assert (
        "（remedy）：自行写了复议、诉讼的期限［《政府信息予以公开告知书》第3段“可以在三十日内提起行政诉讼”］"
        in refused.value.text
    )
    assert "（行政复议法第二十条）。办法：" in refused.value.text
    assert "returned" in {p.step for p in refused.value.permitted}
    assert office.show(number)["state"] == "cleared"
    office.act(number, "returned", {"reason": "删去自写的期限"})
    for step, facts in (("drafted", GRANTED), *CHECKED, ("signed", {})):
        office.act(number, step, facts)
    assert office.show(number)["letters"][-1]["number"].endswith("〔2026〕1号")  # no number was lost


def test_a_warning_needs_a_reason_which_stands_sealed_in_the_entry(office: Office, quick_letters: None) -> None:
    number = drafted(office, {**GRANTED, "reasoning": f"咨询请拨{MOBILE}"})
    with pytest.raises(Refused, match='warnings_accepted="leak_contact：理由"'):
        office.act(number, "signed")
    reason = "该手机为公开的值班电话"
    office.act(number, "signed", {"warnings_accepted": f"leak_contact：{reason}；已核对"})
    entry = office.show(number)["entries"][-1]
    assert entry["facts"]["warnings_accepted"] == [f"leak_contact：{reason}", "已核对"]
    assert entry["facts"]["inspection"] == {"warnings": ["leak_contact"]}
    with office._transactions.reading() as connection:
        assert reason not in office._load(connection, number).entries[-1].payload
    found = office.inspect(number)
    assert found["letter"]["draft"] is False
    assert [(w["check"], w["accepted"]) for w in found["warnings"]] == [("leak_contact", f"{reason}；已核对")]
    assert MOBILE not in found["warnings"][0]["text"]


@pytest.mark.parametrize(
    ("given_reasons", "said"),
    [
        ("已核对", "应写作 检查代号：理由"),
        ("leak_contact：", "没有写明理由"),
        ("late_reply：来不及", "本次检查没有“late_reply”这一提示；现有提示：leak_contact"),
        ("leak_contact：好；__import__：os", "本次检查没有“__import__”这一提示"),
        ("{{ 7*7 }}：<b>", "应写作 检查代号：理由"),
        ("：" * 500, "应写作 检查代号：理由"),
    ],
)
def test_reasons_that_say_nothing_are_refused(
    office: Office, quick_letters: None, given_reasons: str, said: str
) -> None:
    number = drafted(office, {**GRANTED, "reasoning": f"咨询请拨{MOBILE}"})
    with pytest.raises(DataFault, match=re.escape(said)):
        office.act(number, "signed", {"warnings_accepted": given_reasons})
    assert office.show(number)["state"] == "cleared"


def test_reasons_for_no_warning_are_refused(office: Office, quick_letters: None) -> None:
    number = drafted(office, GRANTED)
    with pytest.raises(DataFault, match="现有提示：无"):
        office.act(number, "signed", {"warnings_accepted": "late_reply：来不及"})
    office.act(number, "signed")
    assert "inspection" not in office.show(number)["entries"][-1]["facts"]


def test_an_overdue_reply_can_still_go_out(office: Office, calendar: Calendar, quick_letters: None) -> None:
    number = drafted(office, GRANTED)
    calendar.day = date(2026, 4, 20)
    with pytest.raises(Refused, match="late_reply"):
        office.act(number, "signed")
    found = office.act(number, "signed", {"warnings_accepted": "late_reply：档案馆搬迁，已向申请人说明"})
    assert found["state"] == "signed"


def test_a_notice_is_inspected_too(office: Office, calendar: Calendar, quick_letters: None) -> None:
    number = office.register(APPLICATION)["number"]
    office.act(number, "acknowledged")
    calendar.day = date(2026, 3, 13)
    facts = {"defects": "未写明年度", "guidance": "写明年度", "until": "2026-03-25"}
    with pytest.raises(Refused, match="late_supplement"):
        office.act(number, "supplement_requested", facts)
    office.act(number, "supplement_requested", {**facts, "warnings_accepted": "late_supplement：按原期限答复"})
    assert office.inspect(number)["letter"]["kind"] == "supplement_notice"


def test_documents_that_go_out_are_read(office: Office, tmp_path: Path, quick_letters: None) -> None:
    roll = tmp_path / "名册.csv"
    roll.write_text("户主,999101197002140172\n", encoding="gb18030")
    scan = tmp_path / "扫描.jpg"
    scan.write_bytes(b"\xff\xd8\xff")
    number = drafted(office, {**GRANTED, "documents": [str(roll), str(scan)]})
    found = office.inspect(number)
    assert [(f["check"], f["place"]) for f in found["faults"]] == [("leak_identity", "附件“名册.csv”")]
    assert [(w["check"], w["place"]) for w in found["warnings"]] == [("attachment_unread", "附件“扫描.jpg”")]
    assert "999101197002140172" not in json.dumps(found, ensure_ascii=False)


def test_the_applicants_own_numbers_may_be_quoted_to_him(office: Office, quick_letters: None) -> None:
    number = drafted(office, GRANTED, items=["关于我和邻居999101197002140172的土地征收公告"])
    assert office.inspect(number)["faults"] == []


def test_the_earlier_answer_is_looked_up(office: Office, calendar: Calendar, quick_letters: None) -> None:
    first = office.register(APPLICATION)["number"]
    walked(office, calendar, first, "delivered")
    earlier = office.show(first)["letters"][-1]["number"]
    repeat = {"outcome": "noproc_repeat", "earlier_case": first, "same_checked": "两次相同"}
    later = {"arrived_on": calendar.day.isoformat()}
    assert office.inspect(drafted(office, repeat, **later))["warnings"] == []
    other = {**APPLICATION["applicant"], "name": "吴桂芳", "id_number": "999101197002140172"}
    found = office.inspect(drafted(office, repeat, **later, applicant=other))
    assert [w["text"] for w in found["warnings"]] == [f"{earlier}是案件{first}的答复，申请人与本案不同"]
    before = {"earlier_case": None, "earlier_outside": True, "earlier_reply": "上次的答复" * 400}
    unknown = office.inspect(drafted(office, {**repeat, **before}, **later))
    assert [w["check"] for w in unknown["warnings"]] == ["repeat_linked"]


def test_nothing_to_inspect_is_said(office: Office) -> None:
    number = office.register(APPLICATION)["number"]
    with pytest.raises(Refused, match="没有可以检查的内容"):
        office.inspect(number)
    with pytest.raises(NotFound):
        office.inspect("2026-9999")


def test_an_office_takes_a_switchable_check_otherwise_and_the_entry_says_why(
    home: Path, calendar: Calendar, quick_letters: None
) -> None:
    adjust(home, {"leak_contact": {"take_as": "skip", "reason": "本机关的电话均为公开电话"}})
    with Office.open(home, user=USER, today=calendar) as office:
        number = drafted(office, {**GRANTED, "reasoning": f"咨询请拨{MOBILE}"})
        assert office.inspect(number)["warnings"] == []
        office.act(number, "signed")
        noted = office.show(number)["entries"][-1]["facts"]["inspection"]
        assert noted == {"taken_as": {"leak_contact": ["skip", "本机关的电话均为公开电话"]}}


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ({"remedy": {"take_as": "skip", "reason": "不用"}}, "不能改为提示或者关闭"),
        ({"leak_contact": {"take_as": "skip", "reason": " "}}, "请写明理由"),
        ({"no_such": {"take_as": "skip", "reason": "不用"}}, "没有检查“no_such”"),
    ],
)
def test_what_may_not_be_switched_stays(
    home: Path,
    calendar: Calendar,
    quick_letters: None,
    unproved: None,
    checks: Mapping[str, Mapping[str, str]],
    said: str,
) -> None:
    with Office.open(home, user=USER, today=calendar) as office:
        number = drafted(office, GRANTED)
    adjust(home, checks)
    with Office.open(home, user=USER, today=calendar) as office, pytest.raises(DataFault, match=said):
        office.act(number, "signed")
    assert any(said in f["text"] for f in checking.check(home)["faults"])


def test_a_case_with_an_inspection_noted_may_be_moved_to_newer_rules() -> None:
    assert NOTED in moving.NOTES


def test_an_office_may_change_words_but_not_the_nature_of_a_check(tmp_path: Path) -> None:
    own = tmp_path / "workflows" / "inspection.yaml"
    own.parent.mkdir()
    data = yaml.safe_load((shipped("workflows") / "inspection.yaml").read_text(encoding="utf-8"))

    def read(change: Callable[[Any], object]) -> None:
        changed = yaml.safe_load(yaml.safe_dump(data))
        change(changed["checks"])
        own.write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
        read_inspection(tmp_path)

    read(lambda c: c["petition_nouns"]["words"]["documents"].append("花名册"))
    assert "花名册" in read_inspection(tmp_path).checks["petition_nouns"].words["documents"]
    for change, said in (
        (lambda c: c["remedy"].update(kind="warning"), "以随附的为准"),
        (lambda c: c["remedy"].update(switchable=True), "以随附的为准"),
        (lambda c: c.pop("remedy"), "缺少检查“remedy”"),
        (lambda c: c.update(no_such=deepcopy(c["remedy"])), "没有检查“no_such”"),
        (lambda c: c["remedy"].update(run="os.system"), "run"),
        (lambda c: c["remedy"].update(kind="note"), "kind"),
    ):
        with pytest.raises(DataFault, match=said):
            read(change)


def test_the_command_prints_faults_first_and_returns_three(
    home: Path, calendar: Calendar, quick_letters: None
) -> None:
    with Office.open(home, user=USER, today=calendar) as office:
        number = drafted(office, {**GRANTED, "reasoning": f"请在三十日内提起诉讼，电话{MOBILE}"})
        sound = drafted(office, GRANTED)
    done = ysq("inspect", number, "--home", home, YISHENQING_TODAY="2026-03-03")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0] == f"案件 {number}　《政府信息予以公开告知书》（草稿，尚未签发）"
    assert [x for x in lines if not x.startswith(" ")][1:3] == [
        "错误1处（改正以前不能出具）", "提示1处（写明处理理由才能出具）",
    ]  # fmt: skip
    assert "      依据：行政复议法第二十条" in lines
    document = json.loads(ysq("inspect", number, "--home", home, "--json", YISHENQING_TODAY="2026-03-03").stdout)
    assert {"check", "text", "law", "place"} <= document["faults"][0].keys()
    assert [f["check"] for f in document["faults"]] == ["remedy"]
    assert [w["check"] for w in document["warnings"]] == ["leak_contact"]
    done = ysq("inspect", sound, "--home", home, YISHENQING_TODAY="2026-03-03")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "检查通过：没有发现错误和需要说明的问题。")
    refused = ysq(
        "act", number, "signed", "--home", home, "--as", USER, "--on", "2026-03-02", YISHENQING_TODAY="2026-03-03"
    )
    assert refused.returncode == 3
    assert "（remedy）" in refused.stderr
    assert "现在可以办理：" in refused.stderr
    assert ysq("inspect", "2026-9999", "--home", home).returncode == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("关于柳湾片区安置房项目的土地征收公告", ["柳湾片区安置房项目"]),
        (
            "申请公开云政征〔2025〕3号、青禾镇A-12号地块及府前路改造工程的材料",
            ["云政征〔2025〕3号", "青禾镇A-12号地块", "府前路改造工程"],
        ),
        ("云政征(2025)第3号", ["云政征(2025)第3号"]),
        ("所有项目", ["所有项目"]),
        ("项目", []),
        ("", []),
    ],
)
def test_leads_are_taken_from_the_request(text: str, expected: list[str]) -> None:
    words = read_inspection(None).checks["leads_in_request"].words
    assert sorted(leads(text, words["suffixes"], words["before"])) == sorted(expected)


def test_a_lead_is_covered_however_it_is_bracketed() -> None:
    assert covered("云政征〔2025〕3号", plain("检索词：云政征[2025]3号"), [], 3)
    assert covered("柳湾片区安置房项目", "", ["柳湾片区"], 3)
    assert not covered("柳湾片区安置房项目", "", ["项目"], 3)


@given(st.text(max_size=300))
def test_any_text_can_be_scanned(text: str) -> None:
    for scan in (identities, contacts("京津")):
        assert all(what and number for what, number in scan(text))
    assert leads(text, ("项目",), ("关于",)) == leads(text, ("项目",), ("关于",))


@given(st.integers(min_value=10**14, max_value=10**17))
def test_one_wrong_digit_breaks_the_check_of_a_card(body: int) -> None:
    number = next(f"{body}{d}" for d in range(10) if luhn(f"{body}{d}"))
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not luhn(wrong)


@pytest.mark.parametrize(
    "text",
    ["999101197002140172", "９９９１０１１９７００２１４０１７２", "999101 19700214 0172", "999101-19700214-0172"],
)
def test_an_identity_number_is_found_however_it_is_written(text: str) -> None:
    assert [what for what, _ in identities(f"户主（{text}）")] == ["身份证号码"]


def test_numbers_that_are_none_are_left_alone() -> None:
    assert [*identities("999101197002140173，2026030200010002，文号20260302000100021")] == []
    assert [*contacts("京")("0999-5550100，2013800138000，第13800号")] == []
    assert [*contacts("京")("京A12345，京AB1234C，京ABCDEF")] == [("车牌号", "京A12345"), ("车牌号", "京AB1234C")]


def docx(text: str) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    runs = f"<w:r><w:t>{text[:3]}</w:t></w:r><w:r><w:t>{text[3:]}</w:t></w:r>"
    body = f'<w:document xmlns:w="{space}"><w:p>{runs}</w:p></w:document>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("word/document.xml", body)
    return stream.getvalue()


def xlsx(text: str) -> bytes:
    book, stream = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["户主", text])
    book.save(stream)
    return stream.getvalue()


def test_the_text_of_common_files_is_read() -> None:
    assert text_of("名册.docx", docx("999101197002140172")) == "999101197002140172"
    assert "999101197002140172" in (text_of("名册.XLSX", xlsx("999101197002140172")) or "")
    assert text_of("说明.txt", "说明".encode("gb18030")) == "说明"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("坏.pdf", b"%PDF-1.7 broken"),
        ("坏.docx", b"PK\x03\x04"),
        ("坏.xlsx", b"not a workbook"),
        ("图.png", b"\x89PNG"),
        ("没有后缀", b"text"),
        ("乱码.txt", b"\xff\xff\xff\xff"),
        ("实体.docx", docx("x").replace(b"PK\x05\x06", b"PK\x05\x07")),
    ],
)
def test_what_cannot_be_read_is_said_not_guessed(name: str, content: bytes) -> None:
    assert text_of(name, content) is None
