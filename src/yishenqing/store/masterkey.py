"""The master keys of an office: they seal the data keys in the database, and lie outside it.

In a file that only the office's account may read, or in an environment variable. The last one is used for new data
keys; earlier ones stay, so that an older backup of the database can be opened.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from yishenqing import keyfile
from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.store.cipher import ALGORITHMS, DataKey, Unreadable, can

_BYTES = 32
_LOST = "没有密钥，姓名、证件号码、地址等个人信息和附件无法读出；期限和待办（list、due、tick）不受影响"


class MasterKey(Struct, frozen=True, dict=True):
    """One secret that seals data keys. ``id`` names it without telling it."""

    secret: bytes

    @cached_property
    def id(self) -> str:
        """Return the key's name."""
        return self._derived("id").hex()[:16]

    def wrapped(self, agency: str, key: DataKey) -> str:
        """Return a data key as the database keeps it."""
        return base64.b64encode(self._own(key.algorithm).sealed(key.secret, _about(agency, key))).decode()

    def unwrapped(self, agency: str, key: str, algorithm: str, wrapped: str) -> DataKey:
        """Return the data key that the database keeps as ``wrapped``.

        Raises:
            Unreadable: it was changed in the database.
        """
        empty = DataKey(key, algorithm, b"")
        try:
            secret = self._own(algorithm).opened(base64.b64decode(wrapped), _about(agency, empty))
        except (ValueError, KeyError) as error:
            raise Unreadable from error
        return DataKey(key, algorithm, secret)

    def _own(self, algorithm: str) -> DataKey:
        return DataKey(self.id, algorithm, self._derived(algorithm)[: ALGORITHMS[algorithm]])

    def _derived(self, purpose: str) -> bytes:
        return hmac.new(self.secret, f"yishenqing master {purpose}".encode(), hashlib.sha256).digest()


class Masters(Struct, frozen=True):
    """Where an office's master keys are looked for: a file, or the environment variable ``env`` when it is named."""

    path: Path
    env: str = ""
    algorithm: str = "aes-256-gcm"

    @property
    def place(self) -> str:
        """Return where the keys lie, in words."""
        return f"环境变量 {self.env}" if self.env else str(self.path)

    def there(self) -> bool:
        """Tell whether there is a key at all."""
        return bool(os.environ.get(self.env)) if self.env else self.path.exists()

    def known(self) -> Mapping[str, MasterKey]:
        """Return the master keys by name, the current one last.

        Raises:
            DataFault: there is none, it is not what was written, or others may read it.
        """
        texts = self._from_env() if self.env else self._from_file()
        try:
            found = [MasterKey(bytes.fromhex(text)) for text in texts]
        except (ValueError, TypeError):
            found = []
        if not found or any(len(k.secret) != _BYTES for k in found):
            how = "应为64位十六进制数字（openssl rand -hex 32），几把用逗号分开" if self.env else "请用备份恢复"
            raise DataFault.of([Fault(f"个人信息的密钥已损坏或者写法不对；{how}", self.place)])
        return {key.id: key for key in found}

    def current(self) -> MasterKey:
        """Return the key that new data keys are sealed with."""
        return list(self.known().values())[-1]

    def grown(self, *, new: bool) -> MasterKey:
        """Return the current key; make one where there is none, and another one with ``new`` (in a file only).

        Raises:
            DataFault: the keys come from the environment and there is none; or the algorithm is not to be had here.
        """
        if not can(self.algorithm):
            text = f"本机的 OpenSSL 没有 {self.algorithm}；请改用 aes-256-gcm"
            raise DataFault.of([Fault(text, "office.yaml", field="secrecy.cipher")])
        if not self.env and (new or not self.there()):
            earlier = [key.secret for key in self.known().values()] if self.there() else []
            keyfile.write([*earlier, secrets.token_bytes(_BYTES)], self.path, replace=bool(earlier))
        return self.current()

    def _from_env(self) -> list[str]:
        text = os.environ.get(self.env, "")
        if not text.strip():
            raise DataFault.of([Fault(f"没有设置个人信息的密钥。{_LOST}", self.place)])
        return [part.strip() for part in text.split(",")]

    def _from_file(self) -> list[str]:
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                text = f"密钥文件其他用户也能读取（权限{mode:o}），不予使用；请运行 chmod 600"
                raise DataFault.of([Fault(text, str(self.path))])
            return list(json.loads(self.path.read_text(encoding="utf-8"))["keys"])
        except FileNotFoundError:
            text = f"找不到个人信息的密钥文件，请从备份放回原处。{_LOST}"
            raise DataFault.of([Fault(text, str(self.path))]) from None
        except OSError as error:
            raise DataFault.of([Fault(f"无法读取密钥文件（{why(error)}）。{_LOST}", str(self.path))]) from None
        except (ValueError, KeyError, TypeError):
            return []


def _about(agency: str, key: DataKey) -> bytes:
    return "\0".join((agency, key.id, key.algorithm)).encode()
