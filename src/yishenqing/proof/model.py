"""A case reduced to what guards and invariants can tell apart: the variables, their values, the kinds of outcome.

A variable is a tuple:
``("main",)`` the state · ``("clock", c)`` none, running, stopped or over · ``("taken", s)`` the step was taken
· ``("since", x, y)`` x was taken after the last y · ``("since", x, y, field, values)`` after the last saying so
· ``("said", s, field)`` what the latest entries say · ``("outcome",)`` the kind chosen and how it was judged
· ``("found", kind)`` an item is found to be of it · ``("side", k)`` the open ones · ``("ended", k, state)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from yishenqing.core.workflow import Guard, Said, Step, Workflow
from yishenqing.proof.laws import Invariant

Var = tuple[str, ...]
Values = tuple[Any, ...]
BOUND = 2  # side proceedings of one kind at once; not a number of the law
MAIN: Var = ("main",)
OUTCOME: Var = ("outcome",)
WAY = "way"
OTHER = "其他"  # every value that no guard and no invariant mentions
_INITIAL: Mapping[str, Any] = {"clock": "none", "said": frozenset(), "outcome": None, "side": ()}


class Kind(Struct, frozen=True):
    """Outcomes that no guard can tell apart: they give as much, and rest on the same earlier steps."""

    key: str
    title: str
    gives: bool
    evidence: tuple[Guard, ...] | None  # None: no letter tells it, it can never be chosen
    members: frozenset[tuple[str, str]]


def since_said(step: str, said: Said) -> Var:
    """Return the variable that tells whether ``step`` was taken after the last entry that says so."""
    return ("since", step, said.step, said.field, "|".join(said.values))


class Model:
    """A workflow as the proof sees it, with what the given invariants mention."""

    def __init__(self, workflow: Workflow, laws: Iterable[Invariant] = ()) -> None:
        """Sort the outcomes into kinds and gather the values that are told apart."""
        self.workflow = workflow
        self.laws = tuple(laws)
        self.choosing = {n: f for n, s in workflow.steps.items() if (f := _chosen_field(s))}
        self.finding = next((n for n, f in self.choosing.items() if f != "outcome"), "")
        self.kinds = self._sorted_kinds()
        self.values = self._told_apart()
        self._found_in: dict[str, tuple[str, ...]] = {}
        self._reads: dict[str, frozenset[Var]] = {}
        self._touched_by: dict[Var, frozenset[str]] = {}

    def initial(self, variables: Iterable[Var]) -> Values:
        """Return the values before the first step."""
        return tuple(self.workflow.initial if v == MAIN else _INITIAL.get(v[0], False) for v in variables)

    def kind(self, outcome: str, way: str) -> str:
        """Return the kind of an outcome told in a way; where no letter tells it so, a kind of the outcome's."""
        of = [k for k in self.kinds.values() if outcome in {o for o, _ in k.members}]
        return next((k.key for k in of if (outcome, way) in k.members), of[0].key)

    def value(self, step: str, field: str, given: str) -> str:
        """Return the value as the proof sees it."""
        return given if given in ("", *self.values.get((step, field), ())) else OTHER

    def many(self, step: str) -> bool:
        """Tell whether several entries of ``step`` stand beside one another, told apart by id."""
        turn = self.workflow.steps[step].side
        return turn is not None and self.workflow.sides[turn.of].many

    def ended(self, step: str) -> list[Var]:
        """Return the ends of side proceedings that the step can make use of."""
        turn = self.workflow.steps[step].side
        if turn is None:
            return []
        states = self.workflow.sides[turn.of].states
        return [("ended", turn.of, state) for state in turn.at if states[state].final]

    def most(self, side: str) -> int:
        """Return how many proceedings of a kind are followed at once."""
        return BOUND if self.workflow.sides[side].many else 1

    def closed(self, variables: Iterable[Var]) -> tuple[Var, ...]:
        """Return the variables with those that they cannot be followed without."""
        found = {MAIN, *variables}
        for var in [*found]:
            if len(var) == len(since_said("", Said("", "", ()))):
                found.add(("said", var[2], var[3]))
        if self.finding and any(v == OUTCOME or v[0] == "found" for v in found):
            found.add(("taken", self.finding))
        return tuple(sorted(found))

    def everything(self) -> tuple[Var, ...]:
        """Return every variable that a guard or an invariant can ask for."""
        found = {OUTCOME} if self.choosing else set()
        found |= {("side", kind) for kind in self.workflow.sides}
        found |= {var for name in self.workflow.steps for var in self.ended(name)}
        if self.finding:
            found |= {("found", key) for key in self.kinds}
        for name, guard in self._guards():
            found |= set(self.asked(guard, name))
        for law in self.laws:
            found |= set(self.wanted(law))
        return self.closed(found)

    def heard(self, said: Said) -> Var:
        """Return the variable that holds what an entry says; the outcome chosen is kept as its kind."""
        if not said.values:  # that the step was taken at all
            return ("taken", said.step)
        chosen = said.field == "outcome" and self.choosing.get(said.step) == "outcome"
        return OUTCOME if chosen else ("said", said.step, said.field)

    def wanted(self, law: Invariant) -> Iterator[Var]:
        """Yield the variables that an invariant itself looks at."""
        if (before := law.before) is not None:
            for step in (*before.requires, *before.any_of):
                yield ("since", step, before.since) if before.since else ("taken", step)
            if before.says is not None:
                yield self.heard(before.says)
        if law.settled is not None:
            yield from (("side", kind) for kind in law.settled.sides)
        if (never := law.never) is not None:
            yield OUTCOME
            yield self.heard(never.says)
            if never.unless:
                yield since_said(never.unless, never.says)
        if any(w is not None and w.gives for w in (law.before, law.settled)) or law.evidence is not None:
            yield OUTCOME

    def touched_by(self, var: Var) -> frozenset[str]:
        """Return the steps that may change a variable."""
        if var not in self._touched_by:
            steps = self.workflow.steps
            self._touched_by[var] = frozenset(name for name in steps if self._touches(var, name))
        return self._touched_by[var]

    def _touches(self, var: Var, name: str) -> bool:
        flow, word = self.workflow, var[0]
        turn = flow.steps[name].side
        if name == flow.correcting:
            return word in ("said", "outcome", "found", "clock")
        return (
            (word in ("taken", "said") and var[1] == name)
            or (word == "since" and name in var[1:3])
            or (word == "outcome" and (self.choosing.get(name) == "outcome" or bool(flow.steps[name].outcome)))
            or (word == "found" and name == self.finding)
            or (word in ("side", "ended") and turn is not None and turn.of == var[1])
            or (word == "clock" and any(e.clock == var[1] for _, e in flow.steps[name].effects()))
        )

    def found_in(self, kind: Kind) -> tuple[str, ...]:
        """Return the kinds of which an item must be found for the whole to be of ``kind``."""
        if kind.key not in self._found_in:
            outcomes = {o for o, _ in kind.members}
            mixed = self.workflow.mixed in outcomes
            self._found_in[kind.key] = tuple(
                k.key for k in self.kinds.values() if (k.gives if mixed else outcomes & {o for o, _ in k.members})
            )
        return self._found_in[kind.key]

    def evidence_of(self, kind: Kind) -> Iterator[Var]:
        """Yield what the evidence of a kind looks at."""
        return (var for guard in kind.evidence or () for var in self.asked(guard))

    def reads(self, name: str) -> frozenset[Var]:
        """Return every variable that decides whether a step may be taken, or what comes of it."""
        if name not in self._reads:
            self._reads[name] = frozenset(self._read_by(name))
        return self._reads[name]

    def _read_by(self, name: str) -> set[Var]:
        step = self.workflow.steps[name]
        found: set[Var] = {("side", step.side.of), *self.ended(name)} if step.side is not None else set()
        for guard in step.guards:
            found |= set(self.asked(guard, name))
            if guard.guard in ("evidenced", "still_evidenced", "composes"):
                found |= {OUTCOME} if guard.guard == "still_evidenced" else set()
                found |= {("found", key) for key in self.kinds} | {("taken", self.finding)}
                for kind in self.kinds.values():
                    found |= set(self.evidence_of(kind))
        return found

    def asked(self, guard: Guard, name: str = "") -> Iterator[Var]:
        """Yield the variables that a guard (of the step ``name``) itself asks for."""
        for said in (guard.said, guard.when):
            if said is not None and said.step and guard.guard not in ("same", "among"):
                yield self.heard(said)
        if guard.guard == "once":
            yield ("taken", name)
        elif guard.guard == "after" and guard.when is not None:
            yield since_said(guard.step, guard.when)
        elif guard.guard in ("after", "unless", "recorded", "sources", "each", "said"):
            yield from (("taken", step) for step in (guard.step, *guard.also) if step)
        elif guard.guard in ("running", "stopped"):
            yield ("clock", guard.clock)
        elif guard.guard == "releases":
            yield OUTCOME
        elif guard.guard == "settled":
            yield ("side", guard.side)
        elif guard.guard == "concluded":
            final = self.workflow.sides[guard.side].states[guard.state].final
            yield ("ended", guard.side, guard.state) if final else ("side", guard.side)

    def _guards(self) -> Iterator[tuple[str, Guard]]:
        for name, step in self.workflow.steps.items():
            yield from ((name, g) for g in step.guards)
        for kind in self.kinds.values():
            yield from (("", g) for g in kind.evidence or ())

    def _sorted_kinds(self) -> dict[str, Kind]:
        flow = self.workflow
        named = self.named = {flow.mixed} | {law.never.outcome for law in self.laws if law.never}
        named |= {v for s in self._mentions() for v in s.values if v in flow.outcomes}
        groups: dict[Any, list[tuple[str, str]]] = {}
        for name, outcome in flow.outcomes.items():
            for way in ("", *outcome.ways):
                told = outcome.told(way)
                if not outcome.letters and not way:  # it can only be what a step means, never chosen
                    groups[name] = [(name, "")]
                elif told is not None and told.letter:
                    needs = tuple(g for g in (*outcome.evidence, *told.evidence) if g.guard != "stated")
                    alone = name if name in named else ""
                    groups.setdefault((outcome.gives != "none", alone, needs), []).append((name, way))
        found = {}
        for group, members in groups.items():
            key = ".".join(filter(None, members[0]))
            first = flow.outcomes[members[0][0]]
            evidence = None if isinstance(group, str) else group[-1]
            found[key] = Kind(key, first.title, first.gives != "none", evidence, frozenset(members))
        return found

    def _mentions(self) -> Iterator[Said]:
        flow = self.workflow
        guards = [g for s in flow.steps.values() for g in s.guards]
        for outcome in flow.outcomes.values():
            guards += [*outcome.evidence, *(g for w in outcome.ways.values() for g in w.evidence)]
        # What an act says of itself is chosen by whoever takes it: only earlier entries are tracked.
        found = (s for g in guards if g.guard not in ("same", "among") for s in (g.said, g.when))
        yield from (s for s in found if s is not None and s.step and s.values)
        for law in self.laws:
            yield from (w.says for w in (law.before, law.never) if w is not None and w.says is not None)

    def _told_apart(self) -> dict[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], dict[str, None]] = {}
        for said in self._mentions():
            found.setdefault((said.step, said.field), {}).update(dict.fromkeys(said.values))
        for name, step in self.workflow.steps.items():
            for guard in step.guards:
                if guard.guard == "releases":
                    found.setdefault((name, guard.field), {})[guard.value] = None
        return {key: (*values, OTHER) for key, values in found.items()}


def _chosen_field(step: Step) -> str:
    """The fact by which a step chooses an outcome; one that must agree with the choice made before chooses none."""
    if any(g.guard == "agrees" for g in step.guards):
        return ""
    if "outcome" in step.fields:
        return "outcome"
    return next((n for n, f in step.needs.items() if f.type == "outcome"), "")
