"""A case destroyed at the end of its retention: which values and papers went lawfully, by what its ledger says.

The entry of the destruction names every digest that it took away, and keeps the certificate. What is missing and not
named by such an entry was lost or taken, not destroyed.
"""

from __future__ import annotations

from collections.abc import Sequence

from yishenqing.core.ledger import Entry

STEP = STATE = "destroyed"  # the step of every procedure, and the state that it leads to
NAMED, CERTIFICATE = "destroyed", "certificate"  # its facts: the digests, the paper that certifies


def destruction(entries: Sequence[Entry]) -> Entry | None:
    """Return the entry of the destruction; None where the case lies whole."""
    return next((e for e in reversed(entries) if e.step == STEP), None)


def destroyed(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the digests of all values and papers that were destroyed lawfully; an unreadable entry names none."""
    entry = destruction(entries)
    if entry is None:
        return frozenset()
    try:
        named = entry.facts[NAMED]
    except (ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(map(str, named)) if isinstance(named, list) else frozenset()
