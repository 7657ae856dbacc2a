"""Runs a reader over spoiled files: each is read, or refused in Chinese with a known exit code, and soon.

python tests/fuzz/fuzzing.py [seconds] [target …]     (``make fuzz``: every target in turn, for that long together)
"""

from __future__ import annotations

import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from targets import Target, targets

from yishenqing.core.errors import YishenqingError

PATIENCE = 20  # seconds for one file of a few hundred kilobytes, on a machine with other work
CODES = {1, 3, 4, 5, 6, 7}
CHINESE = re.compile("[\u4e00-\u9fff]")
FOREIGN = re.compile(r"Traceback|object at 0x|\bFile \"")


class Hung(BaseException):
    """A reader takes longer than anybody waits. No Exception, so that no reader catches it."""


@contextmanager
def patience() -> Iterator[None]:
    def ring(_number: int, _frame: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def once(target: Target, folder: Path, seed: str) -> str:
    """Read one spoiled file; return how it went (``read``, ``refused``), or fail."""
    content = target.made(random.Random(seed))  # noqa: S311 - the same again for the same seed
    path = folder / f"spoiled{target.suffix}"
    path.write_bytes(content)
    try:
        with patience():
            target.read(path)
    except YishenqingError as error:
        refusal = error
    else:
        return "read"
    text = str(refusal)
    assert refusal.exit_code in CODES, (seed, refusal.exit_code)
    assert CHINESE.search(text), (seed, text[:500])
    assert not FOREIGN.search(text), (seed, text[:500])
    return "refused"


def main(words: list[str]) -> int:
    """Run for the seconds told; print what was tried, and every seed that failed."""
    seconds = float(words[0]) if words else 600.0
    began, bad, counts = time.monotonic(), 0, Counter[str]()
    run = str(int(time.time()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = [t for t in targets(folder) if not words[1:] or t.name in words[1:]]
        n = 0
        while time.monotonic() - began < seconds:
            for target in chosen:
                seed = f"{run}:{target.name}:{n}"
                try:
                    counts[f"{target.name} {once(target, folder, seed)}"] += 1
                except (Exception, Hung) as error:  # noqa: BLE001 - what is looked for
                    bad += 1
                    counts[f"{target.name} FAILED"] += 1
                    print(f"{seed}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            n += 1
    for line in sorted(counts):
        print(f"{counts[line]:8} {line}")
    print(f"{sum(counts.values())} files, {bad} failed, {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
