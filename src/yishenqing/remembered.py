"""What a person's file was validated to, remembered under the file's own digest, so that a quick command stays quick.

Reading YAML strictly takes PyYAML and pydantic, which cost a command more than all its work. A file whose content is
the same as the last time is not read again; a changed file has another digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from yishenqing.core.plain import plain_of, read_back
from yishenqing.core.version import __version__

T = TypeVar("T")


def remembered(kind: type[T], path: Path, folder: Path | None, read: Callable[[Path], T]) -> T:
    """Return ``read(path)``, or what it returned for the same content before, kept below ``folder``.

    An office whose folder cannot be written to, or whose remembered values are damaged, simply reads again.
    """
    if folder is None:
        return read(path)
    digest = hashlib.sha256(__version__.encode() + path.read_bytes()).hexdigest()
    kept = folder / ".cache" / f"{kind.__name__.lower()}-{path.stem}-{digest[:40]}.json"
    # Not there, or damaged: then the file itself is read, and whatever is wrong with it is told.
    with contextlib.suppress(OSError, ValueError):
        return read_back(kind, kept.read_bytes())
    value = read(path)
    with contextlib.suppress(OSError):  # a folder that takes nothing: every command reads again, and is only slower
        _keep(value, kept, f"{kind.__name__.lower()}-{path.stem}-*.json")
    return value


def _keep(value: Any, path: Path, older: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as stream:
        json.dump(plain_of(value), stream, ensure_ascii=False, default=_plain)
    for old in path.parent.glob(older):
        old.unlink(missing_ok=True)
    Path(stream.name).replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value)
