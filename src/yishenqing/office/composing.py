"""The reply as it would go out: an outcome for each item, facts with their sources, every sentence with its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from yishenqing.core.deadline import Fact
from yishenqing.core.decide import permitted
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.core.facts import shaped
from yishenqing.core.findings import found_items
from yishenqing.core.guards import WAY
from yishenqing.core.remedies import FINDING, ITEM, OUTCOME
from yishenqing.core.standing import Attempt
from yishenqing.core.workflow import Outcome
from yishenqing.letters.context import blank
from yishenqing.office import redrafting, supplying, telling
from yishenqing.office.candidates import AGAINST, FOR, Candidate, candidate, candidates
from yishenqing.office.casework import Casework, Row
from yishenqing.office.paperwork import dated
from yishenqing.office.supplying import Supplied, Unmet

if TYPE_CHECKING:
    from yishenqing.letters import Letterbook
    from yishenqing.office.acting import Act
    from yishenqing.office.drafting import DraftAct
    from yishenqing.office.knowing import Item, Known

JUDGE = "found"
REASONING = "reasoning"
OFFICER, RECORDED, PROPOSED = "officer", "recorded", "proposed"
CHOSEN_BY = {OFFICER: "承办人指定", RECORDED: "案卷已有", PROPOSED: "程序试拟，由承办人决定"}


class Wish(Struct, frozen=True):
    """What the officer wants: an outcome, facts of the whole and of items, and precedents to take words from."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    use: Sequence[str] = ()
    written: Mapping[int, Mapping[str, str]] = field(default_factory=dict)  # by a model, for items (0: the whole)
    writer: str = ""

    @classmethod
    def of(cls, facts: Mapping[str, Any], outcome: str | None, use: Sequence[str]) -> Wish:
        """Sort facts as given: ``2.severing`` is of the second item, what has no number of the whole.

        Raises:
            DataFault: a number before the dot is none.
        """
        whole: dict[str, Any] = {OUTCOME: outcome} if outcome else {}
        items: dict[int, dict[str, Any]] = {}
        for name, value in facts.items():
            head, dot, rest = name.partition(".")
            if not dot:
                whole[name] = value
            elif head.isdecimal() and int(head):
                items.setdefault(int(head), {})[FINDING if rest == OUTCOME else rest] = value
            else:
                raise DataFault.of([Fault(f"“{name}”应写作 第几项.事实，如 2.severing", field=name)])
        return cls(whole, items, use)


class Choice(Struct, frozen=True):
    """What is to be answered of the whole (``n`` 0) or of one item, with the facts and where each stands."""

    n: int
    outcome: str
    way: str
    by: str
    facts: Mapping[str, Any]
    sources: Mapping[str, str]
    words: Sequence[tuple[str, str]]  # sentences of the explanation, each with its source
    offered: Sequence[Row]  # words that an officer may take from precedents after checking something
    missing: Mapping[str, str]
    unmet: Sequence[Unmet]
    leader: Candidate

    @property
    def named(self) -> str:
        """Return the words by which an officer names this choice on the command line."""
        place = f"{self.n}." if self.n else ""
        return " ".join(f"{place}{k}={v}" for k, v in ((OUTCOME, self.outcome), (WAY, self.way)) if v)

    @property
    def precedents(self) -> set[str]:
        """Return the precedents that words were taken from."""
        kind = "precedent:"
        return {source.removeprefix(kind) for _, source in self.words if source.startswith(kind)}

    def as_json(self, title: str) -> Row:
        """Return the choice in plain values."""
        return {
            "item": self.n,
            "outcome": self.outcome,
            "way": self.way,
            "title": title,
            "by": self.by,
            "facts": {k: _plain(v) for k, v in self.facts.items()},
            "sources": dict(self.sources),
        }


class Draft(Struct, frozen=True):
    """A reply composed: what was chosen, the case as it would then stand, the acts that would record it."""

    known: Known
    choices: Sequence[Choice]
    outcome: str
    after: Casework  # the case with the acts imagined
    facts: Mapping[str, Any]  # of the draft itself, with gaps shown
    acts: Sequence[redrafting.Again]
    missing: Mapping[str, str]
    unmet: Sequence[Unmet]
    today: date

    @property
    def words(self) -> list[tuple[str, str]]:
        """Return every sentence that was adapted from a precedent, or written by a model, with its source."""
        return [pair for choice in self.choices for pair in choice.words]


def compose(known: Known, wish: Wish, act: DraftAct, letters: Letterbook, today: date) -> Draft:
    """Choose an outcome for the whole or for each item, fill in what is known, and say what is not.

    Raises:
        Refused: an outcome, or a way, is not one of the case's workflow.
        DataFault: a fact is unknown or malformed, or a number is no item's.
    """
    _check_items(known, wish)
    if _by_item(known, wish):
        return _itemwise(known, wish, act, letters, today)
    return _whole(known, wish, act, letters, today)


def _check_items(known: Known, wish: Wish) -> None:
    count = len(known.items)
    wrong = [n for n in wish.items if n > count]
    if wrong:
        text = f"申请内容共{count}项，没有第{'、'.join(map(str, wrong))}项"
        raise DataFault.of([Fault(text, field=f"{wrong[0]}.")])


def _by_item(known: Known, wish: Wish) -> bool:
    if len(known.items) <= 1:
        return False
    if wish.items or found_items(known.case.standing, JUDGE):
        return True
    lapsed = any(known.case.standing.last(s) for s in ("supplement_lapsed", "payment_lapsed"))
    return not wish.facts.get(OUTCOME) and not lapsed and known.case.standing.last(telling.DRAFT) is None


def _whole(known: Known, wish: Wish, act: DraftAct, letters: Letterbook, today: date) -> Draft:
    case, step = known.case, known.case.workflow.steps[telling.DRAFT]
    given = {**wish.items.get(1, {}), **wish.facts}
    if FINDING in given:
        given[OUTCOME] = given.pop(FINDING)
    recorded = {k: v for k, v in telling.told(known.story, {}).items() if k in step.fields and not _set_aside(case)}
    choice = _choice(known, None, OUTCOME, telling.DRAFT, given, recorded, letters, wish, today)
    facts = {OUTCOME: choice.outcome, **choice.facts}
    changed = _undrafted(case) or bool(given or wish.use or wish.written)
    again = [_again(known, telling.DRAFT, facts, choice)] if changed else []
    gaps = {**{n: _blank(step.fields[n].type, t) for n, t in choice.missing.items()}, **facts}
    plan = _returning(known, again)
    return Draft(known, [choice], choice.outcome, _imagined(case, act, [(telling.DRAFT, gaps)]), gaps, plan,
                 choice.missing, _before(case, plan, today) or choice.unmet, today)  # fmt: skip


def _itemwise(known: Known, wish: Wish, act: DraftAct, letters: Letterbook, today: date) -> Draft:
    case, workflow = known.case, known.case.workflow
    step, earlier = workflow.steps[JUDGE], [] if _set_aside(case) else known.story.all(JUDGE)
    choices, acts, gapped = [], [], []
    for item in known.items:
        given = wish.items.get(item.n, {})
        said: Mapping[str, Any] = next((f for f in reversed(earlier) if int(f[ITEM]) == item.n), {})
        recorded = {k: v for k, v in said.items() if k in step.fields and k != ITEM}
        choice = _choice(known, item, FINDING, JUDGE, given, recorded, letters, wish, today)
        choices.append(choice)
        facts = {ITEM: item.n, FINDING: choice.outcome, **choice.facts}
        if given or not said or wish.use or wish.written.get(item.n):
            acts.append(_again(known, JUDGE, facts, choice))
        gaps = {n: _blank(step.fields[n].type, t) for n, t in choice.missing.items()}
        gapped.append((JUDGE, {**gaps, **facts}))
    outcome = str(wish.facts.get(OUTCOME) or _joint(workflow.outcomes, workflow.mixed, choices))
    drafting = workflow.steps[telling.DRAFT]
    known_of_it = {} if _undrafted(case) else known.story.latest(telling.DRAFT) or {}
    kept = {k: v for k, v in known_of_it.items() if k in drafting.fields}
    wished = {OUTCOME: outcome, **{k: v for k, v in wish.facts.items() if k != OUTCOME}}
    whole = {**kept, **dated(drafting, shaped(workflow, drafting, wished))}
    if acts or _undrafted(case) or wish.facts:
        acts.append(redrafting.Again(telling.DRAFT, workflow.steps[telling.DRAFT].title, whole))
    missing = {f"{c.n}.{n}": f"第{c.n}项：{t}" for c in choices for n, t in c.missing.items()}
    unmet = list(dict.fromkeys(u for c in choices for u in c.unmet))
    plan = _returning(known, acts)
    return Draft(known, choices, outcome, _imagined(case, act, [*gapped, (telling.DRAFT, whole)]), whole, plan,
                 missing, _before(case, plan, today) or unmet, today)  # fmt: skip


def _set_aside(case: Casework) -> bool:
    """Tell whether the last draft was set aside (责令重新答复): what it said is no starting point."""
    steps = [f.step for f in case.standing.facts]
    last = max((n for n, s in enumerate(steps) if s in (telling.DRAFT, JUDGE)), default=len(steps))
    return any(case.workflow.steps[s].overturns for s in steps[last:])


def _undrafted(case: Casework) -> bool:
    return case.standing.last(telling.DRAFT) is None or _set_aside(case)


def _joint(outcomes: Mapping[str, Any], mixed: str, choices: Sequence[Choice]) -> str:
    """Return the outcome of the whole that follows from the items (国办公开办函〔2021〕30号)."""
    each = list(dict.fromkeys(c.outcome for c in choices))
    gives = any(outcomes[o].gives != "none" for o in each)
    return mixed if len(each) > 1 and gives else each[0]


def _choice(
    known: Known,
    item: Item | None,
    field_name: str,
    step_name: str,
    given: Mapping[str, Any],
    recorded: Mapping[str, Any],
    letters: Letterbook,
    wish: Wish,
    today: date,
) -> Choice:
    """Return what is to be answered: as the officer says, else as recorded, else the likeliest."""
    workflow, step = known.case.workflow, known.case.workflow.steps[step_name]
    stated = dated(step, shaped(workflow, step, given))
    named = str(stated.get(field_name) or "")
    if named and named != recorded.get(field_name):
        recorded = {}  # what was said of another outcome says nothing of this one
    by = OFFICER if named else RECORDED if recorded.get(field_name) else PROPOSED
    if chosen := named or str(recorded.get(field_name) or ""):
        leader = candidate(known, item, chosen, str(stated.get(WAY) or recorded.get(WAY) or ""))
    else:
        leader = candidates(known, item)[0]
    outcome, way = leader.outcome, leader.way
    _check_way(workflow.outcomes[outcome], way, step.law)
    told = {n: s for n, s in _told(known, item, outcome, way).items() if n in step.fields}
    n = item.n if item else 0
    modelled = {k: v for k, v in wish.written.get(n, {}).items() if not (told.get(k) or recorded.get(k))}
    facts = {**{k: s.value for k, s in told.items()}, **modelled, **recorded, **stated}
    facts = {k: v for k, v in facts.items() if k != field_name and v not in (None, "", [])}
    if way:
        facts[WAY] = way
    sources = {k: s.source for k, s in told.items()} | dict.fromkeys(modelled, f"模型 {wish.writer} 拟写")
    sources |= dict.fromkeys(recorded, "案卷") | dict.fromkeys(stated, "承办人填写")
    sources = {k: v for k, v in sources.items() if k in facts}
    words, offered = _words(known, leader, facts, wish.use)
    if modelled.get(REASONING) and not stated.get(REASONING):
        words.append((modelled[REASONING], f"model:{wish.writer}"))
    if words and not (recorded.get(REASONING) or stated.get(REASONING)):
        facts[REASONING] = "".join(text for text, _ in words)
    elif facts.get(REASONING):
        words = []
    attempt = Attempt(known.case.standing, step_name, step, today, {**facts, field_name: outcome})
    missing, unmet = supplying.lacking(attempt, outcome, way)
    missing |= _letter_needs(known, letters, step.fields, outcome, way, facts)
    return Choice(item.n if item else 0, outcome, way, by, facts, sources, words, offered, missing, unmet, leader)


def _check_way(outcome: Outcome, way: str, law: Sequence[str]) -> None:
    if outcome.told(way) is None:
        ways = "、".join(f"{k}（{w.title}）" for k, w in outcome.ways.items())
        raise Refused(f"请以 {WAY}= 指明是哪一种情形：{ways}。", law=list(law))


def _told(known: Known, item: Item | None, outcome: str, way: str) -> dict[str, Supplied]:
    items = [item] if item else list(known.items)
    return supplying.supplied(known, items[0], outcome, way) if items else {}


def _words(
    known: Known, leader: Candidate, facts: Mapping[str, Any], use: Sequence[str]
) -> tuple[list[tuple[str, str]], list[Row]]:
    """Return the sentences adapted from the nearest precedents, and those that a person must check first."""
    from yishenqing.advice import reasons_for

    near = [m.id for m in (*leader.bearing(FOR), *leader.bearing(AGAINST), *leader.near)]
    slots = _slots(known, facts)
    taken: list[tuple[str, str]] = []
    offered: list[Row] = []
    for reason, precedent, text in reasons_for(known.advice, leader.outcome, leader.way, [*use, *near], slots):
        used = precedent in use
        if reason.asks and not used:
            offered.append({"text": text, "source": f"precedent:{precedent}", "asks": reason.asks, "law": reason.law})
        elif used or len(taken) < known.advice.figures["reasons"]:
            taken.append((text, f"precedent:{precedent}"))
    return taken, offered


def _slots(known: Known, facts: Mapping[str, Any]) -> Any:
    searches = known.story.all("search_recorded")
    listed = {
        name: "、".join(dict.fromkeys(str(x) for s in searches for x in s.get(name) or ()))
        for name in ("keywords", "systems")
    }
    listed["you"] = supplying.you(known)

    def slot(name: str) -> str:
        value = listed.get(name) or facts.get(name) or ""
        return "；".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

    return slot


def _letter_needs(
    known: Known, letters: Letterbook, fields: Mapping[str, Any], outcome: str, way: str, facts: Mapping[str, Any]
) -> dict[str, str]:
    """Return the facts that the letter cannot do without and that nobody has said."""
    workflow = known.case.workflow
    told = workflow.outcomes[outcome].told(way)
    kind = told.letter if told else next(iter(workflow.outcomes[outcome].letters), "")
    needs = (need.split(".") for need in letters.kind(kind).needs) if kind else ()
    asked = {parts[1] for parts in needs if parts[0] in ("facts", "facts_title")}
    return {n: fields[n].title for n in fields if n in asked and not facts.get(n)}


def _imagined(case: Casework, act: DraftAct, steps: Sequence[tuple[str, Mapping[str, Any]]]) -> Casework:
    """Return the case as it would stand after these steps; nothing is recorded."""
    standing = case.standing
    for name, facts in steps:
        one: Act = act(name, facts)
        standing = standing.plus(Fact(name, one.on, facts), one.actor)
    return replace(case, standing=standing)


def _again(known: Known, name: str, facts: Mapping[str, Any], choice: Choice) -> redrafting.Again:
    step = known.case.workflow.steps[name]
    files = {n: v for n, v in facts.items() if n in step.fields and step.fields[n].type == "file"}
    kept = {n: v for n, v in files.items() if v and all(isinstance(x, Mapping) for x in _each(v))}
    stated = {n: v for n, v in facts.items() if n in step.fields and n not in kept}
    words = [[source, len(text)] for text, source in choice.words]
    sources = {source for _, source in choice.words}
    fates = {m.id: m.precedent.overturned for m in choice.leader.near if f"precedent:{m.id}" in sources}
    said = {REASONING: words, "fates": fates} if words else {}
    notes = {"draft": {"sources": dict(choice.sources), **said}}
    return redrafting.Again(name, step.title, stated, kept, notes)


def _returning(known: Known, acts: Sequence[redrafting.Again]) -> list[redrafting.Again]:
    """A draft that lies with somebody else comes back first (退回重新办理)."""
    if not acts:
        return []
    step = known.case.workflow.steps[acts[0].step]
    return [*redrafting.returned(known.case, step, "重新拟制答复"), *acts]


def _before(case: Casework, acts: Sequence[redrafting.Again], today: date) -> list[Unmet]:
    """Return what keeps the first act from being taken at all: where the case stands."""
    if not acts or case.standing.state in case.workflow.steps[acts[0].step].from_:
        return []
    state, steps, road = case.standing.state, case.workflow.steps, case.workflow.road
    title, offers = case.workflow.states[state].title, permitted(case.standing, today, today)
    if state in road and not {*road[road.index(state) :]} & {*steps[acts[0].step].from_}:
        offers = []  # what has gone out is not drafted again
    ahead = [p for p in offers if steps[p.step].to in road]
    offers = ahead or [p for p in offers if steps[p.step].public and not steps[p.step].to] or offers
    return [
        Unmet(
            f"案件现处于“{title}”，尚不能“{steps[acts[0].step].title}”；先办理“{p.title}”",
            steps[p.step].law[0],
            p.step,
        )
        for p in offers[:1]
    ] or [Unmet(f"案件现处于“{title}”，不能再拟制答复", steps[acts[0].step].law[0])]


def _blank(kind: str, title: str) -> Any:
    return [blank(title)] if kind == "list" else blank(title)


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
