"""Words from the office's own model: only where an officer may write, each sentence held against law and file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from yishenqing.core.masking import KINDS
from yishenqing.letters.model import fact_of
from yishenqing.office import quoting
from yishenqing.office.candidates import AGAINST, FOR
from yishenqing.office.casework import Row
from yishenqing.office.composing import REASONING
from yishenqing.office.masking import masked, parties_of
from yishenqing.office.nearest import endpoint_of

if TYPE_CHECKING:
    from datetime import date

    from yishenqing.core.law import Law
    from yishenqing.letters import Letterbook
    from yishenqing.office.composing import Choice, Draft
    from yishenqing.office.knowing import Known
    from yishenqing.settings import Model

_SENTENCE = re.compile(r"[^。；\n]+[。；]?")
_NAMED = re.compile(r"\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?|[\u4e00-\u9fff]{1,8}[〔\[(（]\d{4}[〕\])）]\d+号|\d{2,}")
_HIDDEN = "|".join(KINDS.values())
_MASK = re.compile(rf"（(?:(?:申请人|共同申请人|代理人|第三方|签收人)[^（）]{{0,6}}|(?:{_HIDDEN})略)）")
_INSTRUCTION = (
    "你协助行政机关的承办人拟写政府信息公开答复中的说理。只依据所给的材料，用平实的公文语言；"
    "不得引用材料以外的法律条文、文号、日期、人名、数字；不写办理结果和救济途径；材料不足的，该处留空。"
)


class Worded(Struct, frozen=True):
    """What a model has written by item (0: the whole) and fact, what was struck and why, what did not help."""

    model: str = ""
    words: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    struck: Sequence[Row] = ()
    notes: Sequence[str] = ()


def worded(known: Known, found: Draft, model: Model | None, letters: Letterbook, laws: Sequence[Law]) -> Worded:
    """Return words for what an officer may word and nobody has worded yet; nothing where there is no model."""
    from yishenqing.endpoints import Unreachable, written

    if model is None:
        return Worded(notes=["office.yaml 没有设置 models.writing，没有试写说理"])
    parties, today = parties_of(known.told), found.today
    words: dict[int, dict[str, str]] = {}
    struck: list[Row] = []
    for choice in found.choices:
        places = _places(known, choice, letters)
        if not places:
            continue
        material = masked(_material(known, choice), parties)
        try:
            said = written(endpoint_of(model), _INSTRUCTION, material, places)
        except Unreachable as error:
            return Worded(model.model, words, struck, [f"写作模型{error}，没有试写说理，其他不受影响"])
        for name, text in said.items():
            kept, out = _judged(text, material, laws, today)
            struck += [{"item": choice.n, "field": name, "text": s, "why": why} for s, why in out]
            if kept:
                words.setdefault(choice.n, {})[name] = "".join(kept)
    return Worded(model.model, words, struck)


def _places(known: Known, choice: Choice, letters: Letterbook) -> dict[str, str]:
    """Return the islands of the letter that nobody has filled: the facts they are, with their titles."""
    workflow = known.case.workflow
    told = workflow.outcomes[choice.outcome].told(choice.way)
    fields = workflow.steps["drafted"].fields
    islands = letters.kind(told.letter).islands if told else ()
    names = dict.fromkeys(fact_of(name) for name in (*islands, "explanation"))
    open_ = [
        n for n in names if n in fields and (n in choice.missing or (n == REASONING and not choice.facts.get(n)))
    ]
    return {n: fields[n].title + (f"（{fields[n].hint}）" if fields[n].hint else "") for n in open_}


def _material(known: Known, choice: Choice) -> str:
    """Return what the model is told: the request, the outcome with its articles, the search, the precedents."""
    law, item = known.case.standing.law, known.items[choice.n - 1] if choice.n else None
    lines = [f"申请内容：{item.text if item else '；'.join(known.story.items)}", f"拟作结果：{choice.leader.title}"]
    lines += [f"依据：{law.written(c)}：{law.text(c)}" for c in choice.leader.law]
    for search in known.story.all("search_recorded"):
        lines.append(f"检索：{'、'.join(search['systems'])}；{'、'.join(search['keywords'])}；{search['result']}")
    near = (*choice.leader.bearing(FOR), *choice.leader.bearing(AGAINST))
    lines += [f"案例：{m.precedent.holding}" for m in near[: known.advice.figures["cases"]]]
    return "\n".join(lines)


def _judged(text: str, material: str, laws: Sequence[Law], on: date) -> tuple[list[str], list[tuple[str, str]]]:
    """Part the sentences that may stand from those that are struck, each with why."""
    kept: list[str] = []
    struck: list[tuple[str, str]] = []
    for sentence in _SENTENCE.findall(text):
        if why := next(_faults(sentence, material, laws, on), ""):
            struck.append((sentence.strip(), why))
        elif sentence.strip():
            kept.append(sentence.strip())
    return kept, struck


def _faults(sentence: str, material: str, laws: Sequence[Law], on: date) -> Iterator[str]:
    for found in quoting.unresolved(laws[0], sentence, on):
        if all(any(u.citation == found.citation for u in quoting.unresolved(law, sentence, on)) for law in laws[1:]):
            yield found.text
    for name in _NAMED.findall(sentence):
        if name not in material:
            yield f"“{name}”不在所给的材料中"
    if _MASK.search(sentence):
        yield "含有隐去的当事人信息"
