"""What can go wrong, in one tree; every error carries its exit code and, where the law speaks, its article."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct

_SYSTEM = {
    errno.ENOENT: "文件或者程序不存在",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "磁盘配额用尽",
    errno.EFBIG: "文件大小超出磁盘限额",
    errno.EROFS: "磁盘为只读",
    errno.EIO: "磁盘读写错误",
    errno.EISDIR: "是文件夹，不是文件",
    errno.ENOTDIR: "路径或者上级路径不是文件夹",
    errno.EEXIST: "已有同名文件，或者上级路径不是文件夹",
    errno.ENOTEMPTY: "文件夹不是空的",
    errno.ENAMETOOLONG: "文件名过长",
    errno.ELOOP: "符号链接循环",
    errno.EMFILE: "打开的文件过多",
    errno.ENOEXEC: "不是可以运行的程序",
    errno.ECONNREFUSED: "对方拒绝连接",
    errno.ECONNRESET: "连接被对方中断",
    errno.EPIPE: "连接被对方中断",
    errno.ENETUNREACH: "网络不通",
    errno.EHOSTUNREACH: "网络不通",
    errno.ETIMEDOUT: "对方没有回应",
}


def why(error: OSError | UnicodeError) -> str:
    """Return in words why the system did not read or write a file, or did not run a program."""
    if isinstance(error, UnicodeError):
        return "不是 UTF-8 编码的文字"
    told = f"系统错误：{error.strerror or str(error) or type(error).__name__}"
    systems_own = type(error).__module__ == "builtins"  # a library's kind of OSError (TLS, names) counts for itself
    return _SYSTEM.get(error.errno or 0, told) if systems_own else told


class Reason(Struct, frozen=True):
    """One reason in words, with the provision that it rests on (empty where no law speaks)."""

    text: str
    law: str = ""

    def __str__(self) -> str:
        """Return the reason as a person reads it, the article in brackets."""
        return f"{self.text}（{self.law}）" if self.law else self.text


class Fault(Struct, frozen=True):
    """One fault in data that somebody wrote: where it stands and what is wrong."""

    text: str
    file: str = ""
    line: int | None = None
    field: str = ""
    law: str = ""

    def __str__(self) -> str:
        """Return the fault with its place in front: file, line, field."""
        place = self.file
        if self.line is not None:
            place += f" 第{self.line}行" if place else f"第{self.line}行"
        if self.field:
            place += f" “{self.field}”" if place else f"“{self.field}”"
        return f"{place}：{self.text}" if place else self.text


class Permitted(Struct, frozen=True):
    """A step that may be taken now, and by whom; ``mine``: by who has asked, None where nobody in particular has."""

    step: str
    title: str
    role: str
    verb: str = ""
    mine: bool | None = None

    def as_json(self) -> dict[str, str]:
        """Return the step in the words of the contract; ``verb`` where a verb of its own takes it."""
        found = {"step": self.step, "title": self.title, "role": self.role}
        return {**found, "verb": self.verb} if self.verb else found


class YishenqingError(Exception):
    """出现错误。"""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, text: str, law: Sequence[str] = (), permitted: Sequence[Permitted] = ()) -> None:
        """Say what is wrong, the articles behind it and what is permitted instead."""
        super().__init__(text)
        self.text, self.law, self.permitted = text, law, permitted

    def __str__(self) -> str:
        """Return the message alone; faces decide how to show the rest."""
        return self.text

    def as_json(self) -> dict[str, Any]:
        """Return the error in the words of the contract."""
        return {
            "error": {
                "code": self.code,
                "text": self.text,
                "law": list(self.law),
                "permitted": [p.as_json() for p in self.permitted],
            }
        }


class Refused(YishenqingError):
    """The law or the workflow does not allow the act; nothing was recorded."""

    code = "refused"
    exit_code = 3


class CalendarGap(YishenqingError):
    """A past year that is needed has no working-day calendar."""

    code = "calendar_gap"
    exit_code = 4


class NotFound(YishenqingError):
    """There is no such case, letter, kind or package."""

    code = "not_found"
    exit_code = 5


class Moved(YishenqingError):
    """Somebody wrote first; read again, nothing of this call was recorded."""

    code = "moved"
    exit_code = 5


class DataFault(YishenqingError):
    """A workflow, law, letter, settings or input file has faults; all of them are listed."""

    code = "data_fault"
    exit_code = 6

    def __init__(self, text: str, law: Sequence[str] = (), *, faults: Sequence[Fault] = ()) -> None:
        """Say what is wrong, and each fault with its place."""
        super().__init__(text, law)
        self.faults = faults

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> DataFault:
        """Gather faults into one error whose text lists each on a line of its own."""
        return cls("\n".join(str(f) for f in faults), law=[f.law for f in faults if f.law], faults=faults)

    def as_json(self) -> dict[str, Any]:
        """Return the error with its faults, each with file, line and field."""
        document = YishenqingError.as_json(self)
        document["error"]["faults"] = [
            {"text": f.text, "file": f.file, "line": f.line, "field": f.field, "law": f.law} for f in self.faults
        ]
        return document


class IntegrityFault(DataFault):
    """What was sealed is not what lies here any more."""

    code = "integrity"
    exit_code = 7
