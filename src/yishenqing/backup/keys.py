"""What a backup is sealed with: a password, or a key in a file of its own. Neither stands in the backup."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault, NotFound, why
from yishenqing.keyfile import exposed

_SHORTEST = 12  # characters: whoever holds the file may guess as long as he likes, no lock-out stops him
_BYTES = 32
_SALT = 16
# RFC 7914; 128 MiB of memory and some tenths of a second for each guess (OWASP names n=2^17, r=8, p=1).
_COST = {"n": 1 << 17, "r": 8, "p": 1}
_DEAREST = {"n": 1 << 20, "r": 16, "p": 4}  # what a file may ask of the machine that reads it


class Secret(Struct, frozen=True):
    """A password or a key, and which of the two."""

    kind: Literal["password", "file"]
    value: bytes


class Keys(Struct, frozen=True):
    """The key of one backup, and the value by which a wrong one is known at once."""

    content: bytes
    check: bytes

    def fits(self, check: str) -> bool:
        """Tell whether this is the key that ``check`` was written with."""
        return hmac.compare_digest(self.check.hex().encode(), check.encode("utf-8", "surrogatepass"))


def from_password(text: str, *, fresh: bool = False) -> Secret:
    """Return a password as a secret; a ``fresh`` one must be long enough.

    Raises:
        DataFault: it is too short.
    """
    if fresh and len(text) < _SHORTEST:
        raise DataFault.of(
            [Fault(f"备份的口令至少{_SHORTEST}个字符：得到备份文件的人可以不停地试", field="password")]
        )
    return Secret("password", text.encode("utf-8", "surrogatepass"))


def make_key(path: Path) -> None:
    """Write a fresh key to ``path``, readable by its owner alone.

    Raises:
        DataFault: something lies there.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DataFault.of([Fault("已经有这个文件，不能覆盖", str(path))]) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_BYTES) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def from_file(path: Path) -> Secret:
    """Return the key that lies in a file.

    Raises:
        NotFound: there is no such file.
        DataFault: others may read it, or it is no key.
    """
    try:
        if exposed(path):
            raise DataFault.of([Fault("他人可以读取备份密钥；请运行 chmod 600 改正", str(path))])
        with path.open("rb") as stream:
            value = bytes.fromhex(stream.read(4 * _BYTES).decode("ascii").strip())
    except FileNotFoundError:
        raise NotFound(f"找不到备份密钥“{path}”；可用 ysq backup --new-key 文件 制作。") from None
    except OSError as error:
        raise DataFault.of([Fault(f"无法读取备份密钥（{why(error)}）", str(path))]) from None
    except ValueError:
        value = b""
    if len(value) != _BYTES:
        raise DataFault.of([Fault("不是 ysq backup --new-key 所制作的备份密钥", str(path))])
    return Secret("file", value)


def fresh_terms(secret: Secret) -> dict[str, Any]:
    """Return how a new backup comes to its key: what stands in its head, in the clear."""
    found: dict[str, Any] = {"key": secret.kind, "salt": secrets.token_hex(_SALT)}
    return {**found, "scrypt": dict(_COST)} if secret.kind == "password" else found


def derived(secret: Secret, terms: Mapping[str, Any]) -> Keys:
    """Return the key of a backup from the secret and the terms in its head.

    Raises:
        ValueError: the terms are not what ``fresh_terms`` writes.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt = bytes.fromhex(str(terms["salt"]))
    value = secret.value
    if secret.kind == "password":
        value = _stretched(value, salt, terms["scrypt"])
    made = HKDF(SHA256(), 2 * _BYTES, salt, b"yishenqing backup 1").derive(value)
    return Keys(made[:_BYTES], made[_BYTES:])


def _stretched(value: bytes, salt: bytes, cost: Mapping[str, Any]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if any(type(cost[name]) is not int or not 0 < cost[name] <= most for name, most in _DEAREST.items()):
        raise ValueError("scrypt")
    return Scrypt(salt=salt, length=_BYTES, n=cost["n"], r=cost["r"], p=cost["p"]).derive(value)
