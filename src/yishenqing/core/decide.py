"""May this step be taken now, and if not, why not. Offers and refusals come from the same function.

``refusals`` gathers every reason against a step. No reason: the step is offered, and may be taken. The guards'
words are carried out here, each once; a new word needs an article that cannot be said with these.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from yishenqing.core.clock import deadlines
from yishenqing.core.corrections import ON, effective, objection
from yishenqing.core.deadline import Deadline, Fact, as_date
from yishenqing.core.errors import Permitted, Reason, Refused
from yishenqing.core.graph import graph_of
from yishenqing.core.law import Law
from yishenqing.core.receipt import received_on
from yishenqing.core.workdays import Workdays
from yishenqing.core.workflow import Guard, Step, Workflow


@dataclass(frozen=True)
class Standing:
    """A case as the core sees it: its rules, the facts so far with who recorded them, and the state they led to."""

    workflow: Workflow
    law: Law
    workdays: Workdays
    facts: Sequence[Fact] = ()
    actors: Sequence[str] = ()
    switched_off: frozenset[str] = frozenset()  # the office's settings that turn a switchable guard off
    stage_limits: Mapping[str, int] = field(default_factory=dict)  # working days the office allows each stage
    _known: dict[date, dict[str, Deadline]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def state(self) -> str:
        """Return the state that the steps so far have led to."""
        for fact in reversed(self.facts):
            if to := self.workflow.steps[fact.step].to:
                return to
        return self.workflow.initial

    @property
    def last_on(self) -> date | None:
        """Return the legal date of the last entry."""
        return self.facts[-1].on if self.facts else None

    def deadlines(self, on: date) -> dict[str, Deadline]:
        """Return the deadlines as seen on ``on``, computed once a day."""
        if on not in self._known:
            found = deadlines(self.workflow, self.law, self.workdays, self.facts, on)
            if own := internal_limit(self, on):
                found[own.key] = own
            self._known[on] = found
        return self._known[on]

    def plus(self, fact: Fact, actor: str) -> Standing:
        """Return the case after one more fact; a correction is applied at once."""
        facts = effective(self.workflow, (*self.facts, fact))
        return replace(self, facts=facts, actors=(*self.actors, actor), _known={})

    def last(self, step: str) -> Fact | None:
        """Return the latest fact of ``step``, if it has been taken."""
        return next((f for f in reversed(self.facts) if f.step == step), None)


def internal_limit(standing: Standing, on: date) -> Deadline | None:
    """Return the office's own limit for the stage that the case stands in, from the day it entered the stage.

    Not the law's: it binds inside the office only (内部办理时限, each office sets its own).
    """
    workflow = standing.workflow
    stage = workflow.states[standing.state].stage
    if not (standing.stage_limits and standing.facts and workflow.limiting):
        return None
    entered = _entered(standing, stage)
    # None set for this stage: whatever bound the stage before is over.
    limit = standing.stage_limits.get(stage, 0)
    count = standing.workdays.add(entered, limit)
    clock, title = workflow.clocks[workflow.limiting], workflow.stages[stage]
    return Deadline(
        clock=workflow.limiting,
        title=f"{clock.title}（{title}）",
        due=count.day,
        state="met" if not limit else "running" if on <= count.day else "missed",
        met_on=None if limit else entered,
        provisional=count.provisional,
        owed_by=clock.owed_by,
        reasons=(Reason(f"{entered}进入{title}阶段，本机关自定{limit}个工作日", clock.law),),
        started_on=entered,
        length=limit,
    )


def _entered(standing: Standing, stage: str) -> date:
    """The day of the step since which the case has stayed in ``stage``."""
    entered = standing.facts[0].on
    inside = False
    for fact in standing.facts:
        to = standing.workflow.steps[fact.step].to
        if to:
            now = standing.workflow.states[to].stage == stage
            if now and not inside:
                entered = fact.on
            inside = now
    return entered


@dataclass(frozen=True)
class Attempt:
    """A step somebody wants to take. ``facts`` and ``roles`` are None when only an offer is asked for."""

    standing: Standing
    name: str
    step: Step
    on: date
    facts: Mapping[str, Any] | None = None
    actor: str = ""
    roles: Collection[str] | None = None
    told: bool = False  # by another verb or case, not by hand

    def deadline(self, clock: str) -> Deadline | None:
        """Return the clock as it stands on the day of the attempt."""
        return self.standing.deadlines(self.on).get(clock)


def decide(attempt: Attempt, today: date) -> str:
    """Return the state that the step leads to.

    Raises:
        Refused: with every reason, its article, and the steps that are permitted instead.
    """
    reasons = refusals(attempt, today)
    if not reasons:
        state = attempt.standing.state
        return graph_of(attempt.standing.workflow).destination(state, attempt.name) or state
    raise Refused(
        f"不能办理“{attempt.step.title}”：" + "；".join(r.text for r in reasons) + "。",
        law=list(dict.fromkeys(r.law for r in reasons if r.law)),
        permitted=permitted(attempt.standing, _day_to_offer(attempt, today), today),
    )


def _day_to_offer(attempt: Attempt, today: date) -> date:
    """The day of the attempt, moved between the last entry and today: on any other nothing could be offered."""
    return min(max(attempt.on, attempt.standing.last_on or attempt.on), today)


def permitted(standing: Standing, on: date, today: date) -> list[Permitted]:
    """Return the steps that may be taken on ``on``, each with the role that takes it."""
    offers = []
    for name in graph_of(standing.workflow).steps_from(standing.state):
        step = standing.workflow.steps[name]
        if not refusals(Attempt(standing, name, step, on), today):
            offers.append(Permitted(name, step.title, step.by[0]))
    return offers


def refusals(attempt: Attempt, today: date) -> list[Reason]:
    """Return every reason against the attempt; none means that it is lawful."""
    standing, step = attempt.standing, attempt.step
    if graph_of(standing.workflow).destination(standing.state, attempt.name) is None:
        title = standing.workflow.states[standing.state].title
        return [Reason(f"案件现处于“{title}”，不在可以办理该步骤的状态", step.law[0])]
    reasons = [*_of_role(attempt), *_of_date(attempt, today)]
    if attempt.facts is not None:
        for name, need in step.needs.items():
            if attempt.facts.get(name) in (None, "", [], {}):
                hint = f"，{need.hint}" if need.hint else ""
                reasons.append(Reason(f"缺少“{need.title}”（{name}）{hint}", step.law[0]))
    if reasons:
        return reasons
    return guard_refusals(attempt)


def guard_refusals(attempt: Attempt) -> list[Reason]:
    """Return the reasons that the step's guards give, each with the guard's own article."""
    reasons = []
    for guard in attempt.step.guards:
        if guard.switch and guard.switch in attempt.standing.switched_off:
            continue
        if text := _GUARDS[guard.guard](attempt, guard):
            reasons.append(Reason(text, guard.law))
    return reasons


def doubts(standing: Standing) -> list[tuple[int, list[Reason]]]:
    """Return the acts that their guards would refuse by the facts as they are now known, each with the reasons.

    Only a correction can make an act doubtful that was lawful when it was recorded; what follows, people decide.
    """
    if not any(f.step == standing.workflow.correcting for f in standing.facts):
        return []
    found = []
    for place, fact in enumerate(standing.facts):
        before = replace(standing, facts=standing.facts[:place], actors=standing.actors[:place], _known={})
        step = standing.workflow.steps[fact.step]
        if fact.step != standing.workflow.correcting and place:
            attempt = Attempt(before, fact.step, step, fact.on, fact.facts, standing.actors[place], told=True)
            if reasons := guard_refusals(attempt):
                found.append((place + 1, reasons))
    return found


def _of_role(attempt: Attempt) -> list[Reason]:
    step, roles = attempt.step, attempt.roles
    if roles is None or set(step.by) & set(roles):
        return []
    titles = "、".join(attempt.standing.workflow.roles[r] for r in step.by)
    return [Reason(f"该步骤由{titles}办理，“{attempt.actor}”没有这一岗位", step.law[0])]


def _of_date(attempt: Attempt, today: date) -> list[Reason]:
    last, order_law = attempt.standing.last_on, attempt.standing.workflow.law[0]
    if attempt.on > today:
        return [Reason(f"办理日期{attempt.on}晚于今天（{today}）", order_law)]
    if last is not None and attempt.on < last:
        return [Reason(f"办理日期{attempt.on}早于上一步骤的日期{last}，记录须按先后顺序", order_law)]
    return not_happened(attempt, today)


def not_happened(attempt: Attempt, today: date) -> list[Reason]:
    """Return the dates among the facts that are said to have happened and lie after ``today``."""
    return [
        Reason(f"“{known.title}”{day}晚于今天（{today}）", attempt.step.law[0])
        for name, known in attempt.step.fields.items()
        if known.type == "date" and not known.ahead
        if (day := as_date((attempt.facts or {}).get(name))) and day > today
    ]


def _once(attempt: Attempt, guard: Guard) -> str:
    earlier = next((f for f in reversed(attempt.standing.facts) if f.step in (attempt.name, guard.step)), None)
    return f"只能办理一次，{earlier.on}已经办理" if earlier and earlier.step == attempt.name else ""


def _after(attempt: Attempt, guard: Guard) -> str:
    title = attempt.standing.workflow.steps[guard.step].title
    return "" if attempt.standing.last(guard.step) else f"须先办理“{title}”"


def _unless(attempt: Attempt, guard: Guard) -> str:
    earlier = attempt.standing.last(guard.step)
    title = attempt.standing.workflow.steps[guard.step].title
    return f"{earlier.on}已经办理“{title}”" if earlier else ""


def _within(attempt: Attempt, guard: Guard) -> str:
    deadline = attempt.deadline(guard.clock)
    if deadline is None:
        return f"“{attempt.standing.workflow.clocks[guard.clock].title}”尚未开始"
    day = as_date((attempt.facts or {}).get(guard.field)) or attempt.on
    return f"{day}已超过{deadline.title}（{deadline.due}届满）" if day > deadline.due else ""


def _past(attempt: Attempt, guard: Guard) -> str:
    deadline = attempt.deadline(guard.clock)
    if deadline is None:
        return f"“{attempt.standing.workflow.clocks[guard.clock].title}”尚未开始"
    if deadline.met_on is not None:
        return f"“{deadline.title}”所要求的已于{deadline.met_on}办理"
    return f"{deadline.title}尚未届满（{deadline.due}届满）" if attempt.on <= deadline.due else ""


def _running(attempt: Attempt, guard: Guard) -> str:
    deadline = attempt.deadline(guard.clock)
    title = attempt.standing.workflow.clocks[guard.clock].title
    if deadline is None or deadline.state in ("met", "lapsed"):
        return f"“{title}”不在计算之中"
    return f"“{title}”已暂停计算" if deadline.state == "stopped" and not deadline.waiting else ""


def _stopped(attempt: Attempt, guard: Guard) -> str:
    deadline = attempt.deadline(guard.clock)
    title = attempt.standing.workflow.clocks[guard.clock].title
    return "" if deadline is not None and deadline.state == "stopped" else f"“{title}”没有暂停计算"


def _at_most(attempt: Attempt, guard: Guard) -> str:
    if attempt.facts is None:
        return ""
    standing = attempt.standing
    limit = standing.law.term(guard.term, received_on(standing.workflow, standing.facts)).value
    given = attempt.facts.get(guard.field)
    title = attempt.step.fields[guard.field].title
    if not isinstance(given, int) or given < 1:
        return f"“{title}”须为正整数"
    return f"“{title}”最多{limit}，现为{given}" if given > limit else ""


def _not_before(attempt: Attempt, guard: Guard) -> str:
    given = as_date((attempt.facts or {}).get(guard.field))
    earlier = attempt.standing.last(guard.step) if guard.step else None
    limit = earlier.on if earlier else attempt.on
    title = attempt.step.fields[guard.field].title
    what = f"“{attempt.standing.workflow.steps[guard.step].title}”之日" if earlier else "办理日期"
    return f"“{title}”{given}不得早于{what}{limit}" if given and given < limit else ""


def _another_person(attempt: Attempt, guard: Guard) -> str:
    steps = [f.step for f in attempt.standing.facts]
    if attempt.actor == "" or guard.step not in steps:
        return ""
    position = len(steps) - 1 - steps[::-1].index(guard.step)
    title = attempt.standing.workflow.steps[guard.step].title
    same = attempt.standing.actors[position] == attempt.actor
    return f"“{title}”由{attempt.actor}办理，本步骤须由他人办理" if same else ""


def _open_questions(attempt: Attempt, asking: str, answering: str) -> int:
    """How many questions of the attempt's id have been asked and not answered."""
    mine = str((attempt.facts or {}).get("id") or "")
    facts = [f for f in attempt.standing.facts if f.id == mine]
    return sum(f.step == asking for f in facts) - sum(f.step == answering for f in facts)


def _answers(attempt: Attempt, guard: Guard) -> str:
    if attempt.facts is None:  # an offer: is any question open at all?
        steps = [f.step for f in attempt.standing.facts]
        is_open = steps.count(guard.step) > steps.count(attempt.name)
    else:
        is_open = _open_questions(attempt, guard.step, attempt.name) > 0
    title = attempt.standing.workflow.steps[guard.step].title
    return "" if is_open else f"没有尚未答复的“{title}”（多项并行时请用 id 指明是哪一项）"


def _distinct(attempt: Attempt, guard: Guard) -> str:
    if attempt.facts is None or _open_questions(attempt, attempt.name, guard.step) <= 0:
        return ""
    return "同一编号（id）的征求意见尚未结束；另行征求时请用不同的 id"


def _agrees(attempt: Attempt, guard: Guard) -> str:
    given = (attempt.facts or {}).get(guard.field)
    chosen = next((v for f in reversed(attempt.standing.facts) if (v := f.facts.get(guard.field))), None)
    if not given or not chosen or given == chosen:
        return ""
    titles = {k: o.title for k, o in attempt.standing.workflow.outcomes.items()}
    return f"所填办理结果“{titles[given]}”与已确定的“{titles[str(chosen)]}”不一致"


def _lettered(attempt: Attempt, guard: Guard) -> str:
    given = (attempt.facts or {}).get(guard.field)
    outcomes = attempt.standing.workflow.outcomes
    if not given or outcomes[given].letter:
        return ""
    ready = "、".join(f"{k}（{o.title}）" for k, o in outcomes.items() if o.letter)
    return f"办理结果“{outcomes[given].title}”的答复文书尚未备齐，不能据以答复；现在可以选择：{ready}"


def _correctable(attempt: Attempt, _guard: Guard) -> str:
    if attempt.facts is None:
        return ""
    day = as_date(attempt.facts.get("value")) if attempt.facts.get("field") == ON else None
    if day is not None and day > attempt.on:
        return f"更正后的日期{day}晚于作出更正之日{attempt.on}"
    return objection(attempt.standing.workflow, attempt.standing.facts, attempt.facts)


def _in_force(attempt: Attempt, guard: Guard) -> str:
    term = attempt.standing.law.terms[guard.term]
    if term.on(attempt.on) is not None:
        return ""
    first = min(v.since for v in term.values)
    return f"{attempt.on}时尚无法定的{term.title}（自{first}起才有规定）"


def _told(attempt: Attempt, _guard: Guard) -> str:
    return "" if attempt.told else "该步骤随关联案件的办理、流程的转用自动记入，不单独办理"


_GUARDS: Mapping[str, Callable[[Attempt, Guard], str]] = {
    "once": _once,
    "after": _after,
    "unless": _unless,
    "within": _within,
    "past": _past,
    "running": _running,
    "stopped": _stopped,
    "at_most": _at_most,
    "not_before": _not_before,
    "another_person": _another_person,
    "answers": _answers,
    "distinct": _distinct,
    "agrees": _agrees,
    "lettered": _lettered,
    "correctable": _correctable,
    "in_force": _in_force,
    "told": _told,
}
