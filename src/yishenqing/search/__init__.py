"""Full-text search in Chinese inside the office's own database, in the transaction of the data, alike on each one.

Two stages: candidates from the database's own index by integer weights, then BM25 over stored term vectors. A
*collection* is what one capability keeps here (precedents, cases); it says what its documents are.
"""

from yishenqing.search.asking import Asked, asked
from yishenqing.search.collection import Collection, Document, Hit, Stored, install, stored
from yishenqing.search.facets import Properties, Wanted
from yishenqing.search.passages import Passage, passage
from yishenqing.search.tables import metadata

__all__ = [
    "Asked",
    "Collection",
    "Document",
    "Hit",
    "Passage",
    "Properties",
    "Stored",
    "Wanted",
    "asked",
    "install",
    "metadata",
    "passage",
    "stored",
]
