"""The shipped library: complete, masked, and found by the questions that officers ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from yishenqing.precedents import OUTCOMES, Library, Precedent, install, shipped_library

QUESTIONS = [
    ("会议纪要已经对外适用还能以过程性信息拒绝吗", "P11"),
    ("网上提交的申请从哪天开始算收到", "T01"),
    ("国庆节调休上班的周末算不算工作日", "T02"),
    ("申请人要的清单我们从来没有编过，要不要替他汇总一份", "P20"),
    ("答复书盖政府信息公开专用章有效吗", "P10"),
    ("一个人提了两百多件申请，能不能要求说明理由", "P22"),
    ("第三方不同意公开，是不是就属于商业秘密", "PT31"),
    ("土地出让合同能不能以商业秘密为由不公开", "P15"),
    ("征地已经批准，一书四方案还算过程性信息吗", "P01"),
    ("行政处罚自由裁量基准是不是内部管理信息", "P02"),
    ("申请内容不明确，可以不要求补正直接答复不存在吗", "P19"),
    ("只按申请人写的名称检索，没有查到就答复不存在", "PT42"),
    ("提前移交档案馆的材料还要不要我们公开", "P44"),
    ("申请人借公开申请进行信访，告知不予处理可以起诉吗", "PT30"),
    ("申请人没有说明生产生活科研需要，可以拒绝吗", "PT24"),
    ("公租房廉租房申请人的资格审查信息是个人隐私吗", "PT32"),
    ("有部分内容不能公开，可以整体拒绝不作区分处理吗", "P45"),
    ("补正告知书可以单独起诉吗", "T38"),
    ("公安机关刑事侦查中形成的信息属不属于政府信息", "PT34"),
    ("询问某个文件是否有效，算不算申请公开", "P05"),
    ("申请人提交补正材料我们拒收了", "P18"),
    ("高考试卷能不能公开", "P30"),
    ("认定重复申请要不要核对两次申请内容是否相同", "P09"),
    ("（2017）最高法行申9250号", "P06"),
    ("星期天收到的电子邮件从哪天起算", "T04"),
    ("没有告知申请人的延期有没有效", "T19"),
    ("一千五百页复制件信息处理费怎么算", "T41"),
    ("以企业隐私为由不公开行不行", "PT07"),
    ("党组织文号的联合发文是不是政府信息", "P32"),
    ("用公开申请表询问举报办理结果怎么答", "P37"),
    ("不动产登记资料依专门规定查询", "PT40"),
]


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        install(connection)
        found = Library(connection, "某区")
        found.add(shipped_library())
        yield found
    engine.dispose()


@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_a_natural_question_finds_its_case_first(library: Library, question: str, expected: str) -> None:
    assert library.search(question)[0].id == expected


def test_every_case_is_found_first_by_its_own_title_and_holding(library: Library) -> None:
    for record in shipped_library():
        assert library.search(f"{record.title}{record.holding}", 1)[0].id == record.id


def test_the_minutes_case_says_that_the_refusal_fell(library: Library) -> None:
    match = library.search(QUESTIONS[0][0])[0]
    assert match.precedent.overturned is True
    assert any("原不予公开决定已被撤销" in reason for reason in match.why)
    assert "机关当时的处理：不予公开：属于四类过程性信息" in match.why
    assert "会议纪要" in match.why[0]


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("P20", "经复议诉讼维持或者未被纠正"),
        ("P09", "复议诉讼结果不详"),
        ("PT06", "原无法提供的答复已被撤销或者纠正，不得照搬"),
        ("P03", "原不予处理的告知已被撤销或者纠正，不得照搬"),
        ("T02", "原办理行为已被撤销、确认违法或者责令纠正，不得照搬"),
    ],
)
def test_the_fate_of_a_decision_is_told(library: Library, identifier: str, reason: str) -> None:
    title = library.get(identifier).title
    assert reason in library.search(title)[0].why


def test_warnings_come_with_the_match(library: Library) -> None:
    why = library.search("征地已经批准，一书四方案还算过程性信息吗")[0].why
    assert "依旧条例裁判，援引时须核对现行条例的对应条文。" in why
    assert "细节尚未核实，引用前须核对裁判原文" in why


def test_articles_in_common_are_named(library: Library) -> None:
    match = next(m for m in library.search("依据第36条第6项答复重复申请") if m.id == "P09")
    assert "共同条款：政府信息公开条例（2019年修订）第三十六条第六项" in match.why


def test_the_match_speaks_the_words_of_the_contract(library: Library) -> None:
    match = library.search(QUESTIONS[0][0], 1)[0].as_json()
    assert set(match) == {"id", "score", "title", "why", "passage"}
    assert json.loads(json.dumps(match)) == match


def test_records_are_complete() -> None:
    records = shipped_library()
    assert len(records) >= 64
    assert len({p.outcome for p in records} & set(OUTCOMES)) >= 12
    for record in records:
        assert record.title, record.id
        assert record.facts, record.id
        assert record.holding, record.id
        assert record.source, record.id
        assert record.topics, record.id
        assert record.verification, record.id


def test_records_under_the_old_regulations_carry_a_warning() -> None:
    for record in shipped_library():
        if any("旧条例" in law for law in record.legal_basis):
            assert record.law_note, record.id


def test_a_record_survives_its_own_json() -> None:
    for record in shipped_library():
        assert Precedent.loaded(record.dumped()) == record


BODY = re.compile(r"(公司|联合会|协会|合作社)$")


def test_parties_are_masked_in_titles() -> None:
    for record in shipped_library():
        if not (found := re.match(r"(.+?)(?:等)?(?:诉|不服)", record.title)):
            continue
        for party in found[1].split("、"):
            named = re.fullmatch(r"[一-鿿]某", party) or BODY.search(party) or "申请人" in party
            assert named, f"{record.id}: {party}"


def test_no_personal_data_stands_in_the_library() -> None:
    for record in shipped_library():
        text = record.dumped()
        assert not re.search(r"\d{17}[\dXx]", text), record.id
        assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", text), record.id
        assert not re.search(r"[\w.]+@[\w.]+", text), record.id
