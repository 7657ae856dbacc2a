"""What tells who a person is: every form of number, home and name, sure or put to a person, and what is none."""

from __future__ import annotations

import pytest

from yishenqing.core.identity import resident_check
from yishenqing.core.masking import KINDS, Span, aliases, apart, folded, masked, numbers, said
from yishenqing.core.surnames import surname

RESIDENT = "99910119680517023"
RESIDENT += resident_check(RESIDENT)
CARD = "6222020200112233446"  # passes the check of its last digit
SURE = [
    ("id", f"身份证号{RESIDENT}", RESIDENT),
    (
        "id",
        f"号码为{RESIDENT[:6]} {RESIDENT[6:14]} {RESIDENT[14:]}的人",
        f"{RESIDENT[:6]} {RESIDENT[6:14]} {RESIDENT[14:]}",
    ),
    ("id", "身份证号999101196805170239（抄错一位）", "999101196805170239"),
    ("id", "旧身份证号码999101680517023", "999101680517023"),
    ("id", "护照E12345678", "E12345678"),
    ("phone", "电话13800001234", "13800001234"),
    ("phone", "＋８６１３８００００１２３４联系", "＋８６１３８００００１２３４"),
    ("phone", "打138-0000-1234", "138-0000-1234"),
    ("phone", "请拨0999-5550123转8012", "0999-5550123转8012"),
    ("phone", "座机5550123", "5550123"),
    ("bank", f"汇入{CARD}", CARD),
    ("bank", "开户行账号330155667788", "330155667788"),
    ("plate", "车辆浙A·B1234在场", "浙A·B1234"),
    ("plate", "挂车京A1234挂", "京A1234挂"),
    ("email", "发到zhou.dewang@example.com即可", "zhou.dewang@example.com"),
    ("account", "微信号：zhou_dw1968", "zhou_dw1968"),
    ("address", "家住云溪县青禾镇柳湾村二组17号", "云溪县青禾镇柳湾村二组17号"),
    ("address", "申请人的云溪县府前路8号3栋2单元501室房屋", "云溪县府前路8号3栋2单元501室"),
]


@pytest.mark.parametrize(("kind", "text", "wanted"), SURE, ids=[f"{k} {w}" for k, _, w in SURE])
def test_every_form_is_found_whole_and_masked_at_once(kind: str, text: str, wanted: str) -> None:
    found = [s for s in numbers(text) if s.sure]
    assert [(s.kind, s.text) for s in found] == [(kind, wanted)]
    assert masked(text, found, {}) == text.replace(wanted, f"（{KINDS[kind]}略）")


@pytest.mark.parametrize(
    "text",
    [
        "云自然资依申请告〔2026〕3号",
        "YX2024-15号地块，柳湾路15号地块",
        "项目代码2101-999101-04-01-123456，合同编号202403051234567",
        "总投资138000000元，面积13912.5平方米，版本3.11.4",
        "账目如下。总额330155667788分",  # what a clause before has said, says nothing here
        "网址example.gov.cn，邮编999101",
        "第5550123号公告",
        "",
    ],
)
def test_numbers_of_things_are_left_alone(text: str) -> None:
    assert [s.text for s in numbers(text) if s.sure] == []


def test_what_only_looks_like_it_is_put_to_a_person() -> None:
    (number,) = numbers(f"项目编号{RESIDENT}")
    assert (number.kind, number.sure) == ("id", False)
    (place,) = numbers("位于府前路8号的项目")
    assert (place.text, place.sure) == ("府前路8号", False)
    (village,) = numbers("柳湾村12组的道路")
    assert village.sure  # as far as into the houses


def test_the_organs_own_numbers_stay_however_they_are_written() -> None:
    text = "致电０９９９－５５５０１００或者到云溪县府前路8号3楼"
    assert [s.text for s in numbers(text)] == ["０９９９－５５５０１００", "云溪县府前路8号3楼"]
    assert numbers(text, ["0999 5550100", "云溪县府前路 8 号 3 楼"]) == []


def test_what_is_known_of_a_party_is_found_in_any_width_and_spacing() -> None:
    text = "仉　德旺（９９９１０１ １９６８）与仉-德旺户，编号19991011968"
    assert [s.text for s in said(text, "name", "仉德旺")] == ["仉　德旺", "仉-德旺"]
    assert [s.text for s in said(text, "id", "999101 1968")] == [
        "９９９１０１ １９６８"
    ]  # within a longer number it is none
    assert said(text, "name", " — ") == []
    assert [s.text for s in said("见 A.B@x.cn", "email", "a.b@X.cn")] == ["A.B@x.cn"]


def test_of_spans_that_overlap_the_surer_then_the_longer_stays() -> None:
    guess, sure, longer = (
        Span(0, 4, "name", "甲乙丙丁", sure=False),
        Span(2, 5, "id", "丙丁戊"),
        Span(6, 9, "id", "己庚辛"),
    )
    assert apart([guess, longer, Span(6, 7, "phone", "己"), sure]) == [sure, longer]
    assert apart([]) == []


def test_a_card_with_a_wrong_last_digit_is_none_unless_it_is_said_to_be_one() -> None:
    wrong = CARD[:-1] + str((int(CARD[-1]) + 1) % 10)
    assert numbers(f"汇入{wrong}") == []
    assert [(s.kind, s.text) for s in numbers(f"银行卡{wrong}")] == [("bank", wrong)]


def test_names_become_family_names_numbered_where_several_share_one() -> None:
    people = ["张三", "张 伟", "欧阳雪梅", "买买提·吐尔逊", "某A", ""]
    bodies = ["云溪建材有限责任公司", "云溪律师事务所", "青禾镇柳湾村委员会", "云溪科技股份有限公司", "青禾合伙"]
    given = aliases(people, bodies)
    assert [*given.values()] == [
        "张某1",
        "张某2",
        "欧阳某",
        "买某",
        "某某",
        "某公司1",
        "某事务所",
        "某委员会",
        "某公司2",
        "某单位",
    ]
    text = "张　伟与云溪律师事务所"
    spans = [*said(text, "name", "张伟"), *said(text, "organisation", "云溪律师事务所")]
    assert masked(text, spans, given) == "张某2与某事务所"


@pytest.mark.parametrize(
    ("name", "family"),
    [("欧阳雪梅", "欧阳"), ("欧阳", "欧"), ("张伟", "张"), ("爱新觉罗某", "爱新觉罗"), ("吖某", ""), ("", "")],
)
def test_a_family_name_is_known_by_its_beginning(name: str, family: str) -> None:
    assert surname(name) == family


def test_full_width_becomes_half_and_every_character_stays_in_its_place() -> None:
    text = "１２３　（ＡＢ）甲"
    assert folded(text) == "123 (AB)甲"
    assert len(folded(text)) == len(text)
