"""依申请 (yishenqing): the engine for applications for disclosure of government information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yishenqing.core.version import __version__

if TYPE_CHECKING:
    from yishenqing.core.errors import (
        CalendarGap,
        DataFault,
        IntegrityFault,
        Moved,
        NotFound,
        Refused,
        YishenqingError,
    )
    from yishenqing.office import Office

__all__ = [
    "CalendarGap",
    "DataFault",
    "IntegrityFault",
    "Moved",
    "NotFound",
    "Office",
    "Refused",
    "YishenqingError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: ``ysq --version`` needs none of them."""
    if name == "Office":
        from yishenqing.office import Office  # noqa: PLC0415 - when it is asked for

        return Office
    if name in __all__:
        from yishenqing.core import errors  # noqa: PLC0415 - when one is asked for

        return getattr(errors, name)
    raise AttributeError(f"module 'yishenqing' has no attribute {name!r}")
