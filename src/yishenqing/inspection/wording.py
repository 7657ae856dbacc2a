"""Checks of the letter's own words: articles, remedy, names and dates, each item, the letter and its outcome."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from yishenqing.core.law import Law, Statute
from yishenqing.inspection.grounds import officers
from yishenqing.inspection.leads import plain
from yishenqing.inspection.model import Check, Found, Sentence, Subject
from yishenqing.inspection.periods import days_of_receipt
from yishenqing.inspection.places import chinese, in_case, in_letter, of_telling, of_words, whole_letter

_LAW = "law:"
_ARTICLE = r"第[一二三四五六七八九十百千零〇]+条(?:之[一二三四五六七八九十]+)?"
_PLACE = rf"{_ARTICLE}(?:第[一二三四五六七八九十]+款)?(?:第?（?[一二三四五六七八九十]+）?项)?"
_CITED = re.compile(rf"《([^《》]{{2,60}})》((?:{_PLACE}[、和及与]?)+)")
_ARTICLES = re.compile(_ARTICLE)
_RECEIVED = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日[^。；《》“”]{0,8}收到[^。；《》“”]{0,40}申请")
_NUMBERED = re.compile(r"登记编号：([^）)；，。\s]+)")
_OPENING = re.compile(r"^(?:entry:received)$")


def _statute(law: Law, title: str) -> Statute | None:
    return next(
        (s for s in law.statutes.values() if title in (s.title, s.title.removeprefix("中华人民共和国"))), None
    )


def citation_in_force(subject: Subject, _check: Check) -> Iterator[Found]:
    """Every article that the letter cites is in the law data, and in force on the letter's day."""
    law = subject.standing.law
    for sentence in subject.letter.sentences:
        for citation in dict.fromkeys((*_sourced(sentence), *_written(law, sentence.text))):
            if problem := law.unresolved(citation, subject.on):
                yield Found(problem, in_letter(subject, sentence), citation)


def _sourced(sentence: Sentence) -> Iterator[str]:
    """Yield the citations that a sentence rests on; a later one may leave out the statute."""
    if not sentence.source.startswith(_LAW):
        return
    statute = ""
    for part in sentence.source.removeprefix(_LAW).split("、"):
        statute = Law.split(part)[0] if not part.startswith("第") else statute
        yield part if not part.startswith("第") else f"{statute}{part}"


def _written(law: Law, text: str) -> Iterator[str]:
    """Yield the citations in the words of the letter, of statutes that the law data hold."""
    for title, articles in _CITED.findall(text):
        if statute := _statute(law, title):
            yield from (f"{statute.cite}{article}" for article in _ARTICLES.findall(articles))


def citation_unknown(subject: Subject, _check: Check) -> Iterator[Found]:
    """An article of a law that nobody here can look up."""
    law = subject.standing.law
    for sentence in officers(subject):
        for title, articles in _CITED.findall(sentence.text):
            if _statute(law, title) is None:
                yield Found(f"《{title}》{articles}无法由程序核对", in_letter(subject, sentence))


def clause_of_outcome(subject: Subject, _check: Check) -> Iterator[Found]:
    """The letter cites at least one of the articles that its outcome rests on."""
    if not subject.letter.sentences:
        return
    law, workflow = subject.standing.law, subject.standing.workflow
    cited = {
        "".join(Law.split(c))
        for s in subject.letter.sentences
        for c in (*_sourced(s), *_written(law, s.text))
    }  # fmt: skip
    for telling in subject.tellings:
        outcome = workflow.outcomes[telling.outcome]
        way = outcome.told(telling.way)
        evidence = (*outcome.evidence, *(way.evidence if way else ()))
        resting = [*(way.law if way else outcome.law), *outcome.law, *(g.law for g in evidence)]
        if not cited & {"".join(Law.split(c)) for c in resting}:
            wanted = "、".join(law.written(c) for c in (way.law if way else outcome.law))
            yield Found(f"办理结果“{outcome.title}”应引{wanted}，文书中没有", of_telling(subject, telling))


def old_wording(subject: Subject, check: Check) -> Iterator[Found]:
    """Phrases and documents that a later law has overtaken, wherever the applicant is not quoted."""
    for old in subject.outdated:
        sentence = subject.letter.sentences[old.sentence]
        if not _OPENING.match(sentence.source):
            yield Found(f"过时的表述“{old.phrase}”：{old.text}", in_letter(subject, sentence), old.law)
    for sentence, word in of_words(subject, check.words.get("repealed", ())):
        if not _OPENING.match(sentence.source):
            yield Found(f"“{word}”已经废止", in_letter(subject, sentence))


def remedy(subject: Subject, check: Check) -> Iterator[Found]:
    """The remedy is the generated one, whole, and nobody has written another."""
    block = subject.context.get("remedy") or {}
    wanted = [block.get("text"), *block.get("more", ()), (block.get("online") or {}).get("text")]
    expected = [plain(str(text)) for text in wanted if text]
    if subject.letter.sentences and subject.letter.remedy_due:
        present = {plain(s.text) for s in subject.letter.sentences}
        if not expected:
            yield Found("没有救济告知", whole_letter(subject))
        for text in expected:
            if text not in present:
                yield Found("没有写明由程序生成的救济告知，或者与之不同", whole_letter(subject))
    ways, periods = check.words.get("ways", ()), check.words.get("periods", ())
    for sentence in officers(subject):
        if any(w in sentence.text for w in ways) and any(p in sentence.text for p in periods):
            yield Found("自行写了复议、诉讼的期限", in_letter(subject, sentence))


def facts_equal(subject: Subject, _check: Check) -> Iterator[Found]:
    """Names, numbers, dates and the request in the letter are those of the case."""
    sentences = subject.letter.sentences
    if not sentences:
        return
    case, number = subject.context.get("case") or {}, ""
    whole = plain("".join(s.text for s in sentences))
    number = str(case.get("number") or "")
    for sentence in sentences:
        for written in _NUMBERED.findall(sentence.text):
            if written != number:
                yield Found(f"登记编号写作“{written}”，案卷为“{number}”", in_letter(subject, sentence))
        yield from _wrong_days(subject, sentence)
    if sentences[-1].text.strip() != chinese(subject.on):
        yield Found(f"成文日期应为{chinese(subject.on)}", in_letter(subject, sentences[-1]))
    if not subject.letter.to_applicant:
        return
    name = str((subject.context.get("applicant") or {}).get("name") or "")
    if plain(sentences[0].text) != plain(name):
        yield Found(f"称谓应为“{name}”", in_letter(subject, sentences[0]))
    if subject.letter.reply:
        yield from _not_quoted(subject, whole)


def _wrong_days(subject: Subject, sentence: Sentence) -> Iterator[Found]:
    right = days_of_receipt(subject)
    for written in _RECEIVED.findall(sentence.text):
        try:
            day = date(*map(int, written))
        except ValueError:
            day = date.min
        if day not in right:
            text = f"收到申请之日写作{'年'.join(written[:1])}年{written[1]}月{written[2]}日，与案卷不一致"
            yield Found(text, in_letter(subject, sentence))


def _not_quoted(subject: Subject, whole: str) -> Iterator[Found]:
    for n, item in enumerate(subject.items, 1):
        if plain(item) not in whole:
            yield Found(f"没有写明第{n}项申请内容“{item[:40]}”", whole_letter(subject))
    received = (subject.context.get("case") or {}).get("received_on")
    if isinstance(received, date) and plain(chinese(received)) not in whole:
        yield Found(f"没有写明收到申请之日{chinese(received)}", whole_letter(subject))


def own_name(subject: Subject, _check: Check) -> Iterator[Found]:
    """The organ that was applied to signs, and the number bears its mark."""
    sentences, name = subject.letter.sentences, str((subject.context.get("organ") or {}).get("name") or "")
    signed = [s for s in sentences if s.paragraph == sentences[-1].paragraph - 1]
    if signed and plain("".join(s.text for s in signed)) != plain(name):
        yield Found(f"署名应为“{name}”", in_letter(subject, signed[0]))
    number = subject.letter.number
    if number and subject.mark and not number.startswith(subject.mark):
        yield Found(f"发文字号“{number}”没有本机关代字“{subject.mark}”", whole_letter(subject))


def items_answered(subject: Subject, _check: Check) -> Iterator[Found]:
    """Once items are judged one by one, each of them is."""
    judged = {t.item for t in subject.tellings if t.item}
    for n, item in enumerate(subject.items, 1):
        if judged and n not in judged:
            yield Found(f"第{n}项“{item[:40]}”没有认定", in_case(subject, max(t.entry for t in subject.tellings)))
        elif judged and subject.letter.sentences and f"{n}.关于“" not in subject.letter.text and len(judged) > 1:
            yield Found(f"文书中没有第{n}项的答复", whole_letter(subject))


def items_lumped(subject: Subject, _check: Check) -> Iterator[Found]:
    """Several items, one conclusion, and nobody has judged them one by one."""
    if len(subject.items) > 1 and not any(t.item for t in subject.tellings):
        for telling in subject.tellings:
            text = f"申请内容有{len(subject.items)}项，没有逐项认定，一并作了一种答复"
            yield Found(text, of_telling(subject, telling))


def outcome_letter(subject: Subject, check: Check) -> Iterator[Found]:
    """Outcome, kind of letter and row of table three are one choice."""
    if subject.expected_kind and subject.letter.kind != subject.expected_kind:
        text = f"文书种类为{subject.letter.kind}，按办理结果应为{subject.expected_kind}"
        yield Found(text, whole_letter(subject))
    gives = {subject.standing.workflow.outcomes[t.outcome].gives for t in subject.tellings}
    contrary = {"none": ("gives",), "all": ("withholds",)}
    for what in contrary.get(next(iter(gives)), ()) if len(gives) == 1 else ():
        for sentence, word in of_words(subject, check.words.get(what, ())):
            if sentence.source == "officer":
                yield Found(f"写有“{word}”，与办理结果不符", in_letter(subject, sentence))


def letter_complete(subject: Subject, _check: Check) -> Iterator[Found]:
    """Why the letter cannot be filled at all."""
    yield from (Found(text, whole_letter(subject)) for text in subject.letter.faults)
