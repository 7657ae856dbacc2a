"""Merkle trees as RFC 6962 (section 2.1) has them: one hash over many leaves, and short proofs of one among them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from yishenqing.core.ledger import canonical

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf; the prefix keeps a node from ever being taken for one."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return hashlib.sha256(b"\1" + left + right).digest()


def head_leaf(agency: str, number: str, seq: int, entry_hash: str) -> bytes:
    """Return the leaf that says: in this place of the ledger of this case stood this entry."""
    return leaf_hash(canonical([agency, number, seq, entry_hash]).encode())


class Frontier:
    """A tree that only grows: what must be kept of it is one hash for each bit of its size."""

    def __init__(self) -> None:
        """Begin with the empty tree."""
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        size, node = self.size, leaf
        while size & 1:
            node = node_hash(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash over all leaves so far."""
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the hash over the hashes of these leaves."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


class Proofs:
    """The whole tree over some leaves, kept level by level, to prove any of them."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Hash every level once."""
        self._levels = [list(leaves)]
        while len(level := self._levels[-1]) > 1:
            pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            self._levels.append(pairs + level[len(level) - len(level) % 2 :])

    def path(self, index: int) -> list[bytes]:
        """Return the audit path of a leaf, from the leaf upwards."""
        path = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling])
            index >>= 1
        return path


def root_by(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that ``path`` leads to from a leaf; None where the path has not the length it must have."""
    node, last, rest = leaf, size - 1, list(path)
    if not 0 <= index < size:
        return None
    while last > 0:
        if index & 1 or index < last:
            if not rest:
                return None
            other = rest.pop(0)
            node = node_hash(other, node) if index & 1 else node_hash(node, other)
        index, last = index >> 1, last >> 1
    return None if rest else node
