"""Which roles see which personal data on the screen (data: ``workflows/sight.yaml``), each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.stars import KINDS
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.documents import Document

_FILE = "sight.yaml"


class Seeing(Written, frozen=True):
    """What a role sees in full, and why its work needs it."""

    sees: tuple[str, ...]
    why: str


class Sight(Written, frozen=True):
    """Who sees what. A role that is not named sees nothing in full."""

    title: str
    law: tuple[str, ...]
    roles: Mapping[str, Seeing]

    def hidden_from(self, roles: Collection[str]) -> frozenset[str]:
        """Return the kinds of personal data that somebody of these roles sees masked."""
        seen = {kind for role in roles if role in self.roles for kind in self.roles[role].sees}
        return frozenset(KINDS) - seen


def read_sight(home: Path | None) -> Sight:
    """Return the office's rules on who sees what, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Sight, path, home, _read)


def _read(path: Path) -> Sight:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    found: Sight = validated(TypeAdapter(Sight), document)
    if faults := list(_faults(found, document)):
        raise DataFault.of(faults)
    return found


def _faults(found: Sight, document: Document) -> Iterator[Fault]:
    for role, seeing in found.roles.items():
        for kind in sorted(set(seeing.sees) - KINDS.keys()):
            text = f"没有“{kind}”这一类；可用：{'、'.join(KINDS)}"
            yield document.fault(text, ("roles", role, "sees"))
        if not seeing.why.strip():
            yield document.fault("请写明理由", ("roles", role, "why"))
