"""``yishenqing``, short ``ysq``."""

from __future__ import annotations

import gc
import sys

from yishenqing.core.version import __version__

_SELDOM = 50_000  # objects made between two looks for garbage; seven hundred otherwise


def main() -> None:
    """Run the command line; the version is answered before anything is imported."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"依申请 yishenqing {__version__}\n")
        return
    # What is imported stays: looking through it for garbage takes a tenth of what a short command takes in all.
    gc.set_threshold(_SELDOM)
    from yishenqing.cli import run  # noqa: PLC0415 - `--version` needs no command

    code = run(sys.argv[1:])
    gc.freeze()  # or Python looks through all of it once more when it ends: a sixth of a short command
    sys.exit(code)


if __name__ == "__main__":
    main()
