"""Write a package: prepared beside its place, judged, made durable, and only then given its name.

The bagit library judges every package before it is named, but does not write it: its ``make_bag`` changes the
working directory of the whole process (bagit-python issue 112), knows no BagIt version above 0.97, and lists tag
files in whatever order the disk returns them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from yishenqing.archive import bag
from yishenqing.archive.checking import ledger_hashes, verify
from yishenqing.archive.model import CaseFile, Package
from yishenqing.archive.payload import BAGGED_ON, in_bag, info, payload
from yishenqing.archive.writing import Written, put, put_tags, sync, unwritten, written
from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Refused
from yishenqing.core.ledger import CHINA, digest

_LAW = "work_order"
_UNFINISHED = ".ysq-exporting"
_SET_ASIDE = ".ysq-replaced"
_LOCK = ".ysq-export.lock"


def export(target: Path, case: CaseFile) -> Package:
    """Seal ``case`` as the BagIt folder ``target`` and return the package.

    Nothing bears the name ``target`` before it is whole, judged and on the disk. Sealing again is allowed: a
    package with the same content is left as it lies; a sound one of the same case with fewer or equal entries
    gives way. What a killed export left behind is cleared by the next one in the same folder.

    Raises:
        Refused: ``target`` is taken by something else, by a package that fails its check, or by one that has
            entries which ``case`` has not.
        IntegrityFault: the case itself does not hold together (chain, sealed values, papers).
        DataFault: an impossible field of ``case.info``.
        YishenqingError: the disk refuses; the place is as it was.
    """
    if digest("rulebook", case.snapshot) != case.rulebook:
        raise IntegrityFault.of([Fault("规则文本与其哈希值不符，不能封存", case.number, field="rulebook")])
    contents = {in_bag(name): content for name, content in payload(case).items()}
    rows = [written(name, contents[name]) for name in sorted(contents)]
    today = datetime.now(CHINA).date().isoformat()
    oxum = f"{sum(row.size for row in rows)}.{len(rows)}"
    fields = info(case, oxum, today)
    package = Package(target, (case.number,), tuple(row.name for row in rows))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(target.parent):
            _tidy(target)
            if _taken(target, case) and _same(target, rows, fields):
                return package
            _write_and_name(target, contents, rows, fields, case.tags)
    except OSError as error:
        raise unwritten(error, target, "原处未作改动") from error
    return package


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: one export at a time, so that whatever is unfinished in it is a dead one's."""
    import fcntl

    with (folder / _LOCK).open("w") as lock:  # a lock file, since NFS does not lock folders
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tidy(target: Path) -> None:
    """Clear what killed exports left, and put back a package that was set aside but never replaced."""
    for aside in target.parent.glob(f".*{_SET_ASIDE}"):
        original = aside.with_name(aside.name[1 : -len(_SET_ASIDE)])
        if original.exists():
            shutil.rmtree(aside)
        else:
            aside.rename(original)
    for unfinished in target.parent.glob(f".*{_UNFINISHED}"):
        shutil.rmtree(unfinished)


def _taken(target: Path, case: CaseFile) -> bool:
    """Tell whether an older package of the same case lies at ``target``."""
    if not os.path.lexists(target):
        return False
    try:
        faults = verify(target)
    except DataFault:
        raise Refused(f"“{target}”已存在，且不是封存包，不予覆盖。请换一个位置。", law=[article(_LAW)]) from None
    if faults:
        listed = "\n".join(map(str, faults))
        raise Refused(f"“{target}”已有封存包，但检验不符，不予覆盖，请先查明原因：\n{listed}", law=[article(_LAW)])
    old = ledger_hashes(target)
    if old != [entry.hash for entry in case.entries][: len(old)]:
        raise Refused(
            f"“{target}”已有的封存包不是本案较早的封存（另一案件，或者记录更多），不予覆盖。", law=[article(_LAW)]
        )
    return True


def _same(target: Path, rows: Sequence[Written], fields: Mapping[str, str]) -> bool:
    """Tell whether the package at ``target`` differs from the new one in the day of bagging at most."""
    old = bag.read_info((target / bag.INFO).read_bytes())
    new = bag.read_info(bag.info_text(fields))
    right = bag.manifest({row.name: bag.Content(row.sha256, row.size) for row in rows})
    return (target / bag.MANIFEST).read_bytes() == right and {**old, BAGGED_ON: ""} == {**new, BAGGED_ON: ""}


def _write_and_name(
    target: Path,
    contents: Mapping[str, bytes],
    rows: Sequence[Written],
    fields: Mapping[str, str],
    tags: Mapping[str, bytes],
) -> None:
    unfinished = target.with_name(f".{target.name}{_UNFINISHED}")
    try:
        (unfinished / bag.PAYLOAD).mkdir(parents=True)
        for name, content in contents.items():
            put(unfinished, name, content)
        sync(unfinished / bag.PAYLOAD)
        put_tags(unfinished, rows, lambda _: fields, tags)
        sync(unfinished)
        _judge(unfinished)
        _name(unfinished, target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)  # what cannot be removed now, the next export removes
        raise


def _judge(folder: Path) -> None:
    """Read back what was written, with our own strict check and with the library that others will use."""
    import bagit

    if faults := verify(folder):
        raise IntegrityFault.of(faults)
    try:
        bagit.Bag(str(folder)).validate()
    except bagit.BagError as error:
        raise IntegrityFault.of([Fault(f"BagIt 工具检验不符（{error}）", folder.name)]) from error


def _name(unfinished: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}{_SET_ASIDE}")
    replaces = target.exists()
    if replaces:
        target.rename(aside)
    try:
        unfinished.rename(target)
    except BaseException:
        if replaces:
            aside.rename(target)
        raise
    sync(target.parent)
    if replaces:
        shutil.rmtree(aside)
