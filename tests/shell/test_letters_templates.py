"""What an office may change, what is refused, and where the fault is said to be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.letters import Letterbook
from yishenqing.letters.template import nested
from yishenqing.shipped import shipped

GOOD = """---
kind: notice
title: 告知书
when: 测试
law: [条例第三十条]
needs: [case.number]
remedy: none
series: 告
format: letter
---
<p>
  <s src="law:条例第三十条">{{ case.number }}，</s>
  <s src="officer">特此告知。</s>
</p>
"""


def faults(tmp_path: Path, text: str, name: str = "notice") -> list[str]:
    (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    own = Letterbook([tmp_path, shipped("letters")])
    return [str(f).replace(str(tmp_path) + "/", "") for f in own.faults()]


def test_a_good_template_has_no_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("---\nkind", "kind", "notice.html 第1行：文书模板应以一行“---”开头"),
        ("remedy: none", "remedy: maybe", "notice.html 第7行 “remedy”：只能是"),
        ("series: 告", "serie: 告", "notice.html 第8行 “serie”：未知的键"),
        ("series: 告", "series: 告\nseries: 补", "notice.html 第9行：键“series”重复"),
        ("kind: notice", "kind: other", "notice.html 第2行 “kind”：文书种类应与文件名一致"),
        ("law: [条例第三十条]", "law: []", "notice.html 第5行 “law”：对外发出的文书必须写明法律依据"),
        ("law: [条例第三十条]", "law: [条例]", "notice.html 第5行 “law.1”：“条例”不是条款引用"),
        ("{{ case.number }}", "{{ case.number }", "notice.html 第12行：模板语法有误"),
        ("{{ case.number }}", "{{ case.number | dat }}", "notice.html 第12行：模板语法有误"),
        ("{{ case.number }}", "{{ cas.number }}", "notice.html 第12行 “cas.number”：没有“cas.number”这一项"),
        (
            "{{ case.number }}",
            "{{ facts.until }}",
            "notice.html 第12行 “facts.until”：用到了“最后一日”，但没有列入 needs",
        ),
        ("law:条例第三十条", "law:条例第三十一条", "notice.html 第12行：句子的依据“条例第三十一条”没有列入 law"),
        ("officer", "clerk", "notice.html 第13行：句子的来源“clerk”不合要求"),
        ("特此告知", "将在15个工作日内答复", "notice.html 第13行：过时的表述"),
        ("特此告知", "自收到申请之日起十五个工作日内予以答复", "notice.html 第13行：过时的表述"),
        ("特此告知", "可以向上一级主管部门申请行政复议", "notice.html 第13行：过时的表述“上一级主管部门”"),
        ("特此告知", "可以在3个月内提起行政诉讼", "notice.html 第13行：过时的表述“3个月”"),
    ],
)
def test_each_fault_is_found_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = faults(tmp_path, GOOD.replace(old, new, 1))
    assert any(f.startswith(expected) for f in found), found
    assert len(found) == 1 + ("serie: " in new)  # a misspelt key is unknown and leaves its field missing


def test_consulting_a_third_party_for_15_days_is_not_outdated(tmp_path: Path) -> None:
    words = "本机关已征求第三方意见，第三方应当自收到征求意见书之日起15个工作日内提出意见"
    assert faults(tmp_path, GOOD.replace("特此告知", words)) == []


def test_a_guarded_field_needs_no_declaration(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD.replace("特此告知", "{% if facts.until %}{{ facts.until | date }}{% endif %}")) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("特此告知。</s>", "特此告知。</s>多余的话", "第13行：“多余的话”没有标明来源"),
        ("特此告知。", "<b>特此</b>告知。", "第13行：不认识的标记 <b>"),
        (
            "</p>",
            "{% for n in 'abc' %}\n<p><s src=\"office\">{{ n }}</s></p>\n{% endfor %}\n</p>",
            "第15行：<p> 的位置不对",
        ),
        (
            "</p>",
            "</p>\n{% for n in 'abc' %}\n<p><s src=\"office\">{{ n }}</s></p>\n{% endfor %}\n<b></b>",
            "第18行：不认识",
        ),
        ("</p>", "  <p></p></p>", "第14行：<p> 的位置不对"),
        ("</p>", "", "没有结束|没有对应|位置不对"),
        ("特此告知。", "{{ case.number | date }}", "第13行：模板无法填写（“2026-1”不是日期）"),
        ("特此告知。", "{{ case.missing }}", "第13行：模板无法填写（缺少“missing”这一项）"),
        ("特此告知。", "{{ ''.__class__ }}", "模板无法填写"),
    ],
)
def test_a_template_that_cannot_be_filled_names_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    (tmp_path / "notice.html").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    given = {"case": {"number": "2026-1"}, "organ": {"name": "某局"}, "applicant": {"name": "甲"}}
    with pytest.raises(DataFault, match=expected if "|" in expected else None) as caught:
        Letterbook([tmp_path, shipped("letters")]).prose("notice", {**given, "letter": {"date": date(2026, 3, 5)}})
    assert "|" in expected or expected in str(caught.value)


def test_an_own_file_replaces_only_that_file(tmp_path: Path) -> None:
    text = (shipped("letters") / "extension_notice.html").read_text(encoding="utf-8")
    (tmp_path / "extension_notice.html").write_text(
        text.replace("title: 政府信息公开", "title: 本机关"), encoding="utf-8"
    )
    own = Letterbook([tmp_path, shipped("letters")])
    assert own.kind("extension_notice").title == "本机关延期答复告知书"
    assert own.kind("reply_granted").path.parent == shipped("letters")


def test_base_templates_are_not_letters() -> None:
    with pytest.raises(NotFound):
        Letterbook([shipped("letters")]).kind("_letter")


@pytest.mark.parametrize(
    ("words", "within"),
    [
        ("用地的“一书四方案”", "用地的‘一书四方案’"),
        ("甲“乙‘丙’丁”戊", "甲‘乙“丙”丁’戊"),
        ("O’Brien的‘单’据", "O’Brien的‘单’据"),
        ("", ""),
    ],
)
def test_words_between_quotes_have_single_ones_of_their_own(words: str, within: str) -> None:
    assert nested(words) == within
