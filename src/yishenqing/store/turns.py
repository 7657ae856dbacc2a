"""One's turn among the writers of this machine: a fair queue before SQLite's own lock, which starves its writers.

The system's lock is waited for in a thread of its own, so that the wait has an end: a writer that was suspended in
the middle of its work would keep everybody else waiting for ever. Who holds it is told.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yishenqing.core.errors import Moved, YishenqingError


@contextmanager
def turn(path: Path | None, wait: float) -> Iterator[None]:
    """Wait for one's turn at ``path`` for at most ``wait`` seconds; without a path there is nobody to wait for.

    Raises:
        Moved: somebody else has it all the time.
    """
    if path is None or os.name != "posix":
        yield
        return
    descriptor = _taken(path, wait)
    try:
        yield
    finally:
        os.close(descriptor)


def _taken(path: Path, wait: float) -> int:
    import fcntl  # noqa: PLC0415 - not on every system

    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _Waiting(descriptor).within(wait, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "磁盘空间不足" if full else f"机关文件夹为只读或者没有写入权限（{path}）"
        raise YishenqingError(f"{why}，本次没有写入任何内容；请处理后重试。") from error


class _Waiting:
    """The wait for a lock that the system gives in the order of asking; once given up, it gives the lock back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._mine, self._decided = threading.Event(), threading.Lock()
        self._given_up = False

    def within(self, wait: float, path: Path) -> int:
        """Return the descriptor once it holds the lock."""
        if wait > 0:
            threading.Thread(target=self._wait, daemon=True, name="ysq-turn").start()
            try:
                if self._mine.wait(wait):
                    return self._descriptor
            finally:
                late = self._give_up()
            if late:
                return self._descriptor
            raise Moved(_held(path, wait))
        os.close(self._descriptor)
        raise Moved("另一项操作正在写入数据库。")

    def _wait(self) -> None:
        import fcntl  # noqa: PLC0415 - as above

        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._decided:
            if self._given_up:
                os.close(self._descriptor)
            else:
                self._mine.set()

    def _give_up(self) -> bool:
        """Wait no longer; tell whether the lock came at the last moment."""
        with self._decided:
            self._given_up = not self._mine.is_set()
            return not self._given_up


def _held(path: Path, wait: float) -> str:
    holder = _holder(path)
    who = f"另一个程序（进程{holder}）" if holder else "另一个程序"
    return (
        f"{who}占用数据库已超过{wait:g}秒，本次没有写入任何内容。它可能正在接收大量数据，也可能被挂起或者卡住；"
        f"请等它办完，或者由管理员查看、结束该进程后重试。等待多久在 office.yaml 的 wait_seconds 中设定。"
    )


def _holder(path: Path) -> int:
    """Return the process that holds the lock, where the system tells; 0 where it does not."""
    with contextlib.suppress(OSError, ValueError, IndexError):  # only a help: the refusal stands without it
        wanted = str(path.stat().st_ino)
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == wanted:
                return int(words[4])
    return 0
