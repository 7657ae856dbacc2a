"""Everywhere that a case can get to, and the shortest road to where it should not.

An invariant is first explored with its own variables alone; what is not tracked is possible both ways. A road that
breaks it is walked again with every variable; where a guard then refuses, the guard's variables are tracked as well.
So no break is missed (less tracked means more possible), and none is shown that the guards exclude.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct, field

from yishenqing.proof.guarding import NO, YES, Act, View, verdict
from yishenqing.proof.model import Model, Values, Var
from yishenqing.proof.moving import Moves, put

Road = tuple[Act, ...]
Bad = Callable[[View, View], bool]  # the case before the act, and after it


class Walked(Struct):
    """What was explored for one invariant."""

    moves: Moves
    parents: dict[Values, tuple[Values, Act] | None]
    transitions: int
    road: Road | None = None  # the shortest road that breaks the invariant
    at: Values | None = None
    stuck: list[Values] = field(default_factory=list)


def explored(moves: Moves, bad: Bad | None = None, at: Collection[str] = ()) -> Walked:
    """Walk everywhere, nearest first; stop at the first of the steps ``at`` that is bad."""
    start = moves.initial()
    walked = Walked(moves, {start: None}, 0)
    parents, todo = walked.parents, [start]
    for values in todo:  # grows while it is read: breadth first
        for act, changes in moves.next(values):
            for change in changes:
                walked.transitions += 1
                kept = put(values, change.kept) if change else values
                if kept not in parents:
                    parents[kept] = (values, act)
                    todo.append(kept)
                if bad is None or act.step not in at:
                    continue
                after = put(values, change.written) if change else values
                if bad(moves.view(values, act), moves.view(after, act)):
                    walked.road, walked.at = (*road_to(walked, values), act), kept
                    return walked
    return walked


def road_to(walked: Walked, values: Values) -> Road:
    """Return the shortest road to an explored case."""
    road: list[Act] = []
    while (came := walked.parents[values]) is not None:
        values, act = came
        road.append(act)
    return tuple(reversed(road))


def refuted(
    model: Model, variables: Iterable[Var], bad: Bad, at: Collection[str], apart: Collection[str] = ()
) -> Walked:
    """Explore until no road breaks the invariant, or one does that every guard lets pass."""
    looked = frozenset(variables)
    tracked = model.closed(looked)
    while True:
        moves = Moves(model, tracked, looks=dict.fromkeys(at, looked), apart=apart)
        walked = explored(moves, bad, at)
        if walked.road is None:
            return walked
        more = replayed(walked, walked.road, bad) - set(tracked)
        if not more:
            return walked
        tracked = model.closed((*tracked, *more))


def replayed(walked: Walked, road: Road, bad: Bad | None = None) -> set[Var]:
    """Walk a road with every variable tracked; return what the guards that refused it asked for."""
    moves = walked.moves
    whole = Moves(moves.model, (*moves.variables, *(v for v in moves.model.everything() if v not in moves.places)))
    ahead = {whole.initial()}
    for number, act in enumerate(road):
        last = number == len(road) - 1
        reached: set[Values] = set()
        refusing: set[Var] = set()
        for values in ahead:
            for finer in whole.acts(values):
                if not _same(finer, act):
                    continue
                if refusal := _refusal(whole, values, finer):
                    refusing |= refusal
                    continue
                reached |= {
                    after
                    for after in whole.results(values, finer)
                    if not last or bad is None or bad(whole.view(values, finer), whole.view(after, finer))
                }
        if not reached:
            return refusing
        ahead = reached
    return set()


def _same(finer: Act, act: Act) -> bool:
    """Tell whether an act that says more is the act of the road."""
    return (
        finer.step == act.step
        and act.kind in ("", finer.kind)
        and act.pick in ("", finer.pick)
        and set(act.said) <= set(finer.said)
        and (act.corrects == finer.corrects or not act.corrects)
        and act.into == finer.into
    )


def _refusal(moves: Moves, values: Values, act: Act) -> set[Var]:
    view = moves.view(values, act)
    return view.read if verdict(view) == NO else set()


# --- every case can still reach an end -----------------------------------------------------------------------

Allowed = Callable[[str, str], bool]  # step, and the state it is taken in
Goal = Callable[[Moves, Values], bool]


def escaping(model: Model, variables: Iterable[Var], goal: Goal, allowed: Allowed, moot: Iterable[str]) -> Walked:
    """Find the cases from which an office that wants to cannot reach the goal by steps that are certain.

    Untracked guards are not certain; what they ask for is tracked, until nothing more is asked.
    """
    kept, over = frozenset(variables), frozenset(moot)
    tracked = model.closed(kept)
    while True:
        moves = Moves(model, tracked, looks={}, kept=kept)
        walked = explored(moves)
        good, asked = _backwards(moves, walked, goal, allowed, over)
        walked.stuck = [v for v in walked.parents if v not in good]
        more = {v for v in asked if v not in moves.places}
        if not walked.stuck or not more:
            return walked
        tracked = model.closed((*tracked, *more))


def _backwards(
    moves: Moves, walked: Walked, goal: Goal, allowed: Allowed, moot: frozenset[str]
) -> tuple[set[Values], set[Var]]:
    """Return the cases from which the goal is reached for certain, and what would have to be known to say more."""
    good = {v for v in walked.parents if goal(moves, v)}
    ways = {v: [*_ways(moves, v, allowed, moot)] for v in walked.parents if v not in good}
    growing = True
    while growing:
        fresh = {
            v for v, some in ways.items() if v not in good and any(not a and good.issuperset(r) for r, a in some)
        }
        good |= fresh
        growing = bool(fresh)
    helpful = [a for v, some in ways.items() if v not in good for r, a in some if good.issuperset(r)]
    return good, min(helpful, key=lambda a: (len(a), sorted(a)), default=set())  # one question at a time


def _ways(
    moves: Moves, values: Values, allowed: Allowed, moot: frozenset[str]
) -> Iterator[tuple[list[Values], set[Var]]]:
    """Yield what each allowed act leads to, with what is not known of its guards (nothing: it is certain)."""
    main = moves.main(values)
    for act in moves.acts(values):
        view = moves.view(values, act, must=True, moot=main in moot)
        if not allowed(act.step, main) or (found := verdict(view)) == NO:
            continue
        unknown = {v for v in view.read if v not in moves.places}
        if found == YES or unknown:
            results = [moves.forgetting(v) for v in moves.results(values, act)]
            yield results, set() if found == YES else unknown
