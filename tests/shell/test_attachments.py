"""What may be attached: a plain file of a known kind that is what its name says, no larger than the office takes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pytest
from offices import APPLICATION, USER, ysq
from timing import configure

from yishenqing import Office
from yishenqing.core.errors import DataFault
from yishenqing.intake.attachments import Attachments, read_attachments
from yishenqing.store.vault import Papers


@pytest.fixture
def known() -> Attachments:
    return read_attachments(None)


def packed(**parts: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return kept.getvalue()


WHOLE = {
    "a.pdf": b"%PDF-1.7 x",
    "b.PDF": b"junk\n%PDF-1.4",
    "c.docx": packed(x="y"),
    "d.ofd": packed(x="y"),
    "e.jpg": b"\xff\xd8\xff\xe0x",
    "f.png": b"\x89PNG\r\n\x1a\nx",
    "g.txt": "正文".encode(),
    "h.txt": "正文".encode("gb18030"),
    "i.txt": "正文".encode("utf-16"),
    "j.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x",
    "k.heic": b"\0\0\0\x18ftypheic",
    "l.webp": b"RIFF\0\0\0\0WEBPVP8 ",
    "m.wav": b"RIFF\0\0\0\0WAVEfmt ",
    "n.tif": b"II*\0x",
    "o.mp4": b"\0\0\0\x18ftypmp42",
    "p.zip": packed(x="y"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_it_says_it_is_is_taken(name: str, known: Attachments, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(WHOLE[name])
    assert known.content(tmp_path / name) == WHOLE[name]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pdf", b"MZ\x90\0 a program", "内容不是PDF"),
        ("a.jpg", b"%PDF-1.7", "内容不是JPEG 图片"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "内容不是Word 文档"),
        ("a.txt", b"\x7fELF\0\0", "内容不是文本文件"),
        ("a.txt", b"\xff\xff\xff", "内容不是文本文件"),
        ("a.png", b"GIF89a", "内容不是PNG 图片"),
        ("a.pdf", b"x" * 2000 + b"%PDF-1.7", "内容不是PDF"),
        ("a.pdf", b"", "是空文件"),
        ("a.exe", b"MZ", "不收“.exe”"),
        ("a.pdf.lnk", b"%PDF-1.7", "不收“.lnk”"),
        ("a.docm", packed(x="y"), "不收“.docm”"),
        ("a.html", b"<script>", "不收“.html”"),
        ("a.svg", b"<svg/>", "不收“.svg”"),
        ("ohne", b"%PDF-1.7", "没有扩展名"),
    ],
)
def test_what_it_is_not_is_refused(name: str, content: bytes, said: str, known: Attachments, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataFault, match=said):
        known.content(tmp_path / name)


def test_links_pipes_devices_and_folders_are_refused_and_nobody_waits(known: Attachments, tmp_path: Path) -> None:
    (tmp_path / "geheim.txt").write_text("geheim")
    (tmp_path / "link.txt").symlink_to(tmp_path / "geheim.txt")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "nirgends")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    for name, said in (
        ("link.txt", "符号链接"),
        ("dangling.txt", "符号链接"),
        ("pipe.txt", "不是文件"),
        ("folder.txt", "不是文件"),
    ):
        with pytest.raises(DataFault, match=said):
            known.content(tmp_path / name)
    with pytest.raises(DataFault, match="不是文件"):
        known.content(Path("/dev/zero"))
    with pytest.raises(DataFault, match="无法读取"):
        known.content(tmp_path / "nirgends.txt")


def test_the_limit_is_the_offices(home: Path, known: Attachments, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 1_000_001)
    with pytest.raises(DataFault, match="超过1兆字节"):
        known.narrowed(1, None).content(tmp_path / "a.txt")
    assert len(known.narrowed(2, None).content(tmp_path / "a.txt")) == 1_000_001
    with pytest.raises(DataFault, match=r"不收“\.txt”"):
        known.narrowed(None, ["pdf"]).content(tmp_path / "a.txt")
    with pytest.raises(DataFault, match="没有“exe”的认定办法"):
        known.narrowed(None, ["exe"])


def test_nothing_of_a_refused_attachment_is_kept(home: Path, tmp_path: Path) -> None:
    configure(home, attachments={"megabytes": 1})
    (tmp_path / "身份证.jpg").write_bytes(b"MZ program")
    (tmp_path / "申请.json").write_text(
        json.dumps({**APPLICATION, "attachments": ["身份证.jpg"]}, ensure_ascii=False)
    )
    done = ysq("register", tmp_path / "申请.json", "--home", home, "--as", USER)
    assert (done.returncode, "内容不是JPEG 图片" in done.stderr) == (6, True)
    with Office.open(home) as office:
        assert office.cases()["cases"] == []
    assert [p for p in (home / "files").rglob("*") if p.is_file()] == []


def test_what_an_archive_holds_is_nobodys_business(home: Path, tmp_path: Path) -> None:
    """A zip whose names lead out of its folder is kept as it is and never unpacked."""
    content = packed(**{"../../evil.txt": "x", "/etc/evil": "y"})
    (tmp_path / "材料.zip").write_bytes(content)
    (tmp_path / "申请.json").write_text(json.dumps({**APPLICATION, "attachments": ["材料.zip"]}, ensure_ascii=False))
    assert ysq("register", tmp_path / "申请.json", "--home", home, "--as", USER).returncode == 0
    kept = Papers(home / "files").path(hashlib.sha256(content).hexdigest())
    assert not kept.read_bytes().startswith(b"PK")  # and encrypted
    with Office.open(home, user=USER) as office:
        assert office._papers.read(kept.name) == content
    assert kept.stat().st_mode & 0o111 == 0
    assert list(tmp_path.rglob("evil*")) == []


def test_an_offices_own_list_is_read_strictly(home: Path) -> None:
    (home / "workflows").mkdir()
    for text, said in (
        ("megabytes: 0\nkinds: {}", "不能小于1"),
        ("megabytes: 5\nkinds: {pdf: {title: PDF}}", "begins"),
        ("megabytes: 5\nkinds: {pdf: {title: PDF, begins: [xyz]}}", "十六进制"),
        ("megabytes: 5\nkinds: {pdf: {titel: PDF}}", "未知的键"),
    ):
        (home / "workflows" / "attachments.yaml").write_text(text)
        with pytest.raises(DataFault, match=said):
            read_attachments(home)
