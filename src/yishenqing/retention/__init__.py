"""How long case files are kept, what holds them, and the lists by which they are destroyed (销毁清册)."""

from yishenqing.retention.customs import Customs, Period, Proposal, Told, read_customs
from yishenqing.retention.lists import Decision, Item, Listed, Lists
from yishenqing.retention.registers import FOLDERS, Hold, Holds, Removal, Removals
from yishenqing.retention.tables import metadata

__all__ = [
    "FOLDERS",
    "Customs",
    "Decision",
    "Hold",
    "Holds",
    "Item",
    "Listed",
    "Lists",
    "Period",
    "Proposal",
    "Removal",
    "Removals",
    "Told",
    "metadata",
    "read_customs",
]
