"""``ysq check`` says what it proved, and shows the road where one line of an office's workflow breaks it."""

from __future__ import annotations

import re
from pathlib import Path

from yishenqing.cli import printing
from yishenqing.office.checking import check
from yishenqing.shipped import shipped


def test_what_was_proved_is_listed_with_bound_and_article() -> None:
    said = printing.check(check(None))
    assert "  ✓ 未经审核、签发的答复不得送达（条例第四十五条）" in said
    assert any(line.endswith("同一种并行程序同时至多2项") and "种情形" in line for line in said)


def test_one_broken_line_is_shown_with_the_road_to_it(tmp_path: Path) -> None:
    own = tmp_path / "workflows" / "disclosure.yaml"
    own.parent.mkdir()
    text = (shipped("workflows") / "disclosure.yaml").read_text(encoding="utf-8")
    head, step, rest = text.partition("  delivered:\n    title: 送达\n")
    guard = "      - {guard: after, step: replied, law: 民事诉讼法第八十七条}\n"
    assert step
    assert guard in rest
    rest = rest.replace("from: [replied]", "from: [handling]", 1).replace(f"    guards:\n{guard}", "", 1)
    head = re.sub(r"(?m)^road: .*$", "road: [new, registered, under_review, handling, delivered, archived]", head)
    own.write_text(head + step + rest, encoding="utf-8")
    found = check(tmp_path)
    road = "收到申请并登记（登记岗） → 出具登记回执，转审核（登记岗） → 审核通过，交承办（审核岗） → 送达（送达岗）"
    (fault,) = [f for f in found["faults"] if f["field"] == "invariants.reviewed_and_signed"]
    assert fault["text"].endswith(f"未经审核、签发的答复不得送达（条例第四十五条）：{road}")
    assert "  × 未经审核、签发的答复不得送达（条例第四十五条）" in printing.check(found)
