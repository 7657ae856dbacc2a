"""What a new application is, before it is registered: sorted by its words, with routing, register, like requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yishenqing.office.casework import Row

if TYPE_CHECKING:
    from yishenqing.office.knowing import Item


def triaged(items: Sequence[Item]) -> Row:
    """Return what each item looks like, and the whole: what most of it is, and whether it is mixed."""
    rows = [_row(item) for item in items]
    kinds = [r["kind"] for r in rows]
    whole = max(dict.fromkeys(kinds), key=kinds.count)
    first = next(r for r in rows if r["kind"] == whole)
    return {"kind": whole, "title": first["title"], "mixed": len(set(kinds)) > 1, "items": rows}


def _row(item: Item) -> Row:
    best = item.sorted[0]
    return {
        "item": item.n,
        "text": item.text,
        "kind": best.kind,
        "title": best.title,
        "law": best.law,
        "advice": best.advice,
        "kinds": [
            {"kind": s.kind, "title": s.title, "law": s.law, "score": s.score, "matched": list(s.matched)}
            for s in item.sorted
        ],
        "vague": list(item.vague),
    }
