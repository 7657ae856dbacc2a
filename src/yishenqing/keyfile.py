"""Files that are an office's secret: written whole, readable by their owner alone."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path


def exposed(path: Path) -> bool:
    """Tell whether others than its owner may read or change a secret file."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def write(keys: Sequence[bytes], path: Path, *, replace: bool) -> None:
    """Write the file whole, readable by its owner alone; without ``replace`` whoever was first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"keys": [key.hex() for key in keys]}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            Path(name).replace(path)
            return
        try:
            os.link(name, path)
        except FileExistsError:
            return  # another process was first; its key is the office's
        except OSError:  # a file system without links
            if not path.exists():
                Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
