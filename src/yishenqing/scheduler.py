"""The scheduler: one tick, again and again. What is due is rows in the database; APScheduler only knocks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from yishenqing.core.errors import YishenqingError


def run(tick: Callable[[], Any], every: int, tell: Callable[[Any], None]) -> None:
    """Call ``tick`` now and then every ``every`` seconds, until interrupted; ``tell`` gets each answer.

    The jobs live in memory only: a tick that was missed, late or doubled is harmless, because the database says
    what is due and what was given. An error of one tick is told and the next tick tries again.
    """
    from apscheduler.schedulers.blocking import BlockingScheduler  # noqa: PLC0415

    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BlockingScheduler(timezone="UTC")

    def once() -> None:
        try:
            tell(tick())
        except (YishenqingError, OSError) as error:
            logging.getLogger(__name__).warning("本次检查未能完成，将再次尝试：%s", error)

    try:
        once()
        scheduler.add_job(once, "interval", seconds=every, coalesce=True, max_instances=1, misfire_grace_time=None)
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        if scheduler.running:
            scheduler.shutdown(wait=False)
