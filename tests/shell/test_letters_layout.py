"""Where pages and lines end: no heading last on a page, no signature alone for want of a row, no number parted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import measuring
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


NUMBERS = (
    "2026-0007", "0517-80001234", "139 0000 0001", "2026-11-22", "2026年3月5日", "2026年11月15日", "〔2026〕17号",
    "120件", "1,234.5万元", "37.5%", "321084199001011234", "EA123456789CN", "15日", "GB/T 9704-2012",
)  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_is_parted_and_every_line_stays_flush(number: str) -> None:
    for before in range(2, 95):
        text = ("经审查，其中" * 20)[:before] + number + "，" + "材料" * 40
        lines = compose.compose(text, METRICS.width)
        assert "".join(line.text for line in lines) == text
        assert any(number in line.text for line in lines), before
        for line in lines[:-1]:
            ends = line.x + METRICS.width(line.text) * compose.SIZE + line.spacing * (len(line.text) - 1)
            hang = compose.SIZE / 2 if line.text[-1] == "，" else 0.0
            assert ends - hang == pytest.approx(compose.WIDTH), before


def test_a_number_that_goes_over_is_paid_for_by_all_lines_before_it() -> None:
    """28 characters a line is the norm (5.2.3): no line from edge to edge has fewer than 27 or more than 29."""
    for before in range(40, 130):
        lines = compose.compose("材" * before + "2026年3月5日" + "料" * 40, METRICS.width)
        counts = [len(line.text) for line in lines[1:-1] if "2026" not in line.text]
        assert all(27 <= count <= 29 for count in counts), (before, counts)


def test_a_code_too_long_for_its_line_is_parted_after_a_joint() -> None:
    lines = [line.text for line in compose.compose("材" * 20 + "A1-" * 20 + "料" * 30, METRICS.width)]
    assert "".join(lines) == "材" * 20 + "A1-" * 20 + "料" * 30
    assert lines[0].endswith("-")


def test_a_word_of_the_statute_keeps_its_ordinal() -> None:
    for before in range(20, 30):
        lines = [line.text for line in compose.compose("材" * before + "第三十六条" + "料" * 40, METRICS.width)]
        assert not any(line.endswith("第") for line in lines)


def test_a_space_at_the_end_of_a_line_leaves_no_gap() -> None:
    for before in range(20, 30):
        lines = compose.compose("材" * before + "GB/T 9704 " + "料" * 40, METRICS.width)
        assert all(line.text == line.text.strip() for line in lines)
        ends = [x.x + METRICS.width(x.text) * compose.SIZE + x.spacing * (len(x.text) - 1) for x in lines[:-1]]
        assert ends == pytest.approx([compose.WIDTH] * len(ends))


@pytest.mark.parametrize("day", ["2026年3月5日", "2026年3月15日", "2026年11月15日"])
@pytest.mark.parametrize("length", [1, 4, 12, 13])
def test_a_centred_name_never_looks_like_a_line_that_runs_on(length: int, day: str) -> None:
    blocks = [block(ROW), block("清江市清河区人民政府办公室"[:length], "sign"), block(day, "date")]
    (page,) = sheet.lay_out(sheet.Head("某局", "告知书", None, letterhead=True), blocks, METRICS, draft=False)
    name, date = page.lines[-2:]
    middles = [x.x + (METRICS.width(x.text) * x.size + x.spacing * (len(x.text) - 1)) / 2 for x in (name, date)]
    assert middles[0] == pytest.approx(middles[1])
    assert 2 * middles[0] - name.x <= sheet.LEFT + compose.WIDTH - 0.6 * compose.PITCH + 0.01


@pytest.mark.parametrize("layout", measuring.LAYOUTS, ids=str)
def test_letters_of_many_lengths_meet_the_standard(departures: Callable[..., list[str]], layout: Any) -> None:
    """Some of the lengths that ``make measure`` goes through."""
    for _, pdf in measuring.letters(layout, (1, 2, 12, 17, 26, 45)):
        assert departures(pdf, letterhead=layout[0] == "letter", fonts=fonts.folder(), seal=layout[1]) == []


def test_each_length_is_what_it_says() -> None:
    for lines in (1, 2, 17, 60):
        text = measuring.text_of(lines)
        assert len(compose.compose(text, METRICS.width)) == lines
        assert text[-2:] not in ("（。", "〔。", "《。", "“。")
