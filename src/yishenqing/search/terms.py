"""Turn Chinese text into search terms: pairs of neighbouring characters, whole numbers and Latin words.

Chinese has no word boundaries, and pairs of characters found known items that segmented words missed. A term
is an integer, so that both databases order and compare it alike and no text parser of theirs sees the text.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import pairwise

from msgspec import Struct

from yishenqing.search.folding import folded
from yishenqing.search.marks import Mark, marks, rewritten

UNIT = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]|[^\W_㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]{1,64}")

_FIRST = "㐀"  # of the Chinese characters
_CHARACTER_BITS = 21  # a Unicode code point
_SINGLE_FLAG = 1 << 61  # single characters, above all pairs: they are weighed, and nothing is looked up by them
_WORD_FLAG = 1 << 62  # terms with a number or a Latin word are hashed above all pairs of characters
_WORD_MASK = (1 << 61) - 1
_SCAN = 16  # keys per term up to which a document is read through
_MOST = 0xFFFF  # a count fills two bytes


class Units(Struct, frozen=True, dict=True):
    """A text as its units: single Chinese characters, whole numbers and words; and what its marks are found under."""

    text: Sequence[str]
    marks: Sequence[Mark] = ()

    def terms(self) -> Iterator[tuple[int, int, int]]:
        """Yield each term of the units with the first unit that it covers and the unit after its last."""
        alone = [i for i, code in enumerate(self.codes) if not code] if 0 in self.codes else []
        lone = [0] if self.span_of_single() else []
        starts = [*alone, *range(len(self.text) - 1), *lone]
        ends = [*(i + 1 for i in alone), *range(2, len(self.text) + 1), *(i + 1 for i in lone)]
        return zip(self.keys(), starts, ends, strict=True)

    def keys(self) -> list[int]:
        """Return the terms alone: of each number and word, of each pair of neighbours, of one lone character."""
        text, codes = self.text, self.codes
        if self.span_of_single():
            return [codes[0] << _CHARACTER_BITS]
        if 0 not in codes:  # most texts hold nothing but characters
            return [left << _CHARACTER_BITS | right for left, right in pairwise(codes)]
        found = [_word(unit) for unit, code in zip(text, codes, strict=True) if not code]
        found += [
            left << _CHARACTER_BITS | right if left and right else _word(f"{text[i]} {text[i + 1]}")
            for i, (left, right) in enumerate(pairwise(codes))
        ]
        return found

    def singles(self) -> list[int]:
        """Return a term for each Chinese character: it tells words apart that pairs of characters run together."""
        return [_SINGLE_FLAG | code for code in self.codes if code]

    @cached_property
    def codes(self) -> list[int]:
        """The code point of each Chinese character, 0 for a number or word."""
        whole = "".join(self.text)
        if len(whole) == len(self.text) and min(whole, default="") >= _FIRST:
            return [*map(ord, whole)]
        return [ord(unit) if len(unit) == 1 and unit >= _FIRST else 0 for unit in self.text]

    def marked(self) -> dict[int, Mark]:
        """Return the terms of the marks."""
        return {key_term(key): mark for mark in self.marks for key in mark.keys}

    def span_of_single(self) -> tuple[int, int] | None:
        """Return the range of terms that begin with the text, where the text is one lone character."""
        if len(self.text) != 1 or not (code := self.codes[0]):
            return None
        return code << _CHARACTER_BITS, (code + 1) << _CHARACTER_BITS


def units(text: str) -> Units:
    """Split ``text``, folded and with articles in one spelling; punctuation and spaces are left out."""
    plain = folded(text)
    return Units(UNIT.findall(rewritten(plain)), marks(plain))


def key_term(key: str) -> int:
    """Return the term of a key (of a mark, of a facet); none of a text is like it."""
    return _word(f"\0{key}")


def pair_terms(text: str) -> list[int]:
    """Return the terms of a short text alone, without its marks: what a part of it is looked up by."""
    return Units(UNIT.findall(folded(text))).keys()


def looked_up(term: int) -> bool:
    """Tell whether documents are looked up by a term; single characters stand in nearly all of them."""
    return not _SINGLE_FLAG <= term < _WORD_FLAG


def count(fields: Iterable[tuple[str, int]]) -> Counter[int]:
    """Count the terms of several texts, each text with its weight."""
    result: Counter[int] = Counter()
    for text, weight in fields:
        said = units(text)
        marked = (key_term(key) for mark in said.marks for key in mark.keys)
        terms = (*said.keys(), *said.singles(), *marked)
        for _ in range(weight):  # weights are small, and counting is done in C
            result.update(terms)
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
        keys, counts = self.keys, self.counts
        if len(keys) < _SCAN * len(terms):  # one pass in C beats a search for every term
            return {term: counts[bisect_left(keys, term)] for term in terms.intersection(keys)}
        places = {term: bisect_left(keys, term) for term in terms}
        return {term: counts[at] for term, at in places.items() if at < len(keys) and keys[at] == term}

    @staticmethod
    def pack(counts: Mapping[int, int]) -> bytes:
        """Return ``counts`` as bytes that are the same on every machine."""
        keys = array("q", sorted(counts))
        values = array("H", [min(counts[k], _MOST) for k in keys])
        if sys.byteorder == "big":
            keys.byteswap()
            values.byteswap()
        return keys.tobytes() + values.tobytes()


@lru_cache(maxsize=4096)
def _word(text: str) -> int:
    digest = blake2b(text.encode(), digest_size=8).digest()
    return _WORD_FLAG | int.from_bytes(digest, "big") & _WORD_MASK
