"""Authenticated encryption of what is personal: AES-256-GCM, or SM4-GCM (GB/T 32907) where an office is asked for it.

A nonce is 96 random bits, so one key is good for far more values than an office ever keeps (NIST SP 800-38D: 2^32).
``about`` binds a value to its place: a row put elsewhere cannot be opened there.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

ALGORITHMS: Mapping[str, int] = {"aes-256-gcm": 32, "sm4-gcm": 16}  # with the bytes of a key
_NONCE, _TAG = 12, 16
_MARK, _FILE_MARK = "~1.", b"YSQ-SEALED-1\n"  # no JSON text begins with the first
_ID = 16  # characters of a key's name


class Unreadable(Exception):
    """What is to be opened was changed, lies in another place, or was sealed with another key."""


class DataKey(Struct, frozen=True, dict=True):
    """A key with which values are sealed. ``id`` names it without telling it."""

    id: str
    algorithm: str
    secret: bytes

    def sealed(self, plain: bytes, about: bytes) -> bytes:
        """Return ``plain`` sealed for the place ``about``."""
        nonce = os.urandom(_NONCE)
        sealed: bytes = self._aead.encrypt(nonce, plain, about)
        return nonce + sealed

    def opened(self, sealed: bytes, about: bytes) -> bytes:
        """Return what was sealed for the place ``about``.

        Raises:
            Unreadable: it is not what was sealed with this key for this place.
        """
        from cryptography.exceptions import InvalidTag

        try:
            plain: bytes = self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce and a tag
            raise Unreadable from error
        return plain

    def text(self, plain: str, about: str) -> str:
        """Return a text sealed as a text that names the key."""
        return f"{_MARK}{self.id}.{base64.b64encode(self.sealed(plain.encode(), about.encode())).decode()}"

    def plain(self, text: str, about: str) -> str:
        """Return what ``text`` was made of.

        Raises:
            Unreadable: it was changed, or belongs elsewhere.
        """
        try:
            sealed = base64.b64decode(text[len(_MARK) + _ID + 1 :], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unreadable from error
        return self.opened(sealed, about.encode()).decode()

    def content(self, plain: bytes, name: str) -> bytes:
        """Return a file's content sealed under its ``name``, with the key's name before it."""
        return _FILE_MARK + self.id.encode() + self.sealed(plain, name.encode())

    def plain_content(self, content: bytes, name: str) -> bytes:
        """Return a file's content.

        Raises:
            Unreadable: it was changed, or is another file's.
        """
        return self.opened(content[len(_FILE_MARK) + _ID :], name.encode())

    @cached_property
    def _aead(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.secret) if self.algorithm == "aes-256-gcm" else _Sm4(self.secret)


class _Sm4:
    """SM4 in GCM with the face of AESGCM."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encrypt(self, nonce: bytes, plain: bytes, about: bytes) -> bytes:
        """Return cipher text and tag."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        work = Cipher(algorithms.SM4(self._secret), modes.GCM(nonce)).encryptor()
        work.authenticate_additional_data(about)
        return work.update(plain) + work.finalize() + work.tag

    def decrypt(self, nonce: bytes, sealed: bytes, about: bytes) -> bytes:
        """Return the plain text, once the tag has been found right."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        work = Cipher(algorithms.SM4(self._secret), modes.GCM(nonce, sealed[-_TAG:])).decryptor()
        work.authenticate_additional_data(about)
        return work.update(sealed[:-_TAG]) + work.finalize()


def can(algorithm: str) -> bool:
    """Tell whether this machine's OpenSSL has the algorithm."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        DataKey("", algorithm, bytes(ALGORITHMS[algorithm])).sealed(b"", b"")
    except UnsupportedAlgorithm:
        return False
    return True


def key_of_text(text: str) -> str | None:
    """Return which key a text was sealed with; None for a text that is not sealed."""
    return text[len(_MARK) : len(_MARK) + _ID] if text.startswith(_MARK) else None


def sealed_with(key: str) -> str:
    """Return how every text begins that was sealed with the key of that name."""
    return f"{_MARK}{key}."


def key_of_content(content: bytes) -> str | None:
    """Return which key a file's content was sealed with; None for a content that is not sealed."""
    if not content.startswith(_FILE_MARK):
        return None
    return content[len(_FILE_MARK) : len(_FILE_MARK) + _ID].decode("ascii", "replace")


def key_of_file(path: Path) -> str | None:
    """Return which key the content of a file was sealed with, looking at its beginning alone."""
    with path.open("rb") as stream:
        return key_of_content(stream.read(len(_FILE_MARK) + _ID))
