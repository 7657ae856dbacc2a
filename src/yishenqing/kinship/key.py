"""The key of an office under which persons and texts are blinded, in a file that only the office's account may read.

What is stored cannot be turned back, nor tried out by somebody who has the database alone. A key is exchanged by
adding a new one, entering everything anew under it, and dropping the old ones; in between both are looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from yishenqing import keyfile
from yishenqing.core.errors import DataFault, Fault, why

FILE = "recognition.key"
_BYTES = 32
_KEPT = 16  # bytes of a blinded value: no two of a billion meet by chance


class Key(Struct, frozen=True, dict=True):
    """One secret. ``id`` names it without telling it."""

    secret: bytes

    @cached_property
    def id(self) -> str:
        """Return the key's name."""
        return self.blinded("key", "id")[:16]

    def blinded(self, kind: str, value: str) -> str:
        """Return what is stored instead of a person's identifier or a text."""
        said = f"{kind}\0{value}".encode()
        return hmac.new(self.secret, said, hashlib.sha256).digest()[:_KEPT].hex()


class Keys(Struct, frozen=True):
    """All keys that are still looked up, the one that is written with last."""

    keys: tuple[Key, ...]
    path: Path

    @property
    def current(self) -> Key:
        """Return the key that is written with."""
        return self.keys[-1]

    @property
    def exposed(self) -> bool:
        """Tell whether others than the office's account may read the file."""
        return keyfile.exposed(self.path)

    @classmethod
    def of(cls, home: Path) -> Keys:
        """Read the office's keys; make the first one where there is none.

        Raises:
            DataFault: the file is there, but is not what was written.
        """
        path = home / FILE
        if not path.exists():
            keyfile.write([secrets.token_bytes(_BYTES)], path, replace=False)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            found = tuple(Key(bytes.fromhex(text)) for text in data["keys"])
        except OSError as error:
            raise DataFault.of([Fault(f"无法读取识别密钥（{why(error)}）", str(path))]) from None
        except (ValueError, KeyError, TypeError):
            found = ()
        if not found or any(len(k.secret) != _BYTES for k in found):
            text = "识别密钥文件已损坏；请用备份恢复，或者删去后运行 ysq recognition rebuild"
            raise DataFault.of([Fault(text, str(path))])
        return cls(found, path)

    def with_new(self) -> Keys:
        """Add a new key, with which everything is written from now on."""
        keyfile.write([*(k.secret for k in self.keys), secrets.token_bytes(_BYTES)], self.path, replace=True)
        return Keys.of(self.path.parent)

    def with_current_alone(self) -> Keys:
        """Drop all keys but the current one."""
        keyfile.write([self.current.secret], self.path, replace=True)
        return Keys.of(self.path.parent)
