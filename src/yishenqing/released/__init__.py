"""Released papers scanned again for personal data, and the jobs that the tick does from time to time."""

from yishenqing.released.customs import Customs, Rescan, read_customs
from yishenqing.released.register import DECISIONS, Decision, Find, Finds, Scan, claim, is_due
from yishenqing.released.tables import metadata

__all__ = [
    "DECISIONS",
    "Customs",
    "Decision",
    "Find",
    "Finds",
    "Rescan",
    "Scan",
    "claim",
    "is_due",
    "metadata",
    "read_customs",
]
