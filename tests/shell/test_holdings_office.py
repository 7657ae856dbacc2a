"""Register and recognition as an office uses them: at registration, when handling, in the tick, by command."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, rows, tamper, use_database, walked
from sqlalchemy import URL

from yishenqing import Office, cli
from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.kinship import Index
from yishenqing.office import recognising
from yishenqing.shipped import shipped

pytest_plugins = ["pg"]

LIST = """标题,文号,制作日期,公开属性,依据,理由,复核日期,公开网址
柳湾片区安置房项目土地征收公告,云政发〔2025〕3号,2025-03-05,主动公开,,,,门户网站
柳湾片区征收工作会议纪要,云府纪〔2025〕7号,2025-04-01,不予公开,条例第十六条第二款,讨论记录,2026-03-10,
"""


def request(*items: str, number: str = "", **applicant: str) -> Mapping[str, Any]:
    """Return an application; ``number`` is the last two figures of another person's number of identity."""
    who = {**APPLICATION["applicant"], **applicant}
    if number:
        who |= {
            "name": f"申请人{number}",
            "id_type": "护照",
            "id_number": f"E0000{number}",
            "phone": None,
            "address": None,
        }
    return {**APPLICATION, "applicant": who, "delivery": "in_person", "items": list(items or APPLICATION["items"])}


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, home: Path) -> Path:
    """An office on either database."""
    if request.param == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    return home


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "公文清单.csv"
    path.write_text(LIST)
    return path


class TestAtRegistration:
    def test_the_same_person_and_text_are_shown_and_nothing_is_done(self, office: Office) -> None:
        first = office.register(request())
        assert (first["recognised"]["same_person"]["count"], first["recognised"]["same_text"]) == (0, [])
        second = office.register(request(id_number="", address="", phone="+86 199-0000-0001"))
        (case,) = second["recognised"]["same_person"]["cases"]
        assert (case["number"], case["why"], case["answered"]) == (first["number"], ["联系电话相同"], False)
        (like,) = second["recognised"]["same_text"]
        assert (like["number"], like["exact"], like["score"], like["same_person"]) == (
            first["number"],
            True,
            1.0,
            True,
        )
        assert second["state"] == "registered"
        assert office.show(second["number"])["recognised"] == second["recognised"]
        assert office.show(first["number"])["recognised"]["same_text"] == []

    @pytest.mark.usefixtures("quick_letters")
    def test_how_the_earlier_request_was_answered(self, office: Office, calendar: Calendar) -> None:
        first = office.register(request())
        walked(office, calendar, first["number"], "replied")
        found = office.register({**request(), "arrived_on": "2026-03-24"})["recognised"]["same_text"][0]
        assert (found["answered"], found["replied_on"], found["outcome"]) == (True, "2026-03-24", "granted")
        assert found["outcome_title"] == "予以公开"

    def test_an_act_answers_nothing_of_it(self, office: Office, quick_letters: None) -> None:
        number = office.register(request())["number"]
        found = office.act(number, "acknowledged")
        assert not {"recognised", "holdings"} & set(found)

    def test_on_postgresql_too(self, home: Path, calendar: Calendar, postgres_url: URL, listed: Path) -> None:
        use_database(home, postgres_url)
        Office.upgrade(home)
        with Office.open(home, user=USER, today=calendar) as office:
            office.import_holdings(listed)
            numbers = [office.register(request(number=f"{n:02}"))["number"] for n in range(3)]
            (proposal,) = office.proposals()["proposals"]
            assert [c["number"] for c in proposal["cases"]] == numbers
            assert office.show(numbers[0])["holdings"]["items"][0]["found"][0]["id"] == 1
            assert len(office.show(numbers[2])["recognised"]["same_text"]) == 2
            calendar.day = date(2026, 3, 10)
            assert [r["number"] for r in office.tick()["reminders"] if r["mark"] == "reassess"] == ["登记簿第2号"]
            office.assess(2, "kept", "情形未变")
            assert office.rebuild_recognition(new_key=True)["cases"] == 3
            assert len(office.show(numbers[2])["recognised"]["same_text"]) == 2

    def test_nothing_personal_lies_in_the_index(self, office: Office, home: Path) -> None:
        office.register(request())
        tables = [
            n for (n,) in rows(home, "SELECT name FROM sqlite_master WHERE name LIKE 'request_%' AND type='table'")
        ]
        said = repr([rows(home, f"SELECT * FROM {table}") for table in tables])  # noqa: S608
        assert len(tables) >= 4
        assert not [w for w in ("999101196805170231", "19900000001", "柳湾", "周德旺") if w in said]
        assert stat.S_IMODE((home / "recognition.key").stat().st_mode) == 0o600

    def test_a_refused_registration_leaves_nothing(self, office: Office, home: Path) -> None:
        with pytest.raises(Refused):
            office.register({**request(), "arrived_on": "2026-03-03"})
        assert rows(home, "SELECT count(*) FROM request_persons") == [(0,)]

    def test_a_damaged_key_is_named(self, office: Office, home: Path) -> None:
        (home / "recognition.key").write_text("{}")
        with pytest.raises(DataFault, match="密钥文件已损坏"):
            office.register(request())


class TestRebuilding:
    def test_enters_cases_of_an_earlier_version(self, office: Office, home: Path, calendar: Calendar) -> None:
        number = office.register(request())["number"]
        (home / "recognition.key").unlink()  # restored from a backup that had no key
        with Office.open(home, user=USER, today=calendar) as other:
            found = other.register(request())["recognised"]
            assert (found["same_person"]["cases"], "另一把密钥" in found["notes"][0]) == ([], True)
            assert other.rebuild_recognition()["cases"] == 2
            found = other.register(request())["recognised"]
            assert ([c["number"] for c in found["same_person"]["cases"]][-1], found["notes"]) == (number, [])
            assert {t["number"] for t in found["same_text"]} >= {number}

    def test_an_upgrade_enters_the_cases_that_were_there(
        self, office: Office, home: Path, calendar: Calendar
    ) -> None:
        office.register(request())
        tables = ("request_texts", "request_persons", "request_bands", "request_counters")
        tamper(home, *(f"DELETE FROM {table}" for table in tables))  # noqa: S608 - our own names
        assert office.show("2026-0001")["number"] == "2026-0001"
        Office.upgrade(home)
        assert office.register(request())["recognised"]["same_person"]["count"] == 1

    def test_exchanges_the_key(self, office: Office, home: Path, calendar: Calendar) -> None:
        office.register(request())
        before = (home / "recognition.key").read_text()
        office.rebuild_recognition(new_key=True)
        assert (home / "recognition.key").read_text() != before
        assert len(json.loads((home / "recognition.key").read_text())["keys"]) == 1
        assert office.register(request())["recognised"]["same_person"]["count"] == 1
        assert len({key for (key,) in rows(home, "SELECT key FROM request_persons")}) == 1

    def test_killed_half_way_leaves_every_case_entered_once(
        self, anywhere: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Office.open(anywhere, user=USER, today=calendar) as office:
            numbers = [office.register(request(number=f"{n:02}"))["number"] for n in range(3)]
            monkeypatch.setattr(recognising, "_AT_ONCE", 2)
            monkeypatch.setattr(Index, "drop_until", killed)
            for new_key in (False, True):
                with pytest.raises(KeyboardInterrupt):
                    office.rebuild_recognition(new_key=new_key)
                assert [office.verify(number) for number in numbers] == [[]] * 3
                assert len(office.show(numbers[2])["recognised"]["same_text"]) == 2
            monkeypatch.undo()
            assert office.rebuild_recognition()["cases"] == 3
            assert office.audit()["faults"] == []


def killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("holdings", "law: 条例第十八条", "law: 条例第九十九条", "没有收录第九十九条"),
        ("holdings", "[handler, supervisor]", "[nobody]", "没有岗位“nobody”"),
        ("holdings", "[partial, ", "[partiel, ", "没有办理结果“partiel”"),
        ("holdings", "apart: 10", "appart: 10", "appart"),
        ("recognition", "条例第四十四条]", "条例第九十九条]", "没有收录第九十九条"),
        ("recognition", "shown: 10", "shown: 十", "应为整数"),
    ],
)
def test_check_names_what_is_wrong_with_an_offices_own_figures(
    office: Office, home: Path, unproved: None, file: str, before: str, after: str, said: str
) -> None:
    assert office.check()["faults"] == []
    text = (shipped("workflows") / f"{file}.yaml").read_text()
    assert before in text
    (home / "workflows").mkdir()
    (home / "workflows" / f"{file}.yaml").write_text(text.replace(before, after, 1))
    assert any(said in f["text"] for f in office.check()["faults"])


class TestProposals:
    @pytest.fixture
    def proposed(self, office: Office) -> int:
        for n in range(3):
            found = office.register(request(number=f"{n:02}"))
        (brief,) = found["recognised"]["proposals"]
        assert (brief["state"], brief["applicants"]) == ("proposed", 3)
        return int(brief["id"])

    def test_are_listed_with_their_cases_and_decided(self, office: Office, proposed: int) -> None:
        (found,) = office.proposals()["proposals"]
        assert [c["text"] for c in found["cases"]] == [APPLICATION["items"][0]] * 3
        done = office.decide_proposal(proposed, "open", "多人申请，可以公开", scope="公告全文在门户网站公开")
        assert (done["state"], done["decisions"][0]["actor"]) == ("open", USER)
        assert office.proposals()["proposals"] == []
        assert [p["id"] for p in office.proposals(everything=True)["proposals"]] == [proposed]
        again = office.register(request(number="09"))["recognised"]
        assert len(again["same_text"]) == 3
        assert len(office.proposals(everything=True)["proposals"]) == 1

    @pytest.mark.parametrize(
        ("words", "error", "said"),
        [
            ({"decision": "open", "reason": "可以"}, DataFault, "公开范围"),
            ({"decision": "decline", "reason": " "}, DataFault, "理由"),
            ({"decision": "decline", "reason": "x", "on": date(2026, 3, 1)}, Refused, "早于"),
            ({"decision": "decline", "reason": "x", "on": date(2026, 3, 9)}, Refused, "晚于今天"),
            ({"decision": "decline", "reason": "x", "by": "某人"}, Refused, "某人"),
        ],
    )
    def test_refuse_what_is_not_a_decision(
        self, office: Office, proposed: int, words: Mapping[str, Any], error: type[Exception], said: str
    ) -> None:
        with pytest.raises(error, match=said):
            office.decide_proposal(proposed, **words)
        with pytest.raises(NotFound):
            office.decide_proposal(proposed + 1, "decline", "x")
        assert office.proposals()["proposals"][0]["decisions"] == []

    def test_the_number_of_applicants_is_the_offices_own(self, home: Path, calendar: Calendar) -> None:
        settings = home / "office.yaml"
        settings.write_text(settings.read_text() + "\npropose_applicants: 2\n")
        with Office.open(home, user=USER, today=calendar) as office:
            office.register(request(number="01"))
            assert office.register(request(number="02"))["recognised"]["proposals"]

    @pytest.mark.parametrize("name", ["propose_applicants", "reassess_months"])
    def test_settings_are_judged(self, home: Path, name: str) -> None:
        settings = home / "office.yaml"
        settings.write_text(settings.read_text() + f"\n{name}: 0\n")
        with pytest.raises(DataFault, match="不能小于1"):
            Office.open(home, user=USER)


class TestHandling:
    def test_says_what_the_register_knows_of_each_item(self, office: Office, listed: Path) -> None:
        asked = request("云政发[2025]3号", "柳湾片区征收工作会议纪要", "喷泉维修台账")
        number = office.register(asked)["number"]
        assert office.show(number)["holdings"] == {"entries": 0, "items": []}
        office.import_holdings(listed)
        first, second, third = office.show(number)["holdings"]["items"]
        assert [(f["id"], f["how"]) for f in first["found"]] == [(1, "文号相同")]
        assert (second["found"][0]["id"], second["found"][0]["ground"]) == (2, ["条例第十六条第二款"])
        assert second["found"][0]["attribute_title"] == "不予公开"
        assert (third["found"], "不等于信息不存在" in third["text"]) == ([], True)

    def test_a_file_with_a_fault_takes_nothing_in(self, office: Office, listed: Path) -> None:
        listed.write_text(LIST + "坏的,,,半公开,,,,\n")
        with pytest.raises(DataFault, match="第4行"):
            office.import_holdings(listed)
        assert office.holdings()["holdings"] == []


class TestReassessment:
    def test_a_document_is_told_of_once_and_kept(self, office: Office, calendar: Calendar, listed: Path) -> None:
        office.import_holdings(listed)
        assert (office.holdings_due()["due"], office.tick()["reminders"]) == ([], [])
        calendar.day = date(2026, 3, 10)
        (line,) = office.holdings_due()["due"]
        assert (line["subject"], line["due"], line["overdue"]) == (2, "2026-03-10", False)
        (reminder,) = office.tick()["reminders"]
        assert (reminder["number"], reminder["law"], reminder["to"]) == ("登记簿第2号", "条例第十八条", [USER])
        assert office.tick()["reminders"] == []
        done = office.assess(2, "kept", "仍在讨论")
        assert (done["n"], done["next_on"]) == (1, "2027-03-10")
        assert office.holdings_due()["due"] == []
        assert office.import_holdings(listed)["unchanged"] == 2
        found = office.holding(2)
        assert (found["due"], [a["reason"] for a in found["assessments"]]) == ("2027-03-10", ["仍在讨论"])

    def test_a_document_is_opened_and_its_history_stays(self, office: Office, listed: Path) -> None:
        office.import_holdings(listed)
        office.assess(2, "opened", "事项已经办结", attribute="依申请公开")
        found = office.holding(2)
        assert (found["attribute"], found["ground"], found["due"]) == ("on_request", [], None)
        assert [s["record"]["attribute"] for s in found["history"]] == ["withheld", "on_request"]
        again = office.import_holdings(listed)
        assert ([h["id"] for h in again["kept"]], office.holding(2)["attribute"]) == ([2], "on_request")

    def test_many_at_once_are_one_reminder(self, office: Office, calendar: Calendar, tmp_path: Path) -> None:
        many = [{"title": f"文件{n}", "attribute": "不予公开", "ground": "条例第十四条"} for n in range(11)]
        path = tmp_path / "多.jsonl"
        path.write_text("\n".join(json.dumps(x, ensure_ascii=False) for x in many))
        office.import_holdings(path)
        calendar.day = date(2027, 3, 2)
        found = [r for r in office.tick()["reminders"] if r["mark"] == "reassess"]
        assert ["有11件" in r["text"] for r in found] == [True]

    @pytest.mark.usefixtures("quick_letters")
    def test_a_case_that_ended_with_a_refusal_falls_due(self, home: Path, calendar: Calendar) -> None:
        with Office.open(home, user=USER, today=calendar) as office:
            number = office.register(request())["number"]
            with pytest.raises(Refused, match="尚未办结"):
                office.assess(number, "kept", "x")
            walked(office, calendar, number, "search_recorded")
            facts = {"outcome": "denied_process", "way": "discussion", "no_rule": "没有规定", "severing": "不能区分"}
            calendar.day = date(2026, 3, 18)
            office.act(number, "drafted", facts)
            for step, given in (
                ("reviewed", {"opinion": "同意"}),
                ("secrecy_reviewed", {"conclusion": "withheld"}),
                ("signed", {"warnings_accepted": "process_open：事项仍在讨论"}),
                ("replied", {"method": "mail", "posted_on": "2026-03-18", "tracking": "XA1"}),
                ("delivered", {"signed_by": "本人"}),
                ("archived", {"retention": "D10"}),
            ):
                found = office.act(number, step, given)
            assert found["outcome"] == "denied_process"
            (line,) = office.holdings_due(everything=True)["due"]
            assert (line["kind"], line["subject"], line["due"]) == ("case", number, "2027-03-18")
            assert office.holdings_due()["due"] == []
            calendar.day = date(2027, 3, 18)
            (reminder,) = [r for r in office.tick()["reminders"] if r["mark"] == "reassess"]
            assert (reminder["number"], reminder["due"]) == (number, "2027-03-18")
            assert office.assess(number, "kept", "情形未变", next_on=date(2027, 9, 1))["next_on"] == "2027-09-01"
            assert office.assess(number, "opened", "可以公开")["n"] == 2
            with pytest.raises(Refused, match="已经决定予以公开"):
                office.assess(number, "kept", "x")
            assert office.holdings_due(everything=True)["due"] == []
            assert office.verify(number) == []

    @pytest.mark.usefixtures("quick_letters")
    def test_a_case_that_ended_otherwise_does_not(self, office: Office, calendar: Calendar) -> None:
        number = office.register(request())["number"]
        walked(office, calendar, number)
        assert office.holdings_due(everything=True)["due"] == []
        with pytest.raises(Refused, match="不需要评估审查"):
            office.assess(number, "kept", "x")

    @pytest.mark.parametrize(
        ("words", "error", "said"),
        [
            ({"subject": 2, "decision": "kept", "reason": ""}, DataFault, "理由"),
            ({"subject": 2, "decision": "opened", "reason": "x"}, DataFault, "哪种公开属性"),
            ({"subject": 2, "decision": "opened", "reason": "x", "attribute": "不予公开"}, DataFault, "不能仍为"),
            ({"subject": 2, "decision": "opened", "reason": "x", "attribute": "半公开"}, DataFault, "不是公开属性"),
            ({"subject": 2, "decision": "kept", "reason": "x", "attribute": "主动公开"}, DataFault, "予以公开时才改"),
            ({"subject": 2, "decision": "kept", "reason": "x", "next_on": date(2026, 3, 1)}, DataFault, "应晚于"),
            ({"subject": 2, "decision": "kept", "reason": "x", "on": date(2026, 3, 3)}, Refused, "晚于今天"),
            ({"subject": 1, "decision": "kept", "reason": "x"}, Refused, "不需要评估审查"),
            ({"subject": 9, "decision": "kept", "reason": "x"}, NotFound, "没有第9号"),
            ({"subject": "2026-0009", "decision": "kept", "reason": "x"}, NotFound, "2026-0009"),
        ],
    )
    def test_refuses_what_is_no_assessment(
        self, office: Office, listed: Path, words: dict[str, Any], error: type[Exception], said: str
    ) -> None:
        office.import_holdings(listed)
        with pytest.raises(error, match=said):
            office.assess(**words)
        assert office.holding(2)["assessments"] == []

    def test_is_for_those_whose_role_it_is(self, home: Path, calendar: Calendar, listed: Path) -> None:
        settings = home / "office.yaml"
        settings.write_text(settings.read_text() + "  甲:\n    name: 甲\n    roles: [registrar]\n")
        with Office.open(home, user="甲", today=calendar) as office:
            office.import_holdings(listed)
            with pytest.raises(Refused, match="岗位"):
                office.assess(2, "kept", "x")


class TestCommands:
    @pytest.fixture
    def run(
        self, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., tuple[int, str, str]]:
        monkeypatch.setenv("YISHENQING_TODAY", "2026-03-16")

        def asked(*words: str | Path) -> tuple[int, str, str]:
            code = cli.run(["--home", str(home), "--as", USER, *map(str, words)])
            return code, *capsys.readouterr()

        return asked

    def test_the_whole_road(self, run: Callable[..., tuple[int, str, str]], listed: Path, tmp_path: Path) -> None:
        code, out, _ = run("holdings", "import", listed)
        assert (code, "新增2件，变更0件，未变0件" in out) == (0, True)
        assert "新增0件，变更0件，未变2件" in run("holdings", "import", listed)[1]
        assert "标题相" in run("holdings", "search", "会议纪要")[1]
        assert "不等于信息不存在" in run("holdings", "search", "喷泉")[1]
        code, out, _ = run("holdings", "list", "--attribute", "不予公开", "--json")
        assert [h["id"] for h in json.loads(out)["holdings"]] == [2]
        assert "2026-03-10（已过）" in run("holdings", "due")[1]
        assert run("holdings", "due", "--on", "2026-03-09")[1] == "没有到期的评估审查。\n"
        assert "登记簿第2号" in run("tick")[1]
        code, out, _ = run("holdings", "assess", "2", "--kept", "--reason", "仍在讨论")
        assert (code, "维持不予公开" in out, "【演练】" in out) == (0, True, True)
        assert "仍在讨论" in run("holdings", "show", "2")[1]
        for n in range(3):
            file = tmp_path / f"{n}.json"
            file.write_text(json.dumps({**request(number=f"{n:02}"), "arrived_on": "2026-03-16"}, ensure_ascii=False))
            code, out, _ = run("register", file)
            assert code == 0
        assert "内容相同" in out
        assert "转主动公开建议第1号：3个申请人" in out
        assert "主动公开" in run("show", "2026-0003")[1]
        assert "3个申请人" in run("proposals")[1]
        code, out, _ = run("proposals", "decide", "1", "--open", "--scope", "全文", "--reason", "可以公开")
        assert (code, "已决定转为主动公开" in out) == (0, True)
        assert "没有待决定" in run("proposals")[1]
        assert "公开范围：全文" in run("proposals", "--all")[1]
        assert "3件案件" in run("recognition", "rebuild", "--new-key")[1]

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            (("holdings", "assess", "2", "--reason", "x"), 2, "--kept"),
            (("proposals", "decide", "1", "--reason", "x"), 2, "--open"),
            (("proposals", "decide", "1", "--open", "--reason", "x", "--scope", "y"), 5, "第1号"),
            (("holdings", "show", "7"), 5, "第7号"),
            (("holdings", "import", "无.csv"), 5, "找不到"),
            (("holdings", "search", "，。"), 6, "检索词为空"),
            (("holdings", "list", "--attribute", "半公开"), 6, "不是公开属性"),
        ],
    )
    def test_refuse_with_the_documented_exit_code(
        self, run: Callable[..., tuple[int, str, str]], words: tuple[str, ...], code: int, said: str
    ) -> None:
        found, out, err = run(*words)
        assert (found, out) == (code, "")
        assert said in err
        assert "Traceback" not in err
