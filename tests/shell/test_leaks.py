"""What is scanned before a letter or a precedent leaves, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from yishenqing.core import masking
from yishenqing.documents import read
from yishenqing.inspection import read_inspection
from yishenqing.inspection.personal import contacts, identities

ROWS: list[dict[str, Any]] = read(Path(__file__).parent / "leaks.yaml").data
PLATES = "".join(read_inspection(None).checks["leak_contact"].words["plates"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["文字"])
def test_what_tells_who_somebody_is_is_found(row: dict[str, Any]) -> None:
    scanned = [what for scan in (identities, contacts(PLATES)) for what, _ in scan(row["文字"])]
    assert scanned == row["letter"]
    found = [f"{masking.KINDS[s.kind]}{'' if s.sure else '？'}" for s in masking.numbers(row["文字"])]
    assert found == row["library"]
