"""What was entered or taken out and is not counted yet: whoever enters a document waits for nobody.

The counts of common terms are rows that every document changes. Counted with each document they made all officers of
an agency wait for each other (on PostgreSQL, seven tenths of the time), and were most of what entering one cost.
Every search adds these few to what is counted; there are never many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from yishenqing.search.terms import Vector


class Change(NamedTuple):
    """A document that was entered (``sign`` 1) or taken out (-1): the sum of its counts, its packed vector."""

    sign: int
    length: int
    vector: bytes


def documents(changes: Iterable[Change]) -> int:
    """Return by how many documents a collection has grown."""
    return sum(change.sign for change in changes)


def length(changes: Iterable[Change]) -> int:
    """Return by how much the lengths of all documents together have grown."""
    return sum(change.sign * change.length for change in changes)


def terms(changes: Iterable[Change]) -> dict[int, int]:
    """Return by how many documents each term has become more (or less) common."""
    more: Counter[int] = Counter()
    less: Counter[int] = Counter()
    for sign, _, vector in changes:
        (more if sign > 0 else less).update(Vector(vector).keys)
    more.subtract(less)
    return {term: number for term, number in more.items() if number}


def said(changes: Iterable[Change], asked: frozenset[int]) -> Counter[int]:
    """Return the same of the terms in ``asked`` alone."""
    found: Counter[int] = Counter()
    for sign, _, vector in changes:
        for term in asked.intersection(Vector(vector).keys):
            found[term] += sign
    return found


def between(changes: Iterable[Change], first: int, after: int) -> Counter[int]:
    """Return the same of the terms from ``first`` up to ``after``."""
    found: Counter[int] = Counter()
    for sign, _, vector in changes:
        keys = Vector(vector).keys
        for term in keys[bisect_left(keys, first) : bisect_left(keys, after)]:
            found[term] += sign
    return found
