"""Every reply as a lawyer reads it: its text from known facts (replies.yaml), and what it refuses to do without."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from yishenqing.core.errors import DataFault
from yishenqing.letters import Letterbook, fonts
from yishenqing.rulebook import Rulebook
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704", "letters_sample"]

Sample = Callable[[], dict[str, Any]]
ROWS = yaml.safe_load((Path(__file__).parent / "replies.yaml").read_text(encoding="utf-8"))
OPENING = "2026年3月2日，本机关收到你以平常信函方式提出的政府信息公开申请（登记编号：2026-0007），"


def name_of(row: dict[str, Any]) -> str:
    return f"{row['文书']} {row.get('情形', '')}".strip()


def filled(sample: Sample, row: dict[str, Any]) -> dict[str, Any]:
    """The sample case with nothing but the facts that the row knows."""
    given: dict[str, Any] = sample() | {"facts": {}} | copy.deepcopy(row["已知"])
    return given


@pytest.fixture(scope="module")
def book() -> Letterbook:
    return Letterbook([shipped("letters")])


def replies(rules: Rulebook) -> dict[str, set[str]]:
    """Each kind of reply with the articles of the outcome or way that it tells, or of the evidence for it."""
    found: dict[str, set[str]] = {}
    for outcome in rules.workflow.outcomes.values():
        found.setdefault(outcome.letter, set()).update(outcome.law, (g.law for g in outcome.evidence))
        for way in outcome.ways.values():
            found.setdefault(way.letter, set()).update(way.law)
    return {kind: law for kind, law in found.items() if kind}


def test_every_outcome_of_the_workflow_has_a_row(rules: Rulebook) -> None:
    assert {r["文书"] for r in ROWS} == {*replies(rules), rules.workflow.itemised, "reply_on_spot"}


def test_a_reply_cites_an_article_of_its_outcome_and_none_that_the_law_files_lack(
    rules: Rulebook, book: Letterbook
) -> None:
    for kind, law in replies(rules).items():
        assert law & set(book.kind(kind).law), kind
    for row in ROWS:
        assert [c for c in book.kind(row["文书"]).law if rules.law.unresolved(c)] == []


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_says_what_a_lawyer_expects(book: Letterbook, sample: Sample, row: dict[str, Any]) -> None:
    given = filled(sample, row)
    lines = book.prose(row["文书"], given).split("\n")
    title, opening, *text = lines[1], lines[3], *lines[4:-3]
    assert title == row["标题"]
    assert opening.startswith(OPENING)
    assert text == row["正文"]
    assert lines[-3] == given["remedy"]["text"]


def places(book: Letterbook, row: dict[str, Any]) -> Iterator[str]:
    yield from book.kind(row["文书"]).needs


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_without_any_of_its_needs_it_is_refused(book: Letterbook, sample: Sample, row: dict[str, Any]) -> None:
    for place in places(book, row):
        given = filled(sample, row)
        holder: Any = given
        *path, last = place.split(".")
        for part in path:
            holder = holder[part]
        holder.pop(last, None)
        with pytest.raises(DataFault) as caught:
            book.prose(row["文书"], given)
        fault = next(f for f in caught.value.faults if f.field == place)
        assert re.search(r"缺少“[^a-z]+”，不能出具", fault.text), place
        assert fault.line is not None


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_on_paper_it_meets_the_standard(
    book: Letterbook, departures: Callable[..., list[str]], sample: Sample, row: dict[str, Any]
) -> None:
    pdf = book.pdf(row["文书"], filled(sample, row))
    assert departures(pdf, letterhead=True, fonts=fonts.folder()) == []


def test_every_sentence_of_an_item_comes_from_the_finding(book: Letterbook, sample: Sample) -> None:
    row = next(r for r in ROWS if r["文书"] == "reply_items")
    sources = {p.text: p.source for p in book.passages("reply_items", filled(sample, row))}
    assert sources["现向你提供下列政府信息：土地征收公告。"] == "entry:found"
    assert sources["附图一并提供。"] == "officer"
    assert "entry:drafted" not in sources.values()


def test_an_item_that_lacks_its_reasons_is_named(book: Letterbook, sample: Sample) -> None:
    row = next(r for r in ROWS if r["文书"] == "reply_items")
    given = filled(sample, row)
    del given["items"][1]["facts"]["no_effect"]
    with pytest.raises(DataFault, match="第2项：《政府信息不予公开告知书》缺少“为何不对外产生影响”"):
        book.prose("reply_items", given)


def test_what_is_answered_online_names_the_way_to_reconsideration_online(book: Letterbook, sample: Sample) -> None:
    given = filled(sample, ROWS[0])
    given["remedy"] |= {"more": ["另一段。"], "online": {"text": "渠道：某处。", "law": ["行政复议法第二十二条"]}}
    assert book.prose("reply_granted", given).split("\n")[-5:-2] == [
        given["remedy"]["text"],
        "另一段。",
        "渠道：某处。",
    ]
    given["remedy"]["online"]["text"] = ""
    with pytest.raises(DataFault, match="缺少“提交行政复议申请书的互联网渠道"):
        book.prose("reply_granted", given)


def test_a_letter_takes_in_only_letters_of_the_folder(sample: Sample, tmp_path: Path) -> None:
    whole = (shipped("letters") / "reply_items.html").read_text(encoding="utf-8")
    (tmp_path / "reply_items.html").write_text(whole.replace('part.kind ~ ".html"', '"../x.html"'), encoding="utf-8")
    row = next(r for r in ROWS if r["文书"] == "reply_items")
    with pytest.raises(DataFault, match="模板无法填写"):
        Letterbook([tmp_path, shipped("letters")]).prose("reply_items", filled(sample, row))
