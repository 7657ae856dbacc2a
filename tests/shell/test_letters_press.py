"""The printed file: the four layouts on every length, PDF/A and its tags, an office's own fonts, files inside."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from pypdf.generic import StreamObject

from yishenqing.core.errors import DataFault
from yishenqing.letters import Letterbook, fontpack, fonts, ownfonts
from yishenqing.letters.press import Enclosed
from yishenqing.letters.style import Style
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704", "letters_sample"]

Sample = Callable[[], dict[str, Any]]
Departures = Callable[..., list[str]]
Printed = Callable[[bytes], str]

FILLER = (
    "经查阅有关档案和电子文件系统，本机关保存的2025年度相关材料共有12件，均已逐件核对；"
    "其中涉及（第三方）的内容“已依法征求意见”，并作了区分处理。"
)
ORGANS = ("清河区司法局", "清江市清河区人民政府办公室", "清江市清河区市场监督管理和知识产权局", "某局")


def book(style: Style | None = None) -> Letterbook:
    return Letterbook([shipped("letters")], style)


def given(sample: Sample, lines: int, organ: str) -> dict[str, Any]:
    found = sample()
    found["facts"]["reason"] = (FILLER * 60)[: 28 * lines - 10]
    found["organ"]["name"] = organ
    return found


@pytest.mark.parametrize("seal", [True, False])
@pytest.mark.parametrize("layout", ["letter", "plain"])
def test_both_formats_sealed_or_not_on_many_lengths(
    departures: Departures, sample: Sample, layout: Any, *, seal: bool
) -> None:
    wanted = book(Style(layout, seal))
    for lines, organ in zip((1, 2, 5, 8, 9, 14, 20, 31, 32, 43, 53, 60), itertools.cycle(ORGANS)):
        pdf = wanted.pdf("extension_notice", given(sample, lines, organ))
        assert departures(pdf, letterhead=layout == "letter", fonts=fonts.folder(), seal=seal) == []
        if lines < 9:  # the measure itself tells one layout from the other
            assert departures(pdf, letterhead=layout == "letter", fonts=fonts.folder(), seal=not seal) != []


def test_an_unsealed_date_longer_than_the_name_pushes_the_name_left(sample: Sample, departures: Departures) -> None:
    pdf = book(Style(seal=False)).pdf("extension_notice", given(sample, 2, "某局"))
    assert departures(pdf, letterhead=True, fonts=fonts.folder(), seal=False) == []


def test_a_letter_is_tagged_pdf_a_with_title_and_language(sample: Sample) -> None:
    pdf = PdfReader(io.BytesIO(book().pdf("reply_granted", given(sample, 40, ORGANS[0]))))
    root: Any = pdf.trailer["/Root"]
    assert pdf.metadata
    assert pdf.metadata.title == "政府信息予以公开告知书"
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("zh-CN", True)
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert 'pdfaid:part="2" pdfaid:conformance="A"' in xmp
    assert xmp.count("2026-03-05T00:00:00+08:00") == 2
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    for page in pdf.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            assert isinstance(inner["/FontDescriptor"]["/FontFile2"].get_object(), StreamObject)
            assert "/ToUnicode" in font.get_object()


@pytest.mark.parametrize("kind", ["reply_granted", "file_cover"])
def test_what_an_archive_forbids_is_nowhere_in_the_file(sample: Sample, kind: str) -> None:
    """No validator is at hand: what ISO 19005 forbids, or asks of every font, is looked for in every object."""
    pdf = PdfReader(io.BytesIO(book().pdf(kind, given(sample, 2, ORGANS[0]))))
    forbidden = {"/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA", "/Encrypt", "/SMask", "/RichMedia", "/Movie"}
    objects: list[Any] = [pdf.get_object(number) for number in (*pdf.xref[0], *pdf.xref_objStm) if number]
    keys = {key for one in objects if isinstance(one, dict) for key in one}
    assert "/FontFile2" in keys
    assert not keys & forbidden
    described = [one for one in objects if isinstance(one, dict) and one.get("/Type") == "/FontDescriptor"]
    assert described
    assert all("/FontFile2" in one for one in described)
    assert "/ID" in pdf.trailer


def test_the_tags_name_every_line_once_in_reading_order(sample: Sample) -> None:
    pdf = PdfReader(
        io.BytesIO(book().pdf("reply_granted", given(sample, 40, ORGANS[0]) | {"attachments": ["备案表"]}))
    )
    root: Any = pdf.trailer["/Root"]
    tree = root["/StructTreeRoot"]
    whole = tree["/K"][0].get_object()
    kinds = [str(element.get_object()["/S"]) for element in whole["/K"]]
    assert kinds[:3] == ["/P", "/P", "/H1"]
    named = [(m["/Pg"]["/StructParents"], m["/MCID"]) for e in whole["/K"] for m in e.get_object()["/K"]]
    numbers = tree["/ParentTree"]["/Nums"]
    owned = [
        (numbers[i], mark) for i in range(0, len(numbers), 2) for mark in range(len(numbers[i + 1].get_object()))
    ]
    assert sorted(named) == sorted(owned)
    first_words = [sum(1 for place in named if place[0] == page) for page in range(len(pdf.pages))]
    for page, count in zip(pdf.pages, first_words, strict=True):
        content = page.get_contents().get_data()  # type: ignore[union-attr]
        assert content.count(b"/MCID") == count
        assert content.count(b"BDC") + content.count(b"BMC") == content.count(b"EMC")


def test_files_go_inside_as_pdf_a_3(sample: Sample) -> None:
    files = [Enclosed("备案表.pdf", b"%PDF-1.7 sample", "application/pdf"), Enclosed("说明.txt", "无".encode())]
    content = book().pdf("reply_granted", sample(), files)
    pdf = PdfReader(io.BytesIO(content))
    root: Any = pdf.trailer["/Root"]
    inside = [f.get_object() for f in root["/AF"]]
    assert {f["/UF"]: f["/EF"]["/F"].get_object().get_data() for f in inside} == {f.name: f.content for f in files}
    assert [str(f.get_object()["/AFRelationship"]) for f in root["/AF"]] == ["/Supplement"] * 2
    assert 'pdfaid:part="3"' in root["/Metadata"].get_object().get_data().decode()
    assert book().pdf("reply_granted", sample(), files) == content


def test_characters_of_one_glyph_are_read_back_as_they_were_written(sample: Sample, printed: Printed) -> None:
    """A radical and the hanzi that looks like it may share a glyph; the text in the file is still what was meant."""
    found = sample()
    found["facts"]["reason"] = "⼀一⽇日㐀𠅤䶮“引号”——……2026.12.31"
    assert found["facts"]["reason"] in printed(book().pdf("extension_notice", found)).replace("\n", "")


# ---- an office's own fonts ---------------------------------------------------------------------------------


@pytest.fixture
def licensed(tmp_path: Path) -> Callable[..., Path]:
    """A font as an office might have bought it: the built 仿宋 under another name, with a foundry's permissions."""

    def make(permission: int = 8, *, without: str = "") -> Path:
        path = tmp_path / f"own-{permission}-{len(without)}.ttf"
        with TTFont(fonts.folder() / "YSQ-FangSong.ttf") as font:
            font["OS/2"].fsType = permission
            for table in font["cmap"].tables:
                for char in without:
                    table.cmap.pop(ord(char), None)
            font.save(path)
        return path

    return make


def test_an_own_font_is_used_and_rare_characters_fall_back(
    sample: Sample, licensed: Callable[..., Path], printed: Printed
) -> None:
    style = Style(fonts={"body": licensed(without="㛃")})
    found = sample()
    found["applicant"]["name"] = "王㛃"
    content = book(style).pdf("extension_notice", found)
    names = {str(f.get_object()["/BaseFont"]) for p in PdfReader(io.BytesIO(content)).pages
             for f in p["/Resources"]["/Font"].values()}  # type: ignore[index] # fmt: skip
    assert any("own" in name for name in names)
    assert "王㛃：" in printed(content)
    assert book(style).pdf("extension_notice", found) == content


@pytest.mark.parametrize(
    ("permission", "without", "text"),
    [
        (2, "", "不许嵌入文档"),
        (0x108, "", "不许只嵌入所用的字"),
        (0x208, "", "只许嵌入点阵"),
        (8, "的一", "缺少2个必需的字"),
    ],
)
def test_an_own_font_that_cannot_serve_refuses_the_letter(
    sample: Sample, licensed: Callable[..., Path], permission: int, without: str, text: str
) -> None:
    style = Style(fonts={"body": licensed(permission, without=without)})
    with pytest.raises(DataFault, match=text) as caught:
        book(style).pdf("extension_notice", sample())
    assert caught.value.faults[0].field == "fonts.body"


def test_files_that_are_no_fonts_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_bytes(b"MZ not a font")
    (tmp_path / "b.ttf").write_bytes(b"\x00\x01\x00\x00 broken")
    (tmp_path / "c.ttc").write_bytes(b"ttcf....")
    found = {f.field: f.text for f in ownfonts.faults(
        {"body": tmp_path / "a.ttf", "title": tmp_path / "b.ttf", "h1": tmp_path / "c.ttc", "h2": tmp_path / "none"}
    )}  # fmt: skip
    assert "不是 TrueType" in found["fonts.body"]
    assert "已损坏" in found["fonts.title"]
    assert "字体集合" in found["fonts.h1"]
    assert "打不开" in found["fonts.h2"]


# ---- the fonts as one file -----------------------------------------------------------------------------------


def test_a_packed_font_folder_is_the_same_on_another_machine(tmp_path: Path) -> None:
    package = fontpack.pack(tmp_path / "fonts.tar.gz")
    again = fontpack.pack(tmp_path / "again.tar.gz")
    assert package.read_bytes() == again.read_bytes()
    target = fontpack.install(package, tmp_path / "new" / "fonts")
    for path in fonts.folder().rglob("*"):
        if path.is_file():
            assert (target / path.relative_to(fonts.folder())).read_bytes() == path.read_bytes()
    assert list((target / "licences").iterdir())
    assert fontpack.install(package, target) == target  # there already


def test_a_damaged_package_installs_nothing(tmp_path: Path) -> None:
    package = fontpack.pack(tmp_path / "fonts.tar.gz")
    content = package.read_bytes()
    package.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataFault, match="字体包"):
        fontpack.install(package, tmp_path / "fonts")
    package.write_bytes(b"no package at all")
    with pytest.raises(DataFault, match="字体包"):
        fontpack.install(package, tmp_path / "fonts")
    assert [p.name for p in tmp_path.iterdir()] == ["fonts.tar.gz"]


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "licences/../../escaped", ".hidden"])
def test_a_package_cannot_write_outside_its_folder(tmp_path: Path, name: str) -> None:
    import tarfile  # noqa: PLC0415 - only this test writes one by hand

    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(DataFault, match="不应有的内容"):
        fontpack.install(tmp_path / "bad.tar.gz", tmp_path / "fonts")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.tar.gz"]


def test_what_made_a_letter_is_named_by_fingerprints(tmp_path: Path) -> None:
    plain = book().made_by()
    assert plain == book().made_by()
    assert {k for k in plain if plain[k] != book(Style(seal=False)).made_by()[k]} == {"style"}
    (tmp_path / "extension_notice.html").write_text("---\n---\n", encoding="utf-8")
    own = Letterbook([tmp_path, shipped("letters")]).made_by()
    assert {k for k in plain if plain[k] != own[k]} == {"templates"}
    font = tmp_path / "own.ttf"
    font.write_bytes(b"x")
    assert {k for k in plain if plain[k] != book(Style(fonts={"body": font})).made_by()[k]} == {"fonts"}
    assert hashlib.sha256(b"").hexdigest()[:16] not in plain.values()


def test_postscript_outlines_are_embedded_as_truetype(tmp_path: Path) -> None:
    from fontTools.fontBuilder import FontBuilder  # noqa: PLC0415 - only this test makes such a font
    from fontTools.pens.t2CharStringPen import T2CharStringPen  # noqa: PLC0415

    from yishenqing.letters.typeface import Typeface  # noqa: PLC0415

    outlines = {}
    for name, side in ((".notdef", 100), ("one", 400), ("two", 800)):
        pen = T2CharStringPen(1000, None)
        pen.moveTo((0, 0))
        pen.curveTo((side, 0), (side, side), (0, side))
        pen.closePath()
        outlines[name] = pen.getCharString()
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder(list(outlines))
    builder.setupCharacterMap({ord("一"): "one", ord("二"): "two"})
    builder.setupCFF("Own", {}, outlines, {})
    builder.setupHorizontalMetrics(dict.fromkeys(outlines, (1000, 0)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Own", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = tmp_path / "own.otf"
    builder.save(path)
    face = Typeface(path)
    found = face.subset(frozenset({face.glyph("二")}))
    assert found == face.subset(frozenset({face.glyph("二")}))
    with TTFont(io.BytesIO(found.content)) as font:
        glyph = font["glyf"][font.getGlyphName(found.numbers[face.glyph("二")])]
        assert (glyph.yMin, glyph.yMax) == (0, 800)
        assert "CFF " not in font
