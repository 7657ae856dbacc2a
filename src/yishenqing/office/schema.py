"""All tables of an office, whichever package they belong to: found by looking, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from sqlalchemy import MetaData, Table

import yishenqing


def declared() -> list[MetaData]:
    """Return the tables of every package that has some, package by package."""
    return [found for module in _modules() if isinstance(found := getattr(module, "metadata", None), MetaData)]


def _modules() -> Iterator[ModuleType]:
    """Yield where packages declare their tables: ``tables``, and ``records`` where some have a life of their own."""
    packages = [m.name for m in iter_modules(yishenqing.__path__) if m.ispkg]
    names = (f"yishenqing.{package}.{part}" for package in packages for part in ("tables", "records"))
    yield from (import_module(name) for name in names if find_spec(name) is not None)


def kept() -> list[Table]:
    """Return the tables that are no index over others, which would be made anew."""
    modules = [m for m in _modules() if not getattr(m, "DERIVED", False)]
    found = [declared for m in modules if isinstance(declared := getattr(m, "metadata", None), MetaData)]
    return [table for metadata in found for table in metadata.sorted_tables]


def tables() -> list[Table]:
    """Return all tables, each after those that its rows refer to."""
    return [table for metadata in declared() for table in metadata.sorted_tables]


def never_rewritten() -> Iterator[str]:
    """Yield the tables whose rows stand for ever."""
    for module in _modules():
        yield from getattr(module, "APPEND_ONLY", ())


def erasable() -> dict[str, str]:
    """Return of which of these tables one column may be emptied, though never replaced."""
    return {table: column for module in _modules() for table, column in getattr(module, "ERASABLE", {}).items()}
