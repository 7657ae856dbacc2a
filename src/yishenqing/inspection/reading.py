"""Read the checks (data): strictly, each known to the program, its nature not changed behind anybody's back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, Fault
from yishenqing.inspection.model import Inspection, Kind
from yishenqing.remembered import remembered
from yishenqing.shipped import layered, shipped

if TYPE_CHECKING:
    from yishenqing.documents import Document

FILE = "inspection.yaml"
# What only the office's settings may change, with a reason: see ``adjusted``.
_FIXED = ("kind", "switchable", "letters", "outcomes", "ways", "evidence")


def read_inspection(home: Path | None) -> Inspection:
    """Return the office's checks, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / FILE).is_file())
    return remembered(Inspection, path, home, _read)


def _read(path: Path) -> Inspection:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    found: Inspection = validated(TypeAdapter(Inspection), document)
    faults = list(_unknown(found, document))
    own = shipped("workflows") / FILE
    if not faults and path.resolve() != own.resolve():
        faults = list(_changed(found, _read(own), document))
    if faults:
        raise DataFault.of(faults)
    return found


def _unknown(found: Inspection, document: Document) -> Iterator[Fault]:
    from yishenqing.inspection.running import CHECKS, EVIDENCE_ONLY

    known = {*CHECKS, *EVIDENCE_ONLY}
    for name in found.checks.keys() - known:
        text = f"没有检查“{name}”；代号是封闭的，可用：{'、'.join(sorted(known))}"
        yield document.fault(text, ("checks", name))
    for name in sorted(known - found.checks.keys()):
        yield document.fault(f"缺少检查“{name}”；不用的，请在 office.yaml 的 inspection 中写明理由", ("checks",))


def _changed(found: Inspection, own: Inspection, document: Document) -> Iterator[Fault]:
    for name, check in found.checks.items():
        for what in _FIXED:
            if getattr(check, what) != getattr(own.checks[name], what):
                text = f"“{what}”以随附的为准；要改为提示或者关闭的，请在 office.yaml 的 inspection 中写明理由"
                yield document.fault(text, ("checks", name, what))


def adjusted(inspection: Inspection, wished: Mapping[str, tuple[str, str]], file: str) -> dict[str, Kind | None]:
    """Return how the office takes its checks: ``wished`` gives for a check ``warning`` or ``skip``, and the reason.

    Raises:
        DataFault: a check is not known or not switchable, or the reason is missing.
    """
    faults: list[Fault] = []
    for name, (_, reason) in wished.items():
        field = f"inspection.{name}"
        if name not in inspection.checks:
            faults.append(Fault(f"没有检查“{name}”", file, field=field))
        elif not inspection.checks[name].switchable:
            can = "、".join(n for n, c in inspection.checks.items() if c.switchable)
            text = f"“{inspection.checks[name].title}”不能改为提示或者关闭；可以的有：{can}"
            faults.append(Fault(text, file, field=field, law=inspection.checks[name].law))
        elif not reason.strip():
            faults.append(Fault("请写明理由（reason）", file, field=field))
    if faults:
        raise DataFault.of(faults)
    return {name: "warning" if how == "warning" else None for name, (how, _) in wished.items()}
