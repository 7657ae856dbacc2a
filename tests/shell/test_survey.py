"""The survey of a year: groups of like requests, hot fields, what follows, and what precedents were of use for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from offices import APPLICATION, USER, Calendar, walked

from yishenqing.cli import cli
from yishenqing.kinship import topics
from yishenqing.office import Office
from yishenqing.office.surveying import anonymous
from yishenqing.precedents.customs import read_customs

Make = Callable[[str], str]
COMMON = read_customs(None).common
ABOUT = (
    "关于{p}片区安置房项目的土地征收公告",
    "{p}小区物业维修资金使用情况",
    "{p}化工厂环境影响评价报告及批复",
    "{p}镇2023年低保户名单",
)
PLACES = ("柳湾", "青禾", "东城", "白塘", "石桥", "云岭", "南浦", "沙洲")


def test_like_requests_are_grouped_and_boilerplate_is_no_likeness() -> None:
    r = random.Random(3)  # noqa: S311 - the same texts in every run
    texts = [
        f"申请公开{r.choice(ABOUT).format(p=r.choice(PLACES))}{r.choice(['', '复印件', '，纸质'])}"
        for _ in range(400)
    ]
    groups = topics.grouped(texts, 0.3, COMMON)
    kinds = [{next(n for n, a in enumerate(ABOUT) if a[3:9].strip("{p}") in texts[i]) for i in g} for g in groups]
    assert len(groups) == 4
    assert all(len(kind) == 1 for kind in kinds)
    assert sorted(i for g in groups for i in g) == list(range(400))
    assert topics.grouped(["申请公开相关文件", "申请公开有关材料"], 0.3, COMMON) in ([[0], [1]], [])


def test_a_group_is_named_by_what_its_members_share() -> None:
    texts = [
        "柳湾小区物业维修资金使用情况",
        "申请公开青禾小区物业维修资金使用情况复印件",
        "东城小区物业维修资金使用情况",
    ]
    assert topics.words(texts, COMMON) == ["小区物业维修资金使用情况"]
    assert topics.middle([*texts, "别的"]) < 3


def test_thousands_of_requests_are_grouped_in_seconds() -> None:
    r = random.Random(3)  # noqa: S311 - the same texts in every run
    places = [f"{a}{b}" for a in PLACES for b in "一二三四五六七八九"]
    texts = [f"{r.choice(ABOUT).format(p=r.choice(places))}{r.randint(1, 9999)}" for _ in range(4_000)]
    begun = time.process_time()
    topics.grouped(texts, 0.3, COMMON)
    assert time.process_time() - begun < 10


def test_what_is_quoted_names_nobody() -> None:
    text, names = anonymous("关于村民李秀兰（身份证999101196805170231）宅基地审批表")
    assert text == "关于村民李某（身份证（证件号码略））宅基地审批表"
    assert names == ["李秀兰"]


@pytest.fixture
def asked(office: Office, calendar: Calendar, quick_letters: None) -> list[str]:
    """Three persons ask for the announcement, one for something else; the first is answered."""
    numbers = []
    for n, item in enumerate(
        ["柳湾片区土地征收公告", "柳湾片区土地征收公告复印件", "青禾片区土地征收公告", "会议纪要（2024年第7期）"],
        start=1,
    ):
        who = {"kind": "natural", "name": f"周德{'甲乙丙丁'[n - 1]}", "phone": f"1990000000{n}"}
        numbers.append(office.register({**APPLICATION, "applicant": who, "items": [item]})["number"])
    walked(office, calendar, numbers[0], "archived")
    return numbers


def test_many_applicants_and_a_reply_that_was_set_aside_lead_to_advice(
    office: Office, calendar: Calendar, asked: list[str]
) -> None:
    (topic,) = office.precedent_report()["topics"]
    assert (topic["requests"], topic["applicants"], topic["cases"]) == (3, 3, asked[:3])
    assert topic["topic"] == "片区土地征收公告"
    assert topic["outcomes"] == {"予以公开": 1}
    assert topic["advice"] == ["3个不同申请人要同类信息，已有予以公开的，建议评估转为主动公开（条例第四十四条）"]
    calendar.day = date(2026, 6, 10)
    office.act(asked[0], "reconsideration_decided", {"received_on": "2026-06-09", "result": "纠正"})
    (topic,) = office.precedent_report()["topics"]
    assert topic["overturned"] == 1
    assert any("列入培训" in advice for advice in topic["advice"])


def test_fields_count_items_and_a_year_without_requests_is_empty(office: Office, asked: list[str]) -> None:
    found = office.precedent_report(2026)
    assert {f["field"]: f["requests"] for f in found["fields"]} == {
        "征收、拆迁、补偿": 3,
        "土地、宅基地": 3,
        "会议纪要、内部文件": 1,
    }
    assert office.precedent_report(2020)["topics"] == []


def test_usefulness_is_counted(office: Office, calendar: Calendar, asked: list[str]) -> None:
    office.precedents("会议纪要", 3)
    office.precedents("会议纪要", 3)
    office.precedent("P11")
    office.use_precedents(asked[0], ["P11"])
    use = next(u for u in office.precedent_report()["uses"] if u["id"] == "P11")
    assert (use["shown"], use["opened"], use["drafted"]) == (2, 1, 1)
    assert (use["cases"], use["survived"], use["overturned"]) == (1, 1, 0)
    calendar.day = date(2026, 6, 10)
    office.act(asked[0], "reconsideration_decided", {"received_on": "2026-06-09", "result": "纠正"})
    use = next(u for u in office.precedent_report()["uses"] if u["id"] == "P11")
    assert (use["survived"], use["overturned"]) == (0, 1)


def test_the_report_reads_as_chinese(home: Path, office: Office, asked: list[str]) -> None:
    office.close()
    done = CliRunner().invoke(
        cli, ["--home", str(home), "precedent", "report", "--as", USER], env={"YISHENQING_TODAY": "2026-04-10"}
    )
    assert "2026年收到申请4件，申请内容4项" in done.output
    assert "1. 片区土地征收公告　3项，3个申请人（予以公开1）" in done.output
    assert "★ 3个不同申请人要同类信息" in done.output
    assert "本年还没有使用过案例" in done.output
