"""Read the advice (data): strictly, its outcomes and articles checked against the rules, its step ids closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.advice.model import Advice
from yishenqing.core.errors import DataFault, Fault
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.core.law import Law
    from yishenqing.core.workflow import Workflow
    from yishenqing.documents import Document

FILE = "advice.yaml"
APPLICATION = "application"
STEPS = ("supplement", "nature", "duty", "held", "release", "manner", "answer")
FIGURES = frozenset(
    {
        "recorded", "register", "repeat", "routing", "triage", "precedent", "most", "near", "shown", "cases",
        "reasons", "worded",
    }
)  # fmt: skip
SLOT = re.compile(r"\{([a-z_]+)\}")


def read_advice(home: Path | None) -> Advice:
    """Return the office's advice, or what ships with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / FILE).is_file())
    return remembered(Advice, path, home, _read)


def _read(path: Path) -> Advice:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    found: Advice = validated(TypeAdapter(Advice), document)
    if faults := list(_faults(found, document)):
        raise DataFault.of(faults)
    return found


def _faults(found: Advice, document: Document) -> Iterator[Fault]:
    for what, known, given in (
        ("seven", set(STEPS), found.seven.keys()),
        ("figures", FIGURES, found.figures.keys()),
    ):
        for name in sorted(set(given) - known):
            text = f"没有“{name}”；代号是封闭的，可用：{'、'.join(sorted(known))}"
            yield document.fault(text, (what, name))
        for name in sorted(known - set(given)):
            yield document.fault(f"缺少“{name}”", (what,))
    if APPLICATION not in found.kinds:
        yield document.fault(f"缺少“{APPLICATION}”", ("kinds",))
    yield from _signal_faults(found, document)
    for name, kind in found.kinds.items():
        if not all(w.strip() for w in kind.words):
            yield document.fault("用词不能为空", ("kinds", name))


def _signal_faults(found: Advice, document: Document) -> Iterator[Fault]:
    for n, signal in enumerate(found.signals):
        if bool(signal.always) == bool(signal.words or signal.values or signal.step):
            yield document.fault("须写明看什么（words、values 或者 step），或者 always，二者择一", ("signals", n))
        if (signal.values or (signal.step and signal.words)) and not signal.field:
            yield document.fault("写了 step 的，须以 field 写明看哪一项", ("signals", n, "field"))
        if not all(w.strip() for w in (*signal.words, *signal.unless)):
            yield document.fault("用词不能为空", ("signals", n))


def faults_against(found: Advice, workflow: Workflow, law: Law) -> Iterator[Fault]:
    """Yield what the advice names that the rules do not have: outcomes, ways, steps, facts, articles."""
    place = f"workflows/{FILE}"
    for kind in found.kinds.values():
        if kind.outcome and kind.outcome not in workflow.outcomes:
            yield Fault(f"没有办理结果“{kind.outcome}”", place, field="kinds")
    for signal in found.signals:
        yield from _named(workflow, signal.outcome, signal.way, place, "signals")
        step = workflow.steps.get(signal.step)
        if signal.step and step is None:
            yield Fault(f"没有步骤“{signal.step}”", place, field="signals")
        elif step is not None and signal.field and signal.field not in step.fields:
            yield Fault(f"步骤“{signal.step}”没有事实“{signal.field}”", place, field="signals")
    for reason in found.reasons:
        yield from _named(workflow, reason.outcome, reason.way, place, "reasons")
    asked = [found.law, *(k.law for k in found.kinds.values()), *(s.law for s in found.signals)]
    asked += [*(s.law for s in found.seven.values()), *(r.law for r in found.reasons)]
    for citation in dict.fromkeys(asked):
        if problem := law.unresolved(citation):
            yield Fault(problem, place, field="law", law=citation)


def _named(workflow: Workflow, outcome: str, way: str, place: str, field: str) -> Iterator[Fault]:
    known = workflow.outcomes.get(outcome)
    if known is None:
        yield Fault(f"没有办理结果“{outcome}”", place, field=field)
    elif way and way not in known.ways:
        yield Fault(f"办理结果“{outcome}”没有情形“{way}”", place, field=field)
