"""An office's own licensed fonts: whether each may be embedded and has the characters that its role needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, Fault, why

if TYPE_CHECKING:
    from yishenqing.letters.typeface import Typeface

_TRUETYPE = (b"\x00\x01\x00\x00", b"true")
_OPENTYPE, _COLLECTION = b"OTTO", b"ttcf"
# OS/2 fsType: what the foundry permits (OpenType 1.9, OS/2).
_RESTRICTED, _PREVIEW, _EDITABLE, _NO_SUBSET, _BITMAP_ONLY = 0x2, 0x4, 0x8, 0x100, 0x200
_EXAMPLES = 8
_FULL = 1000
_DIGITS, _DASH = "0123456789", "—"


def faults(fonts: Mapping[str, Path]) -> list[Fault]:
    """Return what is wrong with the fonts that an office names by role; empty when letters may use them."""
    return [fault for role, path in fonts.items() for fault in _known(role, path, _stamp(path))]


def require(fonts: Mapping[str, Path]) -> None:
    """Make sure that an office's fonts may be used.

    Raises:
        DataFault: a file is missing or no font, may not be embedded, or lacks characters of its role; all faults.
    """
    if found := faults(fonts):
        raise DataFault.of(found)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        known = path.stat()
    except OSError:
        return 0, 0
    return known.st_mtime_ns, known.st_size


@cache
def _known(role: str, path: Path, _stamp: tuple[int, int]) -> tuple[Fault, ...]:
    place = f"fonts.{role}"
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        return (Fault(f"字体文件“{path}”打不开（{why(error)}）", field=place),)
    if start == _COLLECTION:
        return (Fault(f"“{path}”是字体集合（.ttc），请另存为单个字体（.ttf 或者 .otf）", field=place),)
    if start not in (*_TRUETYPE, _OPENTYPE):
        return (Fault(f"“{path}”不是 TrueType 或者 OpenType 字体", field=place),)
    try:
        texts = list(_objections(role, path))
    except Exception as error:  # noqa: BLE001 - a damaged font fails anywhere in the readers
        return (Fault(f"字体“{path}”已损坏，读不出来（{type(error).__name__}）", field=place),)
    return tuple(Fault(f"字体“{path}”{text}", field=place) for text in texts)


def _objections(role: str, path: Path) -> Iterator[str]:
    from fontTools.ttLib import TTFont

    from yishenqing.letters.typeface import typeface

    with TTFont(path, lazy=True) as font:
        permitted = font["OS/2"].fsType if "OS/2" in font else 0
        if "fvar" in font:
            yield "是可变字体，请改用固定字重的字体"
    if permitted & _RESTRICTED and not permitted & (_PREVIEW | _EDITABLE):
        yield "的授权标志（fsType）不许嵌入文档，不能用于文书；请向字库厂商取得可以嵌入的授权"
    if permitted & _NO_SUBSET:
        yield "的授权标志（fsType）不许只嵌入所用的字，不能用于文书"
    if permitted & _BITMAP_ONLY:
        yield "的授权标志（fsType）只许嵌入点阵，不能用于文书"
    yield from _gaps(role, typeface(path))


def _gaps(role: str, face: Typeface) -> Iterator[str]:
    wanted = _wanted(role)
    missing = [c for c in wanted if not face.covers(c)]
    if missing:
        yield f"缺少{len(missing)}个必需的字，如“{''.join(missing[:_EXAMPLES])}”"
    if role not in ("page", "latin") and not missing:
        narrow = [c for c in "国，。（）" if abs(face.advance(c) - _FULL) > 1]
        if narrow:
            yield f"的字不是全角（“{narrow[0]}”宽{face.advance(narrow[0]) / _FULL:.2f}字），每行28字排不下来"


def _wanted(role: str) -> str:
    """Return the characters without which a font cannot serve; rarer ones are taken from the built fonts."""
    if role == "latin":
        return "".join(chr(code) for code in range(0x21, 0x7F))
    if role == "page":
        return _DIGITS + _DASH
    return _common() + "，。、；：？！（）〔〕《》“”"


@cache
def _common() -> str:
    """The 6763 hanzi of GB 2312."""
    rows = (bytes([high, low]) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", errors="ignore") for code in rows)
