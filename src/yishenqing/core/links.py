"""Linked cases: how a case of a small procedure (复议、诉讼、投诉) hangs on another case, and what it tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import field

from yishenqing.core.written import Written

if TYPE_CHECKING:
    from yishenqing.core.workflow import Workflow

PARENT = "parent"  # the fact of a linked case's opening that names the case it hangs on
KIND, NUMBER, RESULT = "kind", "number", "result"  # the facts by which the parent knows it
PENDING = "pending"  # 尚未审结: the column of table four for what has no result yet


class Tell(Written, frozen=True):
    """A step of a linked case is told to the case it hangs on; ``facts``: the parent's fact from which of our own."""

    step: str  # of the parent's procedure
    facts: Mapping[str, str] = field(default_factory=dict)


class Linked(Written, frozen=True):
    """How a case of this procedure hangs on another one.

    ``mark`` stands in its number; ``kind`` is what the parent calls it (a row of table four, or complaint), or
    ``kind_of`` the fact of the opening that says so; ``result`` is the fact that says how it ended.
    """

    mark: str
    result: str
    kind: str = ""
    kind_of: str = ""

    def kind_by(self, facts: Mapping[str, Any]) -> str:
        """Return the kind of a linked case that is opened with ``facts``."""
        return self.kind or str(facts.get(self.kind_of) or "")


def number_of(parent: str, linked: Linked, earlier: Iterator[str]) -> str:
    """Return the number of the next linked case of ``parent``; ``earlier`` are the numbers of those it has."""
    n = sum(number.startswith(f"{parent}-{linked.mark}") for number in earlier) + 1
    return f"{parent}-{linked.mark}{n}"


def faults_of(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Yield what a linked procedure lacks in itself: place and text."""
    linked, opening = workflow.linked, workflow.steps.get(workflow.opening)
    if linked is None:
        yield from ((f"steps.{n}", "不是关联案件的流程，不能用“tells”") for n, s in workflow.steps.items() if s.tells)
        return
    if not linked.mark.strip():
        yield "linked.mark", "编号中的字不能为空"
    if bool(linked.kind) == bool(linked.kind_of):
        yield "linked", "“kind”和“kind_of”须写一项，也只写一项"
    for name in (PARENT, *([linked.kind_of] if linked.kind_of else [])):
        if opening is not None and name not in opening.needs:
            yield f"steps.{workflow.opening}", f"关联案件立案时须有事实“{name}”"
    if not any(linked.result in step.fields for step in workflow.steps.values()):
        yield "linked.result", f"没有步骤写明事实“{linked.result}”"


def faults_between(workflow: Workflow, parent: Workflow) -> Iterator[tuple[str, str]]:
    """Yield what a linked procedure says of its parent's that the parent's does not have: place and text."""
    for name, step in workflow.steps.items():
        for tell in step.tells:
            told = parent.steps.get(tell.step)
            if told is None:
                yield f"steps.{name}.tells", f"“{parent.title}”没有步骤“{tell.step}”"
            else:
                yield from (
                    (f"steps.{name}.tells", f"“{told.title}”没有事实“{fact}”")
                    for fact in tell.facts
                    if fact not in told.fields
                )
    if workflow.linked is not None and parent.linking:
        kinds = parent.steps[parent.linking].fields[KIND].choices
        own = workflow.steps[workflow.opening].fields.get(workflow.linked.kind_of)
        for kind in [workflow.linked.kind] if workflow.linked.kind else own.choices if own else ():
            if kind not in kinds:
                yield "linked", f"“{parent.title}”的“{parent.linking}”没有“{kind}”这一种关联案件"
