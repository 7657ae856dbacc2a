"""The guards' words, each carried out once. A new word needs an article that cannot be said with these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from yishenqing.core import timely
from yishenqing.core.corrections import ON, objection
from yishenqing.core.deadline import Fact, as_date
from yishenqing.core.errors import Reason
from yishenqing.core.findings import composes, found_items
from yishenqing.core.sides import open_ones, turn_refusals
from yishenqing.core.standing import NOTHING, Attempt
from yishenqing.core.workflow import Field, Guard, Outcome, Said

_STATIC = frozenset({"stated", "cites", "among"})  # asked of the act alone: what an entry says does not change
WAY = "way"  # the fact that tells apart the situations in which an outcome is told


# What asks for papers and words; facts alone (``clock FILE``) have none of them.
_OF_PAPERS = frozenset(
    {"stated", "recorded", "sources", "each", "cites", "evidenced", "still_evidenced", "releases", "concluded"}
)


def guard_refusals(attempt: Attempt, *, facts_alone: bool = False) -> list[Reason]:
    """Return what the step's side proceeding and its guards say against it, each with its own article.

    ``facts_alone`` leaves out the guards that ask for papers: the deadlines do not depend on them.
    """
    reasons = []
    if turn := attempt.step.side:
        reasons += turn_refusals(attempt.standing.workflow, attempt.standing.beside, turn, attempt.facts)
    for guard in attempt.step.guards:
        if guard.switch and guard.switch in attempt.standing.switched_off:
            continue
        if facts_alone and guard.guard in _OF_PAPERS:
            continue
        reasons += _against(attempt, guard)
    return reasons


def _against(attempt: Attempt, guard: Guard) -> list[Reason]:
    """What one guard says: one reason with its article, or each missing piece of evidence with its own."""
    if not _applies(attempt, guard):
        return []
    if gather := _GATHERING.get(guard.guard):
        return gather(attempt, guard)
    text = said(attempt, guard)
    return [Reason(text, guard.law)] if text else []


def _once(attempt: Attempt, guard: Guard) -> str:
    earlier = next((f for f in reversed(attempt.standing.facts) if f.step in (attempt.name, guard.step)), None)
    return f"只能办理一次，{earlier.on}已经办理" if earlier and earlier.step == attempt.name else ""


def _after(attempt: Attempt, guard: Guard) -> str:
    title = attempt.standing.workflow.steps[guard.step].title
    missing = f"须先办理“{title}”"
    if guard.when is None:
        return "" if any(attempt.standing.last(s) for s in (guard.step, *guard.also)) else missing
    facts = attempt.standing.facts
    told = (
        any(f.step == guard.step and f.id == said.id for f in facts[n:]) for n, said in _saying(attempt, guard.when)
    )
    return "" if all(told) else missing


def _unless(attempt: Attempt, guard: Guard) -> str:
    earlier = attempt.standing.last(guard.step)
    title = attempt.standing.workflow.steps[guard.step].title
    return f"{earlier.on}已经办理“{title}”" if earlier else ""


def _same(attempt: Attempt, guard: Guard) -> str:
    assert guard.said is not None  # noqa: S101 - soundness asks for it
    given, earlier = (attempt.facts or {}).get(guard.field), attempt.standing.last(guard.said.step)
    if given is None or earlier is None or earlier.facts.get(guard.said.field) == given:
        return ""
    title = attempt.standing.workflow.steps[guard.said.step].title
    known = attempt.step.fields[guard.field].title
    return f"“{known}”{given}与“{title}”所定的{earlier.facts.get(guard.said.field)}不一致"


def _among(attempt: Attempt, guard: Guard) -> str:
    assert guard.said is not None  # noqa: S101 - soundness asks for it
    given = str((attempt.facts or {}).get(guard.field) or "")
    if not given or given in guard.said.values:
        return ""
    known = attempt.step.fields[guard.field]
    titles = "、".join(_title_of(attempt, known, v) for v in guard.said.values)
    return f"“{known.title}”只能是：{titles}"


_LAW = re.compile(
    r"(?:《[^《》]*[法例定则典释][^《》]*》|[\u4e00-\u9fff]+[法例定则典释])[^第]{0,20}第[一二三四五六七八九十百千零〇0-9]+条"
)


def _cites(attempt: Attempt, guard: Guard) -> str:
    given = str((attempt.facts or {}).get(guard.field) or "")
    if not given:
        return ""
    known = attempt.step.fields[guard.field]
    kinds = [k for k in (guard.said.values if guard.said else ()) if re.search(rf"{k}(?:》|第|（|$)", given)]
    if kinds:
        return f"“{known.title}”所写的是{'、'.join(kinds)}，{known.hint}"
    return "" if _LAW.search(given) else f"“{known.title}”须写明名称和第几条，如“统计法第二十五条”"


def _another_person(attempt: Attempt, guard: Guard) -> str:
    steps = [f.step for f in attempt.standing.facts]
    if attempt.actor == "" or guard.step not in steps:
        return ""
    position = len(steps) - 1 - steps[::-1].index(guard.step)
    title = attempt.standing.workflow.steps[guard.step].title
    same = attempt.standing.actors[position] == attempt.actor
    return f"“{title}”由{attempt.standing.called(attempt.actor)}办理，本步骤须由他人办理" if same else ""


def _agrees(attempt: Attempt, guard: Guard) -> str:
    given = (attempt.facts or {}).get(guard.field)
    chosen = next((v for f in reversed(attempt.standing.facts) if (v := f.facts.get(guard.field))), None)
    if not given or not chosen or given == chosen:
        return ""
    titles = {k: o.title for k, o in attempt.standing.workflow.outcomes.items()}
    return f"所填办理结果“{titles[given]}”与已确定的“{titles[str(chosen)]}”不一致"


def _evidenced(attempt: Attempt, guard: Guard) -> list[Reason]:
    """The outcome has a letter, and the law's evidence for it is in the file (each outcome names its own)."""
    given = str((attempt.facts or {}).get(guard.field) or "")
    if not given:
        return []
    if guard.step and (items := found_items(attempt.standing, guard.step)):
        return _items_evidenced(attempt, guard, items)
    return _lacking(attempt, guard, given)


def _items_evidenced(attempt: Attempt, guard: Guard, items: Mapping[int, Mapping[str, Any]]) -> list[Reason]:
    """What was found of each item is evidenced still: a consultation may have been opened since."""
    step = attempt.standing.workflow.steps[guard.step]
    fields = [g.field for g in step.guards if g.guard == "evidenced"]
    reasons = []
    for number, facts in sorted(items.items()):
        again = replace(attempt, name=guard.step, step=step, facts=facts)
        for field in fields:
            reasons += _headed(f"第{number}项", _lacking(again, guard, str(facts[field]), anew=False))
    return reasons


def _still_evidenced(attempt: Attempt, guard: Guard) -> list[Reason]:
    """Ask again, of the latest entry of the step, what it was asked then: later facts may have taken it away."""
    chosen = attempt.standing.last(guard.step)
    if chosen is None:
        return []
    step = attempt.standing.workflow.steps[guard.step]
    again = replace(attempt, name=guard.step, step=step, facts=chosen.facts)
    return [r for g in step.guards if g.guard in ("evidenced", "composes") for r in _asked_again(again, g)]


def _asked_again(attempt: Attempt, guard: Guard) -> list[Reason]:
    if guard.guard == "composes" or (guard.step and attempt.standing.last(guard.step)):
        return _against(attempt, guard)
    return _lacking(attempt, guard, str((attempt.facts or {}).get(guard.field)), anew=False)


def _lacking(attempt: Attempt, guard: Guard, given: str, *, anew: bool = True) -> list[Reason]:
    """Name the evidence that the outcome lacks, each piece with the article that asks for it.

    What the entry itself stated is asked only ``anew``, unless what was said elsewhere makes it needed.
    """
    outcome = attempt.standing.workflow.outcomes[given]
    way = outcome.told(str((attempt.facts or {}).get(WAY) or ""))
    if way is None:
        return [Reason(_no_letter(attempt, outcome), guard.law)]
    needs = [need for need in (*outcome.evidence, *way.evidence) if anew or need.guard not in _STATIC or need.when]
    found = [Reason(text, need.law) for need in needs if (text := said(attempt, need))]
    return _headed(f"选择“{way.title}”尚缺：", found)


def _headed(head: str, reasons: list[Reason]) -> list[Reason]:
    """Put ``head`` before the first: they are read one after the other."""
    return [Reason(head + r.text, r.law) if n == 0 else r for n, r in enumerate(reasons)]


def _no_letter(attempt: Attempt, outcome: Outcome) -> str:
    if outcome.ways:
        ways = "、".join(f"{key}（{way.title}）" for key, way in outcome.ways.items())
        return f"办理结果“{outcome.title}”须以“情形”（{WAY}）写明是哪一种：{ways}"
    known = attempt.standing.workflow.outcomes
    ready = "、".join(f"{k}（{o.title}）" for k, o in known.items() if o.letters)
    return f"办理结果“{outcome.title}”没有答复文书，不能据以答复；现在可以选择：{ready}"


def said(attempt: Attempt, guard: Guard) -> str:
    """Return why one guard refuses; empty when it does not, or does not apply."""
    if not _applies(attempt, guard):
        return ""
    text = _GUARDS[guard.guard](attempt, guard)
    return guard.text if text and guard.text else text


def _applies(attempt: Attempt, guard: Guard) -> bool:
    if guard.when is not None and not _says(attempt, guard.when):
        return False
    if guard.where is not None and not _says(attempt, guard.where):
        return False
    return not guard.unless_true or (attempt.facts is not None and not attempt.facts.get(guard.unless_true))


def _says(attempt: Attempt, what: Said, *, own: bool = False) -> bool:
    """Tell whether it is said; ``own``: of the proceeding that the attempt moves, where it moves one."""
    if not what.step:
        return attempt.facts is not None and str(attempt.facts.get(what.field) or "") in what.values
    mine = str(attempt.facts.get("id") or "") if own and attempt.step.side and attempt.facts is not None else None
    return any(mine in (None, fact.id) for _, fact in _saying(attempt, what))


def _saying(attempt: Attempt, what: Said) -> Iterator[tuple[int, Fact]]:
    """Yield the entries that say so, each with its number: of several proceedings at once, the latest of each."""
    latest = {f.id: (n, f) for n, f in enumerate(attempt.standing.facts, 1) if f.step == what.step}
    anything = not what.values
    yield from ((n, f) for n, f in latest.values() if anything or str(f.facts.get(what.field, "")) in what.values)


def _releases(attempt: Attempt, guard: Guard) -> str:
    if attempt.facts is None:
        return ""
    outcome = attempt.standing.workflow.outcomes.get(str(attempt.standing.latest("outcome")))
    if outcome is None or outcome.gives == "none" or attempt.facts.get(guard.field) == guard.value:
        return ""
    known = attempt.step.fields[guard.field]
    return f"办理结果“{outcome.title}”要提供信息，“{known.title}”须为“{known.choices.get(guard.value, guard.value)}”"


def _stated(attempt: Attempt, guard: Guard) -> str:
    if attempt.facts is None or attempt.facts.get(guard.field) not in NOTHING:
        return ""
    known = attempt.step.fields[guard.field]
    return f"“{known.title}”（{guard.field}）{known.hint and f'，{known.hint}'}"


def _recorded(attempt: Attempt, guard: Guard) -> str:
    step = attempt.standing.workflow.steps[guard.step]
    if any(f.facts.get(guard.field) not in NOTHING for f in attempt.standing.all(guard.step)):
        return ""
    return f"“{step.title}”中的“{step.fields[guard.field].title}”（{guard.field}）"


def _said(attempt: Attempt, guard: Guard) -> str:
    assert guard.said is not None  # noqa: S101 - soundness asks for it
    if any(attempt.standing.last(s) for s in guard.also) or _says(attempt, guard.said, own=True):
        return ""
    step = attempt.standing.workflow.steps[guard.said.step]
    known = step.fields[guard.said.field]
    values = "或者".join(_title_of(attempt, known, v) for v in guard.said.values)
    return f"“{step.title}”的“{known.title}”须为{values}"


def _title_of(attempt: Attempt, known: Field, value: str) -> str:
    if known.type == "channel":
        return attempt.standing.workflow.channels[value].title
    if known.type == "outcome":
        return f"{value}（{attempt.standing.workflow.outcomes[value].title}）"
    return known.choices.get(value, value)


def _listed(attempt: Attempt, guard: Guard) -> set[str]:
    """Everything that the lists in the step's entries name."""
    return {str(x).strip() for f in attempt.standing.all(guard.step) for x in f.facts.get(guard.field, ())}


def _sources(attempt: Attempt, guard: Guard) -> str:
    wanted = attempt.standing.figure(guard.figure)
    known = _listed(attempt, guard)
    step = attempt.standing.workflow.steps[guard.step]
    title = step.fields[guard.field].title
    if len(known) >= wanted:
        return ""
    return f"“{step.title}”的“{title}”至少{wanted}处，现有{len(known)}处"


def _each(attempt: Attempt, guard: Guard) -> str:
    count = attempt.standing.latest(guard.of) or 0
    known = _listed(attempt, guard)
    missing = [str(n) for n in range(1, count + 1) if str(n) not in known]
    if not missing:
        return ""
    step = attempt.standing.workflow.steps[guard.step]
    title = step.fields[guard.field].title
    return f"“{step.title}”的“{title}”（{guard.field}）没有第{'、'.join(missing)}条，申请人提供的线索须逐条核查"


def _counted(attempt: Attempt, guard: Guard) -> str:
    given = (attempt.facts or {}).get(guard.field)
    count = attempt.standing.latest(guard.of)
    known = attempt.step.fields[guard.field]
    if isinstance(given, list | tuple):
        return _counted_list(known, given, count or 0)
    if given is None or count is None or (isinstance(given, int) and 1 <= given <= count):
        return ""
    return f"“{known.title}”应为1至{count}，现为{given}"


def _counted_list(known: Field, given: Sequence[Any], count: int) -> str:
    numbers = {str(n) for n in range(1, count + 1)}
    wrong = [word for word in dict.fromkeys(str(g).strip() for g in given) if word not in numbers]
    if not wrong:
        return ""
    right = f"只能填1至{count}" if count else "登记中一条也没有"
    return f"“{known.title}”{right}，没有第{'、'.join(wrong)}条"


def _concluded(attempt: Attempt, guard: Guard) -> str:
    side = attempt.standing.workflow.sides[guard.side]
    if any(one.kind == guard.side and one.state == guard.state for one in attempt.standing.beside):
        return ""
    return f"“{side.title}”尚未“{side.states[guard.state].title}”"


def _settled(attempt: Attempt, guard: Guard) -> str:
    standing = attempt.standing
    side = standing.workflow.sides[guard.side]
    still = list(open_ones(standing.workflow, standing.beside, guard.side))
    if not still:
        return ""
    titles = [(one.id, side.states[one.state].title) for one in still]
    which = "、".join(f"{name}（{title}）" if name else title for name, title in titles)
    return f"“{side.title}”尚未结束：{which}"


def _correctable(attempt: Attempt, _guard: Guard) -> str:
    if attempt.facts is None:
        return ""
    day = as_date(attempt.facts.get("value")) if attempt.facts.get("field") == ON else None
    if day is not None and day > attempt.on:
        return f"更正后的日期{day}晚于作出更正之日{attempt.on}"
    return objection(attempt.standing.workflow, attempt.standing.facts, attempt.facts)


_GUARDS: Mapping[str, Callable[[Attempt, Guard], str]] = {
    "once": _once,
    "after": _after,
    "unless": _unless,
    "within": timely.within,
    "past": timely.past,
    "elapsed": timely.elapsed,
    "beyond": timely.beyond,
    "same": _same,
    "among": _among,
    "cites": _cites,
    "running": timely.running,
    "stopped": timely.stopped,
    "at_most": timely.at_most,
    "not_before": timely.not_before,
    "another_person": _another_person,
    "agrees": _agrees,
    "composes": composes,
    "releases": _releases,
    "stated": _stated,
    "recorded": _recorded,
    "said": _said,
    "sources": _sources,
    "each": _each,
    "counted": _counted,
    "concluded": _concluded,
    "settled": _settled,
    "correctable": _correctable,
    "in_force": timely.in_force,
}
_GATHERING: Mapping[str, Callable[[Attempt, Guard], list[Reason]]] = {
    "evidenced": _evidenced,
    "still_evidenced": _still_evidenced,
}
