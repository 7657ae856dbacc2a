"""The verbs of the rules: check them, load next year's working days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from yishenqing import almanac
from yishenqing.core.workdays import first_touched
from yishenqing.office.casework import Row
from yishenqing.office.desk import Desk
from yishenqing.shipped import layered
from yishenqing.store.vault import write_whole


class RuleVerbs(Desk):
    """What is done to the rules an office works by."""

    def check(self) -> Row:
        """Check workflow, law and letters of this office; see ``checking.check``."""
        from yishenqing.office import checking

        return checking.check(self.home)

    def import_calendar(self, path: Path) -> Row:
        """Load a year's notice: say what it changes, and recompute every case it can touch.

        Takes our YAML form or the JSON of the public holiday-cn data set. Answers ``year``, ``changes`` (days made
        free or worked) and ``moved`` (deadlines that moved, or turned from provisional to firm).

        Raises:
            DataFault: the file is malformed; nothing was changed.
        """
        from yishenqing.office.renewing import Renewal

        self._transactions.permit()
        year = almanac.read_year(Path(path))
        before = almanac.CalendarFolder(layered("workflows", self.home))
        changed = almanac.changes(before, year, self.today)
        target = self.home / "workflows" / "calendar" / f"{year.year}.yaml"
        write_whole(target, almanac.year_text(year, f"载入自 {Path(path).name}", self.today).encode())
        self._known_workdays = almanac.workdays(self.today, self.home)
        # A notice can name days of the December before; nothing earlier can move.
        first = min([first_touched(year.year), *(c.day for c in changed)])
        moved = Renewal(self._transactions, self._practice).run(date(year.year - 1, 12, 1), first)
        return {
            "year": year.year,
            "path": str(target),
            "changes": [{"date": c.day.isoformat(), "works": c.works} for c in changed],
            "moved": moved,
        }
