"""What the chart for the public says: by stage, the acts of the main road, and beside them what else may happen.

Only steps marked ``public`` in the workflow file are told, in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import cast

from msgspec import Struct, field

from yishenqing.core.workflow import Outcome, Start, Step, Workflow
from yishenqing.diagram.reading import main_road
from yishenqing.diagram.wording import Kind, citations

Parts = list[tuple[str, Kind]]
_MARK = "："  # in the title of an outcome: what kind it is, and which one


class Act(Struct):
    """A step of the main road."""

    step: str
    parts: Parts


class Card(Struct):
    """What else may happen there, or what there is to know; ``act``: the number of the act it belongs to."""

    steps: tuple[str, ...]
    parts: Parts
    law: str = ""
    act: int = 0


class Stage(Struct):
    """One stage with its acts and cards."""

    title: str
    acts: list[Act] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)


def stages(workflow: Workflow, periods: Mapping[str, str], remedies: Mapping[str, str]) -> list[Stage]:
    """Return the stages that have something to show; ``remedies``: their titles, by the name in the outcomes."""
    return _Telling(workflow, periods, remedies).stages()


class _Telling:
    """Sorts the public steps of one workflow."""

    def __init__(self, workflow: Workflow, periods: Mapping[str, str], remedies: Mapping[str, str]) -> None:
        self.workflow = workflow
        self.periods = periods
        self.remedies = remedies
        self.shown = {name: step for name, step in workflow.steps.items() if step.public}
        self.road = main_road(workflow)
        self.found = {name: Stage(title) for name, title in workflow.stages.items()}
        self.sources: dict[str, str] = {}  # of each act on the road: the state it leads out of

    def stages(self) -> list[Stage]:
        """Return the stages, filled."""
        for here, there in pairwise(self.road):
            leading = [n for n, s in self.shown.items() if s.to == there and here in (s.from_ or (self.road[0],))]
            for name in leading[:1]:  # another way to the same state stands beside the first
                self.sources[name] = here
                self._stage(here).acts.append(Act(name, self._step(self.shown[name])))
        self._tell_channels()
        for names, title, law in self._groups():
            self._tell(names, title, law)
        for name in self.sources:
            if self.workflow.steps[name].letter == "by_outcome":
                self._tell_outcomes(name)
        self._tell_remedies()
        return [stage for stage in self.found.values() if stage.acts or stage.cards]

    def _stage(self, state: str) -> Stage:
        return self.found[self.workflow.states[state].stage]

    def _place(self, source: str, card: Card) -> None:
        """Put a card beside the act that leads out of the same state, else of the same stage."""
        stage = self._stage(source)
        numbers = [n for n, act in enumerate(stage.acts) if self.sources[act.step] == source]
        card.act = numbers[0] if numbers else 0
        stage.cards.append(card)

    # -- steps off the road ---------------------------------------------------------------------------------

    def _groups(self) -> Iterator[tuple[list[str], str, str]]:
        """Yield the steps that belong together, with the title and article of what they belong to."""
        rest = [name for name in self.shown if name not in self.sources]
        while rest:
            together, title, law = self._with(rest[0], rest)
            rest = [name for name in rest if name not in together]
            yield together, title, law

    def _with(self, name: str, among: list[str]) -> tuple[list[str], str, str]:
        step = self.shown[name]
        if step.side is not None:
            of, side = step.side.of, self.workflow.sides[step.side.of]
            return [n for n in among if (turn := self.shown[n].side) and turn.of == of], side.title, side.law
        for state in (step.to, *step.from_):
            if state and state not in self.road:
                together = [n for n in among if self._touches(self.shown[n], state)]
                if len(together) > 1:
                    return together, self.workflow.states[state].title, ""
        return [name], "", ""

    def _touches(self, step: Step, state: str) -> bool:
        return step.side is None and (step.to == state or step.from_ == (state,))

    def _tell(self, names: list[str], title: str, law: str) -> None:
        """Tell of steps in one card: what it is, on what articles; then each step, where it leads and its periods."""
        steps = [self.shown[name] for name in names]
        home = self._home(steps[0])
        said = {text for act in self._stage(home).acts for text, _ in act.parts}  # not told twice side by side
        cited = dict.fromkeys([*(c for step in steps for c in step.law), *([law] if law else [])])
        parts: Parts = [(title or self._named(steps[0], ""), "panel")]
        if where := self._where(steps):
            parts.append((where, "law"))
        for step in steps:
            named = self._named(step, title)
            if named != parts[0][0]:
                parts.append((f"· {named}", "title"))
            parts += [(text, "clock") for text in dict.fromkeys(self._periods(step)) if text not in said]
        self._place(home, Card(tuple(names), parts, citations(list(cited))))

    def _home(self, step: Step) -> str:
        """Return the state of the road beside which a step is told."""
        return next((s for s in step.from_ if s in self.road), self.road[0])

    def _named(self, step: Step, among: str) -> str:
        """Return the title of a step and where it leads, unless that is the card's own state ``among``."""
        target = self.workflow.states[step.to].title if step.to else ""
        return f"{step.title} → {target}" if target and target != among else step.title

    def _where(self, steps: list[Step]) -> str:
        """Return between which states of the road a single step may be taken."""
        on_road = [s for s in self.road if s in steps[0].from_]
        if len(steps) > 1 or len(on_road) < len(("first", "last")):
            return ""
        return "至".join(f"“{self.workflow.states[s].title}”" for s in (on_road[0], on_road[-1]))

    def _step(self, step: Step) -> Parts:
        """Return title, periods and articles of an act of the road."""
        periods = [(text, "clock") for text in dict.fromkeys(self._periods(step))]
        return [(step.title, "title"), *cast("Parts", periods), (citations(step.law), "law")]

    def _periods(self, step: Step) -> Iterator[str]:
        """Yield the periods of the law that a step keeps, starts, or may add."""
        clocks = self.workflow.clocks
        for effect in step.meets:
            if period := self.periods.get(effect.clock):
                yield f"须在{clocks[effect.clock].title}（{period}）内"
        yield from (f"{clocks[e.clock].title}停止计算" for e in step.stops)
        yield from (f"所需时间不计入{clocks[e.clock].title}" for e in step.pauses)
        for start in step.starts:
            period = self.periods.get(start.term or start.clock)
            if start.until:
                yield f"{clocks[start.clock].title}{self._when(step, start)}：至{step.fields[start.until].title}止"
            elif period and not start.same_as:
                yield f"{clocks[start.clock].title}{self._when(step, start)}：{period}"
        yield from (f"{clocks[e.clock].title}：改至{step.fields[e.field].title}止" for e in step.sets)
        for guard in step.guards:
            if guard.guard == "at_most" and guard.term in self.periods:
                yield f"{step.fields[guard.field].title}：不超过{self.periods[guard.term]}"

    def _when(self, step: Step, start: Start) -> str:
        """Return the case in which a start counts, where it does not always."""
        if start.if_true or start.unless_true:
            what = step.fields[start.if_true or start.unless_true].title.removeprefix("是否")
            return f"（{'' if start.if_true else '非'}{what}的）"
        remedy = self.remedies.get(start.if_remedy, "")
        return f"（{remedy}的）" if remedy else ""

    # -- what there is to know ------------------------------------------------------------------------------

    def _tell_channels(self) -> None:
        if self.workflow.channels and self.workflow.opening in self.sources:
            parts: Parts = [("怎样申请，哪一天算收到", "panel")]
            for channel in self.workflow.channels.values():
                parts.append((f"· {channel.text}", "item"))
            self._place(self.sources[self.workflow.opening], Card((), parts))

    def _kinds(self) -> dict[str, list[Outcome]]:
        kinds: dict[str, list[Outcome]] = {}
        for outcome in self.workflow.outcomes.values():
            kinds.setdefault(outcome.title.partition(_MARK)[0], []).append(outcome)
        return kinds

    def _tell_outcomes(self, step: str) -> None:
        for kind, outcomes in self._kinds().items():
            parts: Parts = [(f"答复：{kind}", "panel")]
            for outcome in outcomes:
                which = outcome.title.partition(_MARK)[2]
                apart = any(way.law != outcome.law for way in outcome.ways.values())
                ways = [(way.title, way.law) for way in outcome.ways.values()] if apart else [(which, outcome.law)]
                parts += [(f"· {name}（{citations(law)}）", "item") for name, law in ways if name]
            law = citations(outcomes[0].law) if len(parts) == 1 else ""
            self._place(self.sources[step], Card((), parts, law))

    def _tell_remedies(self) -> None:
        """Say of which answers one may complain how, beside the step from whose day the periods run."""
        starting = [n for n in self.sources if any(s.if_remedy for s in self.workflow.steps[n].starts)]
        told = [name for name in self.remedies if any(o.remedy == name for o in self.workflow.outcomes.values())]
        if not starting or not told:
            return
        parts: Parts = [("对答复不服的", "panel")]
        for remedy in told:
            kinds = [said for kind, them in self._kinds().items() if (said := _share(kind, them, remedy))]
            parts.append((f"· {self.remedies[remedy]}：{'；'.join(kinds)}", "item"))
        self._place(self.sources[starting[0]], Card((), parts))


def _share(kind: str, outcomes: list[Outcome], remedy: str) -> str:
    """Return which of ``outcomes`` have the remedy: the kind, but for its exceptions, or only those named."""
    named = [o.title.partition(_MARK)[2] for o in outcomes if o.remedy == remedy]
    others = [o.title.partition(_MARK)[2] for o in outcomes if o.remedy != remedy]
    if not named or not others:
        return kind if named else ""
    if len(others) < len(named):
        return f"{kind}（{'、'.join(others)}除外）"
    return f"{kind}中的{'、'.join(named)}"
