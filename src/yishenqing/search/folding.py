"""One form for what is written in several: width, case, traditional characters, article numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_HALF = {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20}  # full width to half width
_SIMPLIFIED = Path(__file__).with_name("simplified.txt")


def folded(text: str) -> str:
    """Return ``text`` in one width and case and in simplified characters."""
    return unicodedata.normalize("NFKC", text).lower().translate(_simplified())


def folded_with_places(text: str) -> tuple[str, Sequence[int]]:
    """Return ``text`` folded character by character, and for each character where it came from."""
    plain = text.translate(_HALF)
    if unicodedata.is_normalized("NFKC", plain) and len(low := plain.lower()) == len(text):
        return low.translate(_simplified()), range(len(text))  # nearly every text: nothing moves its place
    simplified = _simplified()
    result: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in unicodedata.normalize("NFKC", character).lower():
            result.append(chr(simplified.get(ord(part), ord(part))))
            places.append(place)
    return "".join(result), places


@cache
def _simplified() -> dict[int, int]:
    """The characters that have a simplified form; read when the first text is folded."""
    lines = _SIMPLIFIED.read_text(encoding="utf-8").splitlines()
    traditional, simplified = (line for line in lines if not line.startswith("#"))
    return {ord(a): ord(b) for a, b in zip(traditional, simplified, strict=True)}
