"""``yishenqing``, short ``ysq``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the version is answered before anything is imported."""
    if sys.argv[1:] == ["--version"]:
        from yishenqing.core.version import __version__  # noqa: PLC0415

        sys.stdout.write(f"依申请 yishenqing {__version__}\n")
        return
    from yishenqing.cli import run  # noqa: PLC0415

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
