"""How a value in an application's file becomes a value of ours, or a fault in Chinese.

pydantic asks each annotation for its schema only when an application is read, so that importing this stays cheap.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct


class As(Struct, frozen=True):
    """Annotation: the value is what ``make`` returns; ``make`` raises ValueError in Chinese."""

    make: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Hand the whole work to ``make``."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.make)


class Some(Struct, frozen=True):
    """Annotation: a list with no fewer and no more entries than stated."""

    fewest: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let pydantic read the entries, then count them."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self._count, handler(source))

    def _count(self, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self.fewest <= len(entries) <= self.most:
            raise ValueError(f"应有{self.fewest}至{self.most}项，现为{len(entries)}项")
        return entries


def prose(longest: int, *, lines: bool = False) -> Callable[[Any], str]:
    """Return what reads text as the applicant wrote it, without surrounding blanks; never empty."""

    def make(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("应为文字")  # noqa: TRY004 - pydantic turns ValueError into a fault with its place
        text = value.replace("\r\n", "\n").strip()
        _refuse_hidden(text, "\n\t" if lines else "")
        if not text:
            raise ValueError("不能为空")
        if len(text) > longest:
            raise ValueError(f"超过长度上限{longest}字，现为{len(text)}字")
        return text

    return make


def code(longest: int) -> Callable[[Any], str]:
    """Return what reads a number by which something is found or reached: half-width, without blanks.

    YAML reads digits without quotes as a number; that is what the officer meant, not a fault.
    """
    plain = prose(longest)

    def make(value: Any) -> str:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        return "".join(unicodedata.normalize("NFKC", plain(text)).split())

    return make


def optional(make: Callable[[Any], str]) -> Callable[[Any], str | None]:
    """Return what reads ``make``, where a blank field of a form says the same as a field left out."""

    def read_or_none(value: Any) -> str | None:
        blank = value is None or (isinstance(value, str) and not value.strip())
        return None if blank else make(value)

    return read_or_none


def _refuse_hidden(text: str, allowed: str) -> None:
    """Refuse what an officer cannot see but a letter, a search or a comparison would carry on."""
    for place, character in enumerate(text, start=1):
        if character not in allowed and _is_hidden(character):
            raise ValueError(
                f"第{place}个字符是看不见的控制字符或者改变书写方向的字符（U+{ord(character):04X}），请删去后重试"
            )


def _is_hidden(character: str) -> bool:
    joiners = "\u200c\u200d"  # some scripts of minority languages are misspelt without them
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in joiners


def day(value: Any) -> date:
    """Return a date, however the file writes it.

    Raises:
        ValueError: there is no such day.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        raise ValueError("应为日期，如 2026-03-02")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"“{value.strip()}”是不存在的日期") from None


def inside(value: Any) -> str:
    """Return a path that stays below the folder of the application file."""
    text = prose(500)(value)
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or re.match(r"[A-Za-z]:", text):
        raise ValueError("附件应写成相对于申请文件的路径，用“/”分隔，且不得离开申请文件所在的文件夹")
    return str(path)
