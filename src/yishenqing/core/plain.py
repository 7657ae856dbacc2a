"""Our own types from our own JSON: what was validated once, by pydantic, when a person's file was read.

A stored rulebook or a remembered settings file is not read by pydantic again: importing it costs a command more
than everything else that ``show`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Build = Callable[[Any], Any]


def built(kind: type[T], data: Mapping[str, Any]) -> T:
    """Return ``data`` (as ``dataclasses.asdict`` and JSON left it) as the dataclass ``kind``.

    Raises:
        KeyError, TypeError, ValueError: the data are not what this version of ``kind`` was stored as.
    """
    return cast(T, _builder(cast(Any, kind))(data))


@lru_cache(maxsize=256)
def _builder(kind: Any) -> _Build:
    if is_dataclass(kind):
        return _of_dataclass(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        item = _builder(inner[0])
        return lambda data: tuple(map(item, data))
    if origin is frozenset:
        member = _builder(inner[0])
        return lambda data: frozenset(map(member, data))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        value = _builder(inner[1])
        return lambda data: {k: value(v) for k, v in data.items()}
    if origin is UnionType:  # only “X | None” occurs
        some = _builder(next(x for x in inner if x is not type(None)))
        return lambda data: None if data is None else some(data)
    return date.fromisoformat if kind is date else _as_it_is


def _of_dataclass(kind: Any) -> _Build:
    hints = get_type_hints(kind)
    parts = [(f.name, _builder(hints[f.name])) for f in fields(kind)]
    names = {name for name, _ in parts}

    def build(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise TypeError(f"{kind.__name__} is stored as a mapping")
        if data.keys() - names:
            raise TypeError(f"{kind.__name__} knows no {sorted(data.keys() - names)}")
        return kind(**{name: part(data[name]) for name, part in parts if name in data})

    return build


def _as_it_is(data: Any) -> Any:
    return data
