"""CPU time of letters beside the peers that this machine has, memory of a batch, and what a second core gives.

``python benchmarks/letters.py`` prints milliseconds of CPU per letter in one warm process, every letter with other
words. Peers draw the very same composed lines: reportlab (``pip install reportlab``), LibreOffice (if installed)
converts a plain text of the same length. ``--batch N`` sets the size of the batch (1000).
"""

from __future__ import annotations

import argparse
import io
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour

from yishenqing.letters import Letterbook, fonts, press, sheet
from yishenqing.letters.markup import Block
from yishenqing.letters.model import Passage
from yishenqing.shipped import shipped

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "shell"))

ROUNDS = 15
_TURNS = 3
LENGTHS = {"one page": 7, "three pages": 45}  # lines of text
Draw = Callable[[Sequence[sheet.Page]], bytes]


@cache
def source() -> str:
    whole = "".join(p.read_text(encoding="utf-8") for p in sorted(shipped("workflows").rglob("*.yaml")))
    return "".join(re.findall("[\u4e00-\u9fff，。；：、（）“”]+", whole))


def words(lines: int, seed: int) -> str:
    """Sentences of the shipped law data, other ones for each letter: the same few characters would flatter caches."""
    text = source()
    chosen, found = random.Random(seed), ""
    while len(found) < 28 * lines:
        start = chosen.randrange(len(text) - 80)
        found += text[start : start + 60]
    return found[: 28 * lines - 10]


def composed(lines: int, seed: int) -> list[sheet.Page]:
    text = words(lines, seed)
    blocks = [Block("to", [Passage(f"王小{chr(0x4E00 + seed)}：", "office", 0)])]
    blocks += [Block("p", [Passage(text[i : i + 140], "officer", 0)]) for i in range(0, len(text), 140)]
    blocks += [Block("sign", [Passage("清江市清河区司法局", "office", 1)])]
    blocks += [Block("date", [Passage("2026年3月5日", "office", 2)])]
    head = sheet.Head("清江市清河区司法局", "政府信息公开告知书", "清司公〔2026〕1号", letterhead=True)
    return sheet.lay_out(head, blocks, fonts.metrics(), draft=False)


def ours(pages: Sequence[sheet.Page]) -> bytes:
    return press.to_pdf(pages, fonts.metrics(), press.About("告知书", "清江市清河区司法局", date(2026, 3, 5)))


def reportlab() -> Draw | None:
    """Draw with reportlab: no tags, no PDF/A, the same fonts and places."""
    try:
        from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415 - a peer that may be missing
        from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415
        from reportlab.pdfgen import canvas  # noqa: PLC0415
    except ImportError:
        return None
    for path in fonts.folder().glob("*.ttf"):
        pdfmetrics.registerFont(TTFont(path.stem.replace("-", " "), str(path)))

    def draw(pages: Sequence[sheet.Page]) -> bytes:
        out = io.BytesIO()
        paper = canvas.Canvas(out, pagesize=press.PAPER)
        for page in pages:
            for rule in page.rules:
                paper.setFillColorRGB(1, 0, 0)
                y = press.PAPER[1] - rule.y - rule.height
                paper.rect(20 * sheet.MM, y, 170 * sheet.MM, rule.height, stroke=0, fill=1)
            for line in page.lines:
                paper.drawText(_reportlab_line(paper, line))
            paper.showPage()
        paper.save()
        return out.getvalue()

    return draw


def _reportlab_line(paper: Any, line: sheet.Placed) -> Any:
    metrics = fonts.metrics()
    text = paper.beginText(line.x, press.PAPER[1] - line.y - press.ASCENT * line.size)
    text.setFillColorRGB(1 if line.red else 0, 0, 0)
    text.setCharSpace(line.spacing)
    family, run = "", ""
    for char in line.text:
        found = metrics.family(char, line.role)
        if run and found != family:
            text.setFont(family, line.size)
            text.textOut(run)
            run = ""
        family, run = found, run + char
    text.setFont(family, line.size)
    text.textOut(run)
    return text


def cpu(draw: Draw, letters: Sequence[Sequence[sheet.Page]]) -> tuple[float, float]:
    """Return best and median milliseconds of CPU per letter."""
    for letter in letters[:2]:
        draw(letter)
    times = []
    for letter in letters[2:]:
        start = time.process_time()
        draw(letter)
        times.append((time.process_time() - start) * 1000)
    return min(times), statistics.median(times)


def peers() -> None:
    drawn: dict[str, Draw] = {"ours": ours}
    peer = reportlab()
    if peer is None:
        print("reportlab: not installed, not measured")
    else:
        drawn["reportlab"] = peer
    for length, lines in LENGTHS.items():
        letters = [composed(lines, seed) for seed in range(ROUNDS + 2)]
        found = {name: cpu(draw, letters) for name, draw in drawn.items()}
        for name, (best, median) in found.items():
            ratio = f"  {found['ours'][0] / best:.2f} of it" if name != "ours" else ""
            print(f"{length:12} {name:10} best {best:6.1f}  median {median:6.1f} ms CPU{ratio}")
        start = time.process_time()
        for seed in range(ROUNDS):
            composed(lines, seed)
        print(f"{length:12} composing  {(time.process_time() - start) * 1000 / ROUNDS:6.1f} ms CPU, the same for all")
    libreoffice()


def libreoffice() -> None:
    """Convert ten letters of a page with one start, as an office with Word templates does."""
    office = shutil.which("soffice")
    if office is None:
        print("LibreOffice: not installed, not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / f"{seed}.txt" for seed in range(10)]
        for seed, name in enumerate(names):
            name.write_text(words(LENGTHS["one page"], seed), encoding="utf-8")
        start = time.perf_counter()
        command = [office, "--headless", "--convert-to", "pdf", "--outdir", folder, *map(str, names)]
        subprocess.run(command, capture_output=True, check=True)
        theirs = (time.perf_counter() - start) / 10
    start = time.perf_counter()
    for seed in range(10):
        ours(composed(LENGTHS["one page"], seed))
    mine = (time.perf_counter() - start) / 10
    print(f"LibreOffice: {1 / theirs:.1f} letters a second; ours {1 / mine:.1f}, {theirs / mine:.1f} times as many")


def kinds() -> None:
    """Whole letters, from the context to the file, of every kind that the sample context fills."""
    import letters_sample  # noqa: PLC0415 - the sample of the tests, a script's path

    from yishenqing.core.errors import DataFault  # noqa: PLC0415

    book = Letterbook([shipped("letters")])
    for kind in book.kinds():
        times: list[float] = []
        try:
            for number in range(ROUNDS):
                given = letters_sample.context()
                given["applicant"]["name"] = f"王小{chr(0x4E00 + number)}"
                start = time.process_time()
                book.pdf(kind, given)
                times.append((time.process_time() - start) * 1000)
        except DataFault:
            continue  # the sample lacks what this kind needs
        print(f"{kind:24} best {min(times):6.1f}  median {statistics.median(times):6.1f} ms CPU")


def batch(count: int) -> None:
    """Print many letters in one process; memory must not grow with their number."""
    marks = []
    start = time.process_time()
    for number in range(count):
        ours(composed(LENGTHS["one page"], number))
        if number + 1 in (count // 10, count // 2, count):
            marks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    spent = (time.process_time() - start) * 1000 / count
    peak = ", ".join(f"{m:.0f}" for m in marks)
    print(f"batch of {count}: {spent:.1f} ms CPU each; peak MB after a tenth, a half, all: {peak}")


def share(part: tuple[int, int]) -> float:
    """Print the letters from ``part[0]`` on; return the seconds of CPU that they took."""
    start = time.process_time()
    for number in range(part[0], part[0] + part[1]):
        ours(composed(LENGTHS["one page"], number))
    return time.process_time() - start


def bare(part: tuple[int, int]) -> float:
    """Count, and touch nothing: what two processes can give here at all."""
    start, total = time.process_time(), 0
    for number in range(part[1] * 30_000):
        total += number % 7
    return time.process_time() - start


def cores(count: int) -> None:
    """Print the same letters with one and with two warm processes, turn about.

    The wall clock is meaningful on two quiet cores only: a bare loop in the same minute shows what the machine gives.
    CPU that rises for the second process would tell of something that the two contend for (memory, a lock, a file).
    """
    each = count // (2 * _TURNS)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(share, [(0, 20)] * 2))
        list(pool.map(share, [(0, each), (each, each)] * 2))  # every glyph has been read before the clock runs
        for name, work in (("bare loop", bare), ("letters", share)):
            walls: dict[int, list[float]] = {1: [], 2: []}
            spent = {1: 0.0, 2: 0.0}
            for _ in range(_TURNS):
                for parts in ([(0, 2 * each)], [(0, each), (each, each)]):
                    start = time.perf_counter()
                    spent[len(parts)] += sum(pool.map(work, parts))
                    walls[len(parts)].append(time.perf_counter() - start)
            best = min(walls[2])
            rate = f" ({2 * each / best:.0f} letters a second)" if work is share else ""
            print(
                f"two processes, {name}: {min(walls[1]) / best:.2f} times one by the clock{rate}, "
                f"{spent[2] / spent[1]:.2f} times the CPU"
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=1000)
    count = parser.parse_args().batch
    print(machine())
    start = time.process_time()
    ours(composed(LENGTHS["one page"], 0))
    print(f"first letter of a process: {(time.process_time() - start) * 1000:.0f} ms CPU")
    batch(count)  # before the peers load their fonts
    peers()
    cores(count // 2)
    kinds()


if __name__ == "__main__":
    main()
