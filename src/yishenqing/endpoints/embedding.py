"""Vectors of texts from the office's embedding endpoint, and ranks fused from several searches."""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from math import isfinite
from pathlib import Path

from yishenqing.endpoints.calling import call
from yishenqing.endpoints.model import Endpoint, Unreachable

_CUSHION = 60  # of reciprocal rank fusion, as Cormack et al. (2009) chose it
_AT_ONCE = 64  # texts of one call


def vectors(endpoint: Endpoint, texts: Sequence[str], kept: Path | None = None) -> list[array[float]]:
    """Return one vector for each text; those asked for before are taken from the file ``kept``.

    Raises:
        Unreachable: the endpoint does not answer as it should.
    """
    names = [_name(endpoint.model, text) for text in texts]
    known = _kept(kept, names)
    missing = {n: t for n, t in zip(names, texts, strict=True) if n not in known}
    todo = list(missing.items())
    for start in range(0, len(todo), _AT_ONCE):
        part = todo[start : start + _AT_ONCE]
        known |= dict(zip((n for n, _ in part), _asked(endpoint, [t for _, t in part]), strict=True))
    _keep(kept, {n: known[n] for n in missing})
    if len({len(v) for v in known.values()}) > 1:
        raise Unreachable("返回的向量长短不一")
    return [known[n] for n in names]


def nearest(query: array[float], others: Mapping[str, array[float]]) -> list[str]:
    """Return the ids of ``others``, those nearest to ``query`` by cosine first, ties by id."""
    length = _length(query)
    scores = {
        name: sum(a * b for a, b in zip(query, other, strict=True)) / (length * _length(other) or 1.0)
        for name, other in others.items()
    }
    return sorted(scores, key=lambda name: (-scores[name], name))


def fused(rankings: Iterable[Sequence[str]]) -> list[str]:
    """Return the ids of several rankings as one, by the sum of their reciprocal ranks, ties by id."""
    ranks: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for place, name in enumerate(ranking, 1):
            ranks[name] += 1 / (_CUSHION + place)
    return sorted(ranks, key=lambda name: (-ranks[name], name))


def _asked(endpoint: Endpoint, texts: Sequence[str]) -> list[array[float]]:
    answer = call(endpoint, "/embeddings", {"model": endpoint.model, "input": list(texts)})
    try:
        rows = sorted(answer["data"], key=lambda row: row["index"])
        found = [array("f", row["embedding"]) for row in rows]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Unreachable("回答不合格式（应为 data[].index、embedding）") from None
    if not all(map(_sound, found)):
        raise Unreachable("返回的向量中有不是数的值（NaN 或者无穷大）")
    if len(found) != len(texts) or not all(found):
        raise Unreachable(f"应有{len(texts)}个向量，返回{len(found)}个")
    return found


def _sound(vector: array[float]) -> bool:
    return all(map(isfinite, vector))


def _length(vector: array[float]) -> float:
    return float(sum(a * a for a in vector) ** 0.5)


def _name(model: str, text: str) -> str:
    return hashlib.sha256(f"{model}\0{text}".encode()).hexdigest()


def _kept(path: Path | None, names: Sequence[str]) -> dict[str, array[float]]:
    if path is None or not path.is_file():
        return {}
    found = {}
    # Deleted any time, or damaged: the endpoint is asked for these again, and what it cannot say is told.
    with suppress(sqlite3.Error, ValueError), closing(sqlite3.connect(path)) as kept:
        for name in dict.fromkeys(names):
            row = kept.execute("SELECT vector FROM vectors WHERE name = ?", (name,)).fetchone()
            if row and _sound(vector := array("f", row[0])):
                found[name] = vector
    return found


def _keep(path: Path | None, new: Mapping[str, array[float]]) -> None:
    if path is None or not new:
        return
    with suppress(sqlite3.Error, OSError):  # the vectors are in hand; next time the endpoint is asked for them again
        path.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(path)) as kept, kept:
            kept.execute("CREATE TABLE IF NOT EXISTS vectors (name TEXT PRIMARY KEY, vector BLOB NOT NULL)")
            rows = [(n, v.tobytes()) for n, v in new.items()]
            kept.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
