"""Each word of an invariant carried out: what would break it, and the roads on which it is broken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from msgspec import Struct

from yishenqing.core.workflow import Guard
from yishenqing.proof import structure
from yishenqing.proof.exploring import Bad, Road, Walked, escaping, refuted, road_to
from yishenqing.proof.guarding import NO, YES, View, judged, says
from yishenqing.proof.laws import Escape, Invariant
from yishenqing.proof.model import MAIN, OUTCOME, Model, Values, Var, since_said
from yishenqing.proof.moving import Moves


class Break(Struct, frozen=True):
    """One way in which an invariant is broken: what, where in the workflow, and the shortest road to it."""

    text: str = ""
    place: str = ""
    road: Road = ()


class Verdict(Struct):
    """What the exploration found of one invariant."""

    configurations: int = 0
    transitions: int = 0
    breaks: tuple[Break, ...] = ()

    def count(self, walked: Walked) -> Walked:
        """Add what was walked; hand it on."""
        self.configurations += len(walked.parents)
        self.transitions += walked.transitions
        return walked


def verdict_on(model: Model, law: Invariant, letters: Mapping[str, bool]) -> Verdict:
    """Return whether every case keeps ``law``; ``letters``: the known kinds, and whether each must be asked for."""
    found = Verdict()
    word = law.words[0]
    if word in _STRUCTURE:
        found.breaks = tuple(Break(text, place) for place, text in _STRUCTURE[word](model.workflow))
    elif word == "letters":
        found.breaks = tuple(Break(text, place) for place, text in structure.letters(model.workflow, letters))
    elif law.two_people is not None:
        found.breaks = tuple(Break(t, p) for p, t in structure.two_people(model.workflow, law.two_people))
    else:
        found.breaks = tuple(_EXPLORED[word](model, law, found))
    return found


# --- never: a bad act ----------------------------------------------------------------------------------------


def _refuted(model: Model, law: Invariant, found: Verdict, bad: Bad, at: Collection[str]) -> Iterator[Break]:
    walked = found.count(refuted(model, model.wanted(law), bad, at))
    if walked.road is not None:
        yield Break(road=walked.road)


def _gives(after: View) -> bool:
    chosen = after.get(OUTCOME)
    return chosen is not None and after.model.kinds[chosen[0]].gives


def _before(model: Model, law: Invariant, found: Verdict) -> Iterator[Break]:
    before = law.before
    assert before is not None  # noqa: S101 - the word is before
    flow = model.workflow
    for name, exempt in before.exempt.items():
        lacking = [f for f in exempt.needs if f not in flow.steps[name].needs]
        yield from (Break(f"“{flow.steps[name].title}”须以“{f}”为必填事实", f"steps.{name}") for f in lacking)

    def did(after: View, step: str) -> bool:
        return bool(after.get(("since", step, before.since) if before.since else ("taken", step)))

    at = {n for n, s in flow.steps.items() if n in before.steps or s.to in before.states} - before.exempt.keys()

    def bad(_: View, after: View) -> bool:
        if before.gives and not _gives(after):
            return False
        kept = all(did(after, s) for s in before.requires)
        kept = kept and (not before.any_of or any(did(after, s) for s in before.any_of))
        return not (kept and (before.says is None or says(after, before.says) == YES))

    yield from _refuted(model, law, found, bad, at)


def _settled(model: Model, law: Invariant, found: Verdict) -> Iterator[Break]:
    settled = law.settled
    assert settled is not None  # noqa: S101 - the word is settled
    for side in settled.sides:

        def bad(before: View, after: View, side: str = side) -> bool:
            given = not settled.gives or _gives(after)
            return given and bool(before.get(("side", side)))

        variables: tuple[Var, ...] = (("side", side), *((OUTCOME,) if settled.gives else ()))
        walked = found.count(refuted(model, variables, bad, settled.steps))
        if walked.road is not None:
            yield Break(f"“{model.workflow.sides[side].title}”尚未结束", f"sides.{side}", walked.road)


def _never(model: Model, law: Invariant, found: Verdict) -> Iterator[Break]:
    never = law.never
    assert never is not None  # noqa: S101 - the word is never

    def bad(before: View, _after: View) -> bool:
        chosen = before.get(OUTCOME)
        if chosen is None or never.outcome not in {o for o, _ in model.kinds[chosen[0]].members}:
            return False
        since = bool(never.unless) and before.get(since_said(never.unless, never.says))
        return says(before, never.says) != NO and not since

    yield from _refuted(model, law, found, bad, never.steps)


def _evidence(model: Model, law: Invariant, found: Verdict) -> Iterator[Break]:
    """Explored for each kind and each part of its evidence by itself: together they hold if each of them does."""
    asked = law.evidence
    assert asked is not None  # noqa: S101 - the word is evidence
    for kind in model.kinds.values():
        for needed in (None, *(kind.evidence or ())):
            bad = partial(_unevidenced, kind.key, needed)
            variables: set[Var] = {OUTCOME}
            if needed is not None:
                variables |= {("found", kind.key), *model.asked(needed)}
            walked = found.count(refuted(model, sorted(variables), bad, asked.steps, {kind.key}))
            if walked.road is not None:
                yield Break(f"“{kind.title}”的证据不齐", f"outcomes.{kind.key}", walked.road)
                break


def _unevidenced(key: str, needed: Guard | None, before: View, _after: View) -> bool:
    """Tell whether an outcome of the kind is signed without one part of its evidence (None: without being asked)."""
    chosen = before.get(OUTCOME)
    if chosen is None or chosen[1] == "fixed":
        return False
    if needed is None:
        return bool(chosen[0] == key) and chosen[1] in ("unasked", "untold")
    if chosen[1] == "untold":
        return False
    mine = before.get(("found", key)) if chosen[1] == "items" else chosen[0] == key
    return bool(mine) and judged(before, needed) == NO


# --- reachable, and able to end ------------------------------------------------------------------------------


def _reachable(model: Model, _law: Invariant, found: Verdict) -> Iterator[Break]:
    for place, text, variables, goal, at in _goals(model):
        if found.count(refuted(model, variables, goal, at, {place.removeprefix("outcomes.")})).road is None:
            yield Break(text, place)


def _goals(model: Model) -> Iterator[tuple[str, str, tuple[Var, ...], Bad, list[str]]]:
    """Yield what must be reachable: place, what is said otherwise, variables, when it is reached, where."""
    flow = model.workflow
    for name, state in flow.states.items():
        at = [n for n, s in flow.steps.items() if s.to == name]
        if name != flow.initial:
            yield f"states.{name}", f"状态“{state.title}”无法到达", (MAIN,), _here, at
    for kind, side in flow.sides.items():
        for name, one in side.states.items():
            at = [n for n, s in flow.steps.items() if s.side and (s.side.of, s.side.to) == (kind, name)]
            text = f"“{side.title}”的“{one.title}”无法到达"
            yield f"sides.{kind}.states.{name}", text, (("side", kind),), _here, at
    issuing = [n for n, s in flow.steps.items() if s.letter == "by_outcome"]
    for key, chosen in model.kinds.items() if issuing else ():  # 旧台账: its letters were made elsewhere
        if chosen.members:
            text = f"办理结果“{chosen.title}”无法签发"
            yield f"outcomes.{key}", text, (OUTCOME,), partial(_chosen, key), issuing


def _here(_before: View, _after: View) -> bool:
    return True


def _chosen(key: str, before: View, _after: View) -> bool:
    chosen = before.get(OUTCOME)
    return chosen is not None and bool(chosen[0] == key)


def _reaches_end(model: Model, law: Invariant, found: Verdict) -> Iterator[Break]:
    escape = law.reaches_end or Escape()
    flow = model.workflow

    def ended(moves: Moves, values: Values) -> bool:
        return flow.states[moves.main(values)].final

    def allowed(step: str, _state: str) -> bool:
        return step not in escape.without

    walked = found.count(escaping(model, (), ended, allowed, escape.moot))
    yield from _stuck(model, walked, "自“{}”无法走到终点")
    if not walked.stuck:
        reached = {walked.moves.main(v) for v in walked.parents}
        dead = {n for n, s in flow.states.items() if not s.final} - reached
        yield from (
            Break(f"状态“{flow.states[n].title}”无法到达，也就无法走到终点", f"states.{n}") for n in sorted(dead)
        )


def _sides_end(model: Model, law: Invariant, found: Verdict) -> Iterator[Break]:
    escape = law.sides_end or Escape()
    for kind, side in model.workflow.sides.items():
        var = ("side", kind)

        def settled(moves: Moves, values: Values, var: Var = var) -> bool:
            return not values[moves.places[var]]

        def allowed(step: str, _state: str) -> bool:
            return step not in escape.without

        # No guard on other proceedings may be leaned on: each kind is ended by itself, one after another.
        walked = found.count(escaping(model, (var,), settled, allowed, model.workflow.states))
        walked.stuck = [v for v in walked.stuck if walked.moves.main(v) not in escape.moot]
        yield from _stuck(model, walked, f"“{side.title}”在“{{}}”无法结束")


def _stuck(model: Model, walked: Walked, text: str) -> Iterator[Break]:
    """Name each state in which a case is stuck once, with the shortest road there."""
    seen = set()
    for values in walked.stuck:  # in the order in which they were reached: the nearest first
        state = walked.moves.main(values)
        if state not in seen:
            seen.add(state)
            title = model.workflow.states[state].title
            yield Break(text.format(title), f"states.{state}", road_to(walked, values))


_STRUCTURE = {
    "owned": structure.owned,
    "clocked": structure.clocked,
    "annual_row": structure.annual_row,
}
_EXPLORED: Mapping[str, Callable[[Model, Invariant, Verdict], Iterator[Break]]] = {
    "before": _before,
    "settled": _settled,
    "never": _never,
    "evidence": _evidence,
    "reachable": _reachable,
    "reaches_end": _reaches_end,
    "sides_end": _sides_end,
}
