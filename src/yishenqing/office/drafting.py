"""Drafts: the reply as it would go out today, each sentence with its source, beside the nearest precedents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yishenqing.core.errors import NotFound, Refused
from yishenqing.core.facts import shaped
from yishenqing.core.guards import WAY
from yishenqing.letters import Letterbook
from yishenqing.letters.context import blank, name_of
from yishenqing.letters.model import LetterKind
from yishenqing.office import sheets, telling
from yishenqing.office.acting import Act, Registry
from yishenqing.office.casework import Casework, Row
from yishenqing.office.paperwork import Opener, Story
from yishenqing.precedents import Library, Match

_NEAREST = 5
DraftAct = Callable[[str, Mapping[str, Any]], Act]


def draft(
    registry: Registry, letters: Letterbook, case: Casework, act: Act, open_facts: Opener, library: Library
) -> Row:
    """Return the reply for the chosen outcome, what is still missing, and the precedents for and against."""
    step = case.workflow.steps[act.step]
    story = Story.of(case.standing, open_facts)
    given = telling.told(story, shaped(case.workflow, step, act.facts))
    outcome = str(given.get("outcome") or _only_outcome(case))
    told = case.workflow.outcomes[outcome].told(str(given.get(WAY) or ""))
    items = telling.itemwise(case.standing)
    if told is None and not items:
        ways = "、".join(f"{k}（{w.title}）" for k, w in case.workflow.outcomes[outcome].ways.items())
        raise Refused(f"请以 {WAY}= 指明是哪一种情形：{ways}。", law=list(step.law))
    kind = told.letter if told and not items else case.workflow.itemised
    asked = {*step.needs, *(set() if items else _said_in(letters, kind))} - {"outcome"}
    missing = {n: f.title for n, f in step.fields.items() if n in asked and not given.get(n)}
    facts = {**given, "outcome": outcome, **{n: _blank(step.fields[n].type, t) for n, t in missing.items()}}
    matches = library.search("；".join(story.items), _NEAREST)
    context = registry.letter_context(case, act, facts, open_facts, None)
    registry.refuse_uncited(case, telling.island_words(letters, letters.kind(kind), context), act.on)
    return {
        "number": case.row.number,
        "outcome": outcome,
        "outcome_title": case.workflow.outcomes[outcome].title,
        "letter": kind,
        "title": letters.kind(kind).title,
        "sentences": [_sentence(p, case) for p in letters.passages(kind, context)],
        "missing": [{"field": name, "title": title} for name, title in missing.items()],
        "suggestions": _suggestions(matches, outcome),
        "precedents": [_precedent(m, outcome) for m in matches],
    }


def _said_in(letters: Letterbook, kind: str) -> set[str]:
    """The facts that a letter cannot do without."""
    needs = (need.split(".") for need in letters.kind(kind).needs)
    return {parts[1] for parts in needs if parts[0] in ("facts", "facts_title")}


def preview(
    registry: Registry, case: Casework, letter: LetterKind, draft_act: DraftAct, open_facts: Opener
) -> dict[str, Any]:
    """Return the context of a letter that has not been issued: filled from the case, with gaps where it is silent.

    Raises:
        NotFound: no step of the case's workflow issues such a letter.
    """
    story, kind = Story.of(case.standing, open_facts), letter.kind
    for name, step in case.workflow.steps.items():
        replies = {case.workflow.itemised} | {k for o in case.workflow.outcomes.values() for k in o.letters}
        by_outcome = step.letter == "by_outcome" and kind in replies
        if step.letter == kind or by_outcome:
            facts = dict(story.latest(name) or {})
            asked = step
            if by_outcome:
                known = (n for n, o in case.workflow.outcomes.items() if kind in o.letters)
                outcome = next(known, case.workflow.mixed)
                facts = {"outcome": outcome, **(story.latest("drafted") or {})}
                asked = case.workflow.steps["drafted"]
            wanted = {*asked.needs, *(need.removeprefix("facts.") for need in letter.needs)}
            blanks = {n: _blank(f.type, f.title) for n, f in asked.fields.items() if n in wanted and not facts.get(n)}
            facts = {**blanks, **facts}
            context = registry.context_of(letter, case, draft_act(name, facts), facts, open_facts, None)
            return sheets.with_blanks(letter, context, name_of)
    raise NotFound(f"案件的流程中没有出具“{kind}”的步骤；归档用的封面、目录和备考表随卷宗一并生成。")


def _only_outcome(case: Casework) -> str:
    """The outcome, where the workflow leaves no choice of reply."""
    replies = [name for name, outcome in case.workflow.outcomes.items() if outcome.letters]
    if len(replies) == 1:
        return replies[0]
    if not replies:
        text = (
            f"“{case.workflow.title}”的答复没有可供选择的办理结果，不能据先例起草；请按步骤办理，文书在签发时出具。"
        )
        raise Refused(text, law=list(case.workflow.law))
    names = "、".join(f"{n}（{case.workflow.outcomes[n].title}）" for n in replies)
    raise Refused(f"请指明拟作出的办理结果：{names}。", law=["条例第三十六条"])


def _blank(kind: str, title: str) -> Any:
    return [blank(title)] if kind == "list" else blank(title)


def _suggestions(matches: list[Match], outcome: str) -> list[Row]:
    """Words of precedents that point the same way: beside the draft, never in it; whether they fit, a person says."""
    return [
        {"text": match.precedent.reply, "source": f"precedent:{match.id}", "title": match.title}
        for match in matches
        if match.precedent.reply and _bearing(match, outcome) == "支持"
    ]


def _bearing(match: Match, outcome: str) -> str:
    """Say whether a precedent speaks for the outcome: the same one upheld, or its opposite overturned."""
    precedent = match.precedent
    if precedent.outcome is None or precedent.overturned is None:
        return "参考"
    same = precedent.outcome == outcome
    refused = precedent.outcome.startswith("denied_")
    if same:
        return "反对" if precedent.overturned else "支持"
    if refused and outcome in ("granted", "partial"):
        return "支持" if precedent.overturned else "反对"
    return "参考"


def _precedent(match: Match, outcome: str) -> Row:
    return {
        "id": match.id,
        "title": match.title,
        "score": match.score,
        "bearing": _bearing(match, outcome),
        "why": list(match.why),
        "holding": match.precedent.holding,
    }


def _sentence(passage: Any, case: Casework) -> Row:
    return {
        "text": passage.text,
        "source": passage.source,
        "from": source_title(passage.source, case),
        "paragraph": passage.paragraph,
    }


def source_title(source: str, case: Casework) -> str:
    """Return a source as an officer reads it in the margin."""
    kind, _, name = source.partition(":")
    if kind == "entry":
        step = case.workflow.steps.get(name)
        seq = next((e.seq for e in reversed(case.entries) if e.step == name), None)
        place = f"案卷第{seq}条记录" if seq else "本次拟稿"
        return f"{place}（{step.title}）" if step else place
    return {"law": name, "precedent": f"案例 {name}", "office": "机关设置", "officer": "承办人填写"}.get(kind, source)
