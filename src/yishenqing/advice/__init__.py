"""Advice (办理参考): what a submission is, which outcome it points to, the seven steps, words to give reasons by."""

from yishenqing.advice.model import Advice, Hint, Reason, Sorted
from yishenqing.advice.reading import APPLICATION, STEPS, faults_against, read_advice
from yishenqing.advice.sorting import hints, needs_help, plain, reasons_for, sort_submission, vague

__all__ = [
    "APPLICATION",
    "STEPS",
    "Advice",
    "Hint",
    "Reason",
    "Sorted",
    "faults_against",
    "hints",
    "needs_help",
    "plain",
    "read_advice",
    "reasons_for",
    "sort_submission",
    "vague",
]
