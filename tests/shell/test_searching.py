"""One box as an office uses it: law, precedents, cases without their people, the register; and its upgrade."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, ysq
from sqlalchemy import URL, create_engine, text

from yishenqing import Office
from yishenqing.core.errors import DataFault
from yishenqing.office.findable import without_people
from yishenqing.search import Wanted
from yishenqing.store.engine import open_engine

pytest_plugins = ["pg"]
MINUTES = "会议纪要已经对外适用还能以过程性信息拒绝吗"
REGISTER = """标题,文号,制作日期,公开属性,依据,理由,保存单位
柳湾片区征收工作会议纪要,云府纪〔2025〕7号,2025-04-01,不予公开,条例第十六条第二款,讨论记录,云溪县人民政府办公室
青禾镇河道整治方案,云政发〔2024〕3号,2024-03-05,主动公开,,,云溪县水利局
"""


def changed(url: str | URL, *statements: str) -> None:
    """Bring a database back to what it was before."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def found(office: Office, question: str, kind: str, **more: Any) -> list[Mapping[str, Any]]:
    return list(office.search(question, 5, kinds=[kind], **more)["matches"])


def test_the_minutes_come_first_with_their_fate_and_the_article(office: Office) -> None:
    first = found(office, MINUTES, "precedent")[0]
    assert "会议纪要" in first["title"]
    assert "原不予公开决定已被撤销或者纠正，不得照搬" in first["why"]
    assert any("对外适用" in why for why in first["why"])
    a, b = first["passage"]["marks"][0]
    assert first["passage"]["text"][a:b] == "会议纪要"
    law = found(office, "条例第16条", "law")[0]
    assert (law["id"], law["why"][-1]) == ("条例第十六条", "现行有效")
    assert "失效" in found(office, "旧条例第二十四条", "law")[0]["why"][-1]


def test_a_case_is_found_at_once_and_without_its_people(office: Office, home: Path) -> None:
    asked = {**APPLICATION, "items": ["周德旺（电话19900000001）承包地所在G2023-15号地块的出让合同"]}
    number = office.register(asked)["number"]
    (hit,) = found(office, "ｇ2023－015地塊", "case")
    assert (hit["id"], hit["title"]) == (number, "周某（电话某）承包地所在G2023-15号地块的出让合同")
    assert hit["why"][0] == "编号相同：g2023-15"
    for word in ("德旺", "19900000001", "柳湾村二组"):
        assert found(office, word, "case") == []


def test_a_case_says_how_it_ended_and_what_became_of_it(
    office: Office, in_state: Callable[[str], str], calendar: Calendar
) -> None:
    number = in_state("archived")
    (hit,) = found(office, "安置房土地征收公告", "case", wanted=Wanted(outcome="granted"))
    assert (hit["id"], hit["why"][-1]) == (number, "办理结果：予以公开")
    letter = office.show(number)["letters"][-1]["number"]
    assert any(why.startswith("文号相同：") for why in found(office, letter, "case")[0]["why"])
    calendar.day = date(2026, 5, 7)
    facts = {"received_on": "2026-05-06", "accepted_on": "2026-05-04", "organ": "云溪县人民政府", "grounds": "缺附图"}
    child = office.link(number, "reconsideration", facts)["number"]
    assert found(office, "土地征收公告", "case", wanted=Wanted(survived=False)) == []
    calendar.day = date(2026, 6, 10)
    office.act(child, "decided", {"result": "纠正", "served_on": "2026-06-09"})
    (hit,) = (h for h in found(office, "土地征收公告", "case", wanted=Wanted(survived=False)))
    assert hit["why"][-2:] == ["行政复议：纠正", "原答复已被纠正，不得照搬"]


def test_the_register_is_narrowed_like_the_rest(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "清单.csv"
    path.write_text(REGISTER)
    office.import_holdings(path)
    assert [h["title"] for h in found(office, "云府纪(2025)7号", "holding")] == ["柳湾片区征收工作会议纪要"]
    assert len(found(office, "征收会议纪要", "holding", wanted=Wanted(article="条例第16条"))) == 1
    assert found(office, "征收会议纪要", "holding", wanted=Wanted(years=(2024, 2024))) == []
    assert len(found(office, "河道整治方案", "holding", wanted=Wanted(agency="水利局"))) == 1


def test_what_cannot_be_searched_is_told(office: Office) -> None:
    for nothing in ("", "，。！？"):
        with pytest.raises(DataFault, match="检索词为空"):
            office.search(nothing)
    with pytest.raises(DataFault, match="没有“books”这一类"):
        office.search("会议", kinds=["books"])


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("会议纪要", {"precedent"}),  # no article speaks of minutes
        ("政府信息公开申请的内容不明确，行政机关应当一次性告知补正。", {"law", "precedent"}),
    ],
)
def test_a_text_of_a_megabyte_is_searched_for_what_it_says(office: Office, said: str, kinds: set[str]) -> None:
    long = said * (1_000_000 // len(said.encode()) + 1)
    matches = office.search(long)["matches"]
    assert {m["kind"] for m in matches} == kinds
    if "law" in kinds:
        assert matches[0]["id"] == "条例第三十条"


def test_rolled_back_registration_leaves_nothing(home: Path, calendar: Calendar) -> None:
    engine = open_engine(f"sqlite:///{home / 'office.db'}")
    with engine.connect() as connection, connection.begin() as transaction:
        with Office.open(home, user=USER, today=calendar, connection=connection) as hosted:
            hosted.register(APPLICATION)
            assert len(found(hosted, "安置房土地征收公告", "case")) == 1
        transaction.rollback()
    engine.dispose()
    with Office.open(home, user=USER, today=calendar) as office:
        assert found(office, "安置房土地征收公告", "case") == []


def test_people_are_taken_out_however_they_are_written() -> None:
    people = ["周德旺", "云溪县青禾镇柳湾村二组17号"]
    said = "申请人周德旺，住云溪县青禾镇柳湾村二组17号，身份证999101 19680517 0231，电话0575-88880001，a@b.cn"
    hidden = without_people(said, people)
    assert not any(x in hidden for x in ("德旺", "柳湾村", "0231", "88880001", "@"))
    assert hidden.startswith("申请人周某，住云某")


def test_the_command_line(home: Path) -> None:
    done = ysq(
        "--home",
        home,
        "search",
        "會議紀要",
        "--in",
        "案例",
        "--outcome",
        "过程性信息",
        "--overturned",
        "--limit",
        "1",
    )
    assert done.returncode == 0, done.stderr
    assert "── 案例 ──" in done.stdout
    assert "【会议纪要】" in done.stdout
    assert "不得照搬" in done.stdout
    told = json.loads(ysq("--home", home, "--json", "search", "第16条", "--in", "法律").stdout)
    assert told["matches"][0]["kind"] == "law"
    narrowed = json.loads(ysq("--home", home, "--json", "search", "水库", "--organ", "教育", "--in", "案例").stdout)
    assert narrowed["matches"] == []
    browsed = json.loads(ysq("--home", home, "--json", "precedent", "search", "--article", "16").stdout)
    assert browsed["matches"]
    for words, code, said in (
        (("search", "，。"), 6, "检索词为空"),
        (("search", "x", "--year", "去年"), 2, "不是年份"),
        (("search", "x", "--outcome", "随便"), 6, "不是办理结果"),
        (("search", "x", "--article", "会议"), 6, "不是条文"),
        (("precedent", "search"), 2, "请给出检索词"),
    ):
        done = ysq("--home", home, *words)
        assert (done.returncode, said in done.stderr + done.stdout) == (code, True), (words, done.stderr)
