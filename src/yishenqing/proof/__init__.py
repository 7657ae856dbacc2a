"""The workflow proved: every invariant explored over every road, each break with the shortest road to it.

The types of the core in, verdicts out; only :func:`read_invariants` reads a file. How, and why it is sound:
``docs/proof.md``.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from yishenqing.core.workflow import Workflow
from yishenqing.proof.guarding import Act
from yishenqing.proof.judging import Break, verdict_on
from yishenqing.proof.laws import Invariant
from yishenqing.proof.model import BOUND, OUTCOME, Model, Var
from yishenqing.proof.reading import read_invariants

__all__ = ["BOUND", "Invariant", "Proved", "prove", "read_invariants"]


_MOST = 32  # proofs that a process keeps: those of a few offices


class Proved(Struct, frozen=True):
    """One invariant and what was found of it; ``breaks`` (place, sentence) is empty where every case keeps it."""

    name: str
    title: str
    law: str
    configurations: int
    transitions: int
    breaks: tuple[tuple[str, str], ...]


_PROVED: dict[str, tuple[Proved, ...]] = {}


def prove(workflow: Workflow, laws: Mapping[str, Invariant], letters: Mapping[str, bool]) -> tuple[Proved, ...]:
    """Return the verdict on each invariant; one process proves the same thing once.

    ``letters``: the kinds of letter that exist, and whether a step or an outcome must ask for each.
    """
    said = repr((workflow, laws, letters))  # all of them are plain data
    if said not in _PROVED:
        if len(_PROVED) >= _MOST:
            _PROVED.clear()
        _PROVED[said] = tuple(_proved(workflow, laws, letters))
    return _PROVED[said]


def _proved(workflow: Workflow, laws: Mapping[str, Invariant], letters: Mapping[str, bool]) -> list[Proved]:
    model = Model(workflow, laws.values())
    found = []
    for name, law in laws.items():
        verdict = verdict_on(model, law, letters)
        breaks = tuple((b.place or f"invariants.{name}", _sentence(model, law, b)) for b in verdict.breaks)
        found.append(Proved(name, law.title, law.law, verdict.configurations, verdict.transitions, breaks))
    return found


def _sentence(model: Model, law: Invariant, broken: Break) -> str:
    head = f"{law.title}（{law.law}）"
    if broken.text:
        head += f"：{broken.text}"
    return f"{head}：{' → '.join(_act(model, a) for a in broken.road)}" if broken.road else head


def _act(model: Model, act: Act) -> str:
    """One step of a road: its title, what is said in it where that matters, and who takes it."""
    flow = model.workflow
    step = flow.steps[act.step]
    said = [t for field, value in act.said if (t := _value(model, (act.step, field), value))]
    if act.kind:
        said.append(model.kinds[act.kind].title)
    if act.corrects and act.corrects[0] == "said":
        fact = flow.steps[act.corrects[1]].fields[act.corrects[2]].title
        said.append(f"{fact}更正为{_value(model, act.corrects[1:], act.into) or act.into}")
    elif act.corrects == OUTCOME:
        said.append(f"情形更正为{model.kinds[act.into].title if act.into else '没有文书的情形'}")
    what = f"“{'、'.join(said)}”" if said else ""
    return f"{step.title}{what}（{flow.roles[step.by[0]]}）"


def _value(model: Model, fact: Var | tuple[str, str], value: str) -> str:
    flow = model.workflow
    known = flow.steps[fact[0]].fields[fact[1]]
    if known.type == "channel":
        return flow.channels[value].title if value in flow.channels else value
    return known.choices.get(value, value)
