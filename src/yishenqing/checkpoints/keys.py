"""The office's signing key: an Ed25519 key in a file of its own that only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from yishenqing.core.checkpoint import Checkpoint
from yishenqing.core.errors import DataFault, Fault, NotFound

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def make_key(path: Path) -> None:
    """Write a fresh key to ``path``, which must be free.

    Raises:
        FileExistsError: something lies there.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(unfinished, path)  # whole or not at all, and never over another
    finally:
        unfinished.unlink()


def read_key(path: Path) -> Ed25519PrivateKey:
    """Return the signing key.

    Raises:
        NotFound: there is no such file.
        DataFault: it holds no Ed25519 key.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.is_file():
        raise NotFound(f"找不到检查点的签名密钥“{path}”。")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise DataFault.of([Fault("不是签名密钥（PEM 格式、不加口令的私钥）", str(path))]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise DataFault.of([Fault("不是 Ed25519 密钥", str(path))])
    return key


def public_of(key: Ed25519PrivateKey) -> str:
    """Return the public key as checkpoints name it."""
    return key.public_key().public_bytes_raw().hex()


def signed(point: Checkpoint, key: Ed25519PrivateKey) -> Checkpoint:
    """Return the checkpoint with key and signature."""
    named = replace(point, key=public_of(key))
    return replace(named, signature=key.sign(named.text().encode()).hex())


def signature_holds(point: Checkpoint) -> bool:
    """Tell whether the signature is the named key's, over this very text."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(point.key))
        public.verify(bytes.fromhex(point.signature), point.text().encode())
    except (ValueError, InvalidSignature):
        return False
    return True
