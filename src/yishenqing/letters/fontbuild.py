"""Build the private fonts of the letters, once, from redistributable Debian packages.

Nothing is installed: the packages are fetched and unpacked into a temporary folder, six fonts are made from
them (TrueType outlines, one ascent and descent, families renamed to ``YSQ …`` so that no system font can take
their place), and the finished folder is moved into place in one step.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault, why

EM = 1000
ASCENT, DESCENT = 880, 120  # the box of a hanzi; equal in all fonts so that a rare name keeps its line
_TEXLIVE = "usr/share/texlive/texmf-dist/fonts/opentype/public/fandol/"
_NOTO = "usr/share/fonts/opentype/noto/"
_MARKS = "—…·“”‘’§°±×÷‰"


_ASCII, _ACCENTED = range(0x20, 0x7F), range(0xC0, 0x180)
_HANZI = (  # radicals, extension A and the unified block, compatibility, extensions B to H
    range(0x2E80, 0x2FE0),
    range(0x3400, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x323B0),
)
_WIDE_MARKS = (  # 〇【】 and the like, full-width forms, numbered circles, units and arrows, shapes, Greek letters
    range(0x3000, 0x3040),
    range(0xFF01, 0xFF5F),
    range(0x2460, 0x249C),
    range(0x2103, 0x2313),
    range(0x25A0, 0x2670),
    range(0x391, 0x3CA),
)
_KANA_AND_CYRILLIC = (range(0x3040, 0x3100), range(0x400, 0x500))


class Recipe(Struct, frozen=True):
    """One font: which file of which face it is made from and which characters it keeps."""

    family: str
    source: str
    face: str  # the full name inside a collection, empty for a single font
    keep: str  # latin | hanzi | gb2312 | rare


RECIPES = (
    Recipe("YSQ Song", _NOTO + "NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC", "rare"),
    Recipe("YSQ FangSong", _TEXLIVE + "FandolFang-Regular.otf", "", "hanzi"),
    Recipe("YSQ Kai", _TEXLIVE + "FandolKai-Regular.otf", "", "hanzi"),
    Recipe("YSQ XiaoBiaoSong", _NOTO + "NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC Bold", "gb2312"),
    Recipe("YSQ Hei", _NOTO + "NotoSansCJK-Bold.ttc", "Noto Sans CJK SC Bold", "gb2312"),
    Recipe("YSQ Latin", "usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf", "", "latin"),
)
PACKAGES = ("texlive-lang-chinese", "fonts-noto-cjk", "fonts-liberation2")
_LICENCES = (
    "usr/share/doc/texlive-doc/fonts/fandol/COPYING.gz",
    "usr/share/doc/texlive-doc/fonts/fandol/README",
    "usr/share/doc/fonts-noto-cjk/copyright",
    "usr/share/doc/fonts-liberation2/copyright",
)
RECIPE_VERSION = "1"
_SCRATCH = ".ysq-fonts-"
_STALE = 3600  # seconds
_PR_SET_PDEATHSIG = 1


def build(target: Path, debs: Path | None = None, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Make the fonts and move them to ``target``; a killed run leaves ``target`` as it was.

    Args:
        target: the folder that shall hold the fonts; must not exist.
        debs: a folder with the packages already fetched (machines without a network); None fetches them.
        tell: receives each line of progress, in Chinese.

    Raises:
        DataFault: a package cannot be fetched, unpacked or lacks a font; with the remedy.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target.parent) as scratch:
        work, made = Path(scratch) / "debs", Path(scratch) / "made"
        made.mkdir()
        root = _unpacked(work, debs, tell)
        tell("正在制作字体……")
        _make_all(root, made, tell)
        _copy_licences(root, made / "licences")
        _write_configuration(made)
        _put(made, target)
    return target


def _sweep(folder: Path) -> None:
    """Remove what a killed run left an hour ago or earlier; a run of now may still be at work."""
    for left in folder.glob(f"{_SCRATCH}*"):
        if time.time() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)


def _put(made: Path, target: Path) -> None:
    try:
        made.rename(target)
    except OSError as error:
        if not (target / "metrics.json").is_file():  # else another process was quicker; its folder is the same
            text = f"不能把做好的字体放到这里（{why(error)}），请换一个不存在的文件夹"
            raise DataFault.of([Fault(text, str(target))]) from None


def _unpacked(work: Path, debs: Path | None, tell: Callable[[str], None]) -> Path:
    root = work / "root"
    root.mkdir(parents=True)
    for name in PACKAGES:
        if debs is None:
            tell(f"正在下载软件包 {name}……")
            _run(["apt-get", "download", name], work, "请以管理员身份运行 apt-get update 后重试，"
                 "或在能上网的机器上下载后用 --from 指定文件夹")  # fmt: skip
        tell(f"正在解开软件包 {name}……")
        found = sorted((debs or work).glob(f"{name}_*.deb"))
        if not found:
            raise DataFault.of([Fault(f"缺少软件包 {name}（{name}_*.deb）", str(debs or work))])
        _run(["dpkg-deb", "-x", str(found[-1].resolve()), str(root)], work, "请检查软件包是否完整")
    return root


def _run(command: list[str], folder: Path, remedy: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands, no shell
    except FileNotFoundError:
        text = f"本机没有 {command[0]}，字体只能在 Debian 或 Ubuntu 上制作；可将制作好的字体文件夹复制过来，"
        raise DataFault.of([Fault(text + "并用环境变量 YISHENQING_FONTS 指明")]) from None
    if done.returncode:
        said = (done.stderr.strip() or "无说明").splitlines()[-1]
        raise DataFault.of([Fault(f"“{' '.join(command[:3])}”失败（{said}）；{remedy}")])


def _make_all(root: Path, made: Path, tell: Callable[[str], None]) -> None:
    ink: dict[str, Any] = {}
    with ProcessPoolExecutor(min(len(RECIPES), os.cpu_count() or 1), initializer=_die_with_parent) as pool:
        jobs = {pool.submit(make, recipe, root, made): recipe for recipe in RECIPES}
        for job in as_completed(jobs):
            ink[jobs[job].family] = job.result()
            tell(f"　{jobs[job].family}：{sum(b - a + 1 for a, b in ink[jobs[job].family]['covers'])} 字")
    text = json.dumps({name: ink[name] for name in sorted(ink)}, separators=(",", ":"))
    (made / "metrics.json").write_text(text, encoding="utf-8")


def _die_with_parent() -> None:
    """A worker whose parent was killed must not go on for minutes (Linux; elsewhere there is no apt either)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def make(recipe: Recipe, root: Path, made: Path) -> dict[str, Any]:
    """Make one font and return its metrics: covered ranges, advances other than 1 em, ink of titles."""
    from fontTools.ttLib import TTFont

    path = root / recipe.source
    if not path.is_file():
        raise DataFault.of([Fault("软件包中没有所需的字体", recipe.source)])
    number = _face(path, recipe.face) if recipe.face else -1
    with TTFont(path, fontNumber=number, lazy=True) as font:
        cmap = _half_width_digits(font, dict(font.getBestCmap()))
        wanted = {code: cmap[code] for code in sorted(_wanted(recipe.keep, cmap)) if code in cmap}
        glyphs, advances = outlines(font, [".notdef", *dict.fromkeys(wanted.values())])
    order = list(glyphs)
    post = recipe.family.replace(" ", "-")
    assembled(recipe.family, order, glyphs, advances, wanted).save(made / f"{post}.ttf")
    measures = {
        "covers": _ranges(wanted),
        "advances": {code: advances[name][0] for code, name in wanted.items() if advances[name][0] != EM},
    }
    if recipe.family == "YSQ XiaoBiaoSong":  # the mark is placed by its ink (GB/T 9704 10.1)
        measures["ink"] = {
            c: [glyphs[n].yMin, glyphs[n].yMax] for c, n in wanted.items() if glyphs[n].numberOfContours
        }
    return measures


def _face(path: Path, name: str) -> int:
    from fontTools.ttLib import TTCollection

    with TTCollection(path, lazy=True) as collection:
        for number, font in enumerate(collection.fonts):
            if font["name"].getDebugName(4) == name:
                return number
    raise DataFault.of([Fault(f"字体文件中没有“{name}”", str(path.name))])


def _half_width_digits(font: Any, cmap: dict[int, str]) -> dict[int, str]:
    """Let the digits of a CJK font be half a character wide (GB/T 9704 7.5: 4号半角宋体)."""
    if "GSUB" not in font:
        return cmap
    table = font["GSUB"].table
    looked = {i for r in table.FeatureList.FeatureRecord if r.FeatureTag == "hwid" for i in r.Feature.LookupListIndex}
    for index in sorted(looked):
        for sub in table.LookupList.Lookup[index].SubTable:
            single = getattr(sub, "ExtSubTable", sub)
            swap = getattr(single, "mapping", {})
            for code in _ASCII:
                cmap[code] = swap.get(cmap[code], cmap[code])
    return cmap


def _wanted(keep: str, cmap: Iterable[int]) -> Iterator[int]:
    common = _gb2312()
    for code in cmap:
        mark = chr(code) in _MARKS or _among(code, _WIDE_MARKS)
        if (
            (keep == "latin" and (code in _ASCII or code in _ACCENTED))
            or (keep == "hanzi" and (mark or _among(code, _HANZI)))
            or (keep == "gb2312" and (mark or code in common or code in _ASCII))
            # the fallback need not repeat what every other font has; it is the longest to make
            or (keep == "rare" and (mark or code in _ASCII or (_among(code, _HANZI) and code not in common)))
        ):
            yield code


def _among(code: int, blocks: Iterable[range]) -> bool:
    return any(code in block for block in blocks)


def _gb2312() -> set[int]:
    codes = set()
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            text = bytes([high, low]).decode("gb2312", errors="ignore")
            if text and not _among(ord(text), _KANA_AND_CYRILLIC):
                codes.add(ord(text))
    return codes


def outlines(font: Any, names: list[str]) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """Return TrueType outlines on a 1000-unit em and (advance, left side bearing) of each glyph."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.transformPen import TransformPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    scale = EM / font["head"].unitsPerEm
    cubic, source, widths = "CFF " in font, font.getGlyphSet(), font["hmtx"].metrics
    glyphs, advances = {}, {}
    for name in names:
        pen = TTGlyphPen(None)
        out: Any = Cu2QuPen(pen, max_err=1.0, reverse_direction=True) if cubic else pen
        if scale != 1:
            out = _flat(TransformPen(out, (scale, 0, 0, scale, 0, 0)), source)
        source[name].draw(out)
        glyphs[name] = glyph = pen.glyph()
        if glyph.numberOfContours:
            glyph.recalcBounds(None)
        advances[name] = (round(widths[name][0] * scale), getattr(glyph, "xMin", 0) or 0)
    return glyphs, advances


def _flat(pen: Any, source: Any) -> Any:
    """Return a pen that draws composite glyphs (accented letters) as plain outlines."""
    from fontTools.pens.filterPen import DecomposingFilterPen

    return DecomposingFilterPen(pen, source)


def assembled(
    family: str,
    order: list[str],
    glyphs: dict[str, Any],
    advances: dict[str, tuple[int, int]],
    cmap: dict[int, str],
) -> Any:
    """Return a TrueType font of these glyphs, to be saved; the same glyphs give the same bytes."""
    from fontTools.fontBuilder import FontBuilder

    post = family.replace(" ", "-")
    new = FontBuilder(EM, isTTF=True)
    new.setupGlyphOrder(order)
    new.setupCharacterMap(cmap)
    new.setupGlyf(glyphs)
    new.setupHorizontalMetrics(advances)
    new.setupHorizontalHeader(ascent=ASCENT, descent=-DESCENT, lineGap=0)
    new.setupNameTable({"familyName": family, "styleName": "Regular", "fullName": family, "psName": post})
    new.setupOS2(
        sTypoAscender=ASCENT,
        sTypoDescender=-DESCENT,
        sTypoLineGap=0,
        usWinAscent=ASCENT,
        usWinDescent=DESCENT,
        fsType=0,
    )
    new.setupPost(keepGlyphNames=False)
    new.font["head"].created = new.font["head"].modified = 0
    new.font.recalcTimestamp = False
    return new


def _ranges(codes: Iterable[int]) -> list[list[int]]:
    result: list[list[int]] = []
    for code in sorted(codes):
        if result and code == result[-1][1] + 1:
            result[-1][1] = code
        else:
            result.append([code, code])
    return result


def _copy_licences(root: Path, folder: Path) -> None:
    folder.mkdir()
    for name in _LICENCES:
        source = root / name
        if not source.is_file():
            raise DataFault.of([Fault("软件包中没有许可证文本，不能使用其字体", name)])
        shutil.copyfile(source, folder / "-".join(Path(name).parts[-2:]))


def _write_configuration(made: Path) -> None:
    """Name this folder alone as the source of fonts; relative, so that the folder may be copied elsewhere."""
    text = (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        '  <dir prefix="relative">.</dir>\n  <cachedir prefix="xdg">yishenqing/fontconfig</cachedir>\n</fontconfig>\n'
    )
    (made / "fonts.conf").write_text(text, encoding="utf-8")
