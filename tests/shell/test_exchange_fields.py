"""What a receiver is told of a case: its fields and words as data, no person by accident, nothing cut."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from offices import APPLICATION, USER, Calendar, walked, ysq
from receiving import connected, listening
from timing import configure

from yishenqing import Office
from yishenqing.core.errors import DataFault, NotFound, YishenqingError
from yishenqing.exchange import read_mapping, read_vocabulary
from yishenqing.exchange.model import SOURCES
from yishenqing.letters import Letterbook
from yishenqing.office import checking
from yishenqing.office.outward import Outward
from yishenqing.settings import read_settings

SHIPPED = Path(__file__).resolve().parents[2] / "workflows" / "exchange"
PERSON = APPLICATION["applicant"]
TOLD = "请告知周德旺（999101196805170231，电话19900000001）承包地的征收公告"


@pytest.fixture
def opened(home: Path, calendar: Calendar, quick_letters: None) -> Iterator[Callable[[], Office]]:
    """Return a function that opens the office as its settings are by then."""
    offices: list[Office] = []

    def make() -> Office:
        offices.append(Office.open(home, user=USER, today=calendar))
        return offices[-1]

    yield make
    for office in offices:
        office.close()


def mapping(home: Path, change: Callable[[dict[str, Any]], object], name: str = "own") -> None:
    """Give the office a mapping of its own: the shipped one, changed."""
    folder = home / "workflows" / "exchange"
    folder.mkdir(parents=True, exist_ok=True)
    data = yaml.safe_load((SHIPPED / "province.yaml").read_text(encoding="utf-8"))
    change(data)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")


def sent(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for p in sorted((home / "out").iterdir()) for line in p.read_text().splitlines()]


def personal(data: dict[str, Any]) -> None:
    for name in ("applicantName", "idNumber", "content"):
        data["fields"][name]["personal"] = True


@pytest.mark.parametrize(
    ("receiver", "name", "number", "content"),
    [
        ({}, None, None, None),
        ({"mapping": "province"}, "周某", "", "masked"),
        ({"mapping": "province", "personal": ["applicant.name", "request"]}, "周某", "", "masked"),
        ({"mapping": "own"}, "周某", "", "masked"),
        ({"mapping": "own", "personal": ["applicant.name"]}, "周德旺", "", "masked"),
        ({"mapping": "own", "personal": ["applicant.id_number"]}, "周某", "999101196805170231", "masked"),
        ({"mapping": "own", "personal": ["request"]}, "周某", "", "open"),
    ],
)
def test_a_person_is_told_of_only_where_both_sides_name_it(
    home: Path, opened: Callable[[], Office], receiver: dict[str, Any], name: str, number: str, content: str
) -> None:
    mapping(home, personal)
    configure(home, exchange={"receivers": {"local": {"folder": "out", **receiver}}})
    office = opened()
    office.register({**APPLICATION, "items": [TOLD]})
    office.exchange_send()
    (event,) = sent(home)
    record = event.pop("record", {})
    everything = json.dumps(event, ensure_ascii=False)
    assert [v for v in (PERSON["name"], PERSON["id_number"], PERSON["phone"], "柳湾村") if v in everything] == []
    assert (record.get("applicantName"), record.get("idNumber")) == (name, number)
    if content is not None:
        known = [PERSON["name"], PERSON["id_number"], PERSON["phone"]]
        assert [v for v in known if v in record["content"]] == ([] if content == "masked" else known)
        assert "承包地的征收公告" in record["content"]
        assert record["address"] == ""


def test_a_record_goes_through_the_words_of_the_receiver(
    home: Path, opened: Callable[[], Office], calendar: Calendar
) -> None:
    def short(data: dict[str, Any]) -> None:
        del data["fields"]["replyText"]  # the letters of this test are one line, no PDF

    mapping(home, short)
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "own"}}})
    office = opened()
    number = office.register(APPLICATION)["number"]
    walked(office, calendar, number, "signed")
    office.exchange_send()
    drafted = [e["record"] for e in sent(home)][-1]
    assert (drafted["state"], drafted["dealType"], drafted["replyNo"]) == ("办理中", "", "")  # nobody's yet
    walked(office, calendar, number)
    office.exchange_send()
    record = sent(home)[-1]["record"]
    reply = next(x for x in office.show(number)["letters"] if "告" in x["number"])
    assert record == {
        "applyNo": number,
        "deptCode": "yunxi-zrzy",
        "deptName": "云溪县自然资源局",
        "applyDate": "2026-03-02",
        "applyType": "当面",
        "applicantKind": "公民",
        "applicantName": "周某",
        "idNumber": "",
        "address": "",
        "content": APPLICATION["items"][0],
        "state": "已办结",
        "dealType": "依申请公开",
        "replyDate": "2026-03-24",
        "replyNo": reply["number"],
        "replyHash": reply["sha256"],
    }


def test_nothing_is_cut_what_is_too_long_is_told_before(home: Path, opened: Callable[[], Office]) -> None:
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "province"}}})
    office = opened()
    long, fine = "地" * 1001, "地" * 1000
    one = office.register({**APPLICATION, "items": [long]})["number"]
    two = office.register({**APPLICATION, "items": [fine]})["number"]
    found = office.exchange_check()
    assert found["checked"] == 2
    assert found["faults"] == [
        {
            "number": one, "field": "content", "title": "申请内容", "text": "共1001字，超过上限1000字",
            "length": 1001, "limit": 1000,
        }
    ]  # fmt: skip
    said = ysq("--home", home, "--as", USER, "exchange", "check")
    assert said.returncode == 6
    assert f"案件{one}　“申请内容”（content）共1001字，超过上限1000字" in said.stdout
    office.exchange_send()
    assert [(e["number"], len(e["record"]["content"])) for e in sent(home)] == [(two, 1000)]
    (failed,) = office.failures()["exchange"]
    assert (failed["number"], bool(failed["given_up_at"])) == (one, True)

    def stand_in(data: dict[str, Any]) -> None:
        data["fields"]["content"]["instead"] = "全文{length}字，SHA-256：{sha256}"

    mapping(home, stand_in, "province")
    office = opened()
    assert office.exchange_check()["faults"] == []
    office.exchange_resend([one])
    office.exchange_send()
    assert sent(home)[-1]["record"]["content"].startswith("全文1001字，SHA-256：")


def test_a_word_that_the_receiver_lacks_and_an_empty_field_are_told(home: Path, opened: Callable[[], Office]) -> None:
    def poor(data: dict[str, Any]) -> None:
        del data["vocabulary"]["channel"]["in_person"]
        data["fields"]["replyNo"]["required"] = True

    mapping(home, poor)
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "own"}}})
    office = opened()
    number = office.register(APPLICATION)["number"]
    texts = [(f["field"], f["text"]) for f in office.exchange_check([number])["faults"]]
    assert texts == [("applyType", "的词“in_person”不在词表“channel”中"), ("replyNo", "必填，现在是空的")]
    with pytest.raises(NotFound):
        office.exchange_check(["2026-0099"])


def test_the_whole_reply_is_read_from_its_letter(home: Path, calendar: Calendar) -> None:
    """A real PDF: what the receiver gets of the text names nobody."""
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "province"}}})
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number, "replied")
        with office._transactions.reading() as connection:
            case = office._load(connection, number)
            receiver = office.settings.exchange.receivers["local"]
            outward = Outward.of(connection, case, case.row.head_seq, office.settings, office._papers, receiver)
        column = read_mapping("province", home).fields["replyText"]
        text = outward.value(column)
    assert "土地征收公告" in text
    assert PERSON["name"] not in text
    assert "周某" in text


def test_every_item_that_may_be_named_can_be_told(
    home: Path, opened: Callable[[], Office], calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_items(data: dict[str, Any]) -> None:
        known = {f"f{n}": {"title": title, "of": of} for n, (of, title) in enumerate(SOURCES.items())}
        data["fields"] = {"applyNo": data["fields"]["applyNo"], **known}

    mapping(home, all_items)
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "own"}}})
    monkeypatch.setattr(Letterbook, "pdf", _page)
    office = opened()
    number = office.register(APPLICATION)["number"]
    walked(office, calendar, number)
    assert office.exchange_check([number])["faults"] == []
    office.exchange_send()
    record = sent(home)[-1]["record"]
    empty = {of for n, of in enumerate(SOURCES) if not record[f"f{n}"]}
    assert empty == {
        "applicant.id_type", "applicant.id_number", "applicant.phone", "applicant.email", "applicant.address",
        "applicant.postcode", "reply_text",
    }  # fmt: skip


def _page(_book: Letterbook, kind: str, context: Any) -> bytes:
    import io  # noqa: PLC0415 - for this letter

    from pypdf import PdfWriter  # noqa: PLC0415

    page, stream = PdfWriter(), io.BytesIO()
    page.add_blank_page(72, 72)
    page.add_metadata({"/Title": f"{kind} {context['letter']['number']}"})
    page.write(stream)
    return stream.getvalue()


@pytest.mark.parametrize("how", ["csv", "remote"])
def test_lists_are_compared(home: Path, opened: Callable[[], Office], tmp_path: Path, how: str) -> None:
    with listening() as server:
        connected(home, server, mapping="province")
        office = opened()
        one, two, three = (office.register(APPLICATION)["number"] for _ in range(3))
        office.exchange_send()
        del server.desk.cases[two]
        server.desk.cases[one][1]["record"]["deptName"] = "别的局"
        server.desk.cases["2025-0007"] = {1: {"agency": "yunxi-zrzy", "record": {"applyNo": "2025-0007"}}}
        if how == "remote":
            found = office.exchange_reconcile()
        else:
            path = tmp_path / "清单.csv"
            with path.open("w", encoding="gb18030", newline="") as stream:
                sheet = csv.writer(stream)
                sheet.writerows(
                    [
                        ["编号", "受理单位", "经办"],
                        [one, "别的局", "甲"],
                        [three, "云溪县自然资源局", ""],
                        ["2025-0007", "", ""],
                    ]
                )
            found = office.exchange_reconcile(path)
        assert (found["missing_there"], found["missing_here"], found["same"]) == ([two], ["2025-0007"], 1)
        assert [(r["number"], r["field"], r["there"]) for r in found["differing"]] == [(one, "deptName", "别的局")]
        words = ["--remote"] if how == "remote" else [str(path)]
        said = ysq("--home", home, "--as", USER, "exchange", "reconcile", *words)
        assert said.returncode == 1
        assert f"对方没有：{two}" in said.stdout
        assert f"重发：ysq exchange resend {two} {one}" in said.stdout
        office.exchange_resend([one, two])
        office.exchange_send()
        assert office.exchange_reconcile()["missing_there"] == office.exchange_reconcile()["differing"] == []


def test_a_list_with_faults_is_told_line_by_line(home: Path, opened: Callable[[], Office], tmp_path: Path) -> None:
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "province"}}})
    office = opened()
    path = tmp_path / "清单.csv"
    path.write_text("编号,受理单位\n2026-0001,甲\n,乙\n2026-0001,丙\n")
    with pytest.raises(DataFault) as told:
        office.exchange_reconcile(path)
    assert [(f.line, f.text) for f in told.value.faults] == [(3, "缺少案件编号"), (4, "案件编号“2026-0001”重复")]
    with pytest.raises(DataFault, match="list_url"):
        office.exchange_reconcile()


def test_a_list_that_cannot_be_fetched_is_said(home: Path, opened: Callable[[], Office]) -> None:
    with listening() as server:
        connected(home, server, mapping="province")
    with pytest.raises(YishenqingError, match="清单取不到：没有回应"):
        opened().exchange_reconcile()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda d: d["fields"]["state"].update(of="stat"), "没有“stat”这一项"),
        (lambda d: d["fields"]["state"].update(through="x"), "没有词表“x”"),
        (lambda d: d["fields"]["state"].update(value="x"), "写一项，也只能写一项"),
        (lambda d: d["fields"]["state"].update(personal=True), "不是个人信息"),
        (lambda d: d["fields"]["content"].update(limit=-1), "长度上限应大于0"),
        (lambda d: d["fields"]["content"].update(instead="{name}"), "只能使用{length}和{sha256}"),
        (lambda d: d.update(key="state"), "应为取案件编号"),
        (lambda d: d["fields"]["state"].update(lenght=3), "未知的键"),
    ],
)
def test_a_fault_of_a_mapping_has_its_place(
    home: Path, opened: Callable[[], Office], change: Callable[[dict[str, Any]], object], text: str
) -> None:
    mapping(home, change)
    configure(home, exchange={"receivers": {"local": {"folder": "out", "mapping": "own"}}})
    with pytest.raises(DataFault) as told:
        opened().exchange_check()
    (fault,) = told.value.faults
    assert text in fault.text
    assert fault.file.endswith("own.yaml")
    assert fault.line


@pytest.mark.parametrize(
    ("receiver", "text"),
    [
        ({}, "写一项，也只能写一项"),
        ({"folder": "a", "url": "https://b.example/x", "secret_env": "S"}, "写一项，也只能写一项"),
        ({"url": "ftp://b.example/x", "secret_env": "S"}, "应为网址"),
        ({"url": "https://b.example/x"}, "secret_file"),
        ({"folder": "a", "personal": ["applicant.name"]}, "没有字段对应表"),
        ({"folder": "a", "timeout": 0}, "应大于0"),
        ({"folder": "a", "secret": "x"}, "未知的键"),
    ],
)
def test_a_fault_of_the_settings_has_its_place(home: Path, receiver: dict[str, Any], text: str) -> None:
    configure(home, exchange={"receivers": {"province": receiver}})
    with pytest.raises(DataFault) as told:
        read_settings(home)
    assert any(text in f.text and "province" in f.field and f.line for f in told.value.faults)


def test_the_shipped_data_name_what_there_is(home: Path) -> None:
    from yishenqing.rulebook import read_all  # noqa: PLC0415 - for this test

    vocabulary, province = read_vocabulary(home), read_mapping("province", home)
    known, faults = read_all(home)
    assert faults == []
    steps = {step for rules in known.values() for step in rules.workflow.steps}
    assert {s for kind in vocabulary.events.values() for s in kind.steps} - steps == set()
    assert set(province.events) - vocabulary.events.keys() == set()
    disclosure = known["disclosure"].workflow
    assert province.vocabulary["outcome"].keys() == disclosure.outcomes.keys()
    assert province.vocabulary["channel"].keys() == disclosure.channels.keys()
    assert province.vocabulary["state"].keys() == disclosure.states.keys() - {"new"}


def test_a_mapping_that_names_no_event_is_found_by_the_check(home: Path, unproved: None) -> None:
    mapping(home, lambda data: data["events"].append("vanished"))
    configure(home, exchange={"receivers": {"a": {"folder": "out", "mapping": "own"}}})
    (home / "workflows" / "exchange" / "events.yaml").write_text(
        (SHIPPED / "events.yaml").read_text().replace("[withdrawn]", "[vanished]")
    )
    texts = "；".join(f["text"] for f in checking.check(home)["faults"])
    assert "没有事项“vanished”" in texts
    assert "没有步骤“vanished”" in texts
    configure(home, exchange={"receivers": {"a": {"folder": "out", "mapping": "nowhere"}}})
    assert any("没有字段对应表“nowhere”" in f["text"] for f in checking.check(home)["faults"])
