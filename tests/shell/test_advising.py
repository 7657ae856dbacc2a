"""Advice and drafts as a case moves: the seven steps, alarms, what no longer holds, what is kept, what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from offices import APPLICATION, USER, Calendar, rows, use_database
from sqlalchemy import URL
from test_drafts_golden import answered, searched

from yishenqing.advice import faults_against, read_advice, sort_submission
from yishenqing.cli import run
from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.office import Office

pytest_plugins = ["pg"]

TEXT = "关于柳湾片区征收的会议纪要"
PROCESS = {"way": "discussion", "no_rule": "没有应当公开的规定，该事项尚未作出决定", "severing": "不能区分"}
Cases = Callable[..., str]


@pytest.fixture
def handled(office: Office, calendar: Calendar, quick_letters: None) -> Cases:
    """Return a function that registers a case and takes it to where it is answered."""

    def make(*items: str, result: str = "找到会议纪要", **application: Any) -> str:
        calendar.day = max(calendar.day, date(2026, 3, 9))
        number: str = office.register({**APPLICATION, "items": list(items), **application})["number"]
        for day, step, facts in searched(result):
            office.act(number, step, facts, on=max(date.fromisoformat(day), date(2026, 3, 4)))
        return number

    return make


def steps(found: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {s["step"]: s for s in found["steps"]}


class TestTriage:
    @pytest.mark.parametrize(
        ("text", "kind", "word"),
        [
            ("关于柳湾片区征收的土地征收公告", "application", "公告"),
            ("请问为什么还不给我安置房，有没有依据？", "consultation", "请问"),
            ("我要投诉拆迁办强拆，要求严肃处理", "petition", "我要投诉"),
            ("查询登记：我家的不动产登记资料", "business", "不动产登记资料"),
            ("２０２４年云溪县年鉴一本", "publication", "年鉴"),
            ("。。。", "application", ""),
            ("请问" * 300_000, "consultation", "请问"),
        ],
    )
    def test_sorts_by_words_that_it_names(self, text: str, kind: str, word: str) -> None:
        best = sort_submission(read_advice(None), text)[0]
        assert best.kind == kind
        assert word == "" or word in best.matched

    def test_of_a_file_records_nothing(self, office: Office, home: Path) -> None:
        found = office.triage({**APPLICATION, "items": ["请问为什么强拆，我要投诉", "拆迁补偿方案的批复文件"]})
        assert [i["kind"] for i in found["items"]] == ["consultation", "application"]
        assert found["mixed"]
        assert all(k["law"] for i in found["items"] for k in i["kinds"])
        assert rows(home, "SELECT count(*) FROM cases") == [(0,)]


class TestTheSevenSteps:
    def test_fill_themselves_as_the_case_moves(self, office: Office, calendar: Calendar, quick_letters: None) -> None:
        number = office.register({**APPLICATION, "items": [TEXT], "leads": ["云政纪〔2025〕3号"]})["number"]
        before = office.advise(number)
        assert [s["title"] for s in before["steps"]] == [
            "补不补", "是不是", "谁负责", "有没有", "给不给", "怎么给", "怎么答",
        ]  # fmt: skip
        assert f"ysq act {number} acknowledged" in steps(before)["supplement"]["next"]
        assert "线索第1条“云政纪〔2025〕3号”尚未核查" in steps(before)["held"]["missing"]
        office.act(number, "acknowledged")
        office.act(number, "accepted", {"handler": "征地管理科"})
        during = steps(office.advise(number))
        assert [during[s]["state"] for s in ("supplement", "nature", "duty")] == ["done"] * 3
        assert during["held"]["next"] == [
            (
                f"ysq act {number} search_recorded 'keywords=云政纪〔2025〕3号' 'keywords=柳湾片区' leads=1 "
                "systems=… result=…"
            )
        ]
        office.act(number, "search_recorded", {
            "systems": "档案室;公文系统", "keywords": "会议纪要", "result": "找到一份", "leads": "1",
        })  # fmt: skip
        after = steps(office.advise(number))
        assert (after["held"]["state"], after["held"]["missing"]) == ("done", [])
        assert any("P11" in text and "反对" in text for text in after["release"]["known"])
        assert f"ysq draft {number}" in after["answer"]["next"]

    def test_offer_only_what_may_be_done(self, office: Office, quick_letters: None) -> None:
        number = office.register({**APPLICATION, "items": ["那个工程的所有文件，越全越好"]})["number"]
        office.act(number, "acknowledged")
        for step in office.advise(number)["steps"]:
            for command in step["next"]:
                if command.startswith("ysq act"):
                    offered = {p["step"] for p in office.show(number)["permitted"]}
                    assert command.split()[3] in offered
        assert any("supplement_requested" in c for c in steps(office.advise(number))["supplement"]["next"])

    def test_need_a_case(self, office: Office) -> None:
        with pytest.raises(NotFound):
            office.advise("2026-0099")


class TestADraft:
    def test_shows_precedents_for_and_against_with_their_fate(self, office: Office, handled: Cases) -> None:
        found = office.draft(handled(TEXT), "denied_process", PROCESS)
        chosen = next(c for c in found["candidates"] if c["chosen"])
        assert "P11" in [p["id"] for p in chosen["against"]]
        assert {p["fate"] for p in chosen["against"]} == {"被纠正"}
        assert chosen["risk"]["level"] == "high"
        assert "P11" in chosen["risk"]["text"]

    def test_takes_words_of_a_precedent_only_when_a_person_has_checked(self, office: Office, handled: Cases) -> None:
        number = handled(TEXT)
        found = office.draft(number, "denied_process", PROCESS)
        (offered,) = [s for s in found["suggestions"] if s.get("asks") and s["source"] == "precedent:P11"]
        assert offered["text"] not in {s["text"] for s in found["sentences"]}
        used = office.draft(number, "denied_process", PROCESS, use=["P11"])
        (line,) = [s for s in used["sentences"] if s["text"] == offered["text"]]
        assert line["source"] == "precedent:P11"

    def test_is_kept_with_its_sources_when_taken(self, office: Office, handled: Cases) -> None:
        number = handled(TEXT)
        office.draft(number, "denied_process", PROCESS, use=["P11"], take=True)
        entry = office.show(number)["entries"][-1]
        assert entry["step"] == "drafted"
        assert [source for source, _ in entry["facts"]["draft"]["reasoning"]] == ["precedent:P11"]
        assert entry["facts"]["draft"]["sources"]["severing"] == "承办人填写"
        again = office.draft(number)
        assert "precedent:P11" in {s["source"] for s in again["sentences"]}
        assert office.verify(number) == []

    def test_refuses_to_be_taken_while_something_is_missing(self, office: Office, handled: Cases) -> None:
        number = handled(TEXT)
        with pytest.raises(Refused, match="区分处理的考虑"):
            office.draft(number, "denied_process", {"way": "discussion"}, take=True)
        assert office.show(number)["entries"][-1]["step"] == "search_recorded"

    @pytest.mark.parametrize(
        ("words", "error", "text"),
        [
            ({"outcome": "nosuch"}, DataFault, "“nosuch”不在可选之列"),
            ({"outcome": "unable_not_held", "facts": {"way": "nosuch"}}, Refused, "请以 way= 指明"),
            ({"facts": {"3.severing": "不能区分"}}, DataFault, "没有第3项"),
            ({"facts": {"x.severing": "不能区分"}}, DataFault, "第几项.事实"),
            ({"facts": {"nosuch": "1"}}, DataFault, "nosuch"),
            ({"outcome": "granted", "facts": {"provided": "公告", "reasoning": "依照《行政复议法》第九百条。"}},
             DataFault, "第九百条"),
        ],
    )  # fmt: skip
    def test_refuses_what_there_is_not(
        self, office: Office, handled: Cases, words: Mapping[str, Any], error: type[Exception], text: str
    ) -> None:
        number = handled(TEXT)
        with pytest.raises(error, match=text):
            office.draft(number, **words)

    def test_whose_article_was_changed_by_hand_is_caught(self, office: Office, handled: Cases, home: Path) -> None:
        number = handled(TEXT, result="检索到一份")
        office.draft(number, "granted", {"way": "provided", "provided": "会议纪要"}, take=True)
        assert office.inspect(number)["faults"] == []
        shipped = Path(__file__).resolve().parents[2] / "letters" / "reply_granted.html"
        changed = shipped.read_text("utf-8").replace("第三十六条第（二）项", "第三百六十条第（二）项")
        (home / "letters").mkdir(exist_ok=True)
        (home / "letters" / "reply_granted.html").write_text(changed, "utf-8")
        with Office.open(home, user=USER, today=lambda: date(2026, 3, 9)) as later:
            assert "citation_in_force" in {f["check"] for f in later.inspect(number)["faults"]}

    def test_says_what_no_longer_holds_after_the_case_has_changed(
        self, office: Office, calendar: Calendar, handled: Cases
    ) -> None:
        number = handled("柳湾片区1998年土地征收公告", result="没有查到")
        office.draft(number, "unable_not_held", {"way": "nonexistent"}, take=True)
        assert office.draft(number)["stale"] == []
        search = next(e["seq"] for e in office.show(number)["entries"] if e["step"] == "search_recorded")
        right = {"of": search, "field": "searched_by", "value": "钱某", "reason": "检索人写错"}
        office.act(number, "corrected", right)
        first, *_ = office.draft(number)["stale"]
        assert "检索人：赵某" in first["was"]
        assert "检索人：钱某" in first["text"]
        assert any("更正" in why for why in first["because"])

    def test_says_when_a_precedent_that_it_rests_on_has_fared_otherwise(
        self, office: Office, handled: Cases, tmp_path: Path
    ) -> None:
        number = handled("2016年至2025年历年补偿标准对比表", result="没有现成的对比表")
        said = {"creation": "各年度标准分别发布", "existing_material": "各年度公报"}
        office.draft(number, "unable_need_create", said, take=True)
        assert office.draft(number)["stale"] == []
        (name,) = office.show(number)["entries"][-1]["facts"]["draft"]["fates"]
        path = tmp_path / "新.jsonl"
        path.write_text(json.dumps({**office.precedent(name).as_json(), "overturned": True}), "utf-8")
        office.import_precedents(path)
        assert [name in s["text"] and "现为被纠正" in s["text"] for s in office.draft(number)["stale"]] == [True]

    def test_says_which_evidence_was_taken_away(self, office: Office, handled: Cases) -> None:
        number = handled(TEXT, result="检索到一份")
        office.draft(number, "granted", {"provided": "会议纪要"}, take=True)
        office.act(number, "third_party_consulted", {"party": "甲公司", "content": "会议纪要"})
        assert any("征求第三方意见" in s["text"] for s in office.draft(number)["stale"])

    def test_comes_back_before_it_is_drafted_again(self, office: Office, handled: Cases) -> None:
        number = handled(TEXT)
        office.draft(number, "denied_process", PROCESS, take=True)
        found = office.draft(number, facts={"severing": "可以删去发言人姓名后提供"}, take=True)
        assert [e["step"] for e in office.show(number)["entries"]][-2:] == ["returned", "drafted"]
        assert "可以删去发言人姓名后提供" in "".join(s["text"] for s in found["sentences"])


class TestTheAlarm:
    def test_rings_when_the_same_was_answered_otherwise(
        self, office: Office, calendar: Calendar, handled: Cases
    ) -> None:
        calendar.day = date(2026, 2, 10)
        earlier = answered(office, calendar, TEXT)
        number = handled(TEXT, applicant={**APPLICATION["applicant"], "name": "吴某", "id_number": "", "phone": ""})
        (alarm,) = office.draft(number, "denied_process", PROCESS)["differing"]
        assert (alarm["number"], alarm["earlier"], alarm["now"]) == (earlier, "granted", "denied_process")
        assert "云自然资依申请告〔2026〕1号" in alarm["text"]
        assert office.draft(number, "granted", {"provided": "会议纪要"})["differing"] == []

    def test_rings_again_before_issue_and_wants_a_reason(
        self, office: Office, calendar: Calendar, handled: Cases
    ) -> None:
        calendar.day = date(2026, 2, 10)
        answered(office, calendar, TEXT)
        number = handled(TEXT, applicant={**APPLICATION["applicant"], "name": "吴某", "id_number": "", "phone": ""})
        (alarm,) = office.draft(number, "denied_process", PROCESS, take=True)["differing"]
        for step, facts in (("reviewed", {"opinion": "同意"}), ("secrecy_reviewed", {"conclusion": "releasable"})):
            office.act(number, step, facts)
        (warning,) = [w for w in office.inspect(number)["warnings"] if w["check"] == "answered_otherwise"]
        assert warning["text"].partition("，本次")[0] == alarm["text"].partition("，本稿")[0]
        assert (warning["law"], warning["advice"]) == (alarm["law"], alarm["advice"])
        others = {w["check"] for w in office.inspect(number)["warnings"]} - {"answered_otherwise"}
        with pytest.raises(Refused, match="answered_otherwise"):
            office.act(number, "signed", {"warnings_accepted": [f"{name}：已核对" for name in others]})
        said = [f"{name}：已核对" for name in others] + ["answered_otherwise：此后会议纪要已被撤销"]
        assert office.act(number, "signed", {"warnings_accepted": said})["state"] == "signed"

    def test_is_silent_where_the_same_person_only_repeats(
        self, office: Office, calendar: Calendar, handled: Cases
    ) -> None:
        calendar.day = date(2026, 2, 10)
        answered(office, calendar, TEXT)
        found = office.draft(handled(TEXT))
        assert (found["outcome"], found["differing"]) == ("noproc_repeat", [])


class TestTheData:
    def test_names_only_what_the_rules_have(self, office: Office) -> None:
        rules = office._rules()
        assert list(faults_against(read_advice(None), rules.workflow, rules.law)) == []

    @pytest.mark.parametrize(
        ("old", "new", "text"),
        [
            ("  recorded: 20", "  recorded: 20\n  nosuch: 1", "没有“nosuch”"),
            ("  near: 45", "  # near", "缺少“near”"),
            ("words: [请示, 内部报告, 签报]", 'words: [" "]', "用词不能为空"),
            ("outcome: noproc_reissue, words", "words", "outcome"),
        ],
    )
    def test_is_read_strictly(self, home: Path, old: str, new: str, text: str) -> None:
        whole = (Path(__file__).resolve().parents[2] / "workflows" / "advice.yaml").read_text("utf-8")
        assert old in whole
        (home / "workflows").mkdir(exist_ok=True)
        (home / "workflows" / "advice.yaml").write_text(whole.replace(old, new, 1), "utf-8")
        with pytest.raises(DataFault, match=text):
            read_advice(home)


class TestOnTheCommandLine:
    def test_a_draft_is_read_in_the_terminal_and_as_a_page(
        self, office: Office, handled: Cases, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        number = handled(TEXT)
        monkeypatch.setenv("YISHENQING_TODAY", "2026-03-10")
        page = tmp_path / "草稿.html"
        words = ["--home", str(home), "--as", USER, "draft", number, "way=discussion", "--outcome", "denied_process"]
        assert run([*words, "--html", str(page)]) == 0
        out = capsys.readouterr().out
        assert "—— 条例第十六条第二款" in out
        assert "no_rule　" in out
        assert "［反对］P11" in out
        text = page.read_text("utf-8")
        assert "【待填写：" in text
        assert "条例第十六条第二款" in text
        assert run(["--home", str(home), "advise", number]) == 0
        assert "1. 补不补" in capsys.readouterr().out
        assert run(["--home", str(home), "--json", "advise", number]) == 0
        assert json.loads(capsys.readouterr().out)["number"] == number

    def test_a_file_is_sorted(self, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "申请.yaml"
        path.write_text(yaml.safe_dump({**APPLICATION, "items": ["请问为什么强拆"]}, allow_unicode=True), "utf-8")
        assert run(["--home", str(home), "advise", str(path)]) == 0
        assert "像是咨询" in capsys.readouterr().out
        path.write_text("{channel: nosuch}", "utf-8")
        assert run(["--home", str(home), "advise", str(path)]) == 6


def test_both_databases_draft_and_advise_alike(
    home: Path, calendar: Calendar, office: Office, postgres_url: URL, quick_letters: None, tmp_path: Path
) -> None:
    def said(one: Office) -> list[Any]:
        number = one.register({**APPLICATION, "items": [TEXT, "柳湾片区安置房分配名单"]})["number"]
        for day, step, facts in searched("找到会议纪要和名单，含有个人信息"):
            calendar.day = max(calendar.day, date.fromisoformat(day))
            one.act(number, step, facts)
        drafted = one.draft(
            number, facts={"1.outcome": "denied_process", **{f"1.{k}": v for k, v in PROCESS.items()}}
        )
        return [drafted, one.advise(number), one.triage({**APPLICATION, "items": ["请问为什么强拆"]})]

    first = said(office)
    other = Path(shutil.copytree(home, tmp_path / "二"))
    use_database(other, postgres_url)
    Office.init(other, USER)
    calendar.day = date(2026, 3, 2)
    with Office.open(other, user=USER, today=calendar) as second:
        assert json.dumps(said(second), ensure_ascii=False) == json.dumps(first, ensure_ascii=False)
