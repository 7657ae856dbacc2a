"""Sealed packages: a case as a BagIt 1.0 folder that anybody can check for decades, with or without us."""

from __future__ import annotations

from yishenqing.archive.anchor import read_points
from yishenqing.archive.checking import ended_in, verify
from yishenqing.archive.model import CaseFile, FilePaper, Package, PaperRecord
from yishenqing.archive.order import Group, Order, read_order
from yishenqing.archive.sealing import export
from yishenqing.archive.volume import Planned, Volume, export_volume

__all__ = [
    "CaseFile",
    "FilePaper",
    "Group",
    "Order",
    "Package",
    "PaperRecord",
    "Planned",
    "Volume",
    "ended_in",
    "export",
    "export_volume",
    "read_order",
    "read_points",
    "verify",
]
