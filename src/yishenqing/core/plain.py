"""Our own types from our own JSON, and back: what was validated once, by pydantic, when a person's file was read.

A stored rulebook or a remembered settings file is not read by pydantic again: importing it costs a command more
than everything else that ``show`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from msgspec import DecodeError, Struct, ValidationError, convert, to_builtins
from msgspec.json import decode

T = TypeVar("T")


def plain_of(value: Struct) -> dict[str, Any]:
    """Return the record and everything in it as mappings, lists and tuples; days stay days."""
    found: dict[str, Any] = to_builtins(value, builtin_types=(date,))
    return found


def built(kind: type[T], data: Mapping[str, Any]) -> T:
    """Return ``data`` (as :func:`plain_of` and JSON left it) as the record ``kind``.

    Raises:
        ValueError: the data are not what this version of ``kind`` was stored as.
    """
    try:
        return convert(data, kind)
    except ValidationError as error:
        raise ValueError(str(error)) from None


def read_back(kind: type[T], text: str | bytes) -> T:
    """Return what was stored as JSON as the record ``kind``.

    Raises:
        ValueError: it is no JSON, or not what this version of ``kind`` was stored as.
    """
    try:
        return decode(text, type=kind)
    except DecodeError as error:
        raise ValueError(str(error)) from None
