"""All tables of an office, whichever package they belong to: found by looking, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from sqlalchemy import MetaData, Table

import yishenqing


def declared() -> list[MetaData]:
    """Return the tables of every package that has some, package by package."""
    names = (f"yishenqing.{m.name}.tables" for m in iter_modules(yishenqing.__path__) if m.ispkg)
    modules = (import_module(name) for name in names if find_spec(name) is not None)
    return [found for module in modules if isinstance(found := getattr(module, "metadata", None), MetaData)]


def tables() -> list[Table]:
    """Return all tables, each after those that its rows refer to."""
    return [table for metadata in declared() for table in metadata.sorted_tables]


def never_rewritten() -> Iterator[str]:
    """Yield the tables whose rows stand for ever."""
    names = (f"yishenqing.{m.name}.tables" for m in iter_modules(yishenqing.__path__) if m.ispkg)
    for name in names:
        if find_spec(name) is not None:
            yield from getattr(import_module(name), "APPEND_ONLY", ())
