"""CPU time of letters: ``python benchmarks/letters.py`` prints milliseconds per letter, short and long."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "shell"))

ROUNDS = 12


def main() -> None:
    import letters_sample  # noqa: PLC0415 - the sample of the tests, a script's path

    from yishenqing.letters import Letterbook  # noqa: PLC0415
    from yishenqing.shipped import shipped  # noqa: PLC0415

    start = time.process_time()
    book = Letterbook([shipped("letters")])
    book.pdf("reply_granted", letters_sample.context())
    print(f"first letter of a process: {(time.process_time() - start) * 1000:.0f} ms CPU")
    for kind in book.kinds():
        for extra in (0, 1500):
            given = letters_sample.context()
            given["facts"] |= {"guidance": "文" * (extra or 4), "reason": "文" * (extra or 4)}
            given["facts"]["provided"] = ["文" * (extra or 4)]
            times, size = [], 0
            for number in range(ROUNDS):
                given["applicant"]["name"] = f"王小{chr(0x4E00 + number)}"
                start = time.process_time()
                pdf = book.pdf(kind, given)
                times.append((time.process_time() - start) * 1000)
                size = len(pdf)
            length = "long " if extra else "short"
            spent = f"best {min(times):4.0f}  median {statistics.median(times):4.0f} ms"
            print(f"{kind:22} {length}  {spent}  {size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
