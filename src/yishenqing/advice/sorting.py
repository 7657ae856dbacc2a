"""What a submission looks like, and what points to which outcome: by words that anybody can read and change."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from yishenqing.advice.model import Advice, Hint, Reason, Signal, Sorted
from yishenqing.advice.reading import APPLICATION, SLOT

_LEAD = 2  # what a document number or the name of a project weighs


def plain(text: str) -> str:
    """Return ``text`` as words are looked for in it: half width, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def matched(words: Iterable[str], text: str) -> tuple[str, ...]:
    """Return the words that ``text`` says, each once; of two words in one place the longer."""
    said = plain(text)
    found = [w for w in dict.fromkeys(words) if plain(w) in said]
    return tuple(w for w in found if not any(w != x and plain(w) in plain(x) for x in found))


def sort_submission(advice: Advice, text: str, leads: Sequence[str] = ()) -> list[Sorted]:
    """Return what ``text`` may be, the likeliest first; what has no word of its own is left out.

    ``leads`` are the document numbers, projects and plots that it names: they speak for an application.
    """
    found = []
    for name, kind in advice.kinds.items():
        words = matched(kind.words, text)
        score = kind.weight * len(words)
        if name == APPLICATION:
            documents = matched(advice.documents, text)
            score += len(documents) + _LEAD * len(leads)
            words = (*words, *documents, *leads)
        if score or name == APPLICATION:
            found.append(Sorted(name, kind.title, kind.law, kind.advice, score, words, kind.outcome))
    return sorted(found, key=lambda s: (-s.score, s.kind != APPLICATION))


def vague(advice: Advice, text: str) -> tuple[str, ...]:
    """Return the words of ``text`` that leave open what is asked for."""
    return matched(advice.vague, text)


def needs_help(advice: Advice, text: str) -> tuple[str, ...]:
    """Return the words that say an applicant may need help (条例第四十三条)."""
    return matched(advice.help, text)


def hints(advice: Advice, text: str, told: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Hint]:
    """Return every signal that speaks: of the request ``text``, or of what the steps have recorded (``told``)."""
    return [hint for signal in advice.signals for hint in _spoken(advice, signal, text, told)]


def _spoken(
    advice: Advice, signal: Signal, text: str, told: Sequence[tuple[str, Mapping[str, Any]]]
) -> Iterator[Hint]:
    if signal.always:
        yield _hint(advice, signal, ())
        return
    if not signal.step:
        words = matched(signal.words, text)
        if words and not matched(signal.unless, text):
            yield _hint(advice, signal, words)
        return
    latest = next((facts for step, facts in reversed(told) if step == signal.step), None)
    if latest is None:
        return
    said = str(latest.get(signal.field) or "")
    if signal.values:
        if said in signal.values:
            yield _hint(advice, signal, ())
        return
    words = matched(signal.words, said)
    if not signal.words or (words and not matched(signal.unless, said)):
        yield _hint(advice, signal, words)


def _hint(advice: Advice, signal: Signal, words: tuple[str, ...]) -> Hint:
    weight = signal.weight + advice.figures["worded"] * max(len(words) - 1, 0)
    return Hint(signal.outcome, signal.way, signal.why, signal.law, weight, words, signal.step)


def reasons_for(
    advice: Advice, outcome: str, way: str, near: Sequence[str], facts: Callable[[str], str]
) -> Iterator[tuple[Reason, str, str]]:
    """Yield the reasons that fit: each with the precedent that it rests on, the nearest first, and its words.

    ``facts`` gives the words of a slot, empty where the case does not say; then the reason does not fit.
    """
    order = {name: n for n, name in enumerate(near)}
    fitting = []
    for reason in advice.reasons:
        if reason.outcome != outcome or (reason.way and reason.way != way):
            continue
        names = [n for n in reason.precedents if n in order]
        slots = {name: facts(name) for name in SLOT.findall(reason.text)}
        if names and all(slots.values()) and all(facts(name) for name in reason.needs):
            best = min(names, key=order.__getitem__)
            fitting.append((order[best], reason, best, _worded(reason.text, slots)))
    yield from ((reason, best, text) for _, reason, best, text in sorted(fitting, key=lambda f: f[0]))


def _worded(text: str, slots: Mapping[str, str]) -> str:
    return SLOT.sub(lambda match: slots[match[1]], text)
