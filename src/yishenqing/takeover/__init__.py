"""An older ledger as offices kept it, read into cases; every fault by line and field."""

from yishenqing.takeover.model import Customs, Earlier, Remedy, read_customs
from yishenqing.takeover.reading import Parsed, parse

__all__ = ["Customs", "Earlier", "Parsed", "Remedy", "parse", "read_customs"]
