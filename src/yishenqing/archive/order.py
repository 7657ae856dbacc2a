"""In which order the papers of a case lie in its file, as ``workflows/filing.yaml`` says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from msgspec import field

from yishenqing.core.errors import DataFault
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "filing.yaml"


class Group(Written, frozen=True):
    """Papers that lie together: letters and attachments by kind and step, and the forms made for the file."""

    title: str
    replies: bool = False
    application: bool = False
    rest: bool = False
    letters: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()


class Order(Written, frozen=True):
    """The groups of a file, first to last."""

    title: str
    law: tuple[str, ...]
    order: tuple[Group, ...]

    def of_letter(self, kind: str, *, is_reply: bool) -> int:
        """Return the place of an issued letter."""
        return self._first(lambda g: kind in g.letters) if not is_reply else self._first(lambda g: g.replies)

    def of_step(self, step: str) -> int:
        """Return the place of what was attached to a step."""
        return self._first(lambda g: step in g.steps)

    def of_application(self) -> int:
        """Return the place of the application as registered."""
        return self._first(lambda g: g.application)

    def forms(self, taken: Collection[str]) -> list[tuple[int, str]]:
        """Return the forms that a case of these steps has in its file, each with its place."""
        return [(n, kind) for n, g in enumerate(self.order) for kind, step in g.forms.items() if step in taken]

    def _first(self, wanted: Callable[[Group], bool]) -> int:
        rest = next(n for n, g in enumerate(self.order) if g.rest)
        return next((n for n, g in enumerate(self.order) if wanted(g)), rest)


def read_order(home: Path | None) -> Order:
    """Return the office's order, or the one that ships with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Order, path, home, _read)


def _read(path: Path) -> Order:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    order = validated(TypeAdapter(Order), document)
    faults = [
        document.fault(f"应当恰有一组写明 {name}: true", ("order",))
        for name in ("replies", "application", "rest")
        if sum(getattr(g, name) for g in order.order) != 1
    ]
    if faults:
        raise DataFault.of(faults)
    return order
