"""Checkpoints over all ledgers of an office, and the journal of who saw what; both only grow, both are anchored."""

from __future__ import annotations

from yishenqing.checkpoints.journal import Read, journal_faults, journal_head, reads_of, record_reads
from yishenqing.checkpoints.keys import make_key, read_key, signature_holds, signed
from yishenqing.checkpoints.log import Anchor, Head, Log, anchors_of, checkpoints_of, make_checkpoint, read_log

__all__ = [
    "Anchor",
    "Head",
    "Log",
    "Read",
    "anchors_of",
    "checkpoints_of",
    "journal_faults",
    "journal_head",
    "make_checkpoint",
    "make_key",
    "read_key",
    "read_log",
    "reads_of",
    "record_reads",
    "signature_holds",
    "signed",
]
