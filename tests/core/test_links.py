"""Linked procedures: their numbers, and what a procedure lacks in itself or wrongly says of its parent's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from yishenqing.core.links import Linked, Tell, faults_between, faults_of, number_of
from yishenqing.core.workflow import Workflow
from yishenqing.rulebook import read_all

KNOWN, FAULTS = read_all()
FLOW, LINKED = KNOWN["disclosure"].workflow, KNOWN["reconsideration"].workflow
SUED = KNOWN["litigation"].workflow
Change = Callable[[Workflow], Workflow]


def test_a_number_follows_those_of_its_own_kind() -> None:
    of = SUED.linked
    assert of is not None
    assert number_of("2026-0001", of, iter(())) == "2026-0001-诉1"
    assert number_of("2026-0001", of, iter(["2026-0001-诉1", "2026-0001-复1", "2026-0002-诉1"])) == "2026-0001-诉2"


def test_the_kind_is_the_procedures_own_or_said_at_its_opening() -> None:
    assert Linked("复", "result", kind="reconsideration").kind_by({"path": "x"}) == "reconsideration"
    assert Linked("诉", "result", kind_of="path").kind_by({"path": "litigation_direct"}) == "litigation_direct"
    assert Linked("诉", "result", kind_of="path").kind_by({}) == ""


def linked(**changes: Any) -> Change:
    return lambda flow: replace(flow, linked=replace(flow.linked or Linked("", ""), **changes))


def without_parent(flow: Workflow) -> Workflow:
    opening = flow.steps[flow.opening]
    bare = replace(opening, needs={n: f for n, f in opening.needs.items() if n != "parent"})
    return replace(flow, steps={**flow.steps, flow.opening: bare})


def telling(step: str, facts: Mapping[str, str]) -> Change:
    def changed(flow: Workflow) -> Workflow:
        told = replace(flow.steps["decided"], tells=(Tell(step, facts),))
        return replace(flow, steps={**flow.steps, "decided": told})

    return changed


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (linked(), []),
        (linked(mark=" "), [("linked.mark", "编号中的字不能为空")]),
        (linked(kind=""), [("linked", "“kind”和“kind_of”须写一项，也只写一项")]),
        (
            linked(kind_of="path"),
            [
                ("linked", "“kind”和“kind_of”须写一项，也只写一项"),
                ("steps.notified", "关联案件立案时须有事实“path”"),
            ],
        ),
        (without_parent, [("steps.notified", "关联案件立案时须有事实“parent”")]),
        (linked(result="verdict"), [("linked.result", "没有步骤写明事实“verdict”")]),
        (lambda flow: replace(flow, linked=None), [("steps.decided", "不是关联案件的流程，不能用“tells”")]),
    ],
)
def test_what_a_linked_procedure_lacks_is_named(change: Change, wanted: list[tuple[str, str]]) -> None:
    changed = change(telling("linked_result", {"result": "result"})(LINKED))
    assert list(faults_of(changed)) == wanted


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda flow: flow, []),
        (telling("no_step", {}), [("steps.decided.tells", f"“{FLOW.title}”没有步骤“no_step”")]),
        (
            telling("linked_result", {"result": "result", "shoe": "result"}),
            [("steps.decided.tells", "“关联案件的结果”没有事实“shoe”")],
        ),
        (linked(kind="quarrel"), [("linked", f"“{FLOW.title}”的“linked_opened”没有“quarrel”这一种关联案件")]),
    ],
)
def test_what_it_says_of_its_parent_must_be_there(change: Change, wanted: list[tuple[str, str]]) -> None:
    assert not FAULTS
    assert list(faults_between(change(LINKED), FLOW)) == wanted


def test_every_kind_that_its_opening_may_choose_must_be_known_to_the_parent() -> None:
    opening = FLOW.steps[FLOW.linking]
    kind = replace(opening.needs["kind"], choices={"litigation_direct": "直接起诉"})
    parent = replace(
        FLOW, steps={**FLOW.steps, FLOW.linking: replace(opening, needs={**opening.needs, "kind": kind})}
    )
    (fault,) = faults_between(SUED, parent)
    assert fault == ("linked", f"“{FLOW.title}”的“linked_opened”没有“litigation_after_reconsideration”这一种关联案件")
