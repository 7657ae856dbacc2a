"""The keys of an office's personal data: begin to encrypt, exchange the keys, say what is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yishenqing.office.casework import Row
from yishenqing.office.desk import Desk
from yishenqing.store import keyring
from yishenqing.store.rekeying import Rekeying, Told, contents_left, left, settle

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _quiet(_what: str, _done: int, _all: int) -> None:
    """Tell nobody how far it is."""


class SecrecyVerbs(Desk):
    """What is done with the keys of the personal data."""

    def keys(self) -> Row:
        """Return by which keys the personal data are encrypted, where the master key lies, and what is not yet."""
        with self._transactions.reading() as connection:
            known = keyring.rows(connection, self.settings.agency)
            current = next((row for row in reversed(known) if row["retired_at"] is None), None)
            waiting = left(connection, self.settings.agency, current["id"] if current else "")
        waiting["files"] = sum(1 for _ in contents_left(self._papers, current["id"] if current else ""))
        masters = self._ring.masters
        return {
            "encrypted": current is not None,
            "cipher": current["algorithm"] if current else "",
            "place": masters.place,
            "there": masters.there(),
            "keys": known,
            "left": waiting,
        }

    def encrypt(self, *, told: Told = _quiet) -> Row:
        """Encrypt the personal data of an office that has not done so; go on where it was cut off.

        Raises:
            DataFault: the keys were made already, and the master key is not at hand.
        """
        self._transactions.permit()
        with self._transactions.writing() as connection:
            key = self._ring.current(connection)
            made = key is None
            if key is None:
                keyring.add(connection, self._ring, self._moments.now())
        return self._encrypted(told, made=made)

    def rotate_keys(self, *, told: Told = _quiet) -> Row:
        """Exchange master key and data key and encrypt everything anew; go on where an exchange was cut off.

        Where the master key comes from the environment, whoever sets it adds the new one at its end beforehand.

        Raises:
            DataFault: the master key is not at hand.
        """
        self._transactions.permit()
        with self._transactions.reading() as connection:
            key = self._ring.current(connection)
            unfinished = key is not None and self._unfinished(connection, key.id)
        if unfinished:
            found = self._encrypted(told, made=False)
            if found["rows"] or found["files"]:
                return found  # else what is left is damaged, and keeps nobody from exchanging the keys
        with self._transactions.writing() as connection:
            keyring.add(connection, self._ring, self._moments.now(), new_master=key is not None)
        return self._encrypted(told, made=True)

    def _unfinished(self, connection: Connection, key: str) -> bool:
        """Tell whether an earlier exchange was cut off: what is there is not all encrypted with the current key."""
        return any(left(connection, self.settings.agency, key).values()) or any(contents_left(self._papers, key))

    def _encrypted(self, told: Told, *, made: bool) -> Row:
        with self._transactions.reading() as connection:
            key = self._ring.current(connection)
        assert key is not None  # noqa: S101 - made just before
        work = Rekeying(self._transactions, self.settings.agency, key, told)
        rows, contents = work.rows(), work.contents(self._papers)
        wiped = settle(self._transactions) if rows else True
        self._saw("key", "", f"个人信息以密钥{key.id}加密：数据{rows}项、文件{contents}个")
        return {
            "key": key.id,
            "cipher": key.algorithm,
            "new": made,
            "place": self._ring.masters.place,
            "rows": rows,
            "files": contents,
            "wiped": wiped,
            "faults": [str(f) for f in work.faults],
        }

    def _begin_encrypted(self) -> None:
        """Let a new office encrypt from its first case on.

        An office that has cases in clear decides itself when it begins: it must know of the key first.
        """
        with self._transactions.writing() as connection:
            if self._ring.current(connection) is None and not any(
                left(connection, self.settings.agency, "").values()
            ):
                keyring.add(connection, self._ring, self._moments.now())
