"""May this step be taken now, and if not, why not. Offers and refusals come from the same function.

``refusals`` gathers every reason against a step. No reason: the step is offered, and may be taken.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from msgspec.structs import replace

from yishenqing.core.deadline import as_date
from yishenqing.core.errors import Permitted, Reason, Refused
from yishenqing.core.graph import graph_of
from yishenqing.core.guards import guard_refusals
from yishenqing.core.standing import Attempt, Standing


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
        permitted=permitted(
            attempt.standing, _day_to_offer(attempt, today), today, actor=attempt.actor, roles=attempt.roles
        ),
    )


def _day_to_offer(attempt: Attempt, today: date) -> date:
    """The day of the attempt, moved between the last entry and today: on any other nothing could be offered."""
    return min(max(attempt.on, attempt.standing.last_on or attempt.on), today)


def permitted(
    standing: Standing, on: date, today: date, *, actor: str = "", roles: Collection[str] | None = None
) -> list[Permitted]:
    """Return the steps that may be taken on ``on``, each with the role that takes it.

    With ``roles`` each says whether ``actor``, who holds them, may take it.
    """
    offers = []
    for name in graph_of(standing.workflow).steps_from(standing.state):
        step = standing.workflow.steps[name]
        if not step.offered or refusals(Attempt(standing, name, step, on), today):
            continue
        mine = None if roles is None else not refusals(Attempt(standing, name, step, on, None, actor, roles), today)
        offers.append(Permitted(name, step.title, step.by[0], step.verb, mine))
    return offers


def refusals(attempt: Attempt, today: date) -> list[Reason]:
    """Return every reason against the attempt; none means that it is lawful."""
    standing, step = attempt.standing, attempt.step
    if graph_of(standing.workflow).destination(standing.state, attempt.name) is None:
        title = standing.workflow.states[standing.state].title
        return [Reason(f"案件现处于“{title}”，不在可以办理该步骤的状态", step.law[0])]
    reasons = [*_of_role(attempt), *_of_date(attempt, today), *_of_staff(attempt)]
    if attempt.facts is not None:
        for name, need in step.needs.items():
            if attempt.facts.get(name) in (None, "", [], {}):
                hint = f"，{need.hint}" if need.hint else ""
                reasons.append(Reason(f"缺少“{need.title}”（{name}）{hint}", step.law[0]))
    if reasons:
        return reasons
    return guard_refusals(attempt)


def doubts(standing: Standing) -> list[tuple[int, list[Reason]]]:
    """Return the acts that their guards would refuse by the facts as they are now known, each with the reasons.

    Only a correction can make an act doubtful that was lawful when it was recorded; what follows, people decide.
    """
    if not any(f.step == standing.workflow.correcting for f in standing.facts):
        return []
    found = []
    for place, fact in enumerate(standing.facts):
        before = replace(standing, facts=standing.facts[:place], actors=standing.actors[:place])
        step = standing.workflow.steps[fact.step]
        if fact.step != standing.workflow.correcting and place:
            attempt = Attempt(before, fact.step, step, fact.on, fact.facts, standing.actors[place])
            if reasons := guard_refusals(attempt):
                found.append((place + 1, reasons))
    return found


def _of_role(attempt: Attempt) -> list[Reason]:
    step, roles = attempt.step, attempt.roles
    if roles is None or set(step.by) & set(roles):
        return []
    titles = "、".join(attempt.standing.workflow.roles[r] for r in step.by)
    return [Reason(f"该步骤由{titles}办理，“{attempt.standing.called(attempt.actor)}”没有这一岗位", step.law[0])]


def _of_staff(attempt: Attempt) -> list[Reason]:
    """A case, or a proceeding beside it, is not sent to where nobody holds the role that must move it on."""
    standing, turn = attempt.standing, attempt.step.side
    flow, to = standing.workflow, attempt.step.to
    state = flow.states[to] if to else flow.sides[turn.of].states[turn.to] if turn and turn.to else None
    owner = state.owner if state else ""
    if state is None or not owner or standing.staffed is None or owner in standing.staffed:
        return []
    title, where = flow.roles[owner], state.title
    text = f"本机关没有人担任“{title}”，“{where}”的案件将无人可办；请先在 office.yaml 指定"
    return [Reason(text, attempt.step.law[0])]


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
