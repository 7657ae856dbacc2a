"""What many requests are about: groups of like texts, by single link, and the words that their members share.

A short sketch finds who may be alike (two rows a band: 0.99 at a likeness of 0.3, 0.4 at 0.1); then likeness
itself decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from struct import unpack

from yishenqing.kinship.sketch import likeness, normalised, shingles

_BANDS, _ROWS = 50, 2
_RECENT = 20  # members of a band that a text is compared with: the same request may come in thousands
_SAMPLE = 60  # members of a group among which its middle is looked for
_SHORTEST, _LONGEST = 2, 20  # characters of a word that members share
_SHARED = 0.75  # of the members that a word must stand in
_WORDS = 3


def grouped(texts: Sequence[str], from_likeness: float, common: Collection[str]) -> list[list[int]]:
    """Return groups of like texts, by their places, the largest first; ``common`` words do not make texts alike."""
    said = [_bare(text, common) for text in texts]
    places: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(said):
        places[text].append(place)
    distinct = [text for text in places if text]
    pairs = [frozenset(text[n : n + 2] for n in range(max(1, len(text) - 1))) for text in distinct]
    leader = list(range(len(distinct)))
    for one, other in _candidates(pairs):
        a, b = _lead(leader, one), _lead(leader, other)
        if a != b and likeness(pairs[one], pairs[other]) >= from_likeness:
            leader[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = defaultdict(list)
    for n, text in enumerate(distinct):
        groups[_lead(leader, n)] += places[text]
    return sorted((sorted(group) for group in groups.values()), key=lambda g: (-len(g), g))


def middle(texts: Sequence[str]) -> int:
    """Return the place of the text that is most like all the others."""
    sample = [shingles(text) for text in texts[:_SAMPLE]]
    return max(range(len(sample)), key=lambda n: (sum(likeness(sample[n], other) for other in sample), -n))


def words(texts: Sequence[str], common: Collection[str]) -> list[str]:
    """Return the longest stretches that most of these texts share."""
    counts: Counter[str] = Counter()
    for text in (_bare(t, common) for t in texts):
        counts.update(
            {text[a:b] for a in range(len(text)) for b in range(a + _SHORTEST, min(a + _LONGEST, len(text)) + 1)}
        )
    shared = sorted(
        (w for w, n in counts.items() if n >= _SHARED * len(texts)), key=lambda w: (-len(w), -counts[w], w)
    )
    found: list[str] = []
    for word in shared:
        if not any(word in longer or _overlap(word, longer) for longer in found):
            found.append(word)
    return found[:_WORDS]


def _overlap(word: str, other: str) -> bool:
    """Tell whether two stretches are shifted pieces of one."""
    return any(word.endswith(other[:n]) or word.startswith(other[-n:]) for n in range(1, min(len(word), len(other))))


def _bare(text: str, common: Collection[str]) -> str:
    said = normalised(text)
    for word in sorted(common, key=len, reverse=True):
        said = said.replace(word, "")
    return said


def _candidates(pairs: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    bands: dict[tuple[int, ...], list[int]] = defaultdict(list)
    numbers: dict[str, tuple[int, ...]] = {}
    for place, found in enumerate(pairs):
        for shingle in found - numbers.keys():
            numbers[shingle] = _numbers(shingle)
        least = [min(column) for column in zip(*(numbers[s] for s in found), strict=True)]
        for n in range(_BANDS):
            met = bands[n, *least[n * _ROWS : (n + 1) * _ROWS]]
            yield from ((place, other) for other in met[-_RECENT:])
            met.append(place)


def _numbers(shingle: str) -> tuple[int, ...]:
    data = shingle.encode()
    digest = b"".join(
        blake2b(data, digest_size=64, salt=n.to_bytes(16, "big")).digest() for n in range(_BANDS * _ROWS // 16 + 1)
    )
    return unpack(f">{len(digest) // 4}I", digest)[: _BANDS * _ROWS]


def _lead(leader: list[int], n: int) -> int:
    while leader[n] != n:
        leader[n] = leader[leader[n]]
        n = leader[n]
    return n
