"""A question as it is looked up, the same for every collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault
from yishenqing.search.terms import Units, units

MOST_MATCHES = 1000
EMPTY = "检索词为空，请写出至少一个汉字、字母或者数字"
_READ = 20_000  # characters of a question that are read


class Asked(Struct, frozen=True):
    """A question: its text, its units, how often it says each term, and where in its units the terms stand."""

    text: str
    units: Units
    counts: Counter[int]
    terms: Sequence[tuple[int, int, int]]


def asked(text: str, limit: int = 10) -> Asked:
    """Read a question; a long one is read from its beginning.

    Raises:
        DataFault: the text holds no letter, digit or character, or ``limit`` is not 1 to 1000.
    """
    found = units(text[:_READ])
    if not found.text:
        raise DataFault.of([Fault(EMPTY)])
    if not 1 <= limit <= MOST_MATCHES:
        raise DataFault.of([Fault(f"检索条数应在 1 至 {MOST_MATCHES} 之间，现为 {limit}")])
    terms = [*found.terms()]
    counts = Counter((*(term for term, _, _ in terms), *found.marked()))
    counts.update(found.singles())  # last: of a long question the pairs are looked up
    return Asked(text, found, counts, terms)
