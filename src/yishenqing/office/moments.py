"""The clock by which things are recorded: this machine's, held against the last checkpoint."""

from __future__ import annotations

from yishenqing.office.premises import now
from yishenqing.store.engine import Transactions


class Moments:
    """Says when something is recorded; never before the last checkpoint, even where the clock was set back.

    An entry that bears an earlier time than a checkpoint that lacks it is taken for one put in afterwards. What is
    recorded while the clock is behind bears the time of the checkpoint: that much is certain.
    """

    def __init__(self, transactions: Transactions, agency: str) -> None:
        """Read the last checkpoint of ``agency`` when first asked for a moment."""
        self._transactions, self._agency = transactions, agency
        self._anchored: str | None = None

    def now(self) -> str:
        """Return this moment as a recording time (UTC)."""
        if self._anchored is None:
            from yishenqing.checkpoints.latest import latest

            with self._transactions.reading() as connection:
                self._anchored = latest(connection, self._agency)
        return max(now(), self._anchored)

    def passed(self, at: str) -> None:
        """Remember that a checkpoint was made at ``at``."""
        self._anchored = at
