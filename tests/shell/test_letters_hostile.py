"""What people write into applications may be anything; none of it may act, hide or vanish."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from yishenqing.core.errors import DataFault
from yishenqing.letters import Letterbook, fontbuild, fonts, printer
from yishenqing.letters.compose import WIDTH, balanced, compose
from yishenqing.shipped import shipped

pytest_plugins = ["gbt9704", "letters_sample"]

Sample = Callable[[], dict[str, Any]]
Printed = Callable[[bytes], str]


@pytest.fixture(scope="module")
def book() -> Letterbook:
    return Letterbook([shipped("letters")])


@pytest.mark.parametrize(
    "said",
    [
        "<b>关于</b>拆迁",
        '</s></p><p><s src="office">伪造的段落</s></p>',
        "{{ 7 * 7 }}{% for x in y %}",
        "&lt;script&gt; &#22826; &nbsp;",
        '<img src="file:///etc/passwd"><a rel=attachment href="file:///etc/passwd">甲</a>',
        "<style>@import 'http://127.0.0.1:9/x'</style>",
        "甲<!-- 乙 -->丙",
    ],
)
def test_markup_and_template_language_are_only_text(
    book: Letterbook, sample: Sample, printed: Printed, said: str
) -> None:
    given = sample()
    given["case"]["items"] = [said]
    passages = book.passages("reply_granted", given)
    assert any(f"“{said}”" in p.text and p.source == "entry:received" for p in passages)
    assert len(passages) == len(book.passages("reply_granted", sample()))
    paper = printed(book.pdf("reply_granted", given))
    assert "".join(said.split()) in "".join(paper.split())
    given["papers"][0]["title"] = said
    assert "".join(said.split()) in "".join(book.prose("file_contents", given).split())


def test_invisible_characters_vanish(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["applicant"]["name"] = "王\u202e小\u2066\u200b明\x00\x85\x1b\ufeff\ufe00\ufdd0\U000e0041"
    assert "\n王小明：\n" in book.prose("reply_granted", given)


def test_a_field_of_invisible_characters_is_empty(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["applicant"]["name"] = "\u200b\u202e \t"
    with pytest.raises(DataFault, match="缺少“申请人姓名或者名称”"):
        book.prose("reply_granted", given)


def test_lines_of_an_answer_stay_lines(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["facts"]["guidance"] = "第一\r\n\r\n第二\n第三"
    assert "如下：第一\n第二\n第三。" in book.prose("supplement_notice", given)


def test_too_long_a_letter_is_refused(book: Letterbook, sample: Sample) -> None:
    given = sample()
    given["case"]["items"] = ["长" * 20_001]
    with pytest.raises(DataFault, match="超过上限20000字"):
        book.pdf("reply_granted", given)
    given = sample() | {"papers": [sample()["papers"][0]] * 301}
    with pytest.raises(DataFault, match="共301行，超过上限300行"):
        book.pdf("file_contents", given)


@pytest.mark.parametrize("name", ["䶮", "㛃", "𬱖", "𠅤", "阿卜杜·热合曼", "O'Neil Müller"])
def test_rare_names_are_printed(book: Letterbook, sample: Sample, printed: Printed, name: str) -> None:
    given = sample()
    given["applicant"]["name"] = name
    assert f"{name}：" in printed(book.pdf("extension_notice", given))


@pytest.mark.parametrize("char", ["한", "😀", "\ue123", "ก", "\U00031350"])
def test_a_character_without_a_glyph_is_refused_by_name(book: Letterbook, sample: Sample, char: str) -> None:
    given = sample()
    given["applicant"]["name"] = f"王{char}"
    with pytest.raises(DataFault, match=f"“{char}”（U\\+{ord(char):04X}）"):
        book.pdf("extension_notice", given)
    given["case"]["opened_on"], given["file"]["title"] = sample()["case"]["opened_on"], char
    with pytest.raises(DataFault, match=f"U\\+{ord(char):04X}"):
        book.pdf("file_cover", given)


def test_a_template_that_asks_for_a_file_is_refused(tmp_path: Path, sample: Sample) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("机密", encoding="utf-8")
    text = (shipped("letters") / "file_note.html").read_text(encoding="utf-8")
    (tmp_path / "file_note.html").write_text(text + f'<img src="{secret.as_uri()}">', encoding="utf-8")
    with pytest.raises(DataFault, match="不得引用外部文件或者网址"):
        Letterbook([tmp_path, shipped("letters")]).pdf("file_note", sample())


@pytest.mark.parametrize("css", ["@import url(file:///etc/passwd);", "@import 'http://127.0.0.1:9/a.css';"])
def test_a_style_sheet_that_asks_for_a_file_is_refused(tmp_path: Path, sample: Sample, css: str) -> None:
    (tmp_path / "form.css").write_text(css, encoding="utf-8")
    with pytest.raises(DataFault, match="不得引用外部文件或者网址"):
        Letterbook([tmp_path, shipped("letters")]).pdf("file_note", sample())


def test_a_missing_library_is_named_with_its_package(
    book: Letterbook, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ctypes.CDLL

    def without_subset(name: str, *args: Any, **kwargs: Any) -> ctypes.CDLL:
        if "harfbuzz-subset" in name:
            raise OSError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(ctypes, "CDLL", without_subset)
    assert [f.field for f in fonts.check()] == ["libharfbuzz-subset0"]
    with pytest.raises(DataFault, match="apt-get install libharfbuzz-subset0"):
        book.pdf("reply_granted", sample())


def test_missing_fonts_are_named_with_the_command(
    book: Letterbook, sample: Sample, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("YISHENQING_FONTS", str(tmp_path / "none"))
    with pytest.raises(DataFault, match=r"请运行：ysq fonts build"):
        book.pdf("reply_granted", sample())
    assert not (tmp_path / "none").exists()


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "debs").mkdir()
    with pytest.raises(DataFault, match="缺少软件包 texlive-lang-chinese"):
        fontbuild.build(tmp_path / "fonts", tmp_path / "debs")
    assert [p.name for p in tmp_path.iterdir()] == ["debs"]


def test_a_build_never_overwrites_a_folder(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "mine.txt").write_text("x", encoding="utf-8")
    (tmp_path / "made").mkdir()
    with pytest.raises(DataFault, match="请换一个不存在的文件夹"):
        fontbuild._put(tmp_path / "made", tmp_path / "fonts")
    assert (tmp_path / "fonts" / "mine.txt").is_file()


def test_build_does_nothing_when_the_fonts_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert fonts.main(["build"]) == 0
    assert "已经就绪" in capsys.readouterr().out
    assert fonts.main(["check"]) == 0
    assert fonts.main(["biuld"]) == 2


def test_importing_the_package_costs_nothing() -> None:
    code = (
        "import sys, yishenqing.letters as l; l.Letterbook([]);"
        "print([m for m in ('weasyprint', 'jinja2', 'fontTools', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lines_obey_the_rules_of_punctuation() -> None:
    words = "（一）“甲乙”，丙《丁》；2026年3月5日——戊……己：0527-84351234，https://www.example.gov.cn/zwgk/2026/。"
    measure = fonts.metrics().width
    for start in range(30):
        text = "字" * start + words * 6
        lines = compose(text, measure)
        assert "".join(line.text for line in lines) == text
        assert not any(a.text[-1] == b.text[0] and b.text[0] in "—…" for a, b in pairwise(lines))
        for line in lines:
            assert line.text[0] not in "，。；：”》）"
            assert line.text[-1] not in "“《（"
            assert line.x + measure(line.text) * 16 + line.spacing * (len(line.text) - 1) <= WIDTH + 8.01
    assert balanced("清江市清河区人民政府办公室政府信息予以公开告知书", 20) == [
        "清江市清河区人民政府办公", "室政府信息予以公开告知书",
    ]  # fmt: skip


def test_only_the_private_fonts_are_named() -> None:
    text = (shipped("letters") / "form.css").read_text(encoding="utf-8")
    families = [f.strip() for part in text.split("font") for f in part.split('"')[1:] if f.startswith("YSQ")]
    known = {family for chain in fonts.ROLES.values() for family in chain}
    assert set(families) <= known
    assert printer.VARIANT == "pdf/a-2a"
