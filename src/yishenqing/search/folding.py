"""One form for what is written in several: width, case, traditional characters, article numbers."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

_SIMPLIFIED = Path(__file__).with_name("simplified.txt")


def folded(text: str) -> str:
    """Return ``text`` in one width and case and in simplified characters."""
    return unicodedata.normalize("NFKC", text).lower().translate(_simplified())


def folded_with_places(text: str) -> tuple[str, list[int]]:
    """Return ``text`` folded character by character, and for each character where it came from."""
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
