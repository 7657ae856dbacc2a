"""The guards' words that speak of clocks, terms and dates; each returns why it refuses, or an empty text."""

from __future__ import annotations

from yishenqing.core.deadline import Deadline, Fact, as_date
from yishenqing.core.receipt import received_on
from yishenqing.core.standing import Attempt
from yishenqing.core.workflow import Guard


def within(attempt: Attempt, guard: Guard) -> str:
    """Not after the clock's last day."""
    deadline = attempt.deadline(guard.clock)
    if deadline is None:
        return f"“{attempt.standing.workflow.clocks[guard.clock].title}”尚未开始"
    if attempt.facts is None and guard.field in attempt.step.needs:
        return ""  # an offer does not know yet the date that must be given
    day = as_date((attempt.facts or {}).get(guard.field)) or attempt.on
    return f"{day}已超过{deadline.title}（{deadline.due}届满）" if day > deadline.due else ""


def past(attempt: Attempt, guard: Guard) -> str:
    """Only after it, with nothing having met it."""
    if any(attempt.standing.last(step) for step in guard.also):
        return ""
    known = attempt.deadlines_of(guard.clock)
    if not known:
        return f"“{attempt.standing.workflow.clocks[guard.clock].title}”尚未开始"
    texts = [_not_past(attempt, deadline) for deadline in known]
    return "" if "" in texts else texts[0]


def _not_past(attempt: Attempt, deadline: Deadline) -> str:
    if deadline.met_on is not None:
        return f"“{deadline.title}”所要求的已于{deadline.met_on}办理"
    return f"{deadline.title}尚未届满（{deadline.due}届满）" if attempt.on <= deadline.due else ""


def elapsed(attempt: Attempt, guard: Guard) -> str:
    """The term, counted from the date given, has run out."""
    day = as_date((attempt.facts or {}).get(guard.field))
    if day is None:
        return ""
    term = attempt.standing.law.term(guard.term, day)
    due = attempt.standing.workdays.add(day, term.value).day
    title = attempt.step.fields[guard.field].title
    return f"自“{title}”{day}起算{term.value}个工作日，{due}才届满" if attempt.on <= due else ""


def beyond(attempt: Attempt, guard: Guard) -> str:
    """The date given lies after the clock's last day."""
    day, deadline = as_date((attempt.facts or {}).get(guard.field)), attempt.deadline(guard.clock)
    if day is None or deadline is None or day > deadline.due:
        return ""
    return f"“{attempt.step.fields[guard.field].title}”{day}不晚于{deadline.title}（{deadline.due}届满）"


def running(attempt: Attempt, guard: Guard) -> str:
    """The clock runs, or waits for an answer."""
    deadline = attempt.deadline(guard.clock)
    title = attempt.standing.workflow.clocks[guard.clock].title
    if deadline is None or deadline.state in ("met", "lapsed"):
        return f"“{title}”不在计算之中"
    return f"“{title}”已暂停计算" if deadline.state == "stopped" and not deadline.waiting else ""


def stopped(attempt: Attempt, guard: Guard) -> str:
    """It is stopped."""
    deadline = attempt.deadline(guard.clock)
    title = attempt.standing.workflow.clocks[guard.clock].title
    return "" if deadline is not None and deadline.state == "stopped" else f"“{title}”没有暂停计算"


def at_most(attempt: Attempt, guard: Guard) -> str:
    """The number does not exceed the term."""
    if attempt.facts is None:
        return ""
    standing = attempt.standing
    received = received_on(standing.workflow, standing.facts, standing.workdays, standing.readings)
    limit = standing.law.term(guard.term, received).value
    given = attempt.facts.get(guard.field)
    title = attempt.step.fields[guard.field].title
    if not isinstance(given, int) or given < 1:
        return f"“{title}”须为正整数"
    return f"“{title}”最多{limit}，现为{given}" if given > limit else ""


def not_before(attempt: Attempt, guard: Guard) -> str:
    """The date is not before the day of the step."""
    given = as_date((attempt.facts or {}).get(guard.field))
    earlier = _latest_of(attempt, guard.step) if guard.step else None
    limit = earlier.on if earlier else attempt.on
    title = attempt.step.fields[guard.field].title
    what = f"“{attempt.standing.workflow.steps[guard.step].title}”之日" if earlier else "办理日期"
    return f"“{title}”{given}不得早于{what}{limit}" if given and given < limit else ""


def _latest_of(attempt: Attempt, step: str) -> Fact | None:
    """The latest entry of a step: of the attempt's own ``id`` where several of them run."""
    mine = str((attempt.facts or {}).get("id") or "")
    same = (f for f in reversed(attempt.standing.all(step)) if f.id == mine)
    return next(same, None) or attempt.standing.last(step)


def in_force(attempt: Attempt, guard: Guard) -> str:
    """The term has a value on the day."""
    term = attempt.standing.law.terms[guard.term]
    if term.on(attempt.on) is not None:
        return ""
    first = min(v.since for v in term.values)
    return f"{attempt.on}时尚无法定的{term.title}（自{first}起才有规定）"
