"""Notices and forms: their whole text against the lawyers' table, what they must hold, whom they may tell what."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import gallery
import pytest
import yaml
from offices import APPLICATION, Calendar

from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.core.workflow import Workflow
from yishenqing.letters import Letterbook, fonts
from yishenqing.office import Office
from yishenqing.office.checking import check
from yishenqing.rulebook import Rulebook, read_rulebook
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704", "letters_sample"]

Row = dict[str, Any]
TABLE: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("letters_notices.yaml").read_text("utf-8"))
ROWS: list[Row] = TABLE["文书"]
KINDS = list(dict.fromkeys(row["文书"] for row in ROWS))
BOOK = Letterbook([shipped("letters")])
TO_OTHERS = [r for r in ROWS if BOOK.kind(r["文书"]).to != "applicant"]
PROSE = [r for r in ROWS if BOOK.kind(r["文书"]).goes_out]


CORRECTION = {"correction_receipt", "correction_notice"}  # of the procedure of 条例第四十一条
ON_PAPER = {
    "approval_sheet",
    "secrecy_sheet",
    "search_sheet",
    "delivery_receipt",
    "envelope",
    "ems_sheet",
}  # no step's


def correction() -> Workflow:
    return read_rulebook(None, "correction").workflow


def titled(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[f"{n}-{r['文书']}" for n, r in enumerate(rows)])


def filled(row: Row, sample: Callable[[], Row]) -> Row:
    return gallery.filled(row, TABLE["办件记录"], sample())


@titled(ROWS)
def test_says_word_for_word_what_the_table_says(row: Row, sample: Callable[[], Row]) -> None:
    assert BOOK.prose(row["文书"], filled(row, sample)).replace("\t", "｜").split("\n") == row["全文"].split("\n")


@titled(ROWS)
def test_is_refused_without_any_of_its_needs(row: Row, sample: Callable[[], Row]) -> None:
    kind = BOOK.kind(row["文书"])
    for place in {*kind.needs, "organ.name", kind.addressee} if kind.goes_out else kind.needs:
        given = filled(row, sample)
        *path, last = place.split(".")
        holder = given
        for part in path:
            holder[part] = dict(holder[part])
            holder = holder[part]
        del holder[last]
        with pytest.raises(DataFault) as caught:
            BOOK.prose(row["文书"], given)
        (fault,) = [f for f in caught.value.faults if f.field == place]
        assert fault.file.endswith(f"{kind.kind}.html")
        assert re.search(r"缺少“[^a-z_.]+”，不能出具", fault.text)  # named in Chinese, not by its place
        assert (fault.line is not None) is (place in kind.needs)


@titled(PROSE)
def test_every_sentence_rests_on_an_article_that_the_law_data_hold(
    row: Row, sample: Callable[[], Row], rules: Rulebook
) -> None:
    passages = BOOK.passages(row["文书"], filled(row, sample))
    cited = [c for p in passages if p.source.startswith("law:") for c in p.source.removeprefix("law:").split("、")]
    statute = ""
    for citation in cited:
        statute = citation.split("第")[0] or statute
        assert rules.law.unresolved(citation if not citation.startswith("第") else statute + citation) is None
    assert cited
    steps = {p.source.removeprefix("entry:") for p in passages if p.source.startswith("entry:")}
    of_correction = row["文书"] in CORRECTION
    flow = correction() if of_correction else rules.workflow
    assert steps <= {*flow.steps, "letter"}


@titled(TO_OTHERS)
def test_nobody_else_learns_who_applied_and_what_they_wrote(row: Row, sample: Callable[[], Row]) -> None:
    given = filled(row, sample)
    given["applicant"] = {"name": "申请人甲", "kind_title": "公民", "agent": "代理人乙"}
    given["case"]["items"] = ["申请原文丙"]
    text = BOOK.prose(row["文书"], given)
    assert not re.search("申请人甲|代理人乙|申请原文丙", text)
    assert text.split("\n")[2] == f"{row['要素']['facts'][BOOK.kind(row['文书']).to.split('.')[1]]}："


@pytest.mark.parametrize("place", ["applicant.name", "applicant.agent", "case.items", "record.received", "history"])
def test_no_template_can_tell_others_of_the_applicant(tmp_path: Path, sample: Callable[[], Row], place: str) -> None:
    """Neither by checking nor, when nobody checks, by printing."""
    text = (shipped("letters") / "third_party_inquiry.html").read_text(encoding="utf-8")
    spoilt = text.replace("{{ facts.content | bare }}", f"{{{{ {place} }}}}")
    (tmp_path / "third_party_inquiry.html").write_text(spoilt, encoding="utf-8")
    own = Letterbook([tmp_path, shipped("letters")])
    assert any("不得写入申请人的信息" in f.text and f.field == place for f in own.faults())
    with pytest.raises(DataFault, match="模板无法填写"):
        own.prose("third_party_inquiry", filled(TO_OTHERS[0], sample))


@pytest.mark.parametrize("to", ["facts", "party", "facts.party.name", "organ.name"])
def test_the_addressee_is_a_closed_word(tmp_path: Path, to: str) -> None:
    text = (shipped("letters") / "third_party_inquiry.html").read_text(encoding="utf-8")
    (tmp_path / "third_party_inquiry.html").write_text(text.replace("to: facts.party", f"to: {to}"), encoding="utf-8")
    with pytest.raises(DataFault, match="to"):
        Letterbook([tmp_path, shipped("letters")]).kind("third_party_inquiry")


@titled(PROSE)
def test_meets_the_standard_on_paper(
    row: Row, sample: Callable[[], Row], departures: Callable[..., list[str]]
) -> None:
    kind = BOOK.kind(row["文书"])
    pdf = BOOK.pdf(kind.kind, filled(row, sample))
    assert departures(pdf, letterhead=kind.format == "letter", fonts=fonts.folder()) == []


def test_each_kind_has_a_series_of_its_own() -> None:
    series = [BOOK.kind(kind).series for kind in KINDS if BOOK.kind(kind).series]
    taken = {"告", "补", "延", "回"}
    assert len(set(series)) == len(series)
    assert not taken & set(series)


def test_every_step_finds_its_letter(rules: Rulebook, unproved: None) -> None:
    issued = [{s.letter for s in flow.steps.values()} & set(KINDS) for flow in (rules.workflow, correction())]
    assert issued == [set(KINDS) - CORRECTION - ON_PAPER, CORRECTION]
    faults = [f["text"] for f in check(None)["faults"]]
    assert not [f for f in faults for kind in KINDS if f"“{kind}”" in f]


def test_a_step_cannot_issue_a_letter_without_a_series(home: Path, unproved: None) -> None:
    own = home / "letters"
    own.mkdir()
    text = (shipped("letters") / "oral_form.html").read_text(encoding="utf-8")
    (own / "oral_form.html").write_text(text.replace("series: 表", "series: null"), encoding="utf-8")
    assert any("须有编号系列" in f["text"] and "oral_form.html" in f["text"] for f in check(home)["faults"])


class TestAnOffice:
    """The same letters from the counter: what steps record is what is printed."""

    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The text of each letter as it is printed."""
        texts: list[str] = []

        def plain(book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
            texts.append(book.prose(kind, context))
            return texts[-1].encode()

        monkeypatch.setattr(Letterbook, "pdf", plain)
        return texts

    @pytest.fixture
    def handled(self, office: Office, calendar: Calendar, told: list[str]) -> str:
        number: str = office.register({**APPLICATION, "leads": ["柳湾"]})["number"]
        office.act(number, "acknowledged", {})
        office.act(number, "accepted", {"handler": "征地管理科"})
        told.clear()
        return number

    def test_asks_each_third_party_for_itself(self, office: Office, handled: str, told: list[str]) -> None:
        for name in ("甲", "乙"):
            facts = {"party": f"{name}公司", "content": f"{name}合同", "id": name}
            office.act(handled, "third_party_consulted", facts)
        office.act(handled, "third_party_told", {"id": "甲"})
        assert ("甲公司：" in told[0], "乙公司：" in told[1], "周德旺：" in told[2]) == (True, True, True)
        assert "自收到本征求意见书之日起15个工作日内" in told[1]
        assert "周德旺" not in told[0] + told[1]
        assert "甲" not in told[2]  # nor is the applicant told who the third party is
        assert "已于2026年3月2日" in told[2]

    def test_asks_a_co_maker_otherwise_than_another_organ(
        self, office: Office, handled: str, told: list[str]
    ) -> None:
        asked = {"organ": "县财政局", "content": "资金安排"}
        with pytest.raises(Refused, match="须以“until”写明本机关要求答复的最后一日") as refused:
            office.act(handled, "organ_consulted", asked)
        assert any("条例第三十三条第三款" in law for law in refused.value.law)
        office.act(handled, "organ_consulted", {**asked, "id": "甲", "until": "2026-03-16"})
        office.act(handled, "organ_consulted", {**asked, "id": "乙", "co_maker": "是"})
        other, maker = told
        assert "2026年3月16日前" in other
        assert "视为同意" not in other
        assert "15个工作日内" in maker
        assert "视为同意公开" in maker

    def test_tells_a_third_party_what_is_released_and_where_to_turn(
        self, office: Office, handled: str, told: list[str]
    ) -> None:
        office.act(handled, "third_party_consulted", {"party": "甲公司", "content": "合同"})
        office.act(handled, "third_party_answered", {"opinion": "objected", "reason": "商业秘密"})
        decided = {"party": "甲公司", "content": "合同", "reason": "已经公布"}
        office.act(handled, "third_party_overridden", decided)
        assert "如对本决定不服，可以自收到本告知书之日起60日内向云溪县人民政府申请行政复议" in told[-1]
        assert "决定公开的理由：已经公布。" in told[-1]
        assert "周德旺" not in told[-1]

    @pytest.mark.parametrize(
        ("facts", "refusal"),
        [
            ({"amount": "100"}, "应为800元，填写的是100元"),
            ({"units": "2", "prior": "0"}, "2件不收费"),
            ({"units": "-1"}, "不能为负"),
        ],
    )
    def test_charges_what_the_scale_amounts_to(
        self, office: Office, handled: str, told: list[str], facts: Row, refusal: str
    ) -> None:
        counted = {"scale": "按件计收", "units": "5", "prior": "28"}
        asked = {"amount": "800", "basis": "办法第四条", "payment": "扫码", **counted}
        with pytest.raises(DataFault, match=refusal):
            office.act(handled, "fee_notified", {**asked, **facts})
        office.act(handled, "fee_notified", asked)
        assert "第29件至第30件，每件100元，计200元；第31件至第33件，每件200元，计600元。" in told[-1]
        assert "次日起20个工作日内" in told[-1]

    def test_shows_drafts_of_every_notice_with_its_gaps(self, office: Office, handled: str, told: list[str]) -> None:
        notices = [k for k in KINDS if BOOK.kind(k).goes_out and not k.startswith("correction_")]
        for kind in (*notices, "supplement_notice", "extension_notice", "reply_granted"):
            found = office.letter(handled, kind)
            assert (found["draft"], found["number"]) == (True, None)
            assert found["sha256"] == hashlib.sha256(Path(found["path"]).read_bytes()).hexdigest()
            assert "【待填写：" in told[-1], kind
            assert "：【待填写：" not in told[-1].split("\n")[1]

    def test_makes_forms_from_the_file_at_any_time(
        self, office: Office, handled: str, told: list[str], calendar: Calendar
    ) -> None:
        for kind in ("approval_sheet", "secrecy_sheet", "search_sheet"):
            with pytest.raises(DataFault, match="不能出具"):
                office.letter(handled, kind)
        search = {
            "systems": "档案系统;公文系统",
            "keywords": "柳湾",
            "result": "一份",
            "leads": "1",
            "searched_on": "2026-03-01",
        }
        office.act(handled, "search_recorded", search)
        calendar.day = date(2026, 3, 3)
        office.act(handled, "drafted", {"outcome": "granted", "provided": "征收公告"})
        office.act(handled, "reviewed", {"opinion": "初次同意"})
        told.clear()
        found = office.letter(handled, "approval_sheet")
        assert (found["draft"], found["number"]) == (False, None)
        assert Path(found["path"]).parts[-3:] == ("forms", handled, "政府信息公开申请办理审批单.pdf")
        assert "审核意见\t初次同意" in told[-1]
        office.act(handled, "returned", {"reason": "重拟"})
        office.act(handled, "drafted", {"outcome": "granted", "provided": "征收公告"})
        office.letter(handled, "approval_sheet")
        assert "初次同意" not in told[-1]  # of the draft before this one, though of the same day
        office.letter(handled, "secrecy_sheet")
        assert "□可以公开" in told[-1]
        office.letter(handled, "search_sheet")
        assert "1.柳湾" in told[-1]
        assert "检索日期\t2026年3月1日" in told[-1]
        assert "检索范围\t档案系统；公文系统" in told[-1]
        with pytest.raises(NotFound, match="随卷宗一并生成"):
            office.letter(handled, "file_cover")

    def test_a_receipt_of_service_names_the_letter_and_whom_it_goes_to(
        self, office: Office, calendar: Calendar, told: list[str]
    ) -> None:
        number: str = office.register(APPLICATION)["number"]
        with pytest.raises(DataFault, match="送达的文书"):
            office.letter(number, "delivery_receipt")
        office.act(number, "acknowledged", {})
        office.letter(number, "delivery_receipt")
        assert "受送达人\t周德旺" in told[-1]
        assert "送达地点\t云溪县青禾镇柳湾村二组17号" in told[-1]
        office.act(number, "accepted", {"handler": "征地管理科"})
        office.act(number, "third_party_consulted", {"party": "甲公司", "content": "合同"})
        office.letter(number, "delivery_receipt")
        assert "受送达人\t甲公司" in told[-1]
        assert "柳湾村" not in told[-1]

    def test_writes_down_what_was_said_at_the_counter(self, office: Office, told: list[str]) -> None:
        number: str = office.register({**APPLICATION, "channel": "oral"})["number"]
        found = office.act(number, "written_down", {"why": "手部受伤", "confirmed_by": "宣读无误后捺印"})
        assert "身份证明\t居民身份证 999101196805170231" in told[-1]
        assert "代填人\t经办人" in told[-1]
        assert [x["kind"] for x in found["letters"]] == ["oral_form"]
        assert office.verify(number) == []
        assert office.letter(number, "oral_form")["draft"] is False

    def test_confirms_a_withdrawal(self, office: Office, handled: str, told: list[str]) -> None:
        office.act(handled, "withdrawn", {"statement": "2026年3月2日书面撤回"})
        assert "已撤回该申请（2026年3月2日书面撤回）" in told[-1]
        assert office.verify(handled) == []


def test_the_lawyers_list_names_every_kind_with_its_title_and_series() -> None:
    text = (shipped("letters") / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.split("\n") if line.startswith("| `")]
    listed = {name: row for row in rows if len(row) == 6 for name in re.findall(r"`(\w+)`", row[0])}
    assert listed.keys() == BOOK.kinds().keys()
    for name, kind in BOOK.kinds().items():
        assert kind.title in listed[name][1]
        assert listed[name][2] == (kind.series or "不编号")
        assert (listed[name][3] == "申请人") is (kind.goes_out and kind.to == "applicant")
