"""The alarm when an item is to be answered otherwise than the office has answered the same, or a like, request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yishenqing.articles import article
from yishenqing.office.candidates import outcome_title
from yishenqing.office.casework import Row

if TYPE_CHECKING:
    from yishenqing.office.composing import Choice
    from yishenqing.office.knowing import Item, Known

_LAW = "reply"
# To refuse the same again as a repetition is no different answer.
_REPEATED = "noproc_repeat"


def differing(known: Known, choices: Sequence[Choice]) -> list[Row]:
    """Return every earlier letter that answered the same or a like request otherwise."""
    found = []
    for choice in choices:
        items = [known.items[choice.n - 1]] if choice.n else list(known.items)
        for item in items:
            found += [_alarm(known, item, earlier, choice) for earlier in item.alike if _differs(earlier, choice)]
    return found


def _differs(earlier: Row, choice: Choice) -> bool:
    if not (earlier.get("answered") and earlier["finding"]) or earlier["set_aside"]:
        return False
    if choice.outcome == _REPEATED and earlier["same_person"]:
        return False
    return bool(earlier["finding"] != choice.outcome)


def _alarm(known: Known, item: Item, earlier: Row, choice: Choice) -> Row:
    now = outcome_title(known.case.workflow, choice.outcome, choice.way)
    how = "相同" if earlier["exact"] else f"相近（{earlier['score']:.0%}）"
    who = "同一申请人" if earlier["same_person"] else "其他申请人"
    letter = f"（{earlier['letter']}）" if earlier["letter"] else ""
    text = (
        f"第{item.n}项与{earlier['number']}案第{earlier['earlier_item']}项内容{how}，{who}；"
        f"该项{earlier['replied_on']}已答复“{earlier['finding_title']}”{letter}，本稿拟答复“{now}”"
    )
    return {
        "item": item.n,
        "number": earlier["number"],
        "earlier_item": earlier["earlier_item"],
        "letter": earlier["letter"],
        "earlier": earlier["finding"],
        "now": choice.outcome,
        "exact": earlier["exact"],
        "same_person": earlier["same_person"],
        "text": text,
        "law": article(_LAW),
        "advice": "核对两次之间情况有无变化；没有变化的，应当作相同处理，确需不同的写明理由",
    }
