"""How often (data) the office does by itself what nobody should have to remember."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from yishenqing.core.errors import DataFault
from yishenqing.core.masking import KINDS
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "upkeep.yaml"
_MONTHS = 12


class Rescan(Written, frozen=True):
    """How released papers are scanned again."""

    law: str
    months: int
    why: str
    kinds: tuple[str, ...]
    at_once: int
    settle_by: tuple[str, ...]

    def turn(self, day: date) -> str:
        """Return the name of the turn that ``day`` lies in: the year and the number of the turn in it."""
        n = (day.month - 1) // self.months + 1
        return f"{day.year}-{n}"


class Customs(Written, frozen=True):
    """What the tick does from time to time."""

    title: str
    checkpoint_days: int
    checkpoint_why: str
    released: Rescan


def read_customs(home: Path | None) -> Customs:
    """Return the office's customs, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Customs, path, home, _read)


def _read(path: Path) -> Customs:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    customs: Customs = validated(TypeAdapter(Customs), document)
    faults = [
        document.fault(f"没有这一类；可以写：{'、'.join(KINDS)}", ("released", "kinds", n))
        for n, kind in enumerate(customs.released.kinds)
        if kind not in KINDS
    ]
    if customs.checkpoint_days < 0:
        faults.append(document.fault("不能小于0", ("checkpoint_days",)))
    if customs.released.at_once < 1:
        faults.append(document.fault("不能小于1", ("released", "at_once")))
    if not 1 <= customs.released.months <= _MONTHS or _MONTHS % customs.released.months:
        faults.append(document.fault("应为1、2、3、4、6或者12", ("released", "months")))
    if faults:
        raise DataFault.of(faults)
    return customs
