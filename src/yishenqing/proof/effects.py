"""What an act makes of each variable of an abstract case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yishenqing.core.workflow import Start, Step
from yishenqing.proof.guarding import View
from yishenqing.proof.model import OTHER, OUTCOME, Var

ELSE: Var = ("",)  # a correction of something that is followed in no variable of its own: a date, a number
_UNTOLD = {"asked": "untold"}  # the way corrected into one that no letter tells


def _main(view: View, _var: Var, old: Any) -> list[Any]:
    return [view.model.workflow.steps[view.act.step].to or old]


def _taken(view: View, var: Var, old: Any) -> list[Any]:
    return [old or view.act.step == var[1]]


def _since(view: View, var: Var, old: Any) -> list[Any]:  # noqa: PLR0911 - one return for each case
    act = view.act
    if act.step == var[1]:
        return [True]
    if len(var) == 3:  # noqa: PLR2004 - since the step itself, whatever it said
        return [old and act.step != var[2]]
    _, _, step, field, values = var
    if not view.model.many(step):  # only the latest entry speaks, and a correction does not move it
        return [old and act.step != step]
    if act.corrects == ("said", step, field):
        return [False, True]
    if act.step != step:
        return [old]
    if dict(act.said).get(field) in values.split("|"):
        return [False]
    return [True] if old else [False, True]  # an entry that said so may have been replaced by another one


def _said(view: View, var: Var, old: Any) -> list[Any]:
    act, many = view.act, view.model.many(var[1])
    if act.corrects == var:
        kept = [old] if not many else [old, old | {act.into}]
        return list(dict.fromkeys(map(plain, (*kept, *((old - {u}) | {act.into} for u in old)))))
    if act.step != var[1]:
        return [old]
    value = dict(act.said)[var[2]]
    new = frozenset({value} if value else ())
    if not many:
        return [new]
    return list(dict.fromkeys(map(plain, (old | new, *((old - {u}) | new for u in old)))))


def plain(said: frozenset[str]) -> frozenset[str]:
    """Leave out what no guard asks for, where something else is said as well."""
    return said - {OTHER} or said


def _outcome(view: View, _var: Var, old: Any) -> list[Any]:
    model, act = view.model, view.act
    step = model.workflow.steps[act.step]
    if act.corrects == OUTCOME:
        if not act.into:
            return [(old[0], _UNTOLD.get(old[1], old[1]))]
        return [(act.into, "asked" if old[1] == "untold" else old[1])]
    if step.outcome:
        return [(model.kind(step.outcome, ""), "fixed")]
    if model.choosing.get(act.step) != "outcome":
        return [old]
    asked = next((g for g in step.guards if g.guard == "evidenced"), None)
    if asked is None:
        return [(act.kind, "unasked")]
    items = bool(asked.step) and view.get(("taken", asked.step))
    return [(act.kind, "items" if items else "asked")]


def _found(view: View, var: Var, old: Any) -> list[Any]:
    act, model = view.act, view.model
    if act.corrects == ELSE and view.get(("taken", model.finding)) is True:
        return [False, True]
    if act.step != model.finding:
        return [old]
    return [True] if act.kind == var[1] else [False, True] if old else [False]


def _side(view: View, var: Var, old: Any) -> list[Any]:
    turn = view.model.workflow.steps[view.act.step].side
    if turn is None or turn.of != var[1] or not turn.to:
        return [old]
    now = [*old]
    if turn.at:
        now.remove(view.act.pick)
    if not view.model.workflow.sides[turn.of].states[turn.to].final:
        now.append(turn.to)
    return [tuple(sorted(now))]


def _ended(view: View, var: Var, old: Any) -> list[Any]:
    turn = view.model.workflow.steps[view.act.step].side
    return [old or (turn is not None and (turn.of, turn.to) == var[1:])]


def _clock(view: View, var: Var, old: Any) -> list[Any]:
    flow = view.model.workflow
    step = flow.steps[view.act.step]
    if view.act.step == flow.correcting:
        if view.act.corrects != ELSE and view.act.corrects[1:2] != (flow.opening,):
            return [old]
        return ["running", "stopped"] if old in ("running", "stopped") else [old]
    now = {old}
    for word, effect in step.effects():
        if effect.clock != var[1]:
            continue
        if isinstance(effect, Start):
            now = {after for before in now for after in _started(view, step, effect, before)}
        elif word in ("meets", "closes"):
            now = {"none" if s == "none" else "over" for s in now}
        elif word == "stops":
            kept = {s for s in now if s == "none" or getattr(effect, "within", "")}
            now = kept | ({"stopped"} if now != {"none"} else set())
    return sorted(now)


def _started(view: View, step: Step, effect: Start, before: str) -> set[str]:
    if effect.only_if_stopped and before != "stopped":
        return {before}
    undated = effect.until and effect.until not in step.needs
    unsure = any((effect.if_remedy, effect.if_true, effect.unless_true, effect.same_as, undated))
    after = {"running"}
    channels = view.model.workflow.channels.values()
    if effect.counted_from == "receipt" and any(c.receipt == "confirmed_on" for c in channels):
        after = {"running", "stopped"}  # some ways in must be confirmed first
    return after | ({before} if unsure else set())


EFFECTS: Mapping[str, Callable[[View, Var, Any], list[Any]]] = {
    "main": _main,
    "taken": _taken,
    "since": _since,
    "said": _said,
    "outcome": _outcome,
    "found": _found,
    "side": _side,
    "ended": _ended,
    "clock": _clock,
}
