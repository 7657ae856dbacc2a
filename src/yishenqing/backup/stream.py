"""A stream sealed in pieces, each with its number and whether it is the last: none can be changed, lost or moved.

AES-256-GCM. Each backup has a key of its own (a fresh salt), so a piece's number is its nonce and no nonce comes
twice. The head, which stands in the clear, is authenticated with every piece.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from yishenqing.backup.keys import Secret, derived, fresh_terms
from yishenqing.core.errors import DataFault, Fault, IntegrityFault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"YSQ-BACKUP\n"
FORMAT = 1
_PIECE = 1 << 16
_TAG = 16
_LONGEST_HEAD = 4096
_LAST = 1


def _nonce(number: int, last: int) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


class Sealing:
    """Takes bytes, writes sealed pieces."""

    def __init__(self, stream: IO[bytes], secret: Secret) -> None:
        """Write the head of a new backup to ``stream``."""
        terms = fresh_terms(secret)
        keys = derived(secret, terms)
        head = json.dumps({"format": FORMAT, **terms, "check": keys.check.hex()}).encode()
        self._stream, self._cipher, self._head = stream, _cipher(keys.content), hashlib.sha256(head).digest()
        self._held, self._number = bytearray(), 0
        stream.write(MAGIC + head + b"\n")

    def write(self, content: bytes) -> None:
        """Seal ``content`` after what was written before."""
        self._held += content
        while len(self._held) > _PIECE:  # never all of it: the last piece is only known at the end
            self._put(bytes(self._held[:_PIECE]), 0)
            del self._held[:_PIECE]

    def finish(self) -> None:
        """Write the last piece, without which the file is known to be cut off."""
        self._put(bytes(self._held), _LAST)

    def _put(self, piece: bytes, last: int) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._number, last), piece, self._head))
        self._number += 1


class Opening:
    """Reads sealed pieces, gives their bytes; anything that is not as it was written is told, never given."""

    def __init__(self, stream: IO[bytes], file: str, secret: Secret) -> None:
        """Read the head of a backup.

        Raises:
            DataFault: it is no backup, or of a newer program; or the secret is another.
        """
        self._stream, self._file = stream, file
        head = read_head(stream, file)
        if head["key"] != secret.kind:
            used = "口令" if head["key"] == "password" else "密钥文件（--key-file）"
            raise DataFault.of([Fault(f"这份备份是用{used}加密的", file)])
        try:
            keys = derived(secret, head)
        except (KeyError, TypeError, ValueError):
            raise IntegrityFault.of([Fault("备份文件的开头已损坏", file)]) from None
        if not keys.fits(head["check"]):
            raise DataFault.of([Fault("口令或者密钥不对（也可能文件的开头已损坏）", file)])
        self._cipher, self._head = _cipher(keys.content), hashlib.sha256(head["raw"]).digest()
        self._number, self._ahead = 0, stream.read(_PIECE + _TAG)
        self._held, self._ended = b"", False

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes.

        Raises:
            IntegrityFault: the file was changed or cut off, or has no more.
        """
        parts, wanted = [], size
        while wanted:
            if not self._held:
                self._held = self._next()
            part, self._held = self._held[:wanted], self._held[wanted:]
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def finish(self) -> None:
        """See that nothing follows.

        Raises:
            IntegrityFault: something does, or the end is missing.
        """
        if not self._ended and not self._held:
            self._held = self._next()
        if self._held or not self._ended:
            raise IntegrityFault.of([Fault("备份文件的末尾不符", self._file)])

    def _next(self) -> bytes:
        from cryptography.exceptions import InvalidTag

        if self._ended:
            raise IntegrityFault.of([Fault("备份文件不完整", self._file)])
        piece, self._ahead = self._ahead, self._stream.read(_PIECE + _TAG)
        self._ended = not self._ahead
        try:
            found = self._cipher.decrypt(_nonce(self._number, _LAST if self._ended else 0), piece, self._head)
        except (InvalidTag, ValueError):
            text = f"备份文件被改动过或者被截断（第{self._number + 1}块，每块64 KiB）"
            raise IntegrityFault.of([Fault(text, self._file)]) from None
        self._number += 1
        return found


def read_head(stream: IO[bytes], file: str) -> Mapping[str, Any]:
    """Return what stands at the beginning of a backup in the clear; ``raw`` is its very bytes.

    Raises:
        DataFault: it is no backup, or of a newer program.
        IntegrityFault: it is a backup whose head is damaged.
    """
    if stream.read(len(MAGIC)) != MAGIC:
        raise DataFault.of([Fault("不是 ysq backup 所作的备份文件", file)])
    raw = stream.readline(_LONGEST_HEAD).rstrip(b"\n")
    try:
        head = json.loads(raw)
        version = int(head["format"])
        known = {"key": str(head["key"]), "check": str(head["check"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityFault.of([Fault("备份文件的开头已损坏", file)]) from None
    if version > FORMAT:
        raise DataFault.of([Fault("这份备份由较新版本的程序所作，请先升级本程序", file)])
    if known["key"] not in {"password", "file"}:
        raise IntegrityFault.of([Fault("备份文件的开头已损坏", file)])
    return {**head, **known, "raw": raw}
