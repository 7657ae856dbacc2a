"""How a person is told where something stands: in the letter, in the ledger, in an attachment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from yishenqing.inspection.model import Sentence, Subject, Telling

_QUOTED = 40  # characters of a sentence that are quoted
LETTER = "文书"


def in_letter(subject: Subject, sentence: Sentence) -> str:
    """Return the paragraph and the sentence; the salutation, the signature and the date by their names."""
    last = max(s.paragraph for s in subject.letter.sentences)
    named = {0: "称谓", last - 1: "署名", last: "成文日期"}
    where = named.get(sentence.paragraph, f"第{sentence.paragraph}段")
    text = " ".join(sentence.text.split())
    quoted = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
    return f"《{subject.letter.title}》{where}“{quoted}”"


def whole_letter(subject: Subject) -> str:
    """Return the letter itself."""
    return f"《{subject.letter.title}》"


def in_case(subject: Subject, number: int) -> str:
    """Return an entry by its number; the act at hand is no entry yet."""
    title = subject.standing.workflow.steps[subject.told[number - 1].step].title
    return f"案卷第{number}条记录（{title}）" if number <= subject.recorded else f"本次办理（{title}）"


def of_telling(subject: Subject, telling: Telling) -> str:
    """Return the entry in which a conclusion stands, and of which item it is."""
    which = f"，第{telling.item}项" if telling.item else ""
    return f"{in_case(subject, telling.entry)}{which}"


def of_words(subject: Subject, words: Iterable[str]) -> Iterator[tuple[Sentence, str]]:
    """Yield each sentence of the letter that holds one of the words, with the word."""
    wanted = tuple(words)
    for sentence in subject.letter.sentences:
        for word in wanted:
            if word in sentence.text:
                yield sentence, word
                break


def chinese(day: date) -> str:
    """Return a day as a letter writes it."""
    return f"{day.year}年{day.month}月{day.day}日"
