"""Models on the office's own network: an embedding endpoint, a writing endpoint. Off by default, never needed."""

from yishenqing.endpoints.embedding import fused, nearest, vectors
from yishenqing.endpoints.model import Endpoint, Unreachable
from yishenqing.endpoints.writing import written

__all__ = ["Endpoint", "Unreachable", "fused", "nearest", "vectors", "written"]
