"""Each kind of letter: its text, its sources, its measures on paper."""

from __future__ import annotations

import copy
import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.letters import Letterbook, Passage, fonts, sheet
from yishenqing.letters.markup import Block
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704", "letters_sample"]

Sample = Callable[[], dict[str, Any]]

Departures = Callable[..., list[str]]
Printed = Callable[[bytes], str]

PROSE = ("registration_receipt", "supplement_notice", "extension_notice", "reply_granted")
FORMS = ("file_cover", "file_contents", "file_note")
FILLER = (
    "经查阅有关档案和电子文件系统，本机关保存的2025年度相关材料共有12件，均已逐件核对；"
    "其中涉及（第三方）的内容“已依法征求意见”，并作了区分处理。"
)


@pytest.fixture(scope="module")
def book() -> Letterbook:
    return Letterbook([shipped("letters")])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Letterbook:
    own = tmp_path_factory.mktemp("plain")
    for name in PROSE:
        text = (shipped("letters") / f"{name}.html").read_text(encoding="utf-8")
        (own / f"{name}.html").write_text(text.replace("format: letter", "format: plain"), encoding="utf-8")
    return Letterbook([own, shipped("letters")])


def test_the_shipped_letters_have_no_faults(book: Letterbook) -> None:
    assert book.faults() == []
    assert set(book.kinds()) >= {*PROSE, *FORMS}


def test_receipt_says_number_day_channel_request_and_due_day(book: Letterbook, sample: Sample) -> None:
    assert book.prose("registration_receipt", sample()).split("\n") == [
        "清政公〔2026〕7号",
        "政府信息公开申请登记回执",
        "王小明：",
        "2026年3月2日，本机关收到你以平常信函方式提出的政府信息公开申请，现已登记，登记编号为2026-0007。",
        "你申请公开的政府信息为：“2025年老旧小区改造项目竣工验收备案表”。要求的提供形式为纸质，获取信息的方式为邮寄。",
        (
            "依照《中华人民共和国政府信息公开条例》第三十三条第二款的规定，本机关将自收到申请之日起20个工作日内予以答复，"
            "答复期限于2026年3月30日届满。"
        ),
        (
            "依法需要补正申请、延长答复期限，或者征求第三方和其他机关意见的，本机关将另行书面告知，"
            "答复期限依照《中华人民共和国政府信息公开条例》第三十条、第三十三条的规定计算。"
        ),
        "本机关政府信息公开工作机构为清河区政务公开办公室，联系电话：0517-80001234。",
        "清江市清河区人民政府办公室",
        "2026年3月5日",
    ]


def test_receipt_says_when_the_due_day_is_provisional(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["due"]["reply"] |= {"provisional": True, "date": date(2027, 1, 12)}
    assert "2027年部分节假日安排的通知尚未公布，上述届满日期为暂定日期" in book.prose("registration_receipt", given)


def test_receipt_explains_a_later_day_of_receipt(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["case"]["arrived_on"] = date(2026, 2, 27)
    assert "申请材料于2026年2月27日到达本机关；" in book.prose("registration_receipt", given)


def test_supplement_notice_names_every_defect_the_day_and_the_consequence(book: Letterbook, sample: Sample) -> None:
    text = book.prose("supplement_notice", sample())
    assert "1.未写明所需信息的名称；\n2.未提供身份证明。\n" in text
    assert "请你于2026年3月25日前（含当日）" in text
    assert "无正当理由逾期不补正的，视为放弃申请，本机关不再处理该政府信息公开申请。" in text


def test_extension_notice_gives_reason_and_last_day(book: Letterbook, sample: Sample) -> None:
    text = book.prose("extension_notice", sample())
    assert "因需要逐卷调取档案核对，" in text
    assert "延长20个工作日。延长后的答复期限于2026年3月30日届满" in text


def test_reply_has_decision_remedy_and_enclosures(book: Letterbook, sample: Sample) -> None:
    given = sample() | {"attachments": ["竣工验收备案表", "验收意见"]}
    lines = book.prose("reply_granted", given).split("\n")
    assert "依照《中华人民共和国政府信息公开条例》第三十六条第（二）项的规定，本机关决定予以公开。" in lines[4]
    assert lines[6] == given["remedy"]["text"]
    assert lines[7:9] == ["附件：1.竣工验收备案表", "2.验收意见"]


def test_an_organisation_is_not_addressed_as_a_person(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["applicant"] = {"name": "清江某某律师事务所", "kind_title": "法律服务机构", "agent": None}
    assert "本机关收到你单位以" in book.prose("reply_granted", given)


def test_every_sentence_has_its_source(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["islands"] = {"explanation": [{"text": "材料按原件复制。", "source": "officer"}]}
    passages = book.passages("reply_granted", given)
    by_text = {p.text: p.source for p in passages}
    assert by_text["材料按原件复制。"] == "officer"
    assert by_text[given["remedy"]["text"]] == "law:行政复议法第二十条、行政诉讼法第四十六条"
    assert by_text["清江市清河区人民政府办公室"] == "office"
    assert any(p.source == "law:条例第三十六条第二项" and "决定予以公开" in p.text for p in passages)
    assert [p.paragraph for p in passages] == sorted(p.paragraph for p in passages)


def test_a_missing_need_names_template_line_and_field(book: Letterbook, sample: Sample) -> None:
    for name in PROSE + FORMS:
        for place in book.kind(name).needs:
            given = sample()
            holder: Any = given
            *path, last = place.split(".")
            for part in path:
                holder = holder[part]
            holder[last] = "" if isinstance(holder[last], str) else None
            with pytest.raises(DataFault) as caught:
                book.prose(name, given)
            fault = next(f for f in caught.value.faults if f.field == place)
            assert fault.file.endswith(f"{name}.html")
            assert fault.line is not None
            assert "缺少“" in fault.text


def test_a_reply_without_remedy_is_refused(book: Letterbook, sample: Sample) -> None:
    with pytest.raises(DataFault, match="救济途径"):
        book.prose("reply_granted", sample() | {"remedy": None})


def test_an_unknown_kind_lists_those_that_exist(book: Letterbook) -> None:
    with pytest.raises(NotFound, match=r"是否指“reply_granted”？现有：.*supplement_notice"):
        book.kind("reply_grant")
    with pytest.raises(NotFound):
        book.kind("../letters/reply_granted")


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize("letterhead", [True, False])
@pytest.mark.parametrize("name", PROSE)
def test_letters_meet_the_standard(
    book: Letterbook,
    plain: Letterbook,
    departures: Departures,
    printed: Printed,
    sample: Sample,
    name: str,
    *,
    letterhead: bool,
    draft: bool,
) -> None:
    for lines in (0, 9, 40):
        pdf = (book if letterhead else plain).pdf(name, stretched(sample(), name, lines, draft=draft))
        assert departures(pdf, letterhead=letterhead, fonts=fonts.folder()) == []
        assert ("草稿" in printed(pdf)) is draft
        assert ("〔2026〕" in printed(pdf)) is not draft


def stretched(given: dict[str, Any], name: str, lines: int, *, draft: bool) -> dict[str, Any]:
    extra = (FILLER * 40)[: 28 * lines] or "材料"
    given["letter"]["draft"] = draft
    if name == "registration_receipt":
        given["case"]["items"] = [extra]
    given["facts"] |= {
        "guidance": extra,
        "reason": extra,
        "provided": [extra[i : i + 90] for i in range(0, len(extra), 90)],
    }
    if name == "reply_granted" and lines:
        given["attachments"] = ["备案表", "很长的附件名称" * 6]
    return given


@pytest.mark.parametrize("length", [2, 12, 13, 14, 20, 24, 25, 29])
def test_any_length_of_the_organs_name(book: Letterbook, departures: Departures, sample: Sample, length: int) -> None:
    given = sample()
    given["organ"]["name"] = "清江市清河区人民政府办公室" * 3
    given["organ"]["name"] = given["organ"]["name"][:length]
    assert departures(book.pdf("reply_granted", given), letterhead=True, fonts=fonts.folder()) == []


def test_the_signature_never_stands_alone(book: Letterbook) -> None:
    """Every length from one line to three pages; only laid out, which is where the place is decided."""
    metrics = fonts.metrics()
    for letterhead, lines in itertools.product((True, False), range(1, 61)):
        text = (FILLER * 40)[: 28 * lines - 10]
        blocks = [Block("p", [Passage(text, "officer", 0)]), Block("sign", [Passage("某某局", "office", 1)]),
                  Block("date", [Passage("2026年3月5日", "office", 2)])]  # fmt: skip
        head = sheet.Head("某某局", "告知书", "某〔2026〕1号", letterhead=letterhead)
        pages = sheet.lay_out(head, blocks, metrics, draft=False)
        body = [[line for line in page.lines if line.role == "fangsong"] for page in pages]
        assert body[-1][-1].text == "2026年3月5日"
        assert len(body[-1]) >= min(lines, 2) + 2
        assert all(line.y + 16 <= sheet.TOP + sheet.HEIGHT + 0.01 for page in body for line in page)
        whole = "".join(line.text for page in body for line in page if len(pages) == 1 or line.y > 0)
        assert text.replace(" ", "") in whole


def test_what_is_printed_is_what_was_written(book: Letterbook, printed: Printed, sample: Sample) -> None:
    for name in PROSE:
        paper = printed(book.pdf(name, sample()))
        for paragraph in book.prose(name, sample()).split("\n"):
            assert paragraph in paper


def test_the_forms_print_their_rows(book: Letterbook, printed: Printed, sample: Sample) -> None:
    cover = printed(book.pdf("file_cover", sample()))
    assert "政府信息公开申请卷宗" in cover
    assert "Z109-WS·2026-D10-ZWGK-0007" in cover
    assert "20260327" in printed(book.pdf("file_contents", sample()))
    assert "无其他情况。" in printed(book.pdf("file_note", sample()))
    assert "1\t清政公〔2026〕7号\t清河区政府办公室\t政府信息予以公开告知书\t20260327\t2" in book.prose(
        "file_contents", sample()
    )


def test_the_same_context_gives_the_same_bytes(book: Letterbook, tmp_path: Path, sample: Sample) -> None:
    first = {name: book.pdf(name, sample()) for name in PROSE + FORMS}
    again = Letterbook([tmp_path, shipped("letters")])
    assert {name: again.pdf(name, copy.deepcopy(sample())) for name in first} == first


def test_another_process_gives_the_same_bytes(book: Letterbook, sample: Sample) -> None:
    """Another hash seed and another time zone: neither may reach the paper."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import hashlib, letters_sample;"
        "from yishenqing.letters import Letterbook; from yishenqing.shipped import shipped;"
        "pdf = Letterbook([shipped('letters')]).pdf('reply_granted', letters_sample.context());"
        "print(hashlib.sha256(pdf).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"}
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", code, here], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == hashlib.sha256(book.pdf("reply_granted", sample())).hexdigest()
