"""What is cited holds however it is written: full width, traditional characters, blanks."""

from __future__ import annotations

from datetime import date

import pytest

from yishenqing.office.quoting import unresolved
from yishenqing.rulebook import Rulebook

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("依照《政府信息公開條例》第九十九條", "没有收录第九十九条"),
        ("依据《条例》第３６条第（９）项", "第三十六条没有第（九）项"),
        ("依照條例第　九　十　九　條", "没有收录第九十九条"),
        ("依照條例第三十六條第(九)項", "第三十六条没有第（九）项"),
    ],
)
def test_a_clause_that_does_not_exist_is_named(rules: Rulebook, text: str, why: str) -> None:
    assert why in "；".join(u.text for u in unresolved(rules.law, text, DAY))


@pytest.mark.parametrize("text", ["", "依照《政府信息公開條例》第３６條第（二）項", "依照條例第三十六條(二)"])
def test_one_that_exists_is_let_through(rules: Rulebook, text: str) -> None:
    assert unresolved(rules.law, text, DAY) == []
