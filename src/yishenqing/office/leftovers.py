"""Contents that no case refers to (written by an act that was cut off before its entry), and those that are lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from yishenqing.core import destroying
from yishenqing.store.tables import cases, files, letters

_IN_FLIGHT = 3600.0  # seconds; a younger file may belong to an act that is just being recorded
_UNFINISHED = ".writing-"
_OF_CASE = (cases.c.agency == letters.c.agency) & (cases.c.number == letters.c.number)


def leftovers(home: Path, connection: Connection) -> list[Path]:
    """Return the contents in the office's folder that no case of its database refers to, in order of name."""
    known = set(connection.execute(select(files.c.sha256)).scalars())
    kept = select(letters.c.sha256).join(cases, _OF_CASE).where(cases.c.state != destroying.STATE)
    known |= set(connection.execute(kept).scalars())
    before = time.time() - _IN_FLIGHT
    return sorted(p for p in _contents(home) if p.name not in known and p.stat().st_mtime < before)


def lost(home: Path, connection: Connection, agency: str) -> list[str]:
    """Return the contents that cases of ``agency`` refer to and its folder lacks, by SHA-256, in order."""
    mine = select(files.c.sha256).where(files.c.agency == agency)
    kept = select(letters.c.sha256).join(cases, _OF_CASE)
    kept = kept.where(letters.c.agency == agency, cases.c.state != destroying.STATE)
    there = {path.name for path in (home / "files").glob("??/*")}
    return sorted({*connection.execute(mine).scalars(), *connection.execute(kept).scalars()} - there)


def swept(paths: list[Path]) -> int:
    """Delete these leftovers; return how many there were."""
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _contents(home: Path) -> Iterator[Path]:
    """Yield contents by SHA-256, and what was never finished there or in the folders of readable copies."""
    yield from (p for p in (home / "files").glob("??/*") if p.is_file())
    for folder in ("issued", "previews", "forms"):
        yield from (p for p in (home / folder).glob(f"*/{_UNFINISHED}*") if p.is_file())
