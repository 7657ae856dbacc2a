"""What a procedure consists of: stages, states, steps, clocks, outcomes, and the closed words that guard a step.

The types are filled from ``workflows/*.yaml`` by the rulebook. YAML names no Python function: every word a step
may use stands here, and each is carried out in exactly one place of the core.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Literal

from yishenqing.core.errors import Fault
from yishenqing.core.law import Law
from yishenqing.core.links import Linked, Tell, faults_of

_STRICT = {"extra": "forbid"}
OwedBy = Literal["organ", "applicant", "third_party", "other_organ"]
FieldType = Literal["text", "date", "int", "bool", "choice", "list", "outcome", "channel", "file", "object"]
# What a guard cannot do without.
_GUARD_NEEDS: Mapping[str, tuple[str, ...]] = {
    "after": ("step",),
    "unless": ("step",),
    "within": ("clock",),
    "past": ("clock",),
    "running": ("clock",),
    "stopped": ("clock",),
    "at_most": ("field", "term"),
    "not_before": ("field",),
    "another_person": ("step",),
    "answers": ("step",),
    "distinct": ("step",),
    "agrees": ("field",),
    "lettered": ("field",),
    "in_force": ("term",),
}
OWED_BY_TITLES: Mapping[str, str] = {
    "organ": "本机关",
    "applicant": "申请人",
    "third_party": "第三方",
    "other_organ": "其他机关",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One fact that a step needs or may carry. ``personal`` facts go to the side store, sealed."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    type: FieldType = "text"
    choices: Mapping[str, str] = field(default_factory=dict)
    personal: bool = False
    ahead: bool = False  # a day that may lie in the future; every other date is of something that has happened
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """One condition on a step, in the closed vocabulary, with the provision it rests on.

    once: the step is taken at most once · after: another step came before · unless: another step did not
    · within: not after the clock's last day · past: only after the clock's last day, with nothing having met it
    · running: the clock runs, or waits for an answer · stopped: it is stopped · at_most: a number does not exceed
    a term · not_before: a date field is not before the day of the step (or of the earlier ``step`` named)
    · another_person: the actor is not who took that step · answers: a question of that step (by its id) is still
    open · distinct: none of the same id is open until that step answers it · agrees: an outcome given is the one
    chosen before · lettered: the outcome chosen has its letter · correctable: the entry and the fact named can be
    corrected so · in_force: the term has a value on the day · told: nobody takes the step by hand, another verb or
    case tells it. ``once`` with a ``step`` begins anew with that step.
    """

    __pydantic_config__: ClassVar = _STRICT
    guard: Literal[
        "once",
        "after",
        "unless",
        "within",
        "past",
        "running",
        "stopped",
        "at_most",
        "not_before",
        "another_person",
        "answers",
        "distinct",
        "agrees",
        "lettered",
        "correctable",
        "in_force",
        "told",
    ]
    law: str
    step: str = ""
    clock: str = ""
    field: str = ""
    term: str = ""
    switch: str = ""  # a setting of the office that may turn this guard off; switching it off is recorded


@dataclass(frozen=True, slots=True)
class Start:
    """A step starts a clock, counted from its own day, from the day of receipt, or from a date among its facts."""

    __pydantic_config__: ClassVar = _STRICT
    clock: str
    law: str
    counted_from: str = "on"  # on | receipt | the name of a date field
    until: str = ""  # the date field that sets the last day, where the law lets the organ set it
    only_if_stopped: bool = False
    if_remedy: str = ""  # only where the outcome's letter bears this remedy
    if_true: str = ""  # only where this yes-or-no fact is yes
    unless_true: str = ""  # only where it is no, or not stated
    term: str = ""  # another term than the clock's own
    same_as: str = ""  # the last day is that of another clock


@dataclass(frozen=True, slots=True)
class Effect:
    """A step meets, stops, pauses, resumes, extends, sets or closes a clock.

    ``within`` makes the effect depend on another clock having been kept; ``field`` names the date or number used.
    ``answers`` names the step whose pause is resumed, ``at_most`` the clock with whose last day a pause ends by
    itself.
    """

    __pydantic_config__: ClassVar = _STRICT
    clock: str
    law: str
    field: str = ""
    within: str = ""
    answers: str = ""
    at_most: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One act: who may take it in which state, under which conditions, and what it does to clocks and letters."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    by: tuple[str, ...]
    law: tuple[str, ...]
    from_: tuple[str, ...]
    to: str = ""
    needs: Mapping[str, Field] = field(default_factory=dict)
    may: Mapping[str, Field] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    starts: tuple[Start, ...] = ()
    meets: tuple[Effect, ...] = ()
    closes: tuple[Effect, ...] = ()
    stops: tuple[Effect, ...] = ()
    pauses: tuple[Effect, ...] = ()
    resumes: tuple[Effect, ...] = ()
    extends: tuple[Effect, ...] = ()
    sets: tuple[Effect, ...] = ()
    letter: str = ""  # a kind of letter, or by_outcome
    outcome: str = ""  # the outcome that taking the step means, where there is no choice
    tells: tuple[Tell, ...] = ()  # what the parent of a linked case is told: the first step that it can take now
    overturns: bool = False  # the reply given before is set aside; a precedent made of it says so

    @property
    def fields(self) -> Mapping[str, Field]:
        """Return every fact the step knows, needed or not."""
        return {**self.needs, **self.may}

    def effects(self) -> Iterator[tuple[str, Start | Effect]]:
        """Yield each clock effect with its word."""
        for word in ("starts", "meets", "closes", "stops", "pauses", "resumes", "extends", "sets"):
            for effect in getattr(self, word):
                yield word, effect


@dataclass(frozen=True, slots=True)
class State:
    """Where a case stands: its stage, and the role that must move it on (empty when the case is at rest)."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    stage: str
    owner: str = ""
    waits_for: str = ""  # the clock that a state waits on, when nobody in the office owes the next step
    final: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """A period: its term of the law (or the date a step sets), who owes the act, and what its expiry means."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    owed_by: OwedBy
    law: str
    term: str = ""
    expires_as: Literal["missed", "lapsed"] = "missed"
    law_of: Literal["case", "start"] = "case"
    yellow: int = 0  # working days left at which a reminder is due (the office's practice, not the law's)
    red: int = 0
    lapse: str = ""  # what the law says of the expiry; a reminder proposes it, a person decides it


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Another reading of a contested day of receipt: shown beside the deadline, never used as the deadline."""

    __pydantic_config__: ClassVar = _STRICT
    receipt: Literal["confirmed_on", "next_workday"]
    law: str
    text: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in which an application arrives, and the day that counts as receipt."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    receipt: Literal["arrived_on", "confirmed_on"]
    law: str
    text: str
    otherwise: tuple[Otherwise, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of table three: the ground, the letter that tells it, and the remedy printed under it."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    law: tuple[str, ...]
    letter: str
    remedy: str


@dataclass(frozen=True, eq=False)
class Workflow:
    """A whole procedure, as one version: cases opened under it finish under it."""

    __pydantic_config__: ClassVar = _STRICT
    id: str
    version: str
    title: str
    since: date
    law: tuple[str, ...]
    initial: str
    opening: str
    # What a small procedure does not have it leaves out.
    confirming: str = field(default="", kw_only=True)
    correcting: str = field(default="", kw_only=True)
    limiting: str = field(default="", kw_only=True)
    linking: str = field(default="", kw_only=True)  # the step that records that a linked case was opened
    moving: str = field(default="", kw_only=True)  # the step that records that the case goes on under other rules
    linked: Linked | None = field(default=None, kw_only=True)
    extends: str = field(default="", kw_only=True)  # the procedure that an office's variant is an overlay of
    stages: Mapping[str, str]
    roles: Mapping[str, str]
    states: Mapping[str, State]
    channels: Mapping[str, Channel] = field(default_factory=dict, kw_only=True)
    clocks: Mapping[str, Clock]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict, kw_only=True)
    steps: Mapping[str, Step]

    def citations(self) -> Iterator[tuple[str, str]]:
        """Yield every citation with the place that makes it."""
        yield from ((c, "law") for c in self.law)
        yield from ((clock.law, f"clocks.{name}") for name, clock in self.clocks.items())
        yield from ((channel.law, f"channels.{name}") for name, channel in self.channels.items())
        for name, channel in self.channels.items():
            yield from ((o.law, f"channels.{name}") for o in channel.otherwise)
        for name, outcome in self.outcomes.items():
            yield from ((c, f"outcomes.{name}") for c in outcome.law)
        for name, step in self.steps.items():
            yield from ((c, f"steps.{name}") for c in step.law)
            yield from ((g.law, f"steps.{name}.{g.guard}") for g in step.guards)
            yield from ((e.law, f"steps.{name}.{word}") for word, e in step.effects())

    def faults(self, law: Law, file: str = "") -> list[Fault]:
        """Return every name that leads nowhere and every citation that does not resolve."""
        found = [Fault(text, file, field=place) for place, text in self._dangling(law)]
        for citation, place in self.citations():
            if problem := law.unresolved(citation):
                found.append(Fault(problem, file, field=place, law=citation))
        return found

    def _dangling(self, law: Law) -> Iterator[tuple[str, str]]:
        yield from self._dangling_states()
        yield from faults_of(self)
        for name, clock in self.clocks.items():
            if clock.term and clock.term not in law.terms:
                yield f"clocks.{name}", f"没有期限“{clock.term}”"
        for name, outcome in self.outcomes.items():
            if outcome.remedy not in ("none", *law.remedies):
                yield f"outcomes.{name}", f"没有救济途径“{outcome.remedy}”"
        for name, step in self.steps.items():
            yield from ((f"steps.{name}", text) for text in self._dangling_step(name, step, law))

    def _dangling_states(self) -> Iterator[tuple[str, str]]:
        if self.initial not in self.states:
            yield "initial", f"没有状态“{self.initial}”"
        if self.limiting and self.limiting not in self.clocks:
            yield "limiting", f"没有期限“{self.limiting}”"
        for place in ("opening", "confirming", "correcting", "linking", "moving"):
            name = getattr(self, place)
            if name not in self.steps and (name or place == "opening"):
                yield place, f"没有步骤“{name}”"
        if not self.confirming and any(c.receipt == "confirmed_on" for c in self.channels.values()):
            yield "channels", "有以确认之日为准的渠道，须用“confirming”写明哪个步骤与申请人确认收到"
        for name, state in self.states.items():
            if state.stage not in self.stages:
                yield f"states.{name}", f"没有阶段“{state.stage}”"
            if state.owner and state.owner not in self.roles:
                yield f"states.{name}", f"没有岗位“{state.owner}”"
            if state.waits_for and state.waits_for not in self.clocks:
                yield f"states.{name}", f"没有期限“{state.waits_for}”"

    def _dangling_step(self, name: str, step: Step, law: Law) -> Iterator[str]:
        for kind, wanted, known in (
            ("岗位", step.by, self.roles),
            ("状态", (*step.from_, *((step.to,) if step.to else ())), self.states),
            ("期限", [e.clock for _, e in step.effects()], self.clocks),
            ("步骤", [g.step for g in step.guards if g.step], self.steps),
            ("期限", [g.clock for g in step.guards if g.clock], self.clocks),
            (
                "期限数值",
                [*(g.term for g in step.guards if g.term), *(e.term for e in step.starts if e.term)],
                law.terms,
            ),
            ("事实", [g.field for g in step.guards if g.field], step.fields),
            ("办理结果", [step.outcome] if step.outcome else [], self.outcomes),
            ("救济途径", [e.if_remedy for e in step.starts if e.if_remedy], law.remedies),
        ):
            for item in wanted:
                if item not in known:
                    yield f"没有{kind}“{item}”"
        for _, effect in step.effects():
            yield from self._dangling_effect(step, effect)
        for own in (own for tell in step.tells for own in tell.facts.values()):
            if own not in step.fields:
                yield f"没有事实“{own}”"
        for guard in step.guards:
            unsaid = [w for w in _GUARD_NEEDS.get(guard.guard, ()) if not getattr(guard, w)]
            yield from (f"条件“{guard.guard}”缺少“{word}”" for word in unsaid)
        yield from (f"“{word}”不能为空" for word in ("by", "law") if not getattr(step, word))
        if not step.from_ and name != self.opening:
            yield "缺少“from”：没有说明哪个状态下可以办理"

    def _dangling_effect(self, step: Step, effect: Start | Effect) -> Iterator[str]:
        named = (
            [effect.counted_from, effect.until, effect.if_true, effect.unless_true]
            if isinstance(effect, Start)
            else [effect.field]
        )
        for item in named:
            if item not in ("", "on", "receipt", *step.fields):
                yield f"没有事实“{item}”"
        clocks = (effect.same_as,) if isinstance(effect, Start) else (effect.within, effect.at_most)
        yield from (f"没有期限“{name}”" for name in clocks if name and name not in self.clocks)
        if isinstance(effect, Effect) and effect.answers and effect.answers not in self.steps:
            yield f"没有步骤“{effect.answers}”"
        if isinstance(effect, Start) and not self._has_length(effect):
            yield f"期限“{effect.clock}”没有期限数值，起算时须用“until”写明最后一日"

    def _has_length(self, effect: Start) -> bool:
        clock = self.clocks.get(effect.clock)
        return clock is None or any((clock.term, effect.until, effect.term, effect.same_as))
