"""How like two requests are, and the few numbers by which a like one is found among a million.

Likeness is the share of common pairs of neighbouring characters (Jaccard). A sketch is its MinHash, cut into bands:
two texts of likeness s share a band with probability 1-(1-s^ROWS)^BANDS, which is 0.97 at 0.7 and 0.006 at 0.2.
datasketch does the same with numpy and a store of its own (Redis, Cassandra); here the bands must lie in the
transaction that registers the case, under the office's key, and fifty pairs of characters need no numpy.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from struct import unpack

BANDS, ROWS = 20, 5
_WIDTH = 8
_AT_ONCE = 8  # numbers in one digest of blake2b
_READ = 4000  # characters of a request that are read
_SIGNED = 1 << 63


def normalised(text: str) -> str:
    """Return ``text`` with one width and case, without blanks and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", text[:_READ]).lower() if c.isalnum())


def shingles(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring characters of a text; of a single character, itself."""
    said = normalised(text)
    return frozenset([said] if len(said) == 1 else map("".join, pairwise(said)))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return how much two texts share, from 0 (nothing) to 1 (all pairs of characters); order does not matter."""
    return len(one & other) / len(one | other) if one or other else 0.0


def bands(text: str, secret: bytes) -> list[int]:
    """Return the numbers under which ``text`` is entered and looked up; none for a text without characters."""
    said = sorted(shingles(text))
    if not said:
        return []
    least = [min(column) for column in zip(*(_numbers(s, secret) for s in said), strict=True)]
    return [_band(n, least[n * ROWS : (n + 1) * ROWS], secret) for n in range(BANDS)]


@lru_cache(maxsize=2048)  # a text is looked up and then entered, and every request asks for 信息, 公开, 关于
def _numbers(shingle: str, secret: bytes) -> tuple[int, ...]:
    """Return one number for each place of the sketch, from as few digests as hold them."""
    data, digests = shingle.encode(), b""
    for n in range(-(-BANDS * ROWS // _AT_ONCE)):
        digests += blake2b(data, digest_size=64, key=secret, salt=n.to_bytes(16, "big")).digest()
    count = len(digests) // _WIDTH
    return unpack(f">{count}Q", digests)[: BANDS * ROWS]


def _band(n: int, rows: list[int], secret: bytes) -> int:
    said = b"".join(row.to_bytes(_WIDTH, "big") for row in (n, *rows))
    number = int.from_bytes(blake2b(said, digest_size=_WIDTH, key=secret).digest(), "big")
    return number - _SIGNED  # what a database keeps in eight bytes
