"""What may be done in an abstract case, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from operator import itemgetter
from typing import Any

from msgspec import Struct, field

from yishenqing.proof.effects import EFFECTS, ELSE
from yishenqing.proof.guarding import NO, Act, Remembered, View, verdict
from yishenqing.proof.model import MAIN, OUTCOME, Model, Values, Var

_CORRECTABLE = ("text", "choice", "channel", "outcome")


Pairs = Sequence[tuple[int, Any]]  # a place among the values, and what stands there


class Change(Struct, frozen=True):
    """What an act makes of a case: what it writes, and that together with what is forgotten where it leads."""

    written: Pairs
    kept: Pairs


class _Way(Struct, frozen=True):
    """An act with what its guards look at, what it touches, and what has been found of either."""

    act: Act
    looks: Callable[[Values], Any]
    touched: Sequence[int]
    before: Callable[[Values], Any]  # what it touches, the state, whether items have been found: all that counts
    passes: dict[Any, bool] = field(default_factory=dict)
    changes: dict[Any, list[Change | None]] = field(default_factory=dict)


def put(values: Values, pairs: Pairs) -> Values:
    """Return the case with other values in some places."""
    after = [*values]
    for n, value in pairs:
        after[n] = value
    return tuple(after)


def _picker(places: Sequence[int]) -> Callable[[Values], Any]:
    """Return what picks the values in these places, as a key."""
    return itemgetter(*places) if places else lambda _: ()


class Moves:
    """The acts of a workflow, as far as they touch the variables that are tracked."""

    def __init__(
        self,
        model: Model,
        variables: Sequence[Var],
        looks: Mapping[str, frozenset[Var]] | None = None,
        kept: Iterable[Var] = (),
        apart: Collection[str] = (),
    ) -> None:
        """Sort the steps by the state they leave from, leaving out those that change nothing tracked.

        With ``looks`` (what an invariant looks at when a step is taken), what no step can ask for any more is
        forgotten, except what is ``kept``; kinds of outcome that nothing tracked tells apart are one, except those
        ``apart``.
        """
        self.model, self.variables = model, tuple(variables)
        self.places = {v: n for n, v in enumerate(self.variables)}
        self._main = self.places.get(MAIN, 0)
        flow = model.workflow
        touched_by = [(n, model.touched_by(var)) for n, var in enumerate(self.variables)]
        changing = set().union(*(steps for _, steps in touched_by))
        touching = {n: s for n, s in flow.steps.items() if s.to or n in changing}
        self._from: dict[str, list[str]] = {state: [] for state in flow.states}
        for name, step in touching.items():
            for state in step.from_ or (flow.initial,):
                self._from[state].append(name)
        self._touched = {
            name: [n for n, by in touched_by if name == flow.correcting or n == self._main or name in by]
            for name in touching
        }
        # What an effect looks at besides the variable itself: whether items have been found.
        self._items = self.places.get(("taken", model.finding))
        self._asked = {name: self._placed(model.reads(name)) for name in touching}
        self._sides = [n for n, var in enumerate(self.variables) if var[0] == "side"]
        self._situation = _picker([self._main, *self._sides])
        # The corrections that are possible hang on what has been said, and on the outcome.
        self._correctable = [n for n, var in enumerate(self.variables) if var[0] in ("said", "outcome")]
        self._said_so_far = _picker(self._correctable)
        self._plain_ways: dict[Any, list[_Way]] = {}
        self._correcting_ways: dict[Any, list[_Way]] = {}
        self._corrected: dict[tuple[Var, Any], list[_Way]] = {}
        self._ways: dict[int, _Way] = {}  # acts are kept for good, so that each is known by its id
        self._alike = self._merged(apart) if looks is not None and not kept else {k: k for k in model.kinds}
        self._said = {n: self._sayings(n) for n in touching}
        self._evidence = Remembered(model, self.places)
        self._forgotten = {} if looks is None else self._dead(looks, frozenset(kept))

    def initial(self) -> Values:
        """Return the case before its first step."""
        return self.model.initial(self.variables)

    def main(self, values: Values) -> str:
        """Return the state of the case."""
        return str(values[self.places[MAIN]])

    def view(self, values: Values, act: Act, *, must: bool = False, moot: bool = False) -> View:
        """Return the case as the act looks at it."""
        return View(self.model, self.places, values, act, must, moot)

    def next(self, values: Values) -> Iterator[tuple[Act, list[Change | None]]]:
        """Yield every act that may be possible, with everything that may become of the case (None: it stays)."""
        for way in self._open(values):
            looked = way.looks(values)
            passes = way.passes.get(looked)
            if passes is None:
                view = View(self.model, self.places, values, way.act, evidence=self._evidence)
                passes = way.passes[looked] = verdict(view) != NO
            if passes:
                yield way.act, self._changes(way, values)

    def _placed(self, variables: Iterable[Var]) -> list[int]:
        """Return the places of those that are tracked."""
        return sorted(self.places[v] for v in variables if v in self.places)

    def acts(self, values: Values) -> Iterator[Act]:
        """Yield the acts of the state, whatever the guards say."""
        yield from (way.act for way in self._open(values))

    def _open(self, values: Values) -> list[_Way]:
        """Return the ways out of a case, corrections last."""
        situation = self._situation(values)
        found = self._plain_ways.get(situation)
        if found is None:
            found = self._plain_ways[situation] = [self._way(act) for act in self._plain_acts(values)]
        if self.model.workflow.correcting not in self._from[values[self._main]]:
            return found
        said = self._said_so_far(values)
        more = self._correcting_ways.get(said)
        if more is None:
            more = self._correcting_ways[said] = [*self._corrections(values, self.model.workflow.correcting)]
        return found + more

    def _way(self, act: Act) -> _Way:
        touched = self._touched_by(act)
        beside = [n for n in (self._main, self._items) if n is not None and n not in touched]
        way = _Way(act, _picker(self._asked[act.step]), touched, _picker([*touched, *beside]))
        self._ways[id(act)] = way
        return way

    def _plain_acts(self, values: Values) -> Iterator[Act]:
        for name in self._from[self.main(values)]:
            if name == self.model.workflow.correcting:
                continue
            turn = self.model.workflow.steps[name].side
            picks: Sequence[str] = ("",)
            if turn is not None and turn.at and ("side", turn.of) in self.places:
                picks = sorted(set(turn.at) & set(values[self.places["side", turn.of]])) or ("",)
            for said, kind in self._said[name]:
                yield from (Act(name, said, kind, pick) for pick in picks)

    def results(self, values: Values, act: Act) -> list[Values]:
        """Return every case that the act may lead to."""
        changes = self._changes(self._ways[id(act)], values)
        return [put(values, change.written) if change else values for change in changes]

    def _changes(self, way: _Way, values: Values) -> list[Change | None]:
        """What may become of the variables that the act touches; asked once for the same act and the same values."""
        before = way.before(values)
        known = way.changes.get(before)
        if known is None:
            known = way.changes[before] = [self._change(way, values, chosen) for chosen in self._chosen(way, values)]
        return known

    def _chosen(self, way: _Way, values: Values) -> Iterator[tuple[Any, ...]]:
        view = self.view(values, way.act)
        return product(*(EFFECTS[self.variables[n][0]](view, self.variables[n], values[n]) for n in way.touched))

    def _change(self, way: _Way, values: Values, chosen: tuple[Any, ...]) -> Change | None:
        written = dict(zip(way.touched, chosen, strict=True))
        if all(values[n] == value for n, value in written.items()):
            return None
        leads_to = str(written.get(self._main, values[self._main]))
        forgotten = self._forgotten.get(leads_to, ())
        return Change(tuple(written.items()), tuple({**written, **dict(forgotten)}.items()))

    def _touched_by(self, act: Act) -> list[int]:
        """The variables that the act may change; a correction changes what hangs on the fact that it corrects."""
        if not act.corrects:
            return self._touched[act.step]
        return [n for n, var in enumerate(self.variables) if _hangs_on(self.model, var, act)]

    def forgetting(self, values: Values) -> Values:
        """Return the case without what no step can ask for any more."""
        fresh = self._forgotten.get(values[self._main])
        return put(values, fresh) if fresh else values

    def _dead(self, looks: Mapping[str, frozenset[Var]], kept: frozenset[Var]) -> dict[str, list[tuple[int, Any]]]:
        """For each state, the variables not asked for again before they are written anew, and what they become."""
        flow, tracked = self.model.workflow, set(self.variables)
        reads = {
            n: (self.model.reads(n) | looks.get(n, frozenset())) & tracked
            for names in self._from.values()
            for n in names
        }
        writes = {n: {v for v in tracked if _rewrites(self.model, v, n)} for n in reads}
        live: dict[str, set[Var]] = {state: set() for state in flow.states}
        growing = True
        while growing:
            before = sum(map(len, live.values()))
            for state, names in self._from.items():
                for name in names:
                    live[state] |= reads[name] | (live[flow.steps[name].to or state] - writes[name])
            growing = sum(map(len, live.values())) > before
        held = {MAIN, *kept}
        start = self.initial()
        return {
            state: [(n, start[n]) for n, v in enumerate(self.variables) if v not in held and v not in alive]
            for state, alive in live.items()
        }

    def _sayings(self, name: str) -> list[tuple[tuple[tuple[str, str], ...], str]]:
        """What may be said in a step, as far as it is told apart."""
        model, step = self.model, self.model.workflow.steps[name]
        fields = [v[2] for v in self.variables if v[0] == "said" and v[1] == name]
        values = [
            [(f, value) for value in (*_possible(model, name, f), *(("",) if f in step.may else ()))] for f in fields
        ]
        follows = name in model.choosing and any(v == OUTCOME or v[0] == "found" for v in self.variables)
        known = dict.fromkeys(self._alike[k.key] for k in model.kinds.values() if k.evidence is not None)
        kinds = [*known] if follows else [""]
        return [(said, kind) for said in product(*values) for kind in kinds]

    def alike(self, kind: str) -> str:
        """Return the kind that stands for all those that nothing tracked tells apart from it."""
        return self._alike[kind]

    def _merged(self, apart: Collection[str]) -> dict[str, str]:
        """Let one kind stand for all that nothing tracked tells apart; it is the one that asks for least."""
        model, groups = self.model, dict[Any, str]()
        found = {}
        for kind in sorted(model.kinds.values(), key=lambda k: len(k.evidence or ())):
            asked = tuple(g for g in kind.evidence or () if any(v in self.places for v in model.asked(g)))
            alone = (
                kind.key if kind.key in apart or ("found", kind.key) in self.places or kind.evidence is None else ""
            )
            named = {o for o, _ in kind.members} & model.named
            found[kind.key] = groups.setdefault((kind.gives, alone, frozenset(named), asked), kind.key)
        return found

    def _corrections(self, values: Values, name: str) -> Iterator[_Way]:
        for n in self._correctable:
            key = self.variables[n], values[n]
            if key not in self._corrected:
                self._corrected[key] = [self._way(act) for act in self._corrections_of(*key, name)]
            yield from self._corrected[key]
        if any(v[0] in ("clock", "found") for v in self.variables):
            if (ELSE, None) not in self._corrected:
                self._corrected[ELSE, None] = [self._way(Act(name, corrects=ELSE))]
            yield from self._corrected[ELSE, None]

    def _corrections_of(self, var: Var, now: Any, name: str) -> Iterator[Act]:
        model = self.model
        if var[0] == "said" and now and _may_be_corrected(model, var):
            yield from (Act(name, corrects=var, into=v) for v in _possible(model, var[1], var[2]))
        elif var == OUTCOME and now is not None and now[1] not in ("fixed", ""):
            kinds = model.kinds
            mine = {o for o, _ in kinds[now[0]].members}
            others = dict.fromkeys(self._alike[k] for k in kinds if mine & {o for o, _ in kinds[k].members})
            yield from (Act(name, corrects=var, into=k) for k in others)
            yield Act(name, corrects=var, into="")


def _hangs_on(model: Model, var: Var, act: Act) -> bool:
    """Tell whether a correction may change the variable (see the effects below)."""
    word, corrects = var[0], act.corrects
    if word in ("taken", "since"):
        return act.step in var[1:3] or (word == "since" and corrects == ("said", *var[2:4]) and len(var) > 3)  # noqa: PLR2004 - since an entry that says so
    if word == "clock":
        return corrects == ELSE or corrects[1:2] == (model.workflow.opening,)
    return var == corrects or (word == "found" and corrects == ELSE)


def _rewrites(model: Model, var: Var, name: str) -> bool:
    """Tell whether a step sets the variable, whatever it was before."""
    if var == OUTCOME:
        return model.choosing.get(name) == "outcome" and "outcome" in model.workflow.steps[name].needs
    if var[0] == "since" and len(var) == 3:  # noqa: PLR2004 - since the step itself
        return name in var[1:]
    return var[0] in ("taken", "since", "said") and var[1] == name and not (var[0] == "said" and model.many(name))


@cache
def _possible(model: Model, step: str, field: str) -> tuple[str, ...]:
    """The values that may be said: the ones told apart, and one for all the others where there are others."""
    known, told = model.workflow.steps[step].fields[field], model.values[step, field]
    choices = model.workflow.channels if known.type == "channel" else known.choices
    return told if not choices or set(choices) - set(told) else told[:-1]


def _may_be_corrected(model: Model, var: Var) -> bool:
    known = model.workflow.steps[var[1]].fields[var[2]]
    return known.type in _CORRECTABLE and not known.personal
