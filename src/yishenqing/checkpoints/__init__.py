"""Checkpoints over all ledgers of an office, and the journal of who saw what; both only grow, both are anchored.

Every look goes by here, so only the journal is at hand; the log and its keys are imported where they are used.
"""

from __future__ import annotations

from yishenqing.checkpoints.journal import Read, journal_faults, journal_head, reads_of, record_reads

__all__ = ["Read", "journal_faults", "journal_head", "reads_of", "record_reads"]
