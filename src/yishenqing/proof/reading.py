"""Reads ``workflows/invariants.yaml``: the shipped ones, and those that an office adds to them."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.workflow import Workflow
from yishenqing.proof.laws import Invariant, dangling
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from pydantic import TypeAdapter

NAME = "invariants.yaml"
EVERY = "every"  # the section that every procedure keeps


def read_invariants(home: Path | None, workflow: Workflow, procedures: Collection[str]) -> dict[str, Invariant]:
    """Return what every case of ``workflow`` must keep: the sections ``every`` and those named in ``procedures``.

    The office's own file adds to the shipped one and takes nothing away.

    Raises:
        DataFault: an unknown word or name, or an own invariant under the name of a shipped one; with file and line.
    """
    from yishenqing.documents import read, validated

    found: dict[str, Invariant] = {}
    faults: list[Fault] = []
    for folder in reversed(layered("workflows", home)):
        if not (folder / NAME).is_file():
            continue
        document = read(folder / NAME)
        sections = validated(_adapter(), document)
        for section, laws in sections.items():
            for name, law in laws.items() if section in (EVERY, *procedures) else ():
                texts = [*dangling(workflow, law)]
                if name in found:
                    texts.append("已有同名的不变量；机关可以增加，不能改写")
                faults += [document.fault(t, (section, name), law.law) for t in texts]
                found[name] = law
    if faults:
        raise DataFault.of(faults)
    return found


@lru_cache
def _adapter() -> TypeAdapter[dict[str, dict[str, Invariant]]]:
    from pydantic import TypeAdapter

    return TypeAdapter(dict[str, dict[str, Invariant]])
