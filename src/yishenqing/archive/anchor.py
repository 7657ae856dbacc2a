"""The proof that a checkpoint knew a ledger: from the entry that it saw, up the tree, to the signed root."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from yishenqing.archive.bag import CHECKPOINTS
from yishenqing.core.checkpoint import Checkpoint, from_json
from yishenqing.core.ledger import Entry
from yishenqing.core.merkle import head_leaf, root_by


def read_points(package: Path) -> tuple[list[Checkpoint], int | None]:
    """Return the checkpoints that lie in a package, and the first line that is none."""
    path = package / CHECKPOINTS
    found: list[Checkpoint] = []
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as lines:
            for line, raw in enumerate(lines, 1):
                try:
                    found.append(from_json(json.loads(raw)))
                except (ValueError, TypeError, RecursionError):
                    return found, line
    return found, None


def anchor_faults(content: bytes, entries: Sequence[Entry], points: Mapping[int, Checkpoint]) -> Iterator[str]:
    """Yield what does not hold of the proof in ``anchor.json``."""
    try:
        told: Any = json.loads(content)
        n, leaf, size, seq = (int(told[key]) for key in ("checkpoint", "leaf", "size", "seq"))
        path, seen = [bytes.fromhex(step) for step in told["path"]], str(told["hash"])
    except (ValueError, TypeError, KeyError, RecursionError):
        yield "不是检查点的推算路径"
        return
    point = points.get(n)
    if point is None or point.size != size:
        yield f"封存包中没有所指的第{n}号检查点"
    elif not 1 <= seq <= len(entries) or entries[seq - 1].hash != seen:
        yield f"第{n}号检查点所固定的第{seq}条记录不在台账中，或者已被改动"
    else:
        first = entries[0]
        root = root_by(head_leaf(first.agency, first.number, seq, seen), leaf, size, path)
        if root is None or root.hex() != point.root:
            yield f"推算不出第{n}号检查点的根"
