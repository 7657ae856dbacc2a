"""Each guard's word, judged on an abstract case: certain, possible, or refused.

What the person at the desk chooses (a date, a number, a text, who acts) is taken as chosen well. What only the
calendar decides is possible both ways. What is not tracked is possible both ways, and remembered as asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from yishenqing.core.workflow import Guard, Said
from yishenqing.proof.model import OUTCOME, Kind, Model, Values, Var, since_said

NO, MAYBE, YES = 0, 1, 2
UNKNOWN = object()


class Act(Struct, frozen=True):
    """A step as the proof sees it: what is said in it, the kind of outcome, which proceeding it moves."""

    step: str
    said: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    pick: str = ""
    corrects: Var = ()  # a correction: the variable, and what it becomes
    into: str = ""


class Remembered:
    """Whether the evidence of each kind is in the file, asked once where all that it looks at is the same."""

    def __init__(self, model: Model, places: Mapping[Var, int]) -> None:
        """Find what the evidence of each kind looks at, of what is tracked."""
        self._looks = {
            kind.key: [places[v] for v in dict.fromkeys(model.evidence_of(kind)) if v in places]
            for kind in model.kinds.values()
            if not any(g.guard in _OF_THE_ACT for g in kind.evidence or ())
        }
        self._known: dict[Any, int] = {}

    def of(self, view: View, kind: Kind) -> int:
        """Return whether the evidence is in the file."""
        places = self._looks.get(kind.key)
        if places is None:
            return _evidence_of(view, kind)
        key = (kind.key, *[view.values[n] for n in places])
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _evidence_of(view, kind)
        return found


_OF_THE_ACT = frozenset({"once", "releases", "evidenced", "still_evidenced", "composes"})  # look at the act besides


class View(Struct):
    """An abstract case as one act looks at it, with what was looked at."""

    model: Model
    places: Mapping[Var, int]
    values: Values
    act: Act
    must: bool = False  # by an office that wants to: what can be made to hold, holds
    moot: bool = False  # side proceedings still open do not matter any more
    evidence: Remembered | None = None  # where only the verdict counts, and not what was looked at
    read: set[Var] = field(default_factory=set)

    def get(self, var: Var) -> Any:
        """Return the value, or UNKNOWN where it is not tracked."""
        self.read.add(var)
        place = self.places.get(var)
        return UNKNOWN if place is None else self.values[place]


def verdict(view: View) -> int:
    """Return whether the act's guards and its side proceeding let it pass."""
    step = view.model.workflow.steps[view.act.step]
    found = _turn(view)
    if found == NO:
        return NO
    asked = set(view.read)
    for guard in step.guards:
        view.read = set()
        one = judged(view, guard)
        if one == NO:  # one refusal is enough, and what it looked at is all that need be known
            return NO
        if one == MAYBE:
            asked |= view.read
        found = min(found, one)
    view.read = asked
    return found


def judged(view: View, guard: Guard) -> int:
    """Return what one guard says; one that does not speak here says yes."""
    if guard.where is not None or guard.unless_true:  # the act's own words: whoever takes it chooses them
        return YES if view.must else max(_spoken(view, guard), MAYBE)
    return _spoken(view, guard)


def _spoken(view: View, guard: Guard) -> int:
    if guard.when is not None:
        speaks = says(view, guard.when)
        if speaks == NO:
            return YES
        return max(_WORDS[guard.guard](view, guard), MAYBE if speaks == MAYBE else NO)
    return _WORDS[guard.guard](view, guard)


def evidenced(view: View, kind: Kind) -> int:
    """Return whether the evidence of an outcome is in the file."""
    return _evidence_of(view, kind) if view.evidence is None else view.evidence.of(view, kind)


def _evidence_of(view: View, kind: Kind) -> int:
    if kind.evidence is None:
        return NO
    before, least = set(view.read), YES
    asked = set(before)
    for guard in kind.evidence:
        view.read = set(before)
        one = judged(view, guard)
        if one == NO:
            return NO
        asked |= view.read if one == MAYBE else set()
        least = min(least, one)
    view.read = asked
    return least


def _best(view: View) -> int:
    """Whoever chooses the outcome chooses one whose evidence is in the file."""
    kinds = view.model.kinds.values()
    if any(k.evidence == () for k in kinds):
        return YES
    return max((evidenced(view, k) for k in kinds), default=YES)


def _turn(view: View) -> int:
    turn = view.model.workflow.steps[view.act.step].side
    if turn is None:
        return YES
    now = view.get(("side", turn.of))
    if now is UNKNOWN:
        return MAYBE
    if turn.at:
        return YES if set(turn.at) & set(now) else _ended(view, bool(now))
    return YES if len(now) < view.model.most(turn.of) else NO


def _ended(view: View, others: bool) -> int:  # noqa: FBT001 - whether another one is still open
    """A step may use a proceeding that has come to its end, unless it has been opened anew (not tracked by id)."""
    ended = [_truth(view.get(var)) for var in view.model.ended(view.act.step)]
    return min(max(ended, default=NO), MAYBE if others else YES)


def _truth(value: Any, *, wanted: bool = True) -> int:
    if value is UNKNOWN:
        return MAYBE
    return YES if bool(value) is wanted else NO


def says(view: View, said: Said) -> int:
    """Return whether an earlier entry says so."""
    if not said.values:  # that the step was taken at all
        return _truth(view.get(("taken", said.step)))
    var = view.model.heard(said)
    value = view.get(var)
    if value is UNKNOWN:
        return MAYBE
    if var != OUTCOME:
        return YES if value & set(said.values) else NO
    if value is None:
        return NO
    members = {outcome for outcome, _ in view.model.kinds[value[0]].members}
    inside = members & set(said.values)
    return MAYBE if value[1] == "fixed" or (inside and inside != members) else YES if inside else NO


def _said(view: View, guard: Guard) -> int:
    if guard.said is None:
        return YES
    return max(says(view, guard.said), *(_truth(view.get(("taken", step))) for step in guard.also), NO)


def _once(view: View, guard: Guard) -> int:
    once = _truth(view.get(("taken", view.act.step)), wanted=False)
    return max(once, MAYBE) if guard.step else once  # once since another step: which came last is not tracked


def _after(view: View, guard: Guard) -> int:
    when = guard.when
    if guard.also:
        return max(_truth(view.get(("taken", step))) for step in (guard.step, *guard.also))
    return _truth(view.get(since_said(guard.step, when) if when and when.step else ("taken", guard.step)))


def _unless(view: View, guard: Guard) -> int:
    return _truth(view.get(("taken", guard.step)), wanted=False)


def _running(view: View, guard: Guard) -> int:
    state = view.get(("clock", guard.clock))
    if state is UNKNOWN or (state == "running" and view.model.workflow.clocks[guard.clock].expires_as == "lapsed"):
        return MAYBE
    return YES if state == "running" else NO


def _stopped(view: View, guard: Guard) -> int:
    state = view.get(("clock", guard.clock))
    return MAYBE if state is UNKNOWN else YES if state == "stopped" else NO


def _past(view: View, _guard: Guard) -> int:
    return YES if view.must else MAYBE  # whoever waits sees the last day pass


def _within(view: View, guard: Guard) -> int:
    return YES if view.must and guard.field else MAYBE  # a date that is given is one that fits


def _possible(_view: View, _guard: Guard) -> int:
    return MAYBE


def _chosen(_view: View, _guard: Guard) -> int:
    return YES


def _recorded(view: View, guard: Guard) -> int:
    return min(MAYBE, _truth(view.get(("taken", guard.step))))


def _concluded(view: View, guard: Guard) -> int:
    if view.model.workflow.sides[guard.side].states[guard.state].final:
        return _truth(view.get(("ended", guard.side, guard.state)))
    now = view.get(("side", guard.side))
    return MAYBE if now is UNKNOWN else YES if guard.state in now else NO


def _settled(view: View, guard: Guard) -> int:
    now = view.get(("side", guard.side))
    if now is UNKNOWN:  # that each can be settled first is shown for each kind by itself (see escaping)
        return YES if view.must and not view.moot else MAYBE
    return NO if now else YES


def _releases(view: View, guard: Guard) -> int:
    said = dict(view.act.said).get(guard.field)
    if said is None or said == guard.value:
        return YES
    chosen = view.get(OUTCOME)
    if chosen is UNKNOWN:
        return MAYBE
    return NO if chosen is not None and view.model.kinds[chosen[0]].gives else YES


def _evidenced(view: View, guard: Guard) -> int:
    if not view.act.kind:
        return _best(view)
    kind = view.model.kinds[view.act.kind]
    if not guard.step:
        return evidenced(view, kind)
    items = view.get(("taken", guard.step))
    if items is UNKNOWN:
        return MAYBE
    return _of_items(view) if items else evidenced(view, kind)


def _of_items(view: View) -> int:
    """Every finding that stands is evidenced; an office that wants to finds each item anew."""
    if view.must:
        return _best(view)
    before, least = set(view.read), YES
    asked = set(before)
    for kind in view.model.kinds.values():
        view.read = set(before)
        stands = view.get(("found", kind.key))
        if stands is False:
            continue
        one = evidenced(view, kind)
        if one == NO and stands is True:
            return NO
        least = min(least, max(one, MAYBE))
        asked |= view.read
    view.read = asked
    return least


def _still_evidenced(view: View, _guard: Guard) -> int:
    chosen = view.get(OUTCOME)
    if chosen is UNKNOWN:
        return MAYBE
    if chosen is None or chosen[1] in ("fixed", "unasked", "untold"):
        return NO if chosen is not None and chosen[1] == "untold" else YES
    kind = view.model.kinds[chosen[0]]
    return min(_composed(view, kind), _of_items(view)) if chosen[1] == "items" else evidenced(view, kind)


def _composes(view: View, guard: Guard) -> int:
    items = view.get(("taken", guard.step))
    if items is UNKNOWN or view.must or not view.act.kind or not items:
        return MAYBE if items is UNKNOWN and not view.must else YES
    return _composed(view, view.model.kinds[view.act.kind])


def _composed(view: View, kind: Kind) -> int:
    """The outcome is one that was found of an item; the mixed one asks for an item that gives something."""
    if view.must:
        return YES
    stands = [_truth(view.get(("found", key))) for key in view.model.found_in(kind)]
    return min(MAYBE, max(stands, default=NO))


_WORDS: Mapping[str, Callable[[View, Guard], int]] = {
    "once": _once,
    "after": _after,
    "unless": _unless,
    "within": _within,
    "past": _past,
    "elapsed": _past,
    "beyond": _chosen,
    "same": _chosen,
    "among": _chosen,
    "cites": _chosen,
    "running": _running,
    "stopped": _stopped,
    "at_most": _chosen,
    "not_before": _chosen,
    "another_person": _chosen,
    "agrees": _chosen,
    "evidenced": _evidenced,
    "still_evidenced": _still_evidenced,
    "composes": _composes,
    "releases": _releases,
    "stated": _chosen,
    "recorded": _recorded,
    "said": _said,
    "sources": _recorded,
    "each": _possible,
    "counted": _chosen,
    "concluded": _concluded,
    "settled": _settled,
    "correctable": _chosen,
    "in_force": _chosen,
}
