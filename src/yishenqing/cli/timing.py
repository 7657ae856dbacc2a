"""The commands that look at the clock: once, or again and again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.platform import unsent_line
from yishenqing.cli.speaking import Command
from yishenqing.cli.watching import leave
from yishenqing.core.errors import CalendarGap, DataFault, IntegrityFault, Moved, NotFound, YishenqingError, why

if TYPE_CHECKING:
    from yishenqing.cli.showing import Mark
    from yishenqing.office import Office

_EXITS = {kind.code: kind.exit_code for kind in (CalendarGap, DataFault, IntegrityFault, Moved, NotFound)}


@click.command(cls=Command, help="立即检查一次：发出应发的提醒，每项只发一次，并送达承办人。")
@global_options
def tick(wishes: Wishes) -> int:
    """Do what is due now, once."""
    if wishes.on is not None:
        raise click.UsageError("tick 只办理今天到期的事项，不能指定 --on；查看某日的期限请用 ysq due --on 日期。")
    watch = _Watch(wishes)
    with wishes.office_unattended() as office:
        found = watch.ticked(office)
        leave(office, 0)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(reminder_lines(found["reminders"]) or ["没有新的提醒。"])
        waiting, sent = _waiting_lines(found["delivery"]), _exchange_lines(found["exchange"])
        printing.lines([*waiting, *sent, *upkeep_lines(found)])
    watch.shown()
    for line in problem_lines(found):
        click.echo(line, err=True)
    exits = [_EXITS.get(f["code"], 1) for f in found["faults"]]
    return max(exits, default=1 if found["delivery"]["failed"] or found["exchange"]["failed"] else 0)


class _Watch:
    """Ticks, and names first what an earlier tick recorded and perhaps never showed."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._mark: Mark | None = None

    def ticked(self, office: Office) -> dict[str, Any]:
        """Tick; the mark stands until ``shown``."""
        from yishenqing.cli.showing import LeftBehind, Mark  # noqa: PLC0415 - for these commands alone

        behind = LeftBehind(self._wishes.folder)
        if since := behind.since:
            rows = office.reminders_since(since)["reminders"]
            lines = [f"【{r['mark_title']}】{r['number']}　{r['title']}：{r['due']}" for r in rows]
            head = ["上次检查中断，下列提醒已经记录，可能没有显示过："] if lines else []
            for line in [*head, *lines]:
                click.echo(line, err=self._wishes.as_json)
        behind.told()
        self._mark = Mark(self._wishes.folder)
        return dict(office.tick())

    def shown(self) -> None:
        """Note that what the tick recorded stands on the screen."""
        if self._mark is not None:
            sys.stdout.flush()
            self._mark.shown()
            self._mark = None


def reminder_lines(reminders: list[dict[str, Any]]) -> list[str]:
    """Return reminders one a line, each with whom it is for."""
    return [
        f"【{r['mark_title']}】{r['number']}　{r['text']}（{r['law']}）"
        + (f"　提醒：{'、'.join(r['to'])}" if r["to"] else "　没有人担任应办的岗位")
        for r in reminders
    ]


def _waiting_lines(delivery: dict[str, Any]) -> Iterator[str]:
    if delivery["sent"]:
        yield f"已送出{delivery['sent']}份。"
    if delivery["waiting"] and delivery["quiet"]:
        yield f"另有{delivery['waiting']}份待送：现为静默时段或者非工作日，过后再发。"


def _exchange_lines(exchange: dict[str, Any]) -> Iterator[str]:
    yield from (f"已向“{r['receiver']}”发出{r['now']}件事项。" for r in exchange["receivers"] if r["now"])


def upkeep_lines(found: dict[str, Any]) -> list[str]:
    """Return what the office did by itself beside reminders."""
    point, scan = found["checkpoint"], found["released"]
    lines = [f"已做检查点：{point['line']}"] if point else []
    if scan:
        done = "已经完成" if scan["finished_at"] else "下次接着做"
        lines.append(f"已公开文书的复查：已查{scan['papers']}份，{done}。")
    return lines


def problem_lines(found: dict[str, Any]) -> list[str]:
    """Return what could not be looked at, delivered or sent."""
    lines = [f"案件{f['number']}未能检查：{f['text']}" if f["number"] else f["text"] for f in found["faults"]]
    delivery = found["delivery"]
    lines += [
        f"给{f['to']}的{f['channel_title']}未能送达，已试{f['attempts']}次，将再试：{f['error']}"
        for f in delivery["failed"]
    ]
    lines += [unsent_line(row) for row in found["exchange"]["failed"]]
    if delivery["unreachable"]:
        lines.append(f"office.yaml 中没有邮箱，只在此处提醒：{'、'.join(delivery['unreachable'])}")
    return lines


@click.command("run", cls=Command, help="持续运行：按间隔检查，直到被停止；停机期间的提醒，再次运行时补发。")
@click.option("--every", type=click.IntRange(1, 86400), default=60, show_default=True, metavar="秒", help="间隔")
@global_options
def run_scheduler(wishes: Wishes, every: int) -> None:
    """Keep doing what is due."""
    from yishenqing import scheduler

    with wishes.office_unattended():  # an office that is none is said at once
        pass

    watch = _Watch(wishes)

    def once() -> dict[str, Any]:
        # Opened anew each time: settings, working days and the database may have changed while this runs.
        with wishes.office_unattended() as office:
            found = watch.ticked(office)
            try:
                leave(office, every)
            except (YishenqingError, OSError) as error:  # what the tick has given must be told
                told = why(error) if isinstance(error, OSError) else error
                found["faults"].append({"number": "", "code": YishenqingError.code, "text": f"没有留下心跳：{told}"})
            return found

    if not wishes.as_json:
        click.echo(f"已开始，每{every}秒检查一次；按 Ctrl+C 停止。")
    scheduler.run(once, every, _Teller(wishes, watch))


class _Teller:
    """Tells what each tick found; a trouble that stays is told once."""

    def __init__(self, wishes: Wishes, watch: _Watch) -> None:
        self._wishes, self._watch = wishes, watch
        self._told: set[str] = set()

    def __call__(self, found: dict[str, Any]) -> None:
        reminders = found["reminders"]
        if self._wishes.as_json:
            for reminder in reminders:
                printing.line(reminder)
        else:
            printing.lines([*reminder_lines(reminders), *upkeep_lines(found)])
        self._watch.shown()
        problems = {_without_count(line): line for line in problem_lines(found)}
        for key in problems.keys() - self._told:
            click.echo(problems[key], err=True)
        self._told = set(problems)


def _without_count(line: str) -> str:
    return "".join(c for c in line if not c.isdigit())


ALL: tuple[click.Command, ...] = (tick, run_scheduler)
