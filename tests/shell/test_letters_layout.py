"""Where pages and lines end: no heading last on a page, no signature alone for want of a row, no number parted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from yishenqing.letters import Letterbook, compose, fonts, sheet
from yishenqing.letters.markup import Block
from yishenqing.letters.model import Passage
from yishenqing.letters.style import Style
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704", "letters_sample"]

Sample = Callable[[], dict[str, Any]]
ROW = "材" * 26  # fills the first line of a paragraph


def block(text: str, kind: str = "p") -> Block:
    return Block(kind, (Passage(text, "officer", 0),))


def pages(*body: Block, letterhead: bool = True) -> list[list[str]]:
    head = sheet.Head("某某局", "告知书", "某〔2026〕1号", letterhead=letterhead)
    found = sheet.lay_out(head, [*body, block("某某局", "sign"), block("2026年3月5日", "date")], METRICS, draft=False)
    return [
        [line.text for line in page.lines if line.size == compose.SIZE and line.text != head.number] for page in found
    ]


METRICS = fonts.metrics()
HEADINGS = (("一、办理情况", "h1"), ("（一）检索", "h2"), ("2.关于“值班安排”：", "p"))


@pytest.mark.parametrize("letterhead", [True, False])
@pytest.mark.parametrize(("text", "kind"), HEADINGS)
def test_no_heading_is_the_last_line_of_a_page(text: str, kind: str, *, letterhead: bool) -> None:
    for before in range(1, 50):
        rows = [block(ROW) for _ in range(before)]
        found = pages(*rows, block(text, kind), *rows[:3], letterhead=letterhead)
        assert sum(text in page for page in found) == 1
        assert all(page[-1] != text for page in found), before


@pytest.mark.parametrize("count", [5, 9, 12])
def test_a_letter_in_order_wherever_its_list_ends(
    sample: Sample, departures: Callable[..., list[str]], count: int
) -> None:
    given = sample()
    given["facts"]["defects"] = ["材料" * 12] * count  # “……一次性告知如下：” announces them
    pdf = Letterbook([shipped("letters")]).pdf("supplement_notice", given)
    assert departures(pdf, letterhead=True, fonts=fonts.folder()) == []


def test_a_heading_that_goes_over_leaves_a_full_page() -> None:
    at = len(pages(*[block(ROW)] * 30)[0])
    head = sheet.Head("某某局", "告知书", "某〔2026〕1号", letterhead=True)
    rows = [*[block(ROW)] * (at - 1), block("一、办理情况", "h1"), *[block(ROW)] * 9]
    first = sheet.lay_out(
        head, [*rows, block("某某局", "sign"), block("2026年3月5日", "date")], METRICS, draft=False
    )[0]
    last = max(line.y for line in first.lines if line.size == compose.SIZE)
    assert sheet.TOP + sheet.HEIGHT - last - compose.SIZE < sheet.ROW


@pytest.mark.parametrize("seal", [True, False])
def test_a_signature_that_lacks_a_row_or_two_stays_on_the_page(
    sample: Sample, departures: Callable[..., list[str]], *, seal: bool
) -> None:
    given = sample()
    given["facts"]["provided"] = [ROW * 2]
    pdf = Letterbook([shipped("letters")], Style("letter", seal)).pdf("reply_granted", given)
    assert departures(pdf, letterhead=True, fonts=fonts.folder(), seal=seal) == []
    assert [len(pages(*[block(ROW)] * n)) for n in (11, 12, 13, 14)] == [1, 1, 1, 2]
    assert [len(pages(*[block(ROW)] * n, letterhead=False)) for n in (12, 13, 14)] == [1, 1, 2]


@pytest.mark.parametrize(
    "number",
    ["2026-0007", "〔2026〕17号", "120件", "2026年", "第三十六条"],
)
def test_numbers_stand_on_one_line(number: str) -> None:
    for before in range(20, 30):
        text = "材" * before + number + "料" * 40
        ends = [line.text for line in compose.compose(text, METRICS.width)]
        if number == "第三十六条":
            assert not any(line.endswith("第") for line in ends)
        else:
            digits = number.strip("〔〕号件年").split("〕")[0]
            assert any(digits in line for line in ends), (before, ends)


def test_a_date_is_parted_only_where_the_line_would_lack_two_characters() -> None:
    parted = [
        before
        for before in range(20, 30)
        if any(
            line.text[-1].isdecimal() or line.text.endswith(("2026年", "11月"))
            for line in compose.compose("材" * before + "2026年11月15日" + "料" * 40, METRICS.width)
        )
    ]
    assert parted == [21, 22, 23, 24]
