"""The articles that the program itself cites where it refuses or points something out: data, under a name each.

What a procedure, a letter or a check cites stands there. This is for what no procedure says: who may supervise, that
an application wants a name, that a list is to be put right before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from msgspec import Struct

from yishenqing.shipped import shipped

FILE = "citations"  # in workflows/law


class OldWording(Struct, frozen=True):
    """Wording that the law has left behind, what it says now, and the name of the article."""

    pattern: re.Pattern[str]
    text: str
    cited: str


def article(name: str, on: date | None = None) -> str:
    """Return the article cited under ``name``, the one that held on ``on``; without a day the newest.

    Raises:
        KeyError: the program asks for what its own data do not have; the tests see to it that it never does.
    """
    values = sorted(_known()[FILE][name]["values"], key=lambda value: value["since"])
    in_force = [value["law"] for value in values if on is None or value["since"] <= on]
    return str(in_force[-1] if in_force else values[0]["law"])


@cache
def old_wordings() -> tuple[OldWording, ...]:
    """Return the wording that a later law has overtaken."""
    return tuple(
        OldWording(re.compile(old["pattern"]), old["text"], old["cited"]) for old in _known()["old_wordings"]
    )


@cache
def _known() -> Mapping[str, Any]:
    from yishenqing.documents import read

    known: Mapping[str, Any] = read(shipped("workflows") / "law" / f"{FILE}.yaml").data
    return known
