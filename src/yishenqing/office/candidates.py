"""Which outcomes a request may come to: each with what points there, the precedents for and against, the risk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.articles import article
from yishenqing.core.findings import found_items
from yishenqing.core.guards import WAY
from yishenqing.core.remedies import FINDING, OUTCOME
from yishenqing.core.workflow import Outcome, Workflow
from yishenqing.office.casework import Row

if TYPE_CHECKING:
    from yishenqing.advice import Hint
    from yishenqing.office.knowing import Item, Known
    from yishenqing.precedents import Match, Precedent

FOR, AGAINST, ASIDE = "支持", "反对", "参考"
_CUSHION = 60  # of reciprocal rank fusion: how much the first ranks count above the others
_REFUSED, _GRANTED, _PARTIAL = "denied_", "granted", "partial"
_GIVING = (_GRANTED, _PARTIAL)


class Candidate(Struct, frozen=True):
    """An outcome that a request may come to."""

    outcome: str
    way: str
    title: str
    law: Sequence[str]
    score: float
    hints: Sequence[Hint]
    near: Sequence[Match]
    grounds: frozenset[str]  # what else the request points to

    def bears(self, match: Match) -> str:
        """Say how a precedent bears: one of a ground that nothing points to stands aside."""
        of = match.precedent.outcome
        return bearing(match.precedent, self.outcome) if of == self.outcome or of in self.grounds else ASIDE

    def bearing(self, how: str) -> list[Match]:
        """Return the precedents that speak for it, or against it."""
        return [m for m in self.near if self.bears(m) == how]

    def as_json(self, most: int) -> Row:
        """Return the candidate in plain values."""
        return {
            "outcome": self.outcome,
            "way": self.way,
            "title": self.title,
            "law": list(self.law),
            "score": round(self.score, 2),
            "hints": [
                {"why": h.why, "law": h.law, "matched": list(h.matched), "weight": h.weight, "source": h.source}
                for h in self.hints
            ],
            "for": [precedent_row(m, FOR) for m in self.bearing(FOR)[:most]],
            "against": [precedent_row(m, AGAINST) for m in self.bearing(AGAINST)[:most]],
            "risk": risk(self),
        }


def candidates(known: Known, item: Item | None) -> list[Candidate]:
    """Return the candidates for one item, or for the whole request, the likeliest first."""
    workflow, advice = known.case.workflow, known.advice
    by_outcome: dict[str, list[Hint]] = defaultdict(list)
    for hint in _hints(known, item):
        by_outcome[hint.outcome].append(hint)
    text = item.text if item else "；".join(known.story.items)
    near = item.near if item else known.search(text)
    found = [
        _candidate(known, name, hints, near, "", frozenset(by_outcome))
        for name, hints in by_outcome.items()
        if name in workflow.outcomes and workflow.outcomes[name].letters  # the case may be of older rules
    ]
    order = {name: n for n, name in enumerate(workflow.outcomes)}
    ranked = sorted(found, key=lambda c: (-c.score, order[c.outcome]))
    return ranked[: advice.figures["shown"]]


def candidate(known: Known, item: Item | None, outcome: str, way: str) -> Candidate:
    """Return the outcome that somebody has chosen, with what speaks for and against it; without ``way`` as hinted."""
    text = item.text if item else "；".join(known.story.items)
    near = item.near if item else known.search(text)
    every = _hints(known, item)
    hints = [h for h in every if h.outcome == outcome]
    return _candidate(known, outcome, hints, near, way, frozenset(h.outcome for h in every))


def _candidate(
    known: Known, name: str, hints: Sequence[Hint], near: Sequence[Match], way: str, grounds: frozenset[str]
) -> Candidate:
    outcome, figures = known.case.workflow.outcomes[name], known.advice.figures
    chosen = way or _way(outcome, hints)
    mine = [h for h in hints if h.way in ("", chosen)]
    relevant = _merged(*(_relevant(m, figures["near"]) for m in (near, _of_ground(known, name, mine))))
    told = outcome.ways.get(chosen)
    title = f"{outcome.title}（{told.title}）" if told else outcome.title
    found = Candidate(name, chosen, title, told.law if told else outcome.law, 0, hints, relevant, grounds)
    swayed = (len(found.bearing(FOR)) - len(found.bearing(AGAINST))) * figures["precedent"]
    score = sum(h.weight for h in mine) + max(-figures["most"], min(figures["most"], swayed))
    return replace(found, score=score)


def _hints(known: Known, item: Item | None) -> list[Hint]:
    from yishenqing.advice import hints

    items = [item] if item else list(known.items)
    text = "\n".join((*(i.text for i in items), str(known.story.received.get("note") or "")))
    found = hints(known.advice, text if item is None else item.text, known.told)
    for one in items:
        found += [*_recorded(known, one), *_registered(known, one), *_repeated(known, one)]
        found += [*_routed(known, one), *_sorted(known, one), *_unclear(known, one)]
    best: dict[tuple[str, str, str], Hint] = {}
    for hint in found:  # what several items say alike is said once
        key = (hint.outcome, hint.way, hint.why)
        if key not in best or best[key].weight < hint.weight:
            best[key] = hint
    return list(best.values())


def _recorded(known: Known, item: Item) -> Iterable[Hint]:
    """What somebody has judged already stands before everything that words point to."""
    from yishenqing.advice import Hint

    weight = known.advice.figures["recorded"]
    found = found_items(known.case.standing, "found").get(item.n, {})
    last = known.case.standing.last("drafted")
    if found:
        yield Hint(
            str(found[FINDING]), str(found.get(WAY) or ""), "案卷已逐项认定", article("reply"), weight, (), "found"
        )
    elif last and OUTCOME in last.facts and len(known.items) == 1:
        way = str(last.facts.get(WAY) or "")
        yield Hint(str(last.facts[OUTCOME]), way, "案卷已拟制答复", article("reply"), weight, (), "drafted")


def _registered(known: Known, item: Item) -> Iterable[Hint]:
    from yishenqing.advice import Hint

    weight = known.advice.figures["register"]
    for holding in item.holdings[:1]:
        name = f"《{holding['title']}》{holding['number']}"
        if holding["attribute"] == "open" and holding["place"]:
            why = f"登记簿第{holding['id']}号已主动公开：{holding['place']}"
            yield Hint("granted", "already_public", why, article("already_public"), weight + 1, (name,), "")
        elif holding["attribute"] in ("open", "on_request"):
            why = f"登记簿第{holding['id']}号为{holding['attribute_title']}"
            yield Hint("granted", "provided", why, article("releasable"), weight, (name,), "")


def _repeated(known: Known, item: Item) -> Iterable[Hint]:
    from yishenqing.advice import Hint

    for earlier in item.alike:
        if earlier["same_person"] and earlier.get("answered") and not earlier["set_aside"]:
            weight = known.advice.figures["repeat"] if earlier["exact"] else known.advice.figures["repeat"] // 2
            like = "相同" if earlier["exact"] else "相近"
            why = f"同一申请人在{earlier['number']}案中提出过{like}的申请，{earlier['replied_on']}已答复"
            yield Hint("noproc_repeat", "", why, article("repeat"), weight, (str(earlier["letter"]),), "")
            return


def _routed(known: Known, item: Item) -> Iterable[Hint]:
    from yishenqing.advice import Hint

    if any(route["department"] for route in item.routes):
        return  # what an office of one's own makes or keeps is searched for first (条例第十条)
    for route in item.routes[:1]:
        if route["organ"]:
            why = f"分办表：{route['topic']}·{route['stage']}由{route['organ']}负责公开"
            weight = known.advice.figures["routing"]
            yield Hint("unable_not_held", "not_ours", why, article("not_ours"), weight, tuple(route["matched"]), "")


def _sorted(known: Known, item: Item) -> Iterable[Hint]:
    """A submission that reads more like a complaint or a question than like an application."""
    from yishenqing.advice import APPLICATION, Hint

    scores = {s.kind: s for s in item.sorted}
    plea = next((s for s in item.sorted if s.outcome == "noproc_petition"), None)
    more = plea.score - scores[APPLICATION].score if plea else 0
    if plea and more > 0:
        weight = known.advice.figures["triage"] * more
        yield Hint(plea.outcome, "", f"像是{plea.title}：{plea.advice}", plea.law, weight, plea.matched, "")


def _unclear(known: Known, item: Item) -> Iterable[Hint]:
    from yishenqing.advice import Hint

    if item.vague and known.case.standing.last("supplement_received"):
        weight = known.advice.figures["worded"] * len(item.vague) * 2
        yield Hint(
            "unable_unclear", "", "补正后仍有不明确的用词", article("clear_content"), weight, tuple(item.vague), ""
        )


def _way(outcome: Outcome, hints: Sequence[Hint]) -> str:
    """Return the way that most points to; what points to no way in particular points to the first."""
    if not hints or not outcome.ways:
        return ""
    weights: dict[str, int] = defaultdict(int)
    for hint in hints:
        weights[hint.way or next(iter(outcome.ways))] += hint.weight
    return max(weights, key=weights.__getitem__)


def _of_ground(known: Known, outcome: str, hints: Sequence[Hint]) -> list[Match]:
    """Return precedents of the outcome's own ground, found by what points to it and not by the request's names."""
    title = known.case.workflow.outcomes[outcome].title.partition("：")[2]
    if not title:
        return []
    words = " ".join((title, *(f"{h.why} {' '.join(h.matched)}" for h in hints if not h.source)))
    return [m for m in known.search(words) if m.precedent.outcome == outcome]


def _merged(near: Sequence[Match], ground: Sequence[Match]) -> list[Match]:
    """Return both lists as one, by the sum of their reciprocal ranks; scores of two searches do not compare."""
    ranks: dict[str, float] = defaultdict(float)
    for matches in (near, ground):
        for place, match in enumerate(matches):
            ranks[match.id] += 1 / (_CUSHION + place)
    known = {m.id: m for m in (*ground, *near)}
    return sorted(known.values(), key=lambda m: (-ranks[m.id], m.id))


def _relevant(near: Sequence[Match], percent: int) -> list[Match]:
    best = max((m.score for m in near), default=0.0)
    return [m for m in near if m.score * 100 >= best * percent]


def bearing(precedent: Precedent, outcome: str) -> str:
    """Say whether a precedent speaks for the outcome: the same one upheld, or its opposite overturned."""
    if precedent.outcome is None or precedent.overturned is None:
        return ASIDE
    gives, withheld = outcome in _GIVING, precedent.outcome.startswith(_REFUSED) or precedent.outcome == _PARTIAL
    if precedent.outcome == outcome:
        if outcome == _GRANTED:
            return ASIDE  # what was disputed there (late, the seal) was not that it gave
        return AGAINST if precedent.overturned else FOR
    if withheld and gives:
        return FOR if precedent.overturned else AGAINST
    return ASIDE


def precedent_row(match: Match, how: str) -> Row:
    """Return a precedent beside a draft: how it bears, what became of it, what it holds."""
    known = match.precedent
    return {
        "id": match.id,
        "title": match.title,
        "score": match.score,
        "bearing": how,
        "overturned": known.overturned,
        "fate": fate_title(known),
        "why": list(match.why),
        "holding": known.holding,
        "law_note": known.law_note,
    }


def fate_title(precedent: Precedent) -> str:
    """Return what became of the decision in a precedent."""
    return {True: "被纠正", False: "得到维持", None: "结局不详"}[precedent.overturned]


def risk(one: Candidate) -> Row:
    """Return how the same ground has fared: how many near cases, and which of them were corrected."""
    same = [m for m in one.near if m.precedent.outcome == one.outcome and bearing(m.precedent, one.outcome) != ASIDE]
    lost = [m for m in same if m.precedent.overturned]
    level = "unknown" if not same else "high" if len(lost) * 2 > len(same) else "some" if lost else "low"
    text = (
        f"同一理由的相近案例{len(same)}件，其中{len(lost)}件被纠正"
        if same
        else "案例库中没有同一理由、结局已知的相近案例"
    )
    return {
        "level": level,
        "text": text + (f"：{'、'.join(m.id for m in lost)}" if lost else ""),
        "corrected": [{"id": m.id, "title": m.title, "holding": m.precedent.holding} for m in lost],
    }


def outcome_title(workflow: Workflow, outcome: str, way: str) -> str:
    """Return what an outcome is called, with its way."""
    known = workflow.outcomes[outcome]
    told = known.ways.get(way)
    return f"{known.title}（{told.title}）" if told else known.title
