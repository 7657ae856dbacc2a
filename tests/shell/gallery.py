"""Every kind of letter and form as a picture, for a person to look through: ``make gallery``.

The contexts are those of the lawyers' tables (replies.yaml, letters_notices.yaml); kinds without a row there are
filled from the common sample.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import yaml
from letters_sample import context

from yishenqing.core.law import Law
from yishenqing.letters import Letterbook
from yishenqing.rulebook import read_rulebook
from yishenqing.shipped import shipped

Row = dict[str, Any]
_HERE = Path(__file__).parent
_DPI = 60
_STYLE = (
    "body{font-family:sans-serif;margin:2em;background:#eee}figure{display:inline-block;margin:0 1em 1em 0;"
    "vertical-align:top}img{background:#fff;box-shadow:0 0 4px #888}h2{font-size:1.1em;margin:1.5em 0 .5em}"
    "small{color:#555;font-weight:normal}"
)


def samples(book: Letterbook) -> Iterator[tuple[str, str, Row]]:
    """Yield every kind with what tells its samples apart and the context that fills it."""
    shown = set()
    for kind, variant, given in (*_replies(), *_notices()):
        shown.add(kind)
        yield kind, variant, given
    for kind in sorted(book.kinds().keys() - shown):  # the same order in every process
        yield kind, "", context()


def _replies() -> Iterator[tuple[str, str, Row]]:
    rules = read_rulebook()
    remedies = {kind: o.remedy for o in rules.workflow.outcomes.values() for kind in o.letters}
    for row in yaml.safe_load((_HERE / "replies.yaml").read_text(encoding="utf-8")):
        given = context() | {"facts": {}} | copy.deepcopy(row["已知"])
        given["remedy"] = _remedy(rules.law, remedies.get(row["文书"], "partly_first"), given["letter"]["date"])
        yield row["文书"], row.get("情形", ""), given


def _remedy(law: Law, name: str, day: date) -> Row:
    """Return the paragraphs that the law data give for this outcome, as the office would."""
    terms = ("reconsideration", "litigation", "litigation_after_reconsideration")
    known = {term: str(law.term(term, day).value) for term in terms}
    known |= {"reconsideration_organ": "清江市人民政府", "court": "清江市中级人民法院"}
    found = law.remedies[name]
    return {
        "text": found.text.format(**known),
        "law": list(found.law),
        "more": [text.format(**known) for text in found.more],
    }


def _notices() -> Iterator[tuple[str, str, Row]]:
    table = yaml.safe_load((_HERE / "letters_notices.yaml").read_text(encoding="utf-8"))
    for row in table["文书"]:
        yield row["文书"], "", filled(row, table["办件记录"], context())


def filled(row: Mapping[str, Any], entries: list[Row], given: Row) -> Row:
    """Return the sample ``given`` with the row's own facts, and its entries as the office hands them to a form."""
    for root, value in row.get("要素", {}).items():
        given[root] = {**given[root], **value} if root in ("applicant", "due") else value
    if "记录" in row:
        history: dict[str, list[Row]] = {}
        for seq, entry in enumerate(entries, 1):
            if entry["step"] in row["记录"]:
                history.setdefault(entry["step"], []).append({**entry, "seq": seq})
        given |= {"history": history, "record": {step: rows[-1] for step, rows in history.items()}}
    return given


def draw(folder: Path, only: Collection[str] = ()) -> Path:
    """Draw all kinds (or ``only`` these) into ``folder`` and return the page that shows them."""
    if shutil.which("pdftoppm") is None:
        sys.exit("没有找到 pdftoppm：请安装 poppler-utils。")
    folder.mkdir(parents=True, exist_ok=True)
    book = Letterbook([shipped("letters")])
    chosen = sorted((k, v, n, c) for n, (k, v, c) in enumerate(samples(book)) if not only or k in only)
    sections = []
    for kind, variant, number, given in chosen:
        known = book.kind(kind)
        stem = f"{kind}-{number}"
        pdf = folder / f"{stem}.pdf"
        pdf.write_bytes(book.pdf(kind, given))
        subprocess.run(["pdftoppm", "-r", str(_DPI), "-png", pdf, folder / stem], check=True)
        paper = f"{known.paper[0]}×{known.paper[1]} 毫米" if known.paper else "A4"
        title = known.title + (f"：{variant}" if variant else "")
        said = f"{escape(title)} <small>{kind} · {paper} · {escape(known.when)}</small>"
        pages = "".join(f'<figure><img src="{p.name}" alt=""></figure>' for p in sorted(folder.glob(f"{stem}-*.png")))
        sections.append(f'<h2><a href="{pdf.name}">{said}</a></h2>{pages}')
    page = folder / "index.html"
    head = f'<!DOCTYPE html><html lang="zh-CN"><meta charset="utf-8"><title>全部文书</title><style>{_STYLE}</style>'
    page.write_text(head + f"<h1>全部文书（{len(chosen)}份）</h1>" + "".join(sections), encoding="utf-8")
    return page


if __name__ == "__main__":
    print(f"请用浏览器打开：{draw(Path(sys.argv[1] if len(sys.argv) > 1 else 'gallery-output'))}")  # noqa: T201
