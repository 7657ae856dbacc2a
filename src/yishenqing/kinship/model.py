"""By which customs (data) an office recognises what it has met before."""

from __future__ import annotations

from pathlib import Path

from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "recognition.yaml"


class Customs(Written, frozen=True):
    """How far back is looked, how like texts must be, how many applicants make a proposal. Every figure is data."""

    title: str
    law: tuple[str, ...]
    within_months: int
    similar_from: int  # per cent
    shown: int
    propose_applicants: int
    decide_by: tuple[str, ...]


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

    return validated(TypeAdapter(Customs), read(path))
