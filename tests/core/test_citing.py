"""An officer cites only what the law data hold and what is in force: sentences, and what is wrong with each."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishenqing.core.citing import unresolved
from yishenqing.rulebook import Rulebook

DAY = date(2026, 3, 2)

HOLDS = [
    "依照条例第三十六条第（二）项、第三十七条的规定，本机关予以公开。",
    "依照《中华人民共和国政府信息公开条例》第36条答复。",
    "《政府信息公开条例》（2019年修订）第十五条有规定。该条例第１６条第一款也有规定。",
    "行政复议法第二十条至第二十二条",
    "合同第三条约定保密，《建设工程施工合同》第五条也有约定。",
    "第二条线索已经核查，与《统计法》无关。",
    "没有引用任何规定。",
    "依照条例第三十六条第（五）、（六）项、第三十七条",
    "条例第十六条第一款、第二款，3项信息不予公开",
    "条例第三十六条第（二）项和行政复议法第二十三条第一款第（四）项",
    "条例第二十九条第二款第（三）项；该条第一款",
    "条例第 三 十 六 条，条例36条（二），《条例》三十六条第二项，条例第叁拾陆条，依照条例第13、14、36条",
    "规定三条措施，提出十条意见，依法三条线路，《云溪日报》3条新闻",
]
FAILS = [
    ("根据统计法第二十五条", "“统计法第二十五条”所引的“统计法”不在法律数据中"),
    ("依照《中华人民共和国档案法》第二十七条", "所引的“中华人民共和国档案法”不在法律数据中"),
    ("土地管理法实施条例第三十条", "所引的“土地管理法实施条例”不在法律数据中"),
    ("条例第九十九条", "《中华人民共和国政府信息公开条例》中没有收录第九十九条"),
    ("条例第105条", "没有收录第一百零五条"),
    ("旧条例第二十四条", "在2026-03-02不是现行有效"),
    ("按照第三条的规定", "“第三条”没有写明是哪一部法律、法规的条文"),
    ("合同第三条，参见第四条", "“第四条”没有写明"),
    ("依照条例第十五条、统计法第九条和第十条", "“统计法第九条”"),
    (
        "依照条例第三十六条第（九）项",
        "“条例第三十六条第（九）项”：《中华人民共和国政府信息公开条例》第三十六条没有第（九）项",
    ),
    ("第十六条第二款，条例第十六条第五款", "《中华人民共和国政府信息公开条例》第十六条没有第五款"),
    ("条例第三十六条第九项", "第三十六条没有第（九）项"),
    ("条例第三十六条第（十二）项", "没有第（十二）项"),
    ("条例第三十六条第二款第九项", "没有第二款"),
    ("条例第三十六条第（五）、（九）项", "没有第（九）项"),
    ("条例第二十九条第一款第（二）项", "没有第一款第（二）项"),
    ("行政复议法第二十三条第一款第（六）项", "没有第一款第（六）项"),
    ("条例36条（十二）", "没有第（十二）项"),
    ("条例第13、14、88条", "没有收录第八十八条"),
    ("条例第十三、第八十八条", "没有收录第八十八条"),
    ("条例第十四至九十条", "没有收录第九十条"),
    ("按照条例九十九条办理", "没有收录第九十九条"),
    ("《条例》九十九条", "没有收录第九十九条"),
    ("条例第 九 十 九 条", "没有收录第九十九条"),
    ("条例第玖拾玖条", "没有收录第九十九条"),
    ("依照99条的规定", "“99条”没有写明是哪一部法律"),
    ("条例第三十六条规定。依照该条第九款办理", "第三十六条没有第九款"),
    ("依照该条第九款办理", "没有写明是哪一部法律"),
]


@pytest.mark.parametrize("text", HOLDS)
def test_a_citation_that_holds_is_let_through(rules: Rulebook, text: str) -> None:
    assert unresolved(rules.law, text, DAY) == []


@pytest.mark.parametrize(("text", "why"), FAILS)
def test_a_citation_that_does_not_hold_is_named(rules: Rulebook, text: str, why: str) -> None:
    assert why in "；".join(u.text for u in unresolved(rules.law, text, DAY))


def test_what_was_in_force_on_the_day_holds(rules: Rulebook) -> None:
    assert unresolved(rules.law, "旧条例第二十四条", date(2018, 3, 2)) == []


@given(st.text(alphabet="依照条例法《》第一二十百零3６条款、（）合同。该", max_size=60))
def test_whatever_is_written_is_read_to_the_end(rules: Rulebook, text: str) -> None:
    found = unresolved(rules.law, text, DAY)
    assert all(u.citation in text and "条" in u.citation for u in found)


@given(st.integers(1, 150))
def test_an_article_in_digits_is_the_article_in_words(rules: Rulebook, n: int) -> None:
    held = {a for s in rules.law.statutes.values() if s.cite == "条例" for a in s.articles}
    tens, ones = divmod(n % 100, 10)
    words = ("一百" if n >= 100 else "") + ("零" if n > 100 and not tens and ones else "")
    words += ("" if tens == 1 and n < 100 else "零一二三四五六七八九"[tens]) + "十" if tens else ""
    words += "零一二三四五六七八九"[ones] if ones else ""
    assert (unresolved(rules.law, f"条例第{n}条", DAY) == []) == (f"第{words}条" in held)
