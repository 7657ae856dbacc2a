"""Seal many cases as one package, one after the other, so that a kill loses one case's work and no more.

What is being made lies beside the place, under a name of its own: ``.NAME.ysq-volume`` with the growing package, the
list of the cases that are whole (a line is written when the last file of its case is on the disk) and a lock. Only a
package that is whole, judged and on the disk is given its name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from yishenqing.archive import bag
from yishenqing.archive.catalogue import CASES, CATALOGUE, ROOT, RULES_FOLDER, line_of, read
from yishenqing.archive.checking import verify
from yishenqing.archive.model import CaseFile, Package
from yishenqing.archive.names import payload_name
from yishenqing.archive.notice import NOTICE, volume_notice
from yishenqing.archive.payload import AGENCY, BAGGED_ON, FORMAT, FORMAT_NUMBER, completed, in_bag, payload
from yishenqing.archive.writing import Written, put, put_tags, sync, unwritten, written
from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Refused
from yishenqing.core.ledger import ALGORITHM, CHINA, canonical, digest

_LAW = "work_order"
_WORK = ".ysq-volume"
_KEPT = "已完成的部分保留，排除故障后再次运行同一命令即可续做"
Told = Callable[[int, int], None]


class Planned(Struct, frozen=True):
    """A case to be sealed: its number, the hash its ledger ends with, and how its file is made."""

    number: str
    head: str
    make: Callable[[], CaseFile]


class Volume(Struct, frozen=True):
    """Many cases of one agency. ``made_by`` changes when what was begun must not be continued (program, letters).

    ``points`` gives the checkpoints of these numbers as files; ``left_out`` are the cases that belong here by the
    choice made and are not sealed, with the reason.
    """

    agency: str
    title: str
    made_by: str
    cases: Sequence[Planned]
    rules: Callable[[str], str]
    info: Mapping[str, str] = field(default_factory=dict)
    points: Callable[[set[int]], Mapping[str, bytes]] = lambda _numbers: {}
    left_out: Sequence[Mapping[str, str]] = ()


def export_volume(target: Path, volume: Volume, told: Told = lambda _done, _all: None) -> Package:
    """Seal the cases as the BagIt folder ``target``; continue where an earlier run to the same place was ended.

    Raises:
        Refused: ``target`` is taken, or another export is writing to it.
        IntegrityFault: cases do not hold together; all of them are named, the sound ones need not be made again.
        YishenqingError: the disk refuses; what is whole is kept.
    """
    if os.path.lexists(target):
        raise Refused(
            f"“{target}”已存在，不予覆盖；请核验（ysq archive verify）后移走，或者换一个位置。", law=[article(_LAW)]
        )
    work = target.with_name(f".{target.name}{_WORK}")
    try:
        with _alone(work):
            making = _Making(work, volume)
            making.cases(told)
            package = making.finished(target)
            shutil.rmtree(work)
    except OSError as error:
        raise unwritten(error, target, _KEPT) from error
    return package


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    import fcntl

    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"另一项导出正在写入同一位置（{work}），请等待其完成。", law=[article(_LAW)]) from None
        yield


class _Making:
    """A volume in the making: the cases that are whole, by folder, and where each one's line lies."""

    def __init__(self, work: Path, volume: Volume) -> None:
        self._volume, self._bag = volume, work / "bag"
        self._list = work / "progress.jsonl"
        self._done: dict[str, tuple[int, str]] = {}
        self._rules: set[str] = set()
        if not self._resumed():
            shutil.rmtree(self._bag, ignore_errors=True)
            self._list.write_text(f"{canonical({'made_by': volume.made_by})}\n", "utf-8")
        (self._bag / bag.PAYLOAD).mkdir(parents=True, exist_ok=True)

    def _resumed(self) -> bool:
        """Read what an earlier run has finished; a torn last line is cut off."""
        if not self._list.is_file():
            return False
        with self._list.open("r+b") as lines:
            end = 0
            for raw in lines:
                try:
                    told = json.loads(raw) if raw.endswith(b"\n") else None
                except ValueError:
                    told = None
                if told is None:
                    break
                if end == 0 and told != {"made_by": self._volume.made_by}:
                    return False
                if end:
                    self._done[told["folder"]] = (end, told["head"])
                end += len(raw)
            lines.truncate(end)
        return end > 0

    def cases(self, told: Told) -> None:
        """Make the cases that are not whole yet, and clear away what no longer belongs here."""
        folders = self._folders()
        self._clear(set(folders))
        faults: list[Fault] = []
        worst: type[DataFault] = DataFault
        for n, (folder, planned) in enumerate(folders.items(), 1):
            if self._done.get(folder, (0, ""))[1] != planned.head:
                try:
                    self._make(folder, planned)
                except DataFault as broken:
                    faults += broken.faults or [Fault(f"{planned.number}：{broken.text}")]
                    worst = IntegrityFault if isinstance(broken, IntegrityFault) else worst
            told(n, len(folders))
        if faults:
            raise worst.of(faults)

    def _folders(self) -> dict[str, Planned]:
        """Return the cases by the names of their folders, in the order of the manifest."""
        folders: dict[str, Planned] = {}
        taken = {CATALOGUE, RULES_FOLDER, NOTICE}
        for planned in self._volume.cases:
            name = payload_name(planned.number, taken)
            taken.add(name)
            folders[name] = planned
        return dict(sorted(folders.items(), key=lambda x: f"{x[0]}/"))

    def _clear(self, wanted: set[str]) -> None:
        for path in self._bag.iterdir():
            if path.name != bag.PAYLOAD:
                path.unlink()
        for path in (self._bag / bag.PAYLOAD).iterdir():
            if path.is_file():
                path.unlink()
            elif path.name not in wanted or path.name not in self._done:
                shutil.rmtree(path)
        lying = {path.name for path in (self._bag / bag.PAYLOAD).iterdir()}
        self._done = {folder: known for folder, known in self._done.items() if folder in wanted & lying}

    def _make(self, folder: str, planned: Planned) -> None:
        case = planned.make()
        place = self._bag / in_bag(folder)
        if place.exists():
            shutil.rmtree(place)
        place.mkdir()
        rows = []
        for name, content in payload(case, alone=False).items():
            row = written(in_bag(f"{folder}/{name}"), content)
            put(self._bag, row.name, content)
            rows.append(row)
        sync(place)
        rules = [digest("rulebook", text) for text in (case.snapshot, *case.later)]
        line: dict[str, Any] = {
            "folder": folder,
            "number": case.number,
            "agency": case.agency,
            "title": case.title,
            "rules": rules,
        }
        point = case.anchor["checkpoint"] if case.anchor else 0
        line |= {"entries": len(case.entries), "head": case.entries[-1].hash, **case.info}
        told = {"folder": folder, "head": planned.head, "line": line, "point": point, "files": sorted(rows)}
        with self._list.open("ab") as lines:
            at = lines.tell()
            lines.write(f"{canonical(told)}\n".encode())
            lines.flush()
            os.fsync(lines.fileno())
        self._done[folder] = (at, planned.head)

    def _told(self) -> Iterator[dict[str, Any]]:
        """Yield what was written down of each case, in the order of the manifest, one at a time."""
        with self._list.open("rb") as lines:
            for folder in sorted(self._done, key=lambda name: f"{name}/"):
                lines.seek(self._done[folder][0])
                yield json.loads(lines.readline())

    def finished(self, target: Path) -> Package:
        """Write what follows from all cases, judge the whole, and give it its name."""
        own = self._own_files()
        catalogue = read(self._bag)
        fields = {
            "Source-Organization": self._volume.agency,
            "External-Description": self._volume.title,
            BAGGED_ON: datetime.now(CHINA).date().isoformat(),
            FORMAT: str(FORMAT_NUMBER),
            AGENCY: self._volume.agency,
            CASES: str(len(self._done)),
            ROOT: catalogue.root() if catalogue else "",
            "Ledger-Algorithm": ALGORITHM,
        }
        fields = completed(fields, self._volume.info)
        points = self._volume.points({told["point"] for told in self._told()} - {0})
        put_tags(self._bag, self._rows(own), lambda oxum: {**fields, "Payload-Oxum": oxum}, points)
        sync(self._bag / bag.PAYLOAD)
        sync(self._bag)
        try:
            faults = verify(self._bag)
        except DataFault as broken:
            faults = list(broken.faults)
        if faults:  # what lies here was harmed since it was written: those cases are made anew the next time
            for folder in {fault.file.split("/")[1] for fault in faults if fault.file.count("/") > 1}:
                shutil.rmtree(self._bag / in_bag(folder), ignore_errors=True)
            raise IntegrityFault.of(faults)
        self._bag.rename(target)
        sync(target.parent)
        numbers = tuple(planned.number for planned in self._volume.cases)
        return Package(target, numbers, tuple(sorted(p.name for p in (target / bag.PAYLOAD).iterdir())))

    def _own_files(self) -> list[Written]:
        """Write rules, catalogue and notice."""
        own = []
        (self._bag / in_bag(RULES_FOLDER)).mkdir()
        lines, rules = [], set()
        for told in self._told():
            lines.append(line_of(told["line"]))
            rules |= set(told["line"]["rules"])
        notice = volume_notice(self._volume.agency, self._volume.title, len(lines), self._volume.left_out)
        texts = {f"{RULES_FOLDER}/{name}.json": self._volume.rules(name) for name in sorted(rules)}
        for name, text in {CATALOGUE: "".join(lines), NOTICE: notice, **texts}.items():
            row = written(in_bag(name), text.encode())
            put(self._bag, row.name, text.encode())
            own.append(row)
        sync(self._bag / in_bag(RULES_FOLDER))
        return own

    def _rows(self, own: Sequence[Written]) -> Iterator[Written]:
        """Yield every payload file in the order of the manifest."""
        rest = sorted(own, reverse=True)
        for told in self._told():
            place = in_bag(f"{told['folder']}/")
            while rest and rest[-1].name < place:
                yield rest.pop()
            yield from (Written(*row) for row in told["files"])
        yield from reversed(rest)
