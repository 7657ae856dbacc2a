"""What the databases say, in words on which an officer can act."""

from __future__ import annotations

from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError

from yishenqing.core.errors import IntegrityFault, Moved, NotFound, YishenqingError
from yishenqing.store.contention import GIVEN_WAY, Contended, Severed, Unsure

# By a word of what the database says: what kind of error it is, and what an officer can do about it.
_SAYINGS: tuple[tuple[tuple[str, ...], type[YishenqingError], str], ...] = (
    (
        ("locked", "busy", "already exists"),
        Moved,
        "另一项操作正在写入数据库，本次没有写入任何内容；请稍后重试。",
    ),
    (
        ("is full", "disk full", "No space left"),
        YishenqingError,
        "磁盘空间不足，本次没有写入任何内容；请清理磁盘后重试。",
    ),
    (
        ("readonly", "read-only", "permission denied"),
        YishenqingError,
        "数据库为只读或者没有写入权限，本次没有写入任何内容；请检查文件权限。",
    ),
    (
        ("no such table", "no such column", "does not exist"),
        NotFound,
        "数据库尚未建立或者版本较旧；请先运行 ysq init。",
    ),
    (
        ("unable to open",),
        YishenqingError,
        "打不开数据库文件；可能是文件夹只读、权限不足或者磁盘已满，请检查后重试。",
    ),
    (
        ("disk I/O",),
        YishenqingError,
        "读写数据库文件时磁盘出错，本次没有写入任何内容；请检查磁盘是否已满或者损坏后重试。",
    ),
    (
        ("malformed", "not a database", "invalid page"),
        IntegrityFault,
        "数据库文件已损坏或者不是本程序的数据库；请用备份恢复。",
    ),
    (("NUL",), NotFound, "编号或者内容中含有不可见字符，没有这样的记录。"),
)
_SEVERED = "与数据库的连接中断，本次没有写入任何内容；请检查网络和数据库服务器后重试。"
_UNREACHABLE = "连不上数据库，本次没有写入任何内容；请检查网络、数据库服务器和 office.yaml 中的地址（database）。"
_UNSURE = (
    "提交时与数据库的连接中断，不能确定本次办理是否已经写入；请先查看案件（ysq list、ysq show），"
    "确认没有写入的再办理一次。"
)
# The server ends sessions with these (08: connection; 57P01 to 57P03: it goes down, crashed, is starting up;
# 25P03: the session lay idle within a transaction too long).
_ENDED = frozenset({"57P01", "57P02", "57P03", "25P03"})


class _InOurWords:
    """Stands around every transaction, hence no generator: those cost an act more than what they guard against."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, DatabaseError):
            raise _in_words(error) from error


class _Committing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, DatabaseError) and _is_severed(error):
            raise Unsure(_UNSURE) from error


_IN_OUR_WORDS, _COMMITTING = _InOurWords(), _Committing()


def in_our_words() -> _InOurWords:
    """Turn what the database says into what an officer can act on."""
    return _IN_OUR_WORDS


def committing() -> _Committing:
    """Say so when the line broke while a commit was on its way: then nobody on this side knows what became of it."""
    return _COMMITTING


def _in_words(error: DatabaseError) -> YishenqingError:
    if isinstance(error, IntegrityError):
        if "append-only" in str(error.orig):
            return IntegrityFault("案卷记录只能追加，不能修改或者删除。")
        return Moved("另有人先写入了同一案件，本次没有写入任何内容；请重新查看后再办理。")
    if getattr(error.orig, "sqlstate", None) in GIVEN_WAY:
        return Contended("另一项操作正在写入同一案件，本次没有写入任何内容；请稍后重试。")
    if _is_severed(error):
        return Severed(_SEVERED if error.statement is not None else _UNREACHABLE)
    return _said(str(error.orig))


def _is_severed(error: DBAPIError) -> bool:
    """Tell whether a server's connection is gone; a file has none."""
    if not type(error.orig).__module__.startswith("psycopg"):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # the server said nothing any more
        return error.connection_invalidated or type(error.orig).__name__ == "OperationalError"
    return state in _ENDED or state.startswith("08")


def _said(text: str) -> YishenqingError:
    for words, kind, said in _SAYINGS:
        if any(word in text for word in words):
            return kind(said)
    return YishenqingError(f"数据库无法完成操作，本次没有写入任何内容（{text}）。")
