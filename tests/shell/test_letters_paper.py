"""Forms on paper of their own: the size that each declares, everything within its edges, in the private fonts."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import gallery
import pytest
from pdfminer.high_level import extract_pages
from pdfminer.layout import LTChar, LTPage

from yishenqing.core.errors import DataFault
from yishenqing.letters import Letterbook
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704"]

MM = 72 / 25.4
A4 = (210, 297)
EDGE = 8.0  # mm that no printer reaches
BOOK = Letterbook([shipped("letters")])
SAMPLES = [(kind, given) for kind, _, given in gallery.samples(BOOK)]
FORMS = [(kind, given) for kind, given in SAMPLES if not BOOK.kind(kind).goes_out]
LONG = {
    "recipient": "内蒙古自治区呼伦贝尔市鄂伦春自治旗大兴安岭农工商联合公司工会委员会、周德旺、张三",
    "place": "内蒙古自治区呼伦贝尔市鄂伦春自治旗阿里河镇中央大街二百三十一号林业局家属院十七号楼三单元二层东户转交",
}


def pages(pdf: bytes) -> list[LTPage]:
    return list(extract_pages(io.BytesIO(pdf), laparams=None))


def glyphs(item: Any) -> list[LTChar]:
    inner = [c for x in item for c in glyphs(x)] if hasattr(item, "__iter__") else []
    return [*inner, *([item] if isinstance(item, LTChar) else [])]


def test_the_gallery_shows_every_kind() -> None:
    assert {kind for kind, _ in SAMPLES} == BOOK.kinds().keys()


@pytest.mark.parametrize(("kind", "given"), FORMS, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(FORMS)])
def test_a_form_keeps_to_the_paper_that_it_declares(kind: str, given: dict[str, Any]) -> None:
    width, height = BOOK.kind(kind).paper or A4
    for page in pages(BOOK.pdf(kind, given)):
        assert (round(page.width / MM, 1), round(page.height / MM, 1)) == (width, height)
        found = glyphs(page)
        assert found
        assert all("YSQ" in c.fontname for c in found)
        assert min(c.x0 for c in found) / MM > EDGE
        assert max(c.x1 for c in found) / MM < width - EDGE
        assert min(c.y0 for c in found) / MM > EDGE
        assert max(c.y1 for c in found) / MM < height - EDGE


@pytest.mark.parametrize("kind", ["envelope", "ems_sheet"])
def test_a_long_address_stays_on_one_sheet(kind: str) -> None:
    given = next(g for k, g in FORMS if k == kind)
    (page,) = pages(BOOK.pdf(kind, {**given, "document": {**given["document"], **LONG}}))
    text = "".join(c.get_text() for c in glyphs(page))
    assert LONG["recipient"] in text
    assert LONG["place"] in text


def test_an_envelope_does_not_tell_what_is_inside() -> None:
    for _, given in [f for f in FORMS if f[0] == "envelope"]:
        text = BOOK.prose("envelope", given)
        assert given["document"]["title"] not in text
        assert not any(item in text for item in given["case"]["items"])


@pytest.mark.parametrize(
    ("kind", "paper", "fault"),
    [
        ("envelope", "[220]", "paper"),
        ("envelope", "[220, 110, 3]", "paper"),
        ("envelope", "[220, 20]", "不得小于 90"),
        ("envelope", "[2200, 110]", "不得大于 420"),
        ("envelope", "DL", "paper"),
        ("reply_granted", "[148, 210]", "对外发出的文书用 A4 纸"),
    ],
)
def test_a_paper_that_cannot_be_is_named(tmp_path: Path, kind: str, paper: str, fault: str) -> None:
    text = (shipped("letters") / f"{kind}.html").read_text(encoding="utf-8").replace("paper: [220, 110]\n", "")
    text = text.replace("remedy:", f"paper: {paper}\nremedy:", 1)
    (tmp_path / f"{kind}.html").write_text(text, encoding="utf-8")
    with pytest.raises(DataFault, match=fault):
        Letterbook([tmp_path, shipped("letters")]).kind(kind)


def test_an_office_may_choose_another_envelope(tmp_path: Path) -> None:
    text = (shipped("letters") / "envelope.html").read_text(encoding="utf-8")
    (tmp_path / "envelope.html").write_text(text.replace("[220, 110]", "[229, 162]"), encoding="utf-8")
    own = Letterbook([tmp_path, shipped("letters")])
    (page,) = pages(own.pdf("envelope", next(g for k, g in FORMS if k == "envelope")))
    assert (round(page.width / MM), round(page.height / MM)) == (229, 162)


def test_the_gallery_draws_what_it_shows(tmp_path: Path) -> None:
    page = gallery.draw(tmp_path / "图", only=["envelope"])
    text = page.read_text(encoding="utf-8")
    assert text.count("<h2>") == len([k for k, _ in FORMS if k == "envelope"]) == text.count("<img")
    drawn = sorted((tmp_path / "图").glob("*.png"))
    assert len(drawn) == text.count("<img")
    assert all(p.read_bytes().startswith(b"\x89PNG") and p.name in text for p in drawn)


def rows(pdf: bytes) -> list[str]:
    """The printed lines, from the top."""
    found: dict[tuple[int, int], list[LTChar]] = {}
    for number, page in enumerate(pages(pdf)):
        for char in glyphs(page):
            found.setdefault((number, -round(char.y0)), []).append(char)
    return ["".join(c.get_text() for c in sorted(row, key=lambda c: c.x0)) for _, row in sorted(found.items())]


@pytest.mark.parametrize(
    "number", ["0517-80001234", "2026年11月22日", "（2026-11-22）", "〔2026〕17号", "1,234.5元。"]
)
def test_no_number_in_a_form_is_parted(number: str) -> None:
    given = next(g for k, g in FORMS if k == "file_note")
    for before in range(14, 28):
        note = {**given["note"], "text": "材" * before + number + "料" * 20}
        assert any(number in row for row in rows(BOOK.pdf("file_note", {**given, "note": note}))), before


def test_what_no_line_can_hold_is_broken_within_its_cell() -> None:
    given = next(g for k, g in FORMS if k == "file_note")
    code, quoted = "A1-" * 90, "1'23&#39;4<5"
    pdf = BOOK.pdf("file_note", {**given, "note": {**given["note"], "text": f"{quoted}{code}"}})
    assert f"{quoted}{code}"[: len(quoted)] in "".join(rows(pdf))
    assert "".join(rows(pdf)).count("A1-") == 90
    (page,) = pages(pdf)
    assert max(c.x1 for c in glyphs(page)) / MM < A4[0] - EDGE


def test_an_archival_code_stands_on_one_line_of_the_list() -> None:
    given = next(g for k, g in FORMS if k == "destruction_list")
    printed = rows(BOOK.pdf("destruction_list", given))
    for row in given["destruction"]["cases"]:
        assert any(row["code"] in line for line in printed)
