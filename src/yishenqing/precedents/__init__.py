"""Precedents (案例库): decided cases that an officer finds by describing the one on the desk."""

from yishenqing.precedents.evaluation import batch, evaluate, read_qrels, read_queries
from yishenqing.precedents.library import Library
from yishenqing.precedents.model import OUTCOMES, Match, Precedent
from yishenqing.precedents.proposing import Draft, Drafts
from yishenqing.precedents.reading import read_jsonl, shipped_library
from yishenqing.precedents.shelf import Noted, Shelf
from yishenqing.precedents.tables import install, metadata

__all__ = [
    "OUTCOMES",
    "Draft",
    "Drafts",
    "Library",
    "Match",
    "Noted",
    "Precedent",
    "Shelf",
    "batch",
    "evaluate",
    "install",
    "metadata",
    "read_jsonl",
    "read_qrels",
    "read_queries",
    "shipped_library",
]
