"""What leaves for other systems: events through a queue, a receiver's fields and words as data, two ways out."""

from yishenqing.exchange.model import PERSONAL, Column, Mapped, Vocabulary, read_mapping, read_vocabulary
from yishenqing.exchange.records import Compared, Misfit, compared, record_of

__all__ = [
    "PERSONAL",
    "Column",
    "Compared",
    "Mapped",
    "Misfit",
    "Vocabulary",
    "compared",
    "read_mapping",
    "read_vocabulary",
    "record_of",
]
