"""发出前的检查: a letter held against its case and the law before it goes out; what is found, where, what to do."""

from yishenqing.inspection.model import (
    Alike,
    Check,
    Earlier,
    Finding,
    Inspection,
    Kind,
    Letter,
    Outdated,
    Paper,
    Sentence,
    Subject,
    Telling,
    Told,
)
from yishenqing.inspection.reading import FILE, adjusted, read_inspection
from yishenqing.inspection.running import inspected
from yishenqing.inspection.texts import text_of

__all__ = [
    "FILE",
    "Alike",
    "Check",
    "Earlier",
    "Finding",
    "Inspection",
    "Kind",
    "Letter",
    "Outdated",
    "Paper",
    "Sentence",
    "Subject",
    "Telling",
    "Told",
    "adjusted",
    "inspected",
    "read_inspection",
    "text_of",
]
