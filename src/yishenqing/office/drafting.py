"""Drafts: the reply as it would go out today, each sentence with its source, beside the nearest precedents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing.core.errors import NotFound
from yishenqing.core.remedies import ITEM
from yishenqing.letters import Letterbook
from yishenqing.letters.context import blank, name_of
from yishenqing.letters.model import LetterKind
from yishenqing.office import composing, quoting, sheets, supplying, telling
from yishenqing.office.acting import Act, Registry
from yishenqing.office.candidates import ASIDE, FOR, candidates, outcome_title, precedent_row
from yishenqing.office.casework import Casework, Row
from yishenqing.office.composing import CHOSEN_BY, Choice, Draft, Wish
from yishenqing.office.differing import differing
from yishenqing.office.paperwork import Opener, Story
from yishenqing.office.redrafting import Again
from yishenqing.office.sentences import recorded_words, sentences

if TYPE_CHECKING:
    from datetime import date

    from yishenqing.core.law import Law
    from yishenqing.office.knowing import Known

DraftAct = Callable[[str, Mapping[str, Any]], Act]


def draft(
    registry: Registry, letters: Letterbook, known: Known, wish: Wish, act: DraftAct, open_facts: Opener
) -> tuple[Draft, Row]:
    """Return the reply composed, and everything that an officer reads of it.

    Raises:
        Refused: an outcome or a way is none of the workflow's.
        DataFault: a fact is unknown or malformed, or words cite an article that does not hold.
    """
    today = act(telling.DRAFT, {}).on
    found = composing.compose(known, wish, act, letters, today)
    after, case = found.after, known.case
    kind = _replying(found)
    drafted = act(telling.DRAFT, found.facts)
    context = _with_gaps(letters, kind, registry.letter_context(after, drafted, found.facts, open_facts, None))
    registry.refuse_uncited(case, telling.island_words(letters, letters.kind(kind), context), drafted.on)
    words = [*found.words, *(w for _, _, facts in known.story.facts for w in recorded_words(facts))]
    basis = {f"{c.n}.{n}": (v, c.sources[n]) for c in found.choices for n, v in c.facts.items() if n in c.sources}
    answer = {
        "number": case.row.number,
        "outcome": found.outcome,
        "outcome_title": case.workflow.outcomes[found.outcome].title,
        "chosen_by": _chosen_by(found),
        "letter": kind,
        "title": letters.kind(kind).title,
        "sentences": sentences(letters.passages(kind, context), case, words, basis),
        "missing": [{"field": name, "title": title} for name, title in found.missing.items()],
        "unmet": [_unmet(u, case) for u in found.unmet],
        "items": [c.as_json(outcome_title(case.workflow, c.outcome, c.way)) for c in found.choices],
        "candidates": _candidates(known, found),
        "suggestions": [o for c in found.choices for o in (*c.offered, *_replies(c, case.standing.law, today))],
        "precedents": [p for c in found.choices for p in _precedents(c)],
        "differing": differing(known, found.choices),
        "acts": [_command(case, a, found) for a in found.acts],
        "notes": list(known.notes),
    }
    return found, answer


def _with_gaps(letters: Letterbook, kind: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context with a visible gap for every search, notice or consultation that there has not been yet."""
    filled = sheets.with_blanks(letters.kind(kind), context, name_of)
    parts = [letters.kind(kind), *(letters.kind(part["kind"]) for part in context.get("items") or [])]
    needs = {need for part in parts for need in part.needs}
    for part in parts[1:]:
        own = replace(part, needs=tuple(n for n in part.needs if n.partition(".")[0] in ("past", "due")))
        filled = sheets.with_blanks(own, filled, name_of)
    if "search" in needs and not filled.get("search"):
        gaps = {
            n: blank(t)
            for n, t in (("system", "检索范围"), ("keywords", "检索词"), ("result", "检索结果"), ("on", "检索日期"))
        }
        filled["search"] = [{**gaps, "by": "", "leads": []}]
    if "beside.third_party" in needs and not (filled.get("beside") or {}).get("third_party"):
        gap = {"id": "", "on": blank("发出征求意见书之日"), "end": blank("第三方的意见"), "title": {}}
        filled["beside"] = {**(filled.get("beside") or {}), "third_party": [gap]}
    return filled


def _replying(found: Draft) -> str:
    """Return the kind of letter that tells the draft."""
    workflow = found.after.workflow
    if telling.itemwise(found.after.standing):
        return workflow.itemised
    told = workflow.outcomes[found.outcome].told(found.choices[0].way)
    return told.letter if told else workflow.outcomes[found.outcome].letters[0]


def _chosen_by(found: Draft) -> Row:
    by = found.choices[0].by if len({c.by for c in found.choices}) == 1 else composing.PROPOSED
    return {"by": by, "title": CHOSEN_BY[by]}


def _command(case: Casework, act: Again, found: Draft) -> str:
    """Return the command that records an act of the draft, with dots where a person must still say something."""
    item = act.facts.get(ITEM)
    still = {n: "…" for c in found.choices if act.step != "returned" and c.n == (item or 0) for n in c.missing}
    return supplying.command(case.row.number, act.step, case.workflow.steps[act.step], {**act.facts, **still})


def _unmet(unmet: supplying.Unmet, case: Casework) -> Row:
    step = case.workflow.steps.get(unmet.step)
    how = supplying.command(case.row.number, unmet.step, step) if step else ""
    return {"text": unmet.text, "law": unmet.law, "step": unmet.step, "command": how}


def _candidates(known: Known, found: Draft) -> list[Row]:
    """Return the candidates of the whole, or of each item, as far as nobody has decided."""
    most = known.advice.figures["cases"]
    rows = []
    for choice in found.choices:
        item = known.items[choice.n - 1] if choice.n else known.items[0] if len(known.items) == 1 else None
        for one in (choice.leader, *(c for c in candidates(known, item) if c.outcome != choice.outcome)):
            chosen = (one.outcome, one.way) == (choice.outcome, choice.way)
            rows.append({"item": choice.n, "chosen": chosen, **one.as_json(most)})
    return rows


def _replies(choice: Choice, law: Law, on: date) -> list[Row]:
    """Words of precedents that point the same way: beside the draft, never in it; whether they fit, a person says.

    What they cite and the law data in force do not hold is named.
    """
    return [
        {
            "text": m.precedent.reply,
            "source": f"precedent:{m.id}",
            "title": m.title,
            "doubts": [u.text for u in quoting.unresolved(law, m.precedent.reply, on)],
        }
        for m in choice.leader.bearing(FOR)
        if m.precedent.reply
    ][:_ASIDES]


def _precedents(choice: Choice) -> list[Row]:
    rows = [precedent_row(m, choice.leader.bears(m)) for m in choice.leader.near]
    telling_, others = [r for r in rows if r["bearing"] != ASIDE], [r for r in rows if r["bearing"] == ASIDE]
    return [{"item": choice.n, **row} for row in (*telling_[:_NEAREST], *others[:_ASIDES])]


_NEAREST, _ASIDES = 5, 2


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


def _blank(kind: str, title: str) -> Any:
    return [blank(title)] if kind == "list" else blank(title)
