"""Submissions sorted by their words, held against a table that lawyers can read and extend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from yishenqing.advice import read_advice, sort_submission
from yishenqing.inspection import read_inspection
from yishenqing.office.knowing import leads_of

ROWS: list[list[str]] = yaml.safe_load((Path(__file__).parent / "triage.yaml").read_text("utf-8"))


@pytest.mark.parametrize(("text", "kind"), ROWS, ids=[text[:12] for text, _ in ROWS])
def test_a_submission_looks_like_what_it_is(text: str, kind: str) -> None:
    found = sort_submission(read_advice(None), text, leads_of(text, (), read_inspection(None)))
    assert found[0].kind == kind, [(s.kind, s.score, s.matched) for s in found]
