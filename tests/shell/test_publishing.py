"""A closed case becomes a precedent: masked, reviewed by an adviser, published, and told what became of the reply."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from offices import USER, Calendar, rows, use_database
from sqlalchemy import URL

from yishenqing.cli import cli
from yishenqing.core.errors import DataFault, NotFound, Refused, YishenqingError
from yishenqing.core.ledger import CHINA
from yishenqing.office import Office

pytest_plugins = ["pg"]

Make = Callable[[str], str]
APPLICANT = ("周德旺", "999101196805170231", "19900000001", "柳湾村二组17号")
HOLDING = "周德旺、李秀兰系被征收人（电话19900000001），分户补偿情况应当向其公布。"


@pytest.fixture
def number(in_state: Make, calendar: Calendar) -> str:
    found = in_state("archived")
    calendar.day = date(2026, 4, 10)
    return found


def published(office: Office, number: str, **given: Any) -> str:
    found = office.propose_precedent(number, {"holding": HOLDING, **given})
    office.review_precedent(number, approve=True, mask=["李秀兰"])
    return str(found["id"])


def test_a_proposal_masks_the_parties_and_shows_what_is_left_to_decide(office: Office, number: str) -> None:
    found = office.propose_precedent(number, {"holding": HOLDING})
    text = json.dumps(found["record"], ensure_ascii=False)
    assert not [value for value in (*APPLICANT, number) if value in text]
    assert found["record"]["holding"].startswith("周某、李秀兰系被征收人（电话（电话略））")
    assert {p["text"]: p["by"] for p in found["masked"]}["周德旺"] == "周某"
    assert [d["text"] for d in found["doubts"]] == ["李秀兰"]
    assert [p["number"] for p in office.proposed_precedents()["proposals"]] == [number]
    with pytest.raises(NotFound):  # nothing is published yet
        office.precedent(found["id"])


def test_nothing_is_published_while_a_doubt_is_undecided(office: Office, number: str) -> None:
    name = office.propose_precedent(number, {"holding": HOLDING})["id"]
    with pytest.raises(Refused, match="李秀兰（姓名）"):
        office.review_precedent(number, approve=True)
    with pytest.raises(DataFault, match="“李秀蓝”不在案例文稿中"):
        office.review_precedent(number, approve=True, mask=["李秀蓝"])
    done = office.review_precedent(number, approve=True, mask=["李秀兰"])
    record = office.precedent(name)
    assert "李某系被征收人" in record.holding
    assert (done["state"], record.outcome, record.overturned, record.decided_on) == (
        "published",
        "granted",
        None,
        "2026-03",
    )
    assert name in [m["id"] for m in office.precedents("分户补偿情况应当公布")["matches"]]
    assert office.proposed_precedents() == {"proposals": []}


def test_what_the_adviser_keeps_is_recorded(office: Office, number: str) -> None:
    name = office.propose_precedent(number, {"holding": HOLDING})["id"]
    office.review_precedent(number, approve=True, keep=["李秀兰"], reason="公开报道已载明")
    history = office.precedent_history(name)
    assert [a["act"] for a in history["acts"]] == ["proposed", "published"]
    assert history["acts"][-1]["detail"] == {
        "reason": "公开报道已载明",
        "same_person": True,
        "masked": 0,
        "kept": ["李秀兰"],
    }
    assert [v["version"] for v in history["versions"]] == [1]


def test_the_review_cannot_be_skipped(home: Path, office: Office, number: str) -> None:
    office.propose_precedent(number, {"holding": HOLDING})
    path = home / "office.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["people"] |= {
        "甲": {"name": "甲", "roles": ["handler"]},
        "乙": {"name": "乙", "roles": ["legal"]},
    }
    settings["switched_off"] = []
    path.write_text(yaml.safe_dump(settings, allow_unicode=True))
    with Office.open(home, user="甲", today=lambda: date(2026, 4, 10)) as other:
        with pytest.raises(Refused, match="甲没有审核案例的岗位（法制审核（法律顾问）岗）"):
            other.review_precedent(number, approve=True)
        with pytest.raises(Refused, match="由本人提出，须由另一人审核"):
            other.review_precedent(number, approve=True, by=USER)
        done = other.review_precedent(number, approve=True, by="乙", mask=["李秀兰"])
        assert done["state"] == "published"
        assert not other.precedent_history(done["id"])["acts"][-1]["detail"]["same_person"]


def test_a_returned_proposal_is_made_anew_under_the_same_id(office: Office, number: str) -> None:
    first = office.propose_precedent(number, {"holding": HOLDING})["id"]
    with pytest.raises(DataFault, match="请写明理由"):
        office.review_precedent(number, approve=False)
    office.review_precedent(number, approve=False, reason="要旨太简略")
    with pytest.raises(NotFound, match="没有待审核的案例"):
        office.review_precedent(number, approve=True)
    assert published(office, number) == first
    assert [a["act"] for a in office.precedent_history(first)["acts"]] == [
        "proposed",
        "returned",
        "proposed",
        "published",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "请写明要旨"), ({"要旨": "x"}, "没有这一项"), ({"holding": "x", "level": "全国"}, "“全国”不是层级")],
)
def test_what_cannot_be_proposed(office: Office, number: str, given: Mapping[str, Any], told: str) -> None:
    with pytest.raises(DataFault, match=told):
        office.propose_precedent(number, given)


def test_an_open_case_is_no_precedent(office: Office, in_state: Make) -> None:
    with pytest.raises(Refused, match="尚未办结"):
        office.propose_precedent(in_state("accepted"), {"holding": HOLDING})


def reconsidered(office: Office, calendar: Calendar, number: str, result: str) -> None:
    calendar.day = max(calendar.day, date(2026, 5, 7))
    facts = {"received_on": "2026-05-06", "accepted_on": "2026-05-04", "organ": "云溪县人民政府"}
    child = office.link(number, "reconsideration", facts)["number"]
    calendar.day = max(calendar.day, date(2026, 6, 10))
    office.act(child, "decided", {"result": result, "served_on": "2026-06-09"})


def test_a_reply_set_aside_in_reconsideration_marks_its_precedent(
    office: Office, calendar: Calendar, number: str
) -> None:
    name = published(office, number)
    reconsidered(office, calendar, number, "纠正")
    record = office.precedent(name)
    assert (record.overturned, record.fate) == (True, "行政复议决定：纠正")
    (match,) = [m for m in office.precedents("分户补偿情况应当公布")["matches"] if m["id"] == name]
    assert any("不得照搬" in why for why in match["why"])
    history = office.precedent_history(name)
    assert [v["record"]["overturned"] for v in history["versions"]] == [None, True]
    assert history["acts"][-1]["act"] == "fate"


def test_one_that_was_maintained_says_so_and_one_published_later_knows_it(
    office: Office, calendar: Calendar, number: str
) -> None:
    reconsidered(office, calendar, number, "维持")
    name = published(office, number)
    assert (office.precedent(name).overturned, office.precedent(name).fate) == (False, "行政复议决定：维持")


def test_an_ordered_reply_does_not_clean_the_precedent_of_the_first(
    office: Office, calendar: Calendar, number: str
) -> None:
    name = published(office, number)
    calendar.day = date(2026, 6, 10)
    ordered = {"organ": "云溪县人民政府", "document": "云复〔2026〕1号", "until": "2026-06-30"}
    ordered["decided_on"] = "2026-06-08"
    office.act(number, "reply_ordered", ordered)
    assert office.precedent(name).overturned is True
    assert "被责令重新答复" in office.precedent(name).fate


def test_withdrawing_erases_what_was_overlooked(home: Path, office: Office, number: str) -> None:
    name = published(office, number)
    with pytest.raises(DataFault, match="请写明撤下的理由"):
        office.withdraw_precedent(name, " ")
    office.withdraw_precedent(name, "遮盖有遗漏", erase=True)
    with pytest.raises(NotFound):
        office.precedent(name)
    assert name not in [m["id"] for m in office.precedents("分户补偿情况应当公布")["matches"]]
    assert [v["record"] for v in office.precedent_history(name)["versions"]] == [None]
    assert rows(home, "SELECT count(*) FROM precedent_versions WHERE record LIKE '%分户补偿情况应当%'") == [(0,)]


def test_the_database_keeps_history(home: Path, office: Office, number: str) -> None:
    published(office, number)
    office.close()
    for statement in (
        "UPDATE precedent_versions SET record = '{}'",
        "UPDATE precedent_versions SET sha256 = ''",
        "DELETE FROM precedent_versions",
        "UPDATE precedent_acts SET actor = ''",
        "DELETE FROM precedent_acts",
    ):
        with sqlite3.connect(home / "office.db") as connection, pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
        connection.close()


@pytest.fixture
def two_agencies(home: Path, tmp_path: Path, postgres_url: URL) -> Iterator[tuple[Office, Office]]:
    """Two organs of one city in one PostgreSQL."""
    homes = [home, tmp_path / "另一机关"]
    Office.init(homes[1], USER)
    path = homes[1] / "office.yaml"
    path.write_text(path.read_text().replace("agency: yunxi-zrzy", "agency: yunxi-zjj"))
    for folder in homes:
        use_database(folder, postgres_url)
        Office.init(folder, USER)
    day = date(2026, 4, 10)
    with (
        Office.open(homes[0], user=USER, today=lambda: day) as one,
        Office.open(homes[1], user=USER, today=lambda: day) as other,
    ):
        yield one, other


def test_what_is_shared_is_seen_by_the_other_agency(two_agencies: tuple[Office, Office], tmp_path: Path) -> None:
    one, other = two_agencies
    file = tmp_path / "案例.jsonl"
    lines = [
        {"id": "甲1", "holding": "水库除险加固工程图纸应当公开", "level": "city"},
        {"id": "甲2", "holding": "内部"},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    one.import_precedents(file)
    assert other.precedent("甲1").holding == "水库除险加固工程图纸应当公开"
    assert other.precedents("水库除险加固")["matches"][0]["id"] == "甲1"
    with pytest.raises(NotFound):
        other.precedent("甲2")
    file.write_text(json.dumps({**lines[0], "facts": "电话19900000001"}))
    with pytest.raises(DataFault, match="遮盖后才能共享"):
        one.import_precedents(file)
    with pytest.raises(Refused, match="其他机关共享"):
        other.withdraw_precedent("甲1", "不合适")
    file.write_text(json.dumps({**lines[0], "level": "own"}))
    one.import_precedents(file)
    with pytest.raises(NotFound):
        other.precedent("甲1")
    file.write_text(json.dumps(lines[0]))
    one.import_precedents(file)
    one.withdraw_precedent("甲1", "不再共享", erase=True)
    with pytest.raises(NotFound):
        other.precedent("甲1")
    assert {v["record"] for v in other.precedent_history("甲1")["versions"]} == {None}


def run(home: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["--home", str(home), *words], env={"YISHENQING_TODAY": "2026-04-10"})
    error = done.exception
    return (error.exit_code if isinstance(error, YishenqingError) else done.exit_code), f"{done.output}{error or ''}"


def test_the_whole_road_by_command(home: Path, office: Office, number: str) -> None:
    office.close()
    told = run(home, "precedent", "publish", number, f"holding={HOLDING}", "--as", USER)[1]
    assert "周德旺 → 周某" in told
    assert "李秀兰（姓名）" in told
    assert "1处待认定" in run(home, "precedent", "publish")[1]
    assert "1处待认定" not in (shown := run(home, "precedent", "review", number)[1])
    assert "已遮盖：姓名" in shown
    assert run(home, "precedent", "review", number, "--mask", "李秀兰")[0] == 2
    assert run(home, "precedent", "review", number, "--approve", "--as", USER)[0] == 3
    assert (
        "已发布案例yunxi-zrzy-2026-1"
        in run(home, "precedent", "review", number, "--approve", "--mask", "李秀兰", "--as", USER)[1]
    )
    told = run(home, "precedent", "history", "yunxi-zrzy-2026-1")[1]
    assert "2026-04-10【演练】　审核通过并发布　" in told
    assert f"第1版　录入于{datetime.now(CHINA).date()}【演练】　" in told
    assert "与提出人为同一人" in told
    assert "采用了案例P13" in run(home, "precedent", "use", number, "P13", "--as", USER)[1]
    target = home / "共享.jsonl"
    assert "已写出65个案例" in run(home, "precedent", "export", str(target))[1]
    assert "不覆盖" in run(home, "precedent", "export", str(target))[1]
    assert "以 .jsonl 结尾" in run(home, "precedent", "export", str(home / "共享.csv"))[1]
    assert "65个与库中相同" in run(home, "precedent", "import", str(target), "--as", USER)[1]
    assert "已撤下" in run(home, "precedent", "withdraw", "yunxi-zrzy-2026-1", "--reason", "试", "--as", USER)[1]
