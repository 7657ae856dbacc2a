"""The sentences of a draft, each with where it comes from; and what of a recorded draft no longer holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing.core.errors import DataFault
from yishenqing.core.guards import guard_refusals
from yishenqing.core.standing import Attempt
from yishenqing.letters.model import Passage
from yishenqing.office import telling
from yishenqing.office.casework import Casework, Row

if TYPE_CHECKING:
    from datetime import date

    from yishenqing.letters import Letterbook
    from yishenqing.office.acting import Registry
    from yishenqing.office.drafting import DraftAct
    from yishenqing.office.paperwork import Opener

OFFICER = "officer"
MODEL = "model:"
_FIXED = {"office": "机关设置", OFFICER: "承办人填写"}
_HEADING = re.compile(r"(\d+)\.关于“")  # reply_items
_SHORTEST = 2  # characters of a fact that tell it apart in a sentence


def sentences(
    passages: Sequence[Passage],
    case: Casework,
    words: Sequence[tuple[str, str]],
    basis: Mapping[str, tuple[Any, str]],
) -> list[Row]:
    """Return every sentence with its source.

    ``words`` are the sentences of explanations with their sources, ``basis`` the facts of the draft: value, source;
    a fact's name begins with the item that it is of (0: the whole), and rests under no other item's heading.
    """
    found, about = [], basis
    for passage in passages:
        if of_item := _HEADING.match(passage.text):
            about = {n: fact for n, fact in basis.items() if n.startswith((f"{of_item[1]}.", "0."))}
        for text, source in _parted(passage, words):
            line = {
                "text": text,
                "source": source,
                "from": source_title(source, case),
                "paragraph": passage.paragraph,
            }
            if rests := _rests_on(text, source, about):
                line["basis"] = rests
            found.append(line)
    return found


def _parted(passage: Passage, words: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """An explanation may join words from several precedents; each stands with its own source."""
    rest = passage.text
    if passage.source == OFFICER:
        for text, source in words:
            before, met, after = rest.partition(text)
            if met:
                if before.strip():
                    yield before, OFFICER
                yield text, source
                rest = after
    if rest.strip():
        yield rest, passage.source


def _rests_on(text: str, source: str, basis: Mapping[str, tuple[Any, str]]) -> list[str]:
    if not source.startswith("entry:"):
        return []
    return list(dict.fromkeys(whose for value, whose in basis.values() if any(v in text for v in _texts(value))))


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, str) and len(one) >= _SHORTEST:
            yield one.rstrip(" 。；;，,、")


def source_title(source: str, case: Casework) -> str:
    """Return a source as an officer reads it in the margin."""
    kind, _, name = source.partition(":")
    if kind == "entry":
        step = case.workflow.steps.get(name)
        seq = next((e.seq for e in reversed(case.entries) if e.step == name), None)
        place = f"案卷第{seq}条记录" if seq else "本次拟稿"
        return f"{place}（{step.title}）" if step else place
    known = {"law": name, "precedent": f"案例 {name}", "model": f"模型 {name} 拟写，须由承办人核实"}
    return known.get(kind) or _FIXED.get(kind, source)


def recorded_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the sentences of a recorded explanation with the sources that were kept with it."""
    kept = ((facts.get("draft") or {}) if isinstance(facts.get("draft"), Mapping) else {}).get("reasoning") or []
    text, found = str(facts.get("reasoning") or ""), []
    if sum(int(length) for _, length in kept) != len(text):
        return []  # somebody has written other words since
    for source, length in kept:
        found.append((text[: int(length)], str(source)))
        text = text[int(length) :]
    return found


def stale(case: Casework, registry: Registry, letters: Letterbook, act: DraftAct, open_facts: Opener) -> list[Row]:
    """Return what of the recorded draft no longer holds since the case has changed: sentences, evidence."""
    place = next((n for n, e in reversed([*enumerate(case.entries, 1)]) if e.step == telling.DRAFT), 0)
    if not place or case.workflow.states[case.standing.state].final:
        return []
    later = case.entries[place:]
    then = case.practice.casework(case.row, case.entries[:place], case.rules)
    found = [*_unproved(case, act("signed", {}).on)]
    if later:
        before, now = (_told(c, registry, letters, act, open_facts) for c in (then, case))
        found = [*_gone(before, now, case, place), *found]
    return found


def refated(case: Casework, now: Mapping[str, bool | None]) -> Iterator[Row]:
    """Yield each precedent that words of the recorded draft rest on and whose fate is another now, or unknown.

    ``now`` says of the precedents that there still are whether they were overturned.
    """
    latest: dict[tuple[str, Any], Mapping[str, Any]] = {}
    for fact in case.standing.facts:
        latest[fact.step, fact.facts.get("item")] = fact.facts
    for facts in latest.values():
        for name, was in fates_of(facts).items():
            if name not in now:
                yield {"text": f"案例{name}已不在案例库中", "was": "", "because": [f"说理所据的案例 {name}"]}
            elif now[name] != was:
                text = f"案例{name}的结局已有变化：拟稿时{_FATES[was]}，现为{_FATES[now[name]]}"
                yield {"text": text, "was": "", "because": [f"说理所据的案例 {name}"]}


_FATES = {True: "被纠正", False: "得到维持", None: "结局不详"}


def fates_of(facts: Mapping[str, Any]) -> dict[str, bool | None]:
    """Return the precedents that the words of an entry rest on, with whether each was overturned then."""
    note = facts.get("draft")
    return dict(note.get("fates") or {}) if isinstance(note, Mapping) else {}


def _told(
    case: Casework, registry: Registry, letters: Letterbook, act: DraftAct, open_facts: Opener
) -> list[Passage] | str:
    """Return the letter of the recorded draft as the case stands, or why it cannot be filled any more."""
    from yishenqing.office.inspecting import asked_kind

    signing = next(n for n, s in case.workflow.steps.items() if s.letter == "by_outcome")
    _, kind = asked_kind(case, case.workflow.steps[signing], {})
    try:
        context = registry.letter_context(case, act(signing, {}), {}, open_facts, None)
        return letters.passages(kind, context)
    except DataFault as fault:
        return str(fault)


def _gone(before: list[Passage] | str, now: list[Passage] | str, case: Casework, place: int) -> Iterator[Row]:
    if isinstance(now, str):
        yield {"text": now, "was": "", "because": _because(case, place, "")}
        return
    if isinstance(before, str):
        return
    still, known = {p.text for p in now}, {p.text for p in before}
    instead = [p for p in now if p.text not in known]
    for passage in before:
        if passage.text not in still and passage.source != "entry:signed":
            new = next(
                (p.text for p in instead if (p.source, p.paragraph) == (passage.source, passage.paragraph)), ""
            )
            yield {"text": new, "was": passage.text, "because": _because(case, place, passage.source)}


def _because(case: Casework, place: int, source: str) -> list[str]:
    """Return the entries since the draft: those of the sentence's own step and corrections, else all."""
    step = source.partition(":")[2]
    later = case.entries[place:]
    near = [e for e in later if e.step in (step, case.workflow.correcting)] or list(later)
    return [f"案卷第{e.seq}条记录（{e.on}{case.workflow.steps[e.step].title}）" for e in near]


def _unproved(case: Casework, on: date) -> Iterator[Row]:
    """Ask again what the draft was asked: later facts may have taken its evidence away."""
    for name, step in case.workflow.steps.items():
        asked = tuple(g for g in step.guards if g.guard == "still_evidenced")
        if asked and case.standing.last(name) is None:
            attempt = Attempt(case.standing, name, replace(step, guards=asked, side=None), on, {})
            for reason in guard_refusals(attempt):
                yield {"text": reason.text, "was": "", "because": [reason.law] if reason.law else []}
