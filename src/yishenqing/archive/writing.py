"""Put files of a package on the disk, each hashed once as it is written, and the tag files that follow from them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from yishenqing.archive import bag
from yishenqing.core.errors import YishenqingError, why

_STANDALONE = Path(__file__).with_name("standalone.py")


class Written(NamedTuple):
    """A payload file as it was written: path in the package, both hashes, size in bytes."""

    name: str
    sha256: str
    sm3: str
    size: int


def unwritten(error: OSError, target: Path, kept: str) -> YishenqingError:
    """Return in words why the disk refused, and what became of the place."""
    return YishenqingError(f"{target}：未能写入封存包（{why(error)}），{kept}")


def written(name: str, content: bytes) -> Written:
    """Return what the lists of a package say of a file."""
    return Written(name, hashlib.sha256(content).hexdigest(), sm3(content), len(content))


def sm3(content: bytes) -> str:
    """Return the SM3 (GB/T 32905) of ``content``; the library brings it along whatever the system has."""
    from cryptography.hazmat.primitives import hashes

    state = hashes.Hash(hashes.SM3())
    state.update(content)
    return state.finalize().hex()


def put(root: Path, name: str, content: bytes) -> None:
    """Write one file that is not there yet, to the disk."""
    with (root / name).open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def put_tags(
    root: Path,
    rows: Iterable[Written],
    fields: Callable[[str], Mapping[str, str]],
    extra: Mapping[str, bytes],
) -> None:
    """Write the tag files of payload files told in order; ``fields`` gets Payload-Oxum and gives bag-info.txt."""
    size = count = 0
    tags: dict[str, bag.Content] = {}
    with (root / bag.MANIFEST).open("xb") as manifest, (root / bag.SM3).open("xb") as sm3_list:
        for row in rows:
            manifest.write(f"{row.sha256}  {row.name}\n".encode())
            sm3_list.write(f"{row.sm3}  {row.name}\n".encode())
            size, count = size + row.size, count + 1
        for stream in (manifest, sm3_list):
            stream.flush()
            os.fsync(stream.fileno())
    for name in (bag.MANIFEST, bag.SM3):
        with (root / name).open("rb") as lines:
            tags[name] = bag.Content(hashlib.file_digest(lines, "sha256").hexdigest(), lines.tell())
    own = {
        bag.DECLARATION: bag.DECLARATION_BYTES,
        bag.INFO: bag.info_text(fields(f"{size}.{count}")),
        bag.VERIFIER: _STANDALONE.read_bytes(),
        **extra,
    }
    for name, text in own.items():
        put(root, name, text)
        tags[name] = bag.content_of(text)
    put(root, bag.TAG_MANIFEST, bag.manifest(tags))


def sync(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
