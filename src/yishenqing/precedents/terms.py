"""Turn Chinese text into search terms: pairs of neighbouring characters, whole numbers and Latin words.

Chinese has no word boundaries, and pairs of characters found known items that segmented words missed. A term
is an integer, so that both databases order and compare it alike and no text parser of theirs sees the text.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

_UNIT = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]|[^\W_㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]{1,64}")
_ARTICLE = re.compile(r"第\s*(\d{1,4})\s*(?=[条款项])")
_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")

_CHARACTER_BITS = 21  # a Unicode code point
_WORD_FLAG = 1 << 62  # terms with a number or a Latin word are hashed above all pairs of characters
_WORD_MASK = (1 << 61) - 1
_SCAN = 16  # keys per term up to which a document is read through
_MOST = 0xFFFF  # a count fills two bytes


@dataclass(frozen=True, slots=True)
class Units:
    """A normalised text as its units: single Chinese characters, and whole numbers and words."""

    text: Sequence[str]

    def terms(self) -> list[tuple[int, int, int]]:
        """Return each term with the first unit that it covers and the unit after its last."""
        text, codes = self.text, [_code(unit) for unit in self.text]
        found = [(_word(text[i]), i, i + 1) for i, code in enumerate(codes) if not code]
        for i, (left, right) in enumerate(pairwise(codes)):
            term = left << _CHARACTER_BITS | right if left and right else _word(f"{text[i]} {text[i + 1]}")
            found.append((term, i, i + 2))
        if len(codes) == 1 and codes[0]:
            found.append((codes[0] << _CHARACTER_BITS, 0, 1))
        return found

    def span_of_single(self) -> tuple[int, int] | None:
        """Return the range of terms that begin with the text, where the text is one lone character."""
        if len(self.text) != 1 or not (code := _code(self.text[0])):
            return None
        return code << _CHARACTER_BITS, (code + 1) << _CHARACTER_BITS


def units(text: str) -> Units:
    """Split ``text``: width and case folded, 第36条 as 第三十六条, punctuation and spaces left out."""
    return Units(_UNIT.findall(normalised(text)))


def normalised(text: str) -> str:
    """Return ``text`` with one width, one case and article numbers in Chinese numerals."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return _ARTICLE.sub(lambda m: "第" + numeral(int(m[1])), folded)


def numeral(number: int) -> str:
    """Return ``number`` (0 to 9999) as statutes write it: 36 is 三十六, 105 is 一百零五."""
    digits = [int(d) for d in str(number)]
    result = ""
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit:
            result += _DIGITS[digit] + _PLACES[place]
        elif result and not result.endswith("零"):
            result += "零"
    result = result.rstrip("零") or "零"
    return result.removeprefix("一") if result.startswith("一十") else result


def count(fields: Iterable[tuple[str, int]]) -> Counter[int]:
    """Count the terms of several texts, each text with its weight."""
    result: Counter[int] = Counter()
    for text, weight in fields:
        for term, _, _ in units(text).terms():
            result[term] += weight
    return result


class Vector:
    """The terms of one document with their counts, packed: sorted keys of eight bytes, then counts of two."""

    def __init__(self, packed: bytes) -> None:
        """Read what ``pack`` wrote."""
        size = len(packed) // 10
        self.keys = array("q", packed[: size * 8])
        self.counts = array("H", packed[size * 8 :])
        if sys.byteorder == "big":
            self.keys.byteswap()
            self.counts.byteswap()

    def counts_of(self, terms: frozenset[int]) -> dict[int, int]:
        """Return how often the document says each of ``terms`` that it says, weighted by field."""
        keys = self.keys
        if len(keys) < _SCAN * len(terms):  # one pass in C beats a search for every term
            terms = terms.intersection(keys)
        found = {}
        for term in terms:
            place = bisect_left(keys, term)
            if place < len(keys) and keys[place] == term:
                found[term] = self.counts[place]
        return found

    @staticmethod
    def pack(counts: Mapping[int, int]) -> bytes:
        """Return ``counts`` as bytes that are the same on every machine."""
        keys = array("q", sorted(counts))
        values = array("H", [min(counts[k], _MOST) for k in keys])
        if sys.byteorder == "big":
            keys.byteswap()
            values.byteswap()
        return keys.tobytes() + values.tobytes()


def _code(unit: str) -> int:
    """Return the code point of a Chinese character, 0 for a number or word."""
    return ord(unit) if len(unit) == 1 and unit >= "㐀" else 0


@lru_cache(maxsize=4096)
def _word(text: str) -> int:
    digest = blake2b(text.encode(), digest_size=8).digest()
    return _WORD_FLAG | int.from_bytes(digest, "big") & _WORD_MASK
