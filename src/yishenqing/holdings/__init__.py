"""The register of holdings (公文公开属性登记簿): which documents there are, and how each may be disclosed.

Lists are read by ``holdings.parsing``, which only those import who take one in: it reads files, and costs as much.
"""

from yishenqing.holdings.model import Customs, Holding, read_customs
from yishenqing.holdings.register import By, Found, Imported, Register
from yishenqing.holdings.reviews import Assessment, Review, Reviews
from yishenqing.holdings.tables import metadata

__all__ = [
    "Assessment",
    "By",
    "Customs",
    "Found",
    "Holding",
    "Imported",
    "Register",
    "Review",
    "Reviews",
    "metadata",
    "read_customs",
]
