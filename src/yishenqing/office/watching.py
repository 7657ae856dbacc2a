"""The verbs for whoever watches over the office: the clock's heartbeat, and figures for a monitor."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from yishenqing.core.version import __version__
from yishenqing.office.casework import Row
from yishenqing.office.premises import now
from yishenqing.office.supervising import SupervisionVerbs
from yishenqing.store import counts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.watching import Figure


class WatchVerbs(SupervisionVerbs):
    """What a monitor asks."""

    def beat(self, every: int = 0) -> Row:
        """Leave the heartbeat of the clock on this machine; the next is to be expected in ``every`` seconds."""
        from yishenqing.watching import beat

        at, machine = now(), socket.gethostname()
        self._transactions.kept(lambda c: beat(c, self.settings.agency, machine, at, every))
        self._logbook.note("info", "beat", agency=self.settings.agency, every=every)
        return {"machine": machine, "at": at, "every": every}

    def metrics(self) -> Row:
        """Return the figures for a monitor: ``text`` in the text format of Prometheus. No case is named in it."""
        from yishenqing.watching import text

        with self._transactions.reading() as connection:
            figures = [*self._work(connection), *self._running(connection)]
        return {"text": text(figures)}

    def _work(self, connection: Connection) -> Iterator[Figure]:
        from yishenqing.watching import Figure

        agency, today = self.settings.agency, self.today
        states = counts.cases_by_state(connection, agency)
        yield Figure("ysq_cases", "Cases by state.", sorted(states.items()), "state")
        lamps = [(lamp, row["count"]) for lamp, row in self._lamps(connection, agency)[0].items()]
        yield Figure("ysq_open_cases", "Cases with an open deadline of the organ, by the worst lamp.", lamps, "lamp")
        late = sorted(counts.overdue(connection, agency, today).items())
        yield Figure("ysq_deadlines_overdue", "Watched deadlines that have passed, by clock.", late, "clock")
        due = counts.timers_due(connection, agency, today)
        yield Figure("ysq_timers_due", "Reminders that the next tick will give.", [("", due)])
        letters = sorted(counts.letters_by_kind(connection, agency).items())
        yield Figure("ysq_letters_issued", "Letters ever issued, by kind.", letters, "kind", counts_up=True)
        entries = counts.entries_recorded(connection, agency)
        yield Figure("ysq_entries_recorded", "Entries ever recorded.", [("", entries)], counts_up=True)

    def _running(self, connection: Connection) -> Iterator[Figure]:
        from yishenqing.watching import Figure, latest

        agency = self.settings.agency
        failing = counts.failing(connection, agency)
        yield Figure("ysq_failures", "Cases that the clock cannot look at.", [("", failing)])
        waiting = sorted(counts.waiting(connection, agency).items())
        yield Figure("ysq_outbox_waiting", "What waits to leave, by kind.", waiting, "kind")
        last = latest(connection, agency)
        if last is not None:
            age = last.age(datetime.now(UTC))
            yield Figure("ysq_scheduler_heartbeat_age_seconds", "Since the clock last ran.", [("", round(age, 3))])
            yield Figure("ysq_scheduler_interval_seconds", "Between its runs, 0 if not told.", [("", last.every)])
        yield Figure("ysq_build_info", "The program's version.", [(__version__, 1)], "version")
