"""A case in a receiver's own fields and words; what does not fit is told, and nothing is ever cut."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from msgspec import Struct

from yishenqing.exchange.model import Column, Mapped


class Misfit(Struct, frozen=True):
    """A field that the receiver would not take as it is."""

    field: str
    title: str
    text: str
    length: int = 0
    limit: int = 0

    def as_json(self) -> dict[str, str | int]:
        """Return it as a row of a list."""
        return {
            "field": self.field,
            "title": self.title,
            "text": self.text,
            "length": self.length,
            "limit": self.limit,
        }

    def __str__(self) -> str:
        """Return it in words."""
        return f"“{self.title}”（{self.field}）{self.text}"


def record_of(mapping: Mapped, value: Callable[[Column], str]) -> tuple[dict[str, str], list[Misfit]]:
    """Return the record of a case, ``value`` telling what stands in a field, and what of it does not fit."""
    found: dict[str, str] = {}
    misfits: list[Misfit] = []
    for name, column in mapping.fields.items():
        text = column.value or value(column)
        if text and column.through:
            words = mapping.vocabulary[column.through]
            if text not in words:
                misfits.append(Misfit(name, column.title, f"的词“{text}”不在词表“{column.through}”中"))
            text = words.get(text, "")
        if column.required and not text:
            misfits.append(Misfit(name, column.title, "必填，现在是空的"))
        found[name] = _fitted(column, text)
        if column.limit and len(found[name]) > column.limit:
            told = f"共{len(found[name])}字，超过上限{column.limit}字"
            misfits.append(Misfit(name, column.title, told, len(found[name]), column.limit))
    return found, misfits


def _fitted(column: Column, text: str) -> str:
    if not column.limit or len(text) <= column.limit or not column.instead:
        return text
    return column.instead.format(length=len(text), sha256=hashlib.sha256(text.encode()).hexdigest())


class Compared(Struct, frozen=True):
    """Two lists of the same cases, side by side."""

    missing_there: list[str]
    missing_here: list[str]
    differing: list[dict[str, str]]
    same: int


def compared(
    mapping: Mapped, ours: Mapping[str, Mapping[str, str]], theirs: Mapping[str, Mapping[str, str]]
) -> Compared:
    """Compare our records with what a receiver has: by case number, each field that its list shows."""
    differing = [
        {"number": number, "field": name, "title": column.title, "here": ours[number][name], "there": row[name]}
        for number, row in theirs.items()
        if number in ours
        for name, column in mapping.fields.items()
        if name in row and row[name] != ours[number][name]
    ]
    different = {row["number"] for row in differing}
    return Compared(
        sorted(ours.keys() - theirs.keys()),
        sorted(theirs.keys() - ours.keys()),
        differing,
        len((ours.keys() & theirs.keys()) - different),
    )
