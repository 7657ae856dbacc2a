"""Kinship of requests: the same person, the same text. It is shown to an officer, nothing is done about it here."""

from yishenqing.kinship.identifying import Identifiers, different, identifiers
from yishenqing.kinship.index import Compared, Index, Kin, Text, forget, persons_of
from yishenqing.kinship.key import Key, Keys
from yishenqing.kinship.model import Customs, read_customs
from yishenqing.kinship.proposals import Decision, Proposal, Proposals
from yishenqing.kinship.sketch import likeness, shingles
from yishenqing.kinship.tables import metadata

__all__ = [
    "Compared",
    "Customs",
    "Decision",
    "Identifiers",
    "Index",
    "Key",
    "Keys",
    "Kin",
    "Proposal",
    "Proposals",
    "Text",
    "different",
    "forget",
    "identifiers",
    "likeness",
    "metadata",
    "persons_of",
    "read_customs",
    "shingles",
]
