"""Citations resolve to articles, terms to the value of the day, errors to their words and exit codes."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Moved, NotFound, Permitted, Reason, Refused
from yishenqing.core.law import Law, Term, Value
from yishenqing.rulebook import Rulebook

CHECKED = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("citation", "statute", "article"),
    [
        ("条例第三十三条第二款", "条例", "第三十三条"),
        ("条例第三十六条第二项", "条例", "第三十六条"),
        ("旧条例第二十四条", "旧条例", "第二十四条"),
        ("行政复议法第二十条", "行政复议法", "第二十条"),
        ("国办公开办函〔2016〕235号", "国办公开办函〔2016〕235号", ""),
        ("国家档案局令第8号", "国家档案局令第8号", ""),
        ("法释〔2018〕1号第四十八条", "法释〔2018〕1号", "第四十八条"),
    ],
)
def test_a_citation_is_a_statute_and_an_article(citation: str, statute: str, article: str) -> None:
    assert Law.split(citation) == (statute, article)


@pytest.mark.parametrize(
    ("citation", "on", "says"),
    [
        ("条例第三十三条第二款", None, None),
        ("国办公开办函〔2016〕235号", None, None),
        ("条例第九百条", None, "《中华人民共和国政府信息公开条例》中没有收录第九百条"),
        ("国办公开办函〔2016〕235号第三条", None, "没有收录第三条"),
        ("信访条例第三条", None, "“信访条例第三条”所引的“信访条例”不在法律数据中"),
        ("条例第三十三条", date(2019, 5, 15), None),
        ("条例第三十三条", date(2019, 5, 14), "在2019-05-14不是现行有效"),
        ("旧条例第二十四条", date(2019, 5, 14), None),
        ("旧条例第二十四条", date(2019, 5, 15), "在2019-05-15不是现行有效"),
    ],
)
def test_a_citation_resolves_or_says_why_not(
    rules: Rulebook, citation: str, on: date | None, says: str | None
) -> None:
    found = rules.law.unresolved(citation, on)
    assert found is says if says is None else found is not None and says in found


def test_the_text_of_an_article_is_there_for_the_letter(rules: Rulebook) -> None:
    assert "20个工作日" in rules.law.text("条例第三十三条第二款")
    assert rules.law.text("条例第九百条") == rules.law.text("信访条例第三条") == ""


@pytest.mark.parametrize(
    ("term", "on", "value"),
    [
        ("reply", "2008-05-01", 15),
        ("reply", "2019-05-14", 15),
        ("reply", "2019-05-15", 20),
        ("extension", "2019-05-14", 15),
        ("extension", "2026-11-21", 20),
        ("supplement_notice", "2019-05-15", 7),
        ("reconsideration", "2024-01-01", 60),
        ("litigation", "2026-11-21", 6),
        ("litigation_after_reconsideration", "2026-11-21", 15),
    ],
)
def test_a_term_has_the_value_of_its_day(rules: Rulebook, term: str, on: str, value: int) -> None:
    assert rules.law.term(term, date.fromisoformat(on)).value == value


@pytest.mark.parametrize(
    ("term", "on"), [("reply", "2008-04-30"), ("supplement_notice", "2019-05-14"), ("x", "2026-01-01")]
)
def test_a_term_without_a_value_on_that_day_is_a_fault_of_the_data(rules: Rulebook, term: str, on: str) -> None:
    with pytest.raises(DataFault, match=f"没有{on}有效的期限“{term}”"):
        rules.law.term(term, date.fromisoformat(on))


def test_the_order_of_the_values_does_not_matter() -> None:
    old, new = (Value(date(y, 1, 1), y, "条例第一条", CHECKED) for y in (2010, 2020))
    for values in ((old, new), (new, old)):
        term = Term("试", "day", values)
        assert [term.on(date(y, 6, 1)) for y in (2009, 2015, 2021)] == [None, old, new]
    assert replace(term, values=()).on(CHECKED) is None


def test_every_value_and_every_remedy_cites_what_the_law_files_hold(rules: Rulebook) -> None:
    cited = [v.law for t in rules.law.terms.values() for v in t.values]
    cited += [c for r in rules.law.remedies.values() for c in r.law]
    cited += [t.rolls for t in rules.law.terms.values() if t.unit != "workday"]
    assert [c for c in cited if rules.law.unresolved(c)] == []
    assert all(v.checked_on is None or v.checked_on >= v.since for t in rules.law.terms.values() for v in t.values)


def test_errors_speak_the_words_of_the_contract() -> None:
    refused = Refused("不行。", ["条例第三十条"], [Permitted("accepted", "审核通过", "reviewer")])
    assert str(refused) == "不行。"
    assert refused.as_json() == {
        "error": {
            "code": "refused",
            "text": "不行。",
            "law": ["条例第三十条"],
            "permitted": [{"step": "accepted", "title": "审核通过", "role": "reviewer"}],
        }
    }
    assert [e.exit_code for e in (NotFound, Moved, DataFault, IntegrityFault)] == [5, 5, 6, 7]


def test_a_data_fault_lists_every_fault_with_its_place() -> None:
    faults = [
        Fault("甲", "a.yaml", 3, "x.y", "条例第三十条"),
        Fault("乙", field="z"),
        Fault("丙", line=4),
        Fault("丁"),
    ]
    error = DataFault.of(faults)
    assert error.text.splitlines() == ["a.yaml 第3行 “x.y”：甲", "“z”：乙", "第4行：丙", "丁"]
    assert error.law == ["条例第三十条"]
    assert error.as_json()["error"]["faults"][0] == {
        "text": "甲",
        "file": "a.yaml",
        "line": 3,
        "field": "x.y",
        "law": "条例第三十条",
    }


def test_a_reason_shows_its_article_in_brackets() -> None:
    assert str(Reason("已超过期限", "条例第三十条")) == "已超过期限（条例第三十条）"
    assert str(Reason("办理日期晚于今天")) == "办理日期晚于今天"
