"""An application is read strictly, and its defects are shown, not punished."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yishenqing.core.errors import DataFault, NotFound, Reason
from yishenqing.core.identity import credit_code_fault, resident_id_fault
from yishenqing.intake import Application, parse_application, read_application, receipt_warnings
from yishenqing.rulebook import read_rulebook
from yishenqing.shipped import shipped

SAMPLES = sorted(path for path in (shipped("samples") / "applications").iterdir() if path.is_file())
SOUND: dict[str, Any] = {
    "channel": "in_person",
    "arrived_on": "2026-03-02",
    "confirmed_on": None,
    "applicant": {
        "kind": "natural",
        "name": "张某",
        "id_type": "居民身份证",
        "id_number": "999101196805170231",
        "phone": "19900000001",
        "email": "zhang@example.invalid",
        "address": "云溪县青禾镇",
        "postcode": "999101",
        "agent": None,
    },
    "items": ["关于某地块征收的土地征收公告"],
    "preferred_form": "paper",
    "delivery": "mail",
}


def _with(**changes: Any) -> dict[str, Any]:
    """The sound application with changes; ``applicant__name`` goes into the applicant."""
    data = copy.deepcopy(SOUND)
    for key, value in changes.items():
        target, _, name = key.rpartition("__")
        (data[target] if target else data)[name] = value
    return data


def _faults(data: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(DataFault) as caught:
        parse_application(data)
    return {fault.field: fault.text for fault in caught.value.faults}


FLOW = read_rulebook().workflow


def _reasons(application: Application, **readings: str) -> list[Reason]:
    """Everything that an officer is warned of at registration."""
    return [*receipt_warnings(application, FLOW, readings), *application.warnings()]


def _warned(data: dict[str, Any], **readings: str) -> str:
    return "\n".join(str(reason) for reason in _reasons(parse_application(data), **readings))


# ---- the samples


def test_there_are_twelve_samples_three_of_them_yaml() -> None:
    assert [path.stem for path in SAMPLES] == [f"{number:02d}" for number in range(1, 13)]
    assert [path.suffix for path in SAMPLES].count(".yaml") == 3


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_read_and_comes_back_from_the_ledger(path: Path) -> None:
    application = read_application(path)
    assert parse_application(json.loads(json.dumps(application.facts()))) == application


WARNED = {
    "04.json": ["条例第三十九条", "条例第三十九条"],
    "08.json": ["条例第三十一条"],
    "09.json": ["条例第三十一条"],
    "10.json": ["条例第二十九条", "条例第二十九条"],
    "11.yaml": ["条例第二十九条"],
    "12.json": ["条例第二十九条"],
}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_warned_of_exactly_where_it_should_be(path: Path) -> None:
    assert [reason.law for reason in _reasons(read_application(path))] == WARNED.get(path.name, [])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_numbers_belong_to_nobody(path: Path) -> None:
    applicant = read_application(path).applicant
    for number in (applicant.id_number, applicant.agent and applicant.agent.id_number):
        if number and resident_id_fault(number) is None:
            assert number.startswith("999")
        elif number and credit_code_fault(number) is None:
            assert number[2:8] == "999999"


# ---- reading


def test_the_sound_application_has_no_warning_and_keeps_its_words() -> None:
    application = parse_application(SOUND)
    assert _reasons(application) == []
    assert application.arrived_on == date(2026, 3, 2)
    assert application.items == ("关于某地块征收的土地征收公告",)
    assert application.facts() == {**SOUND, "joint_applicants": [], "leads": [], "note": None, "attachments": []}


def test_codes_become_half_width_and_prose_stays_as_written() -> None:
    data = _with(applicant__phone="１９９ ００００ ０００１", applicant__postcode=999101, items=[" ２０２３年度 "])
    application = parse_application(data)
    assert application.applicant.phone == "19900000001"
    assert application.applicant.postcode == "999101"
    assert application.items == ("２０２３年度",)


def test_blank_fields_of_a_form_say_nothing() -> None:
    data = _with(applicant__email=" ", note="", confirmed_on="")
    application = parse_application(data)
    assert (application.applicant.email, application.note, application.confirmed_on) == (None, None, None)


def test_all_faults_come_at_once_with_file_line_and_field(tmp_path: Path) -> None:
    file = tmp_path / "申请 一.yaml"
    file.write_text(
        "chanel: online\n"
        "arrived_on: 20260302\n"
        "confirmed_on: 2026-3-2\n"
        "applicant:\n"
        "  kind: person\n"
        "  name: ' '\n"
        "items: []\n"
        "preferred_form: paper\n"
        "delivery: mail\n",
        encoding="utf-8",
    )
    with pytest.raises(DataFault) as caught:
        read_application(file)
    assert caught.value.exit_code == 6
    assert {(fault.line, fault.field) for fault in caught.value.faults} == {
        (1, "channel"),
        (1, "chanel"),
        (2, "arrived_on"),
        (3, "confirmed_on"),
        (5, "applicant.kind"),
        (6, "applicant.name"),
        (7, "items"),
    }
    assert all(fault.file == str(file) for fault in caught.value.faults)
    assert "是否想写“channel”" in caught.value.text


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"arrived_on": "2026-02-30"}, "arrived_on", "不存在的日期"),
        ({"arrived_on": 20260302}, "arrived_on", "应为日期"),
        ({"arrived_on": "2026-03-02T10:00:00"}, "arrived_on", "应为日期"),
        ({"arrived_on": "２０２６-03-02"}, "arrived_on", "应为日期"),
        ({"items": "土地征收公告"}, "items", "应为列表"),
        ({"items": []}, "items", "应有1至100项"),
        ({"items": ["  "]}, "items.1", "不能为空"),
        ({"items": ["好", "长" * 2001]}, "items.2", "超过长度上限2000字"),
        ({"items": ["征收\u202e公告"]}, "items.1", "U+202E"),
        ({"items": ["征收\u200b公告"]}, "items.1", "U+200B"),
        ({"items": ["征收\x00公告"]}, "items.1", "U+0000"),
        ({"items": ["\ud800"]}, "items.1", "U+D800"),
        ({"applicant__name": "张\n某"}, "applicant.name", "U+000A"),
        ({"applicant__name": 3}, "applicant.name", "应为文字"),
        ({"applicant__phone": True}, "applicant.phone", "应为文字"),
        ({"applicant__phone": 1.5}, "applicant.phone", "应为文字"),
        ({"applicant__nickname": "老张"}, "applicant.nickname", "未知的键"),
        ({"applicant__agent": {"phone": "1"}}, "applicant.agent.name", "缺少必填项"),
        ({"applicant__agent": "李某"}, "applicant.agent", "应为键值对"),
        ({"delivery": "pigeon"}, "delivery", "只能是"),
        ({"leads": [1]}, "leads.1", "应为文字"),
        ({"attachments": ["../秘密.pdf"]}, "attachments.1", "相对于申请文件"),
        ({"attachments": ["/etc/passwd"]}, "attachments.1", "相对于申请文件"),
        ({"attachments": ["C:\\a.pdf"]}, "attachments.1", "相对于申请文件"),
        ({"channel": "online", "confirmed_on": "2026-03-01"}, "confirmed_on", "不得早于"),
    ],
)
def test_a_malformed_field_is_refused_by_name(changes: dict[str, Any], field: str, says: str) -> None:
    faults = _faults(_with(**changes))
    assert list(faults) == [field]
    assert says in faults[field]


@pytest.mark.parametrize("key", ["channel", "arrived_on", "applicant", "items", "preferred_form", "delivery"])
def test_what_the_form_asks_for_must_be_there(key: str) -> None:
    data = _with()
    del data[key]
    assert _faults(data) == {key: "缺少必填项"}


def test_days_out_of_order_are_told_together_with_the_other_faults() -> None:
    faults = _faults(_with(channel="fax", confirmed_on="2026-02-28", delivery="pigeon"))
    assert set(faults) == {"confirmed_on", "delivery"}


@pytest.mark.parametrize("text", ["", "[]", "只有一句话", "- a\n- b\n"])
def test_a_file_that_is_no_application_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataFault, match="应为键值对"):
        read_application(file)


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(SOUND)[:-1] + ', "delivery": "email"}', encoding="utf-8")
    with pytest.raises(DataFault, match="键“delivery”重复"):
        read_application(file)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_application(tmp_path / "没有.json")


def test_attachments_must_lie_beside_the_application(tmp_path: Path) -> None:
    (tmp_path / "外.txt").write_text("x", encoding="utf-8")
    folder = tmp_path / "内"
    folder.mkdir()
    (folder / "委托书.txt").write_text("x", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "外.txt")
    file = folder / "a.json"
    file.write_text(json.dumps(_with(attachments=["委托书.txt"])), encoding="utf-8")
    assert read_application(file).attachments == ("委托书.txt",)
    file.write_text(json.dumps(_with(attachments=["委托书.txt", "无.txt", "link.txt"])), encoding="utf-8")
    with pytest.raises(DataFault) as caught:
        read_application(file)
    assert [fault.field for fault in caught.value.faults] == ["attachments.2", "attachments.3"]


# ---- warnings


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"applicant__id_number": "999101196805170232"}, "校验码不符"),
        ({"applicant__id_number": "999101196805170232", "applicant__id_type": "二代身份证"}, "校验码不符"),
        (
            {
                "applicant__id_number": "91999999MA1TE5T0XU",
                "applicant__id_type": "统一社会信用代码",
                "applicant__kind": "commercial",
            },
            "统一社会信用代码的校验码不符",
        ),
        ({"applicant__id_number": None}, "缺少申请人身份证明"),
        ({"applicant__id_type": None}, "未写明申请人身份证明的证件类型"),
        ({"applicant__phone": "12345"}, "联系电话“12345”疑似有误"),
        ({"applicant__email": "zhang@"}, "电子邮箱“zhang@”疑似有误"),
        ({"applicant__postcode": "2501"}, "邮政编码“2501”疑似有误"),
        ({"applicant__address": None}, "没有写明通信地址"),
        ({"applicant__email": None, "delivery": "email"}, "没有写明电子邮箱"),
        ({"applicant__agent": {"name": "李某", "id_type": "护照", "id_number": "E1"}}, "没有提交授权委托书"),
        ({"applicant__agent": {"name": "李某", "authority": "授权委托书"}}, "缺少代理人李某的身份证明"),
    ],
)
def test_a_defect_of_the_application_is_a_warning(changes: dict[str, Any], says: str) -> None:
    warned = _warned(_with(**changes))
    assert says in warned
    assert warned.count("\n") == 0
    assert warned.endswith("（条例第二十九条）")


def test_no_contact_at_all_is_a_defect() -> None:
    bare = {"applicant__phone": None, "applicant__email": None, "applicant__address": None}
    assert "缺少申请人联系方式" in _warned(_with(**bare, delivery="in_person"))
    agent = {
        "name": "李某",
        "phone": "19900000002",
        "authority": "委托书",
        "id_type": "护照",
        "id_number": "E1",
    }
    assert _warned(_with(**bare, delivery="in_person", applicant__agent=agent)) == ""


PHONES = ["0900-80000001", "（0900）80000001转12", "80000001", "+8619900000001", "4008000000"]


@pytest.mark.parametrize("phone", PHONES)
def test_ordinary_telephone_numbers_pass(phone: str) -> None:
    assert _warned(_with(applicant__phone=phone)) == ""


@pytest.mark.parametrize("id_type", ["护照", "香港身份证", "外国人永久居留身份证"])
def test_numbers_without_a_standard_are_taken_as_they_stand(id_type: str) -> None:
    assert _warned(_with(applicant__id_type=id_type, applicant__id_number="K123456(7)")) == ""


def test_a_small_x_is_the_same_check_character() -> None:
    assert _warned(_with(applicant__id_number="11010519491231002x")) == ""


ONLINE = {"online": "online_receipt", "email": "email_receipt"}


@pytest.mark.parametrize("channel", ["ordinary_mail", "fax", *ONLINE])
def test_a_channel_that_counts_from_confirmation_says_so(channel: str) -> None:
    readings = {ONLINE[channel]: "confirmed_on"} if channel in ONLINE else {}
    assert "尚未填写确认之日" in _warned(_with(channel=channel), **readings)
    assert _warned(_with(channel=channel, confirmed_on="2026-03-02"), **readings) == ""


@pytest.mark.parametrize("channel", ONLINE)
def test_a_channel_that_counts_from_arrival_by_the_reading_taken_says_so(channel: str) -> None:
    warned = _warned(_with(channel=channel))
    assert "有争议" in warned
    assert "答复期限自次日起算" in warned
    assert "尚未填写确认之日" not in warned
    assert "所填确认之日不作为收到之日" in _warned(_with(channel=channel, confirmed_on="2026-03-04"))


def test_a_letter_to_another_office_counts_as_the_office_reads_it() -> None:
    letter = _with(channel="registered_mail", addressed_to="征地科")
    assert "本机关以本机关（含收发室）签收之日为收到申请之日" in _warned(letter)
    assert "本机关以公开工作机构与申请人确认之日" in _warned(letter, other_office="confirmed_on")


def test_a_request_to_correct_is_pointed_out_and_a_correction_needs_evidence() -> None:
    warned = _warned(_with(items=["请将登记表中本人的姓名更正为周某某"]))
    assert ("ysq move" in warned, warned.endswith("（条例第四十一条）")) == (True, True)
    assert _warned(_with(items=["某项目的采购更正公告"])) == ""
    assert "没有随附证据" in _warned(_with(request="correction", items=["姓名应为周某某"]))
    assert "concerns" in _faults(_with(concerns="2026-0001"))


@pytest.mark.parametrize("channel", ["in_person", "registered_mail", "oral"])
def test_a_channel_without_confirmation_ignores_one_aloud(channel: str) -> None:
    assert _warned(_with(channel=channel)) == ""
    assert "不作为收到之日" in _warned(_with(channel=channel, confirmed_on="2026-03-03"))


@pytest.mark.parametrize(
    "item",
    ["请问为什么不发补偿款", "某批复是否合法", "举报某某违法占地", "要求依法查处违法建设", "什么时候办好？"],
)
def test_a_question_or_complaint_is_pointed_out_only(item: str) -> None:
    warned = _warned(_with(items=["土地征收公告", item]))
    assert warned.startswith("第2项")
    assert warned.endswith("（条例第三十九条）")


# ---- promises over all inputs


KEYS = [*SOUND, "name", "kind"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=8,
)
FIELDS = [*SOUND, "applicant__name", "applicant__agent", "leads", "note", "attachments"]


def _refusal(data: dict[str, Any]) -> DataFault | None:
    try:
        parse_application(data)
    except DataFault as error:
        return error
    return None


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANYTHING, st.sampled_from(FIELDS))
def test_whatever_stands_in_a_field_it_is_read_or_refused_in_chinese(value: Any, key: str) -> None:
    data = _with(**{key: value})
    refusal = _refusal(data)
    if refusal:
        assert refusal.faults
        assert "不合要求（" not in refusal.text  # pydantic's English never comes through
        return
    application = parse_application(data)
    assert parse_application(application.facts()) == application
    assert all(reason.law for reason in _reasons(application))


def test_importing_intake_does_not_load_pydantic() -> None:
    code = "import sys, yishenqing.intake; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
