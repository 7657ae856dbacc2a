"""One font file: which characters it has, how wide they are, and the subset that goes into a letter."""

from __future__ import annotations

import io
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

_MILLE = 1000
_DROPPED = ("GSUB", "GPOS", "GDEF", "BASE", "DSIG", "OS/2", "cmap", "name", "post", "kern", "vhea", "vmtx", "VORG")
_KEPT_SUBSETS = 64  # numbers, marks and titles are the same in many letters


class Subset(Struct, frozen=True):
    """A font reduced to some glyphs: the file, and the new number of each old glyph."""

    content: bytes
    numbers: dict[int, int]


class Typeface:
    """A TrueType font file, mapped into memory; glyphs are asked for one by one."""

    def __init__(self, path: Path) -> None:
        """Map the file at ``path``; :func:`typeface` keeps what has been mapped."""
        import uharfbuzz as hb

        self.path = path
        self._face = hb.Face(hb.Blob.from_file_path(str(path)))
        self._font = hb.Font(self._face)
        self._scale = _MILLE / self._face.upem
        self._subset = lru_cache(maxsize=_KEPT_SUBSETS)(self._made)

    def glyph(self, char: str) -> int:
        """Return the number of the glyph of ``char``, 0 where there is none."""
        return int(self._font.get_nominal_glyph(ord(char)) or 0)

    def covers(self, char: str) -> bool:
        """Return whether the font has a glyph for ``char``."""
        return self.glyph(char) > 0

    def advance(self, char: str) -> float:
        """Return the width of ``char`` in 1/1000 em."""
        return float(self._font.get_glyph_h_advance(self.glyph(char)) * self._scale)

    def box(self, char: str) -> tuple[int, int] | None:
        """Return the lowest and the highest ink of ``char`` in 1/1000 em above the baseline, None for a blank."""
        box = self._font.get_glyph_extents(self.glyph(char))
        if box is None or not box.height:
            return None
        return round((box.y_bearing + box.height) * self._scale), round(box.y_bearing * self._scale)

    def subset(self, glyphs: frozenset[int]) -> Subset:
        """Return the font with these glyphs alone; the same glyphs give the same bytes."""
        return self._subset(glyphs)

    def _made(self, glyphs: frozenset[int]) -> Subset:
        import uharfbuzz as hb

        wish = hb.SubsetInput()
        wish.glyph_set.update(glyphs)
        wish.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in _DROPPED)
        wish.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
        plan = hb.SubsetPlan(self._face, wish)
        numbers: dict[Any, Any] = dict(plan.old_to_new_glyph_mapping)
        content = bytes(plan.execute().blob.data)
        known = {int(old): int(new) for old, new in numbers.items()}
        return Subset(_as_truetype(content) if "CFF " in self._face.table_tags else content, known)


def _as_truetype(content: bytes) -> bytes:
    """Return a subset of PostScript outlines as TrueType, glyph for glyph: one way of embedding for all fonts."""
    import logging

    from fontTools.ttLib import TTFont

    from yishenqing.letters import fontbuild

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    out = io.BytesIO()
    with TTFont(io.BytesIO(content)) as font:
        order = list(font.getGlyphOrder())
        glyphs, advances = fontbuild.outlines(font, order)
    fontbuild.assembled("YSQ Own", order, glyphs, advances, {}).save(out)
    return out.getvalue()


@cache
def typeface(path: Path) -> Typeface:
    """Return the font at ``path``, mapped once."""
    return Typeface(path)
