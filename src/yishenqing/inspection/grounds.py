"""Checks of what the answer rests on: search and leads, the right organ, third parties, each kind of refusal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yishenqing.inspection.evidence import tellings
from yishenqing.inspection.leads import covered, leads, plain
from yishenqing.inspection.model import Check, Found, Sentence, Subject, Telling
from yishenqing.inspection.places import in_case, in_letter, of_telling, of_words

_SEARCH = "search_recorded"
_REASONS, _REASONED, _WEIGHED = "reasons_requested", "reasons_received", "reasons_weighed"


def _text(facts: dict[str, Any] | Any, *names: str) -> str:
    """Return what the facts say under these names, as one text."""
    values = (facts.get(name) for name in names)
    return "；".join("；".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for v in values if v)


def _searches(subject: Subject) -> list[Any]:
    return [told.facts for _, told in subject.numbered(_SEARCH)]


def _keywords(subject: Subject) -> list[str]:
    return list(dict.fromkeys(str(k).strip() for s in _searches(subject) for k in s.get("keywords") or ()))


def search_narrow(subject: Subject, check: Check) -> Iterator[Found]:
    """A search with a single word proves little."""
    known, wanted = _keywords(subject), check.figures.get("keywords", 1)
    for telling in tellings(subject, check):
        if len(known) < wanted:
            entries = [n for n, _ in subject.numbered(_SEARCH)]
            place = in_case(subject, entries[-1]) if entries else of_telling(subject, telling)
            yield Found(f"检索词只有{len(known)}个（{'、'.join(known)}），难以证明已尽合理检索", place)
            return


def leads_in_request(subject: Subject, check: Check) -> Iterator[Found]:
    """What the request itself names must have been searched for, or be among the leads that were followed."""
    searched = plain("".join(_text(s, "systems", "keywords", "result") for s in _searches(subject)))
    followed = {str(n).strip() for s in _searches(subject) for n in s.get("leads") or ()}
    given = [str(x) for x in subject.received.get("leads") or () if isinstance(subject.received["leads"], list)]
    searched += plain("".join(x for n, x in enumerate(given, 1) if str(n) in followed))
    words, shortest = check.words, check.figures.get("shortest", 1)
    for telling in tellings(subject, check):
        items = subject.items if not telling.item else subject.items[telling.item - 1 : telling.item]
        for text in items:
            for lead in leads(text, words.get("suffixes", ()), words.get("before", ())):
                if not covered(lead, searched, _keywords(subject), shortest):
                    yield Found(f"申请中写有“{lead}”，检索记录中没有", of_telling(subject, telling))


def right_organ(subject: Subject, check: Check) -> Iterator[Found]:
    """The name and the contact of the right organ, or why it cannot be determined."""
    unknown = check.words.get("unknown", ())
    for telling in tellings(subject, check):
        organ, contact = _text(telling.facts, "other_organ"), _text(telling.facts, "other_contact")
        place = of_telling(subject, telling)
        if organ and organ == (subject.context.get("organ") or {}).get("name"):
            yield Found(f"所告知的机关“{organ}”就是本机关", place)
        elif any(word in organ for word in unknown):
            if len(plain(organ)) < check.figures.get("reason", 0):
                yield Found("写“不能确定”而没有说明理由", place)
        elif any(word in organ for word in check.words.get("vague", ())):
            yield Found(f"“{organ}”不是一个机关的名称", place)
        elif contact and not _reaches(contact, check):
            yield Found(f"联系方式“{contact}”中没有电话、地址或者网址", place)


def _reaches(contact: str, check: Check) -> bool:
    digits = sum(c.isdigit() for c in contact)
    return digits >= check.figures.get("digits", 0) or any(w in contact for w in check.words.get("contact", ()))


def ready_data(subject: Subject, check: Check) -> Iterator[Found]:
    """Whoever says that it must be compiled has looked at what is published, or offers what there is."""
    looked = "".join(_text(s, "systems", "keywords", "result") for s in _searches(subject))
    for telling in tellings(subject, check):
        if telling.facts.get("existing_material") or any(w in looked for w in check.words.get("looked_at", ())):
            continue
        yield Found("没有写明现有的可以提供的材料，检索范围也没有主动公开的资料", of_telling(subject, telling))


def place_told(subject: Subject, check: Check) -> Iterator[Found]:
    """Where it is published, exactly: an address, a column, an issue."""
    for telling in tellings(subject, check):
        where = _text(telling.facts, "where_public")
        if where and not any(word in where.lower() for word in check.words.get("exact", ())):
            yield Found(f"所写位置“{where}”不具体", of_telling(subject, telling))


def silence_misread(subject: Subject, check: Check) -> Iterator[Found]:
    """Silence is neither consent nor refusal (条例第三十二条)."""
    silence = check.words.get("silence", ())
    for sentence, word in of_words(subject, check.words.get("taken_as", ())):
        if any(s in sentence.text for s in silence):
            yield Found(f"写有“{word}”；第三方逾期未提出意见，不等于同意，也不等于反对", in_letter(subject, sentence))


def subtype(subject: Subject, check: Check) -> Iterator[Found]:
    """One of the three or four kinds, named in the letter."""
    for telling in tellings(subject, check):
        ways = subject.standing.workflow.outcomes[telling.outcome].ways
        if telling.outcome not in check.outcomes or not ways:
            continue
        if telling.way not in ways:
            titles = "、".join(way.title for way in ways.values())
            yield Found(f"没有写明是哪一种（{titles}）", of_telling(subject, telling))
        elif subject.letter.sentences and ways[telling.way].title not in subject.letter.text:
            yield Found(f"文书中没有写明属于“{ways[telling.way].title}”", of_telling(subject, telling))


def process_open(subject: Subject, check: Check) -> Iterator[Found]:
    """Whether the process is over decides most disputes about process information."""
    for telling in tellings(subject, check):
        said = _text(telling.facts, "no_rule", "severing", "reasoning", "withheld", "weighing")
        if not any(word in said for word in check.words.get("said", ())):
            yield Found("没有写明该过程是否已经结束", of_telling(subject, telling))


def secret_mark(subject: Subject, check: Check) -> Iterator[Found]:
    """Level and term of the secret (法释〔2025〕8号: the organ must prove them)."""
    parts = {"level": "密级", "term": "保密期限"}
    for telling in tellings(subject, check):
        mark = _text(telling.facts, "secret_mark")
        if not mark:
            continue  # asked for by its evidence
        lacking = [title for key, title in parts.items() if not any(w in mark for w in check.words.get(key, ()))]
        if lacking:
            yield Found(f"“{mark}”中没有{'、'.join(lacking)}", of_telling(subject, telling))


def petition_nouns(subject: Subject, check: Check) -> Iterator[Found]:
    """Who names documents asks for information, whatever else is said."""
    for telling in tellings(subject, check):
        for text in _of_item(subject, telling):
            named = [w for w in check.words.get("documents", ()) if w in text]
            if named:
                yield Found(f"申请内容提到{'、'.join(named)}，像是申请具体的政府信息", of_telling(subject, telling))


def request_is_petition(subject: Subject, check: Check) -> Iterator[Found]:
    """And the reverse: a demand or a question that was answered as if it asked for information."""
    for telling in tellings(subject, check):
        for text in _of_item(subject, telling):
            named = [w for w in check.words.get("asks", ()) if w in text]
            if named:
                yield Found(f"申请内容有“{'”“'.join(named)}”，像是信访、咨询或者投诉", of_telling(subject, telling))


def _of_item(subject: Subject, telling: Telling) -> list[str]:
    return subject.items[telling.item - 1 : telling.item] if telling.item else subject.items


def repeat_linked(subject: Subject, check: Check) -> Iterator[Found]:
    """The earlier answer is a letter of this office, to the same applicant, delivered, about the same."""
    for telling in tellings(subject, check):
        place = of_telling(subject, telling)
        replies = [e for e in subject.earlier if e.reply]
        if not replies:
            yield Found(f"“{_text(telling.facts, 'earlier_reply')}”中没有本机关已经出具的答复的文号", place)
        for one in replies:
            if not one.same_applicant:
                yield Found(f"{one.number}是案件{one.case}的答复，申请人与本案不同", place)
            if not one.delivered:
                yield Found(f"{one.number}尚无送达记录（案件{one.case}）", place)
            wanted = {plain(i) for i in _of_item(subject, telling)}
            if one.items and not wanted <= {plain(i) for i in one.items}:
                yield Found(f"{one.number}所答复的申请内容与本案文字不同，请核对（案件{one.case}）", place)


def answered_otherwise(subject: Subject, check: Check) -> Iterator[Found]:
    """What the office has answered of the same, or a like, item is answered alike, or it says why not."""
    for telling in tellings(subject, check):
        title = subject.standing.workflow.outcomes[telling.outcome].title
        for one in subject.alike:
            if telling.item in (0, one.item) and one.differs_from(telling.outcome):
                yield Found(f"{one.told}，本次答复“{title}”", of_telling(subject, telling))


def mass_reasons(subject: Subject, check: Check) -> Iterator[Found]:
    """Reasons are asked for first, and weighed when they are in or the term is over."""
    for telling in tellings(subject, check):
        if not subject.numbered(_REASONS):
            yield Found("没有要求申请人说明理由的记录", of_telling(subject, telling))
            continue
        n, asked = subject.numbered(_REASONS)[-1]
        weighed = subject.numbered(_WEIGHED)
        until = str(asked.facts.get("until") or "")
        if weighed and until and not subject.numbered(_REASONED) and weighed[-1][1].on.isoformat() <= until:
            text = f"申请人说明理由的期限（{until}）尚未届满，就认定了理由不合理"
            yield Found(text, in_case(subject, weighed[-1][0] or n))


def special_law(subject: Subject, check: Check) -> Iterator[Found]:
    """The law by its name and its article."""
    for telling in tellings(subject, check):
        rule = _text(telling.facts, "special_rule")
        if rule and not ("《" in rule and "第" in rule and "条" in rule):
            yield Found(f"“{rule}”没有写明法律、行政法规的名称（书名号）和条款", of_telling(subject, telling))


def officers(subject: Subject) -> Iterator[Sentence]:
    """Yield the sentences that an officer has written, or filled in."""
    received = f"entry:{subject.told[0].step}"
    yield from (
        s for s in subject.letter.sentences
        if s.source == "officer" or (s.source.startswith("entry:") and s.source != received)
    )  # fmt: skip
