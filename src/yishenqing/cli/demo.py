"""The demonstration: one sample application from the counter to the verified archive, as a rehearsal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yishenqing.cli import printing
from yishenqing.core.errors import DataFault, Fault, IntegrityFault
from yishenqing.office import Office
from yishenqing.shipped import shipped

_TODAY = "YISHENQING_TODAY"
_MARK = ".yishenqing-demo"

# The road of one case: day of the rehearsal, step, facts. What is lawful is not decided here.
_ROAD: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("2026-03-02", "acknowledged", {}),
    ("2026-03-04", "accepted", {"handler": "征地管理科", "opinion": "申请内容明确，交征地管理科办理"}),
    (
        "2026-03-12",
        "search_recorded",
        {
            "systems": "档案管理系统；公文管理系统；征地管理科纸质档案",
            "keywords": "土地征收公告；青禾镇；地块编号",
            "result": "检索到2025年土地征收公告一份",
        },
    ),
    (
        "2026-03-18",
        "drafted",
        {"outcome": "granted", "provided": "土地征收公告（云溪县人民政府2025年发布）", "reasoning": ""},
    ),
    ("2026-03-19", "reviewed", {"opinion": "同意"}),
    ("2026-03-20", "secrecy_reviewed", {"conclusion": "releasable", "opinion": "不涉密，可以公开"}),
    ("2026-03-23", "signed", {}),
    ("2026-03-24", "replied", {"method": "mail", "posted_on": "2026-03-24", "tracking": "XA00000000000"}),
    ("2026-03-26", "delivered", {"signed_by": "申请人本人"}),
    ("2026-04-09", "archived", {"retention": "D10"}),
)


def walk(folder: Path, say: Callable[[str], Any]) -> dict[str, Any]:
    """Walk the road in ``folder`` (made anew each time) and return where the papers are.

    Raises:
        DataFault: the folder holds something that no demonstration put there.
    """
    _make_anew(folder)
    home, user = folder / "机关", "演示人员"
    with _rehearsing() as day:
        day("2026-03-02")
        Office.init(home, user)
        with Office.open(home, user=user) as office:
            number, found = _register(office, say)
            for on, step, facts in _ROAD:
                day(on)
                for reminder in office.tick()["reminders"]:
                    say(f"{on}　【{reminder['mark_title']}】{reminder['text']}")
                found = dict(office.act(number, step, facts))
                say(f"{on}　{found['entries'][-1]['title']} → {found['stage']}阶段：{found['state_title']}")
            say("")
            say("办结时的期限：")
            for deadline in found["deadlines"]:
                printing_lines = printing.deadline_lines(deadline)
                for text in printing_lines:
                    say(text)
            return _sealed(office, number, found, say)


def _register(office: Office, say: Callable[[str], Any]) -> tuple[str, dict[str, Any]]:
    found = dict(office.register(shipped("samples") / "applications" / "01.json"))
    say(f"2026-03-02　登记示例申请，编号{found['number']}。答复期限及其理由：")
    for deadline in found["deadlines"]:
        if deadline["clock"] == "reply":
            for text in printing.deadline_lines(deadline):
                say(text)
    say("")
    return found["number"], found


def _sealed(office: Office, number: str, found: dict[str, Any], say: Callable[[str], Any]) -> dict[str, Any]:
    from yishenqing.archive import verify

    package = office.archive(number)
    if faults := [*office.verify(number), *verify(Path(package["path"]))]:
        raise IntegrityFault.of(faults)
    say("")
    say("文书：")
    for letter in found["letters"]:
        say(f"  {letter['path']}")
    say(f"卷宗：{package['path']}（共{len(package['files'])}个文件，核验通过）")
    say("演示完成。以上均为虚构内容，已按演练记录。")
    return {"number": number, "letters": found["letters"], "package": package, "verified": True}


def _make_anew(folder: Path) -> None:
    """Clear an earlier demonstration; never anything else."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / _MARK).exists():
            raise DataFault.of([Fault("文件夹中有其他内容，请另选一个空文件夹", str(folder))])
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()


@contextmanager
def _rehearsing() -> Iterator[Callable[[str], None]]:
    """Let the demonstration set today's date; what is recorded is marked as a rehearsal."""
    before = os.environ.get(_TODAY)

    def day(text: str) -> None:
        os.environ[_TODAY] = text

    try:
        yield day
    finally:
        if before is None:
            os.environ.pop(_TODAY, None)
        else:
            os.environ[_TODAY] = before
