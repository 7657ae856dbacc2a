"""Merkle trees as RFC 6962 has them: its own example, and every proof of small trees."""

from __future__ import annotations

import hashlib

import pytest

from yishenqing.core.checkpoint import Checkpoint, from_json, from_minutes
from yishenqing.core.merkle import EMPTY, Proofs, leaf_hash, node_hash, root_by, root_of


def defined(leaves: list[bytes]) -> bytes:
    """The hash of a list of leaves, word for word as section 2.1 defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(defined(leaves[:split]), defined(leaves[split:]))


def test_the_published_roots_come_out() -> None:
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root_of([]) == EMPTY


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 31, 32, 33])
def test_every_leaf_is_proved_and_no_other_one(size: int) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    root, proofs = root_of(leaves), Proofs(leaves)
    assert root == defined(leaves)
    for n, leaf in enumerate(leaves):
        path = proofs.path(n)
        assert root_by(leaf, n, size, path) == root
        assert root_by(leaf_hash(b"other"), n, size, path) != root
        assert root_by(leaf, n, size, [*path, root]) is None
        assert root_by(leaf, size, size, path) is None
        if path:
            assert root_by(leaf, n, size, path[:-1]) is None


def point(**changed: object) -> Checkpoint:
    told = {"agency": "jiangbin", "n": 3, "made_at": "2026-11-22T01:02:03.000004Z", "actor": "周某", "cases": 2}
    told |= {"rehearsal": False, "size": 5, "root": "ab" * 32, "prev": "0" * 64, "key": "cd" * 32}
    return Checkpoint(**{**told, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["agency", "n", "made_at", "actor", "rehearsal", "cases", "size", "root", "prev", "key"]
)
def test_whatever_is_changed_changes_the_digest(name: str) -> None:
    assert point(**{name: "x"}).digest() != point().digest()


def test_the_minutes_are_read_however_they_were_spaced() -> None:
    line = point().for_minutes("江滨市自然资源局")
    assert from_minutes(line) == (3, point().digest())
    digest = point().digest().upper()
    spaced = " ".join(digest[i : i + 8] for i in range(0, 64, 8))
    assert from_minutes(f"会议听取了第 3 号检查点，核对值\n{spaced}。") == (3, point().digest())
    assert from_minutes("没有检查点") is None


@pytest.mark.parametrize("told", [{}, [], {"format": "ysq-checkpoint2"}, {"format": "ysq-checkpoint1", "n": 1}])
def test_what_is_no_checkpoint_is_not_read_as_one(told: object) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        from_json(told)  # type: ignore[arg-type]
