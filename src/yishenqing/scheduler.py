"""The scheduler: one tick, again and again. What is due is rows in the database; APScheduler only knocks."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from typing import Any

from yishenqing.core.errors import YishenqingError

_LOG = logging.getLogger(__name__)


def run(tick: Callable[[], Any], every: int, tell: Callable[[Any], None]) -> None:
    """Call ``tick`` now and then every ``every`` seconds, until told to stop; ``tell`` gets each answer.

    The jobs live in memory only: a tick that was missed, late or doubled is harmless, because the database says
    what is due and what was given. An error of one tick is told and the next tick tries again. SIGTERM and Ctrl+C
    let the tick under way come to its end.
    """
    from apscheduler.schedulers.blocking import BlockingScheduler

    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BlockingScheduler(timezone="UTC")
    stop = _Stop()

    def once() -> None:
        try:
            tell(tick())
        except (YishenqingError, OSError) as error:
            _LOG.warning("本次检查未能完成，将再次尝试：%s", error)
        except Exception:  # noqa: BLE001 - a fault of the program must not end the reminders; its trace is told
            _LOG.exception("本次检查因程序内部错误未能完成，将再次尝试；请将以下内容发给维护人员")

    try:
        with stop:
            once()
        scheduler.add_job(once, "interval", seconds=every, coalesce=True, max_instances=1, misfire_grace_time=None)
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        if scheduler.running:
            scheduler.shutdown(wait=True)
    finally:
        stop.leave()


class _Stop:
    """Ends the program on SIGTERM and SIGINT; within ``with``, only when the block has come to its end."""

    def __init__(self) -> None:
        self._busy = self._asked = False
        self._old: dict[int, Any] = {}
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._old[number] = signal.signal(number, self._on_signal)
            except ValueError:  # not the main thread: a host runs us, and its signals are its own
                break

    def _on_signal(self, _number: int, _frame: object) -> None:
        if not self._busy:
            raise SystemExit(0)
        self._asked = True

    def __enter__(self) -> None:
        self._busy = True

    def __exit__(self, *_error: object) -> None:
        self._busy = False
        if self._asked:
            raise SystemExit(0)

    def leave(self) -> None:
        """Give the signals back."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
