"""``yishenqing``, short ``ysq``."""

from __future__ import annotations

import sys

from yishenqing.core.version import __version__


def main() -> None:
    """Run the command line; the version is answered before anything is imported."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"依申请 yishenqing {__version__}\n")
        return
    from yishenqing.cli import run  # noqa: PLC0415 - `--version` needs no command

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
