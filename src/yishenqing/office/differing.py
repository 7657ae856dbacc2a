"""The alarm when an item is to be answered otherwise than the office has answered the same, or a like, request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from yishenqing.inspection import Alike
from yishenqing.office.candidates import outcome_title
from yishenqing.office.casework import Row

if TYPE_CHECKING:
    from yishenqing.inspection import Check
    from yishenqing.office.composing import Choice
    from yishenqing.office.knowing import Item, Known

CHECK = "answered_otherwise"  # the check before issue that tells the same


def answered(earlier: Iterable[Row]) -> list[tuple[Row, Alike]]:
    """Return, of earlier requests with what was found of them, the answers that stand."""
    return [
        (row, Alike(row["item"], row["finding"], row["same_person"], _told(row)))
        for row in earlier
        if row.get("answered") and row["finding"] and not row["set_aside"]
    ]


def differing(known: Known, choices: Sequence[Choice]) -> list[Row]:
    """Return every earlier letter that answered the same or a like request otherwise.

    The inspection before issue tells the same; article and advice are those of its check.
    """
    check, found = known.checks[CHECK], list[Row]()
    for choice in choices:
        items = [known.items[choice.n - 1]] if choice.n else list(known.items)
        for item in items:
            found += [
                _alarm(known, item, row, one, choice, check)
                for row, one in answered(item.alike)
                if one.differs_from(choice.outcome)
            ]
    return found


def _told(earlier: Row) -> str:
    how = "相同" if earlier["exact"] else f"相近（{earlier['score']:.0%}）"
    who = "同一申请人" if earlier["same_person"] else "其他申请人"
    letter = f"（{earlier['letter']}）" if earlier["letter"] else ""
    return (
        f"第{earlier['item']}项与{earlier['number']}案第{earlier['earlier_item']}项内容{how}，{who}；"
        f"该项{earlier['replied_on']}已答复“{earlier['finding_title']}”{letter}"
    )


def _alarm(known: Known, item: Item, earlier: Row, alike: Alike, choice: Choice, check: Check) -> Row:
    now = outcome_title(known.case.workflow, choice.outcome, choice.way)
    return {
        "item": item.n,
        "number": earlier["number"],
        "earlier_item": earlier["earlier_item"],
        "letter": earlier["letter"],
        "earlier": earlier["finding"],
        "now": choice.outcome,
        "exact": earlier["exact"],
        "same_person": earlier["same_person"],
        "text": f"{alike.told}，本稿拟答复“{now}”",
        "law": check.law,
        "advice": check.advice,
    }
