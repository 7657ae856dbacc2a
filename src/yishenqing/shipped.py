"""Where the rules, letters, migrations and samples that ship with the program lie.

A wheel carries them inside the package; an editable install and a checkout have them at the top of the tree.
"""

from __future__ import annotations

from pathlib import Path

from yishenqing.core.errors import NotFound

_PACKAGE = Path(__file__).resolve().parent
_INSIDE_WHEEL = _PACKAGE / "_shipped"
_CHECKOUT = _PACKAGE.parent.parent


def shipped(name: str) -> Path:
    """Return the shipped folder ``name`` (``workflows``, ``letters``, ``alembic`` or ``samples``).

    Raises:
        NotFound: the installation lacks the folder.
    """
    for base in (_INSIDE_WHEEL, _CHECKOUT):
        folder = base / name
        if folder.is_dir():
            return folder
    raise NotFound(f"安装不完整：缺少随附文件夹“{name}”，请重新安装依申请（yishenqing）。")


def layered(name: str, own: Path | None) -> list[Path]:
    """Return the folders to look in for ``name``: the office's own first, then the shipped one."""
    folders = [own / name] if own is not None and (own / name).is_dir() else []
    return [*folders, shipped(name)]
