"""The register of holdings (公文公开属性登记簿): which documents there are, and how each may be disclosed."""

from yishenqing.holdings.model import Customs, Holding, read_customs
from yishenqing.holdings.parsing import parse
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
    "parse",
    "read_customs",
]
