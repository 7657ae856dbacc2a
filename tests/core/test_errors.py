"""What the system says of a file or a program reaches nobody in English."""

from __future__ import annotations

import errno
import os
import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from yishenqing.core.errors import why

Act = Callable[[Path], object]
_ENGLISH = re.compile("[A-Za-z]{2}")


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda at: (at / "没有").read_bytes(), "文件或者程序不存在"),
        (lambda at: at.read_bytes(), "是文件夹，不是文件"),
        (lambda at: (at / "file" / "x").read_bytes(), "路径或者上级路径不是文件夹"),
        (lambda at: (at / "file").mkdir(), "已有同名文件，或者上级路径不是文件夹"),
        (lambda at: (at / ("长" * 200)).read_bytes(), "文件名过长"),
        (lambda at: at.rmdir(), "文件夹不是空的"),
        (lambda at: subprocess.run([str(at / "没有")], check=True), "文件或者程序不存在"),
        (lambda at: (at / "file").read_text("utf-8"), "不是 UTF-8 编码的文字"),
    ],
)
def test_what_the_system_refuses_is_said_in_chinese(act: Act, expected: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe\xfd")
    try:
        act(tmp_path)
    except (OSError, UnicodeError) as error:
        said = why(error)
    assert said == expected


def test_a_full_or_locked_disk_is_said_in_chinese() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO):
        said = why(OSError(number, os.strerror(number)))
        assert said, number
        assert not _ENGLISH.search(said), said


def test_what_nobody_foresaw_is_not_withheld() -> None:
    assert why(OSError(errno.EXDEV, "Invalid cross-device link")) == "系统错误：Invalid cross-device link"


def test_the_number_of_a_library_is_not_taken_for_one_of_the_system() -> None:
    assert why(ssl.SSLError(errno.EPERM, "handshake failure")) == "系统错误：handshake failure"
