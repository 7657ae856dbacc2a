"""What every verb goes through, whichever class it stands in: found by reflection, so that none can be forgotten."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

# They look after the office itself and never touch the database.
_NO_VERBS = frozenset({"close", "person", "once"})


def verbs(office: type) -> dict[str, Callable[..., Any]]:
    """Return the verbs of an office class by name: its public methods."""
    return {name: value for name, value in inspect.getmembers(office, inspect.isfunction) if _is_verb(name)}


def whole(office: type) -> None:
    """Let each verb that stands in this very class be done as a whole: anew when the database let it give way."""
    for name, verb in own(office):
        setattr(office, name, _whole(verb))


def own(office: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the verbs that are written in this class, not in one above it."""
    yield from ((n, v) for n, v in list(vars(office).items()) if inspect.isfunction(v) and _is_verb(n))


def _is_verb(name: str) -> bool:
    return not name.startswith("_") and name not in _NO_VERBS


def _whole(verb: Callable[..., Any]) -> Callable[..., Any]:
    of_case = next(iter([*inspect.signature(verb).parameters][1:]), "") == "number"

    @functools.wraps(verb)
    def taken(self: Any, *given: Any, **named: Any) -> Any:
        number = str((given[0] if given else named.get("number")) or "") if of_case else ""
        with self._logged(verb.__name__, number):
            self._admit(verb.__name__)
            if self.only_once is not None:
                from yishenqing.office.repeating import taken_once  # noqa: PLC0415 - most calls bear no key

                return taken_once(self, verb, given, named)
            return self._transactions.whole(lambda: verb(self, *given, **named))

    return taken
