"""Every reader of files that the program has: a whole file for it to begin with, and how it is called."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from mutating import as_json, as_yaml, respelt, rezipped, spoiled

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shell"))

from letters_sample import context

from yishenqing.shipped import shipped

DAY = date(2026, 4, 20)
Read = Callable[[Path], object]
Make = Callable[[bytes, random.Random], bytes]


class Target(Struct, frozen=True):
    """What is read: ``seed`` is a whole file; ``changes`` make another of it."""

    name: str
    suffix: str
    seed: bytes
    read: Read
    changes: tuple[Make, ...]

    def made(self, chance: random.Random) -> bytes:
        """Return the file, spoiled."""
        return chance.choice(self.changes)(self.seed, chance)


def of_json(content: bytes, chance: random.Random) -> bytes:
    return as_json(respelt(json.loads(content), chance))


def of_yaml(content: bytes, chance: random.Random) -> bytes:
    return as_yaml(respelt(_loaded(content), chance))


@cache
def _loaded(content: bytes) -> Any:
    return yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - our own file


def of_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines()
    place = chance.randrange(len(lines))
    lines[place] = of_json(lines[place], chance)
    return b"\n".join(lines)


def _csv(rows: list[list[str]]) -> bytes:
    return "\r\n".join(",".join(row) for row in rows).encode()


def _workbook(rows: list[list[str]]) -> bytes:
    import io  # noqa: PLC0415

    from openpyxl import Workbook  # noqa: PLC0415

    book, kept = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(kept)
    return kept.getvalue()


def _word(rows: list[list[str]]) -> bytes:
    import io  # noqa: PLC0415

    import docx  # noqa: PLC0415

    document, kept = docx.Document(), io.BytesIO()
    table = document.add_table(len(rows), len(rows[0]))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            table.cell(r, c).text = cell
    document.save(kept)
    return kept.getvalue()


LEDGER = [
    ["编号", "收到日期", "申请人类别", "申请内容", "办理结果", "答复日期"],
    ["2024-0001", "2024-03-05", "自然人", "某地块征收公告", "予以公开", "2024-03-20"],
]
LEDGER_LINE = {
    "number": "2024-0001",
    "received_on": "2024-03-05",
    "applicant": {"kind": "natural", "name": "张某"},
    "request": "某公告",
    "outcome": "granted",
    "replied_on": "2024-03-20",
    "remedies": [
        {"kind": "reconsideration", "filed_on": "2024-04-02", "decided_on": "2024-05-02", "result": "maintained"}
    ],
}
PRECEDENTS = [
    ["编号", "标题", "案情", "申请内容", "处理结果", "裁判要旨"],
    ["P1", "征收公告案", "某人申请征收公告", "征收公告", "granted", "应予公开"],
]
PRECEDENT_LINE = {
    "id": "P1",
    "title": "征收公告案",
    "facts": "某人申请",
    "outcome": "granted",
    "decided_on": "2024-03-05",
    "topics": ["征收"],
}
HOLDINGS = [
    ["标题", "文号", "成文日期", "公开属性", "保管单位"],
    ["征收公告", "云政〔2025〕1号", "2025-03-02", "主动公开", "征地科"],
]
CLOCK = {
    "today": "2026-03-30",
    "facts": [
        {"on": "2026-03-02", "fact": "received", "channel": "registered_mail"},
        {"on": "2026-03-27", "fact": "extended", "days": 20},
    ],
}
HOLIDAY_CN = {
    "year": 2027,
    "papers": ["https://example.gov.cn"],
    "days": [{"name": "元旦", "date": "2027-01-01", "isOffDay": True}],
}


def targets(folder: Path) -> Iterator[Target]:
    """Yield all targets; ``folder`` is theirs to write into."""
    _worked(folder)
    yield from _applications()
    yield from _lists(folder)
    yield from _rules(folder)
    yield from _letters(folder)
    yield _package(folder)
    yield _backup(folder)


def _applications() -> Iterator[Target]:
    from yishenqing.intake.application import read_application  # noqa: PLC0415
    from yishenqing.office.reckoning import clock_file  # noqa: PLC0415

    samples = shipped("samples") / "applications"
    yield Target(
        "application-json", ".json", (samples / "01.json").read_bytes(), read_application, (of_json, of_json, spoiled)
    )
    yield Target(
        "application-yaml", ".yaml", (samples / "02.yaml").read_bytes(), read_application, (of_yaml, of_yaml, spoiled)
    )
    yield Target("clock", ".json", as_json(CLOCK), lambda p: clock_file(p, None, DAY), (of_json, spoiled))


def _lists(folder: Path) -> Iterator[Target]:
    from yishenqing.holdings import parsing as holdings  # noqa: PLC0415
    from yishenqing.holdings.model import read_customs as holding_customs  # noqa: PLC0415
    from yishenqing.office.mailing import read_postings  # noqa: PLC0415
    from yishenqing.precedents.customs import read_customs  # noqa: PLC0415
    from yishenqing.precedents.reading import read_records  # noqa: PLC0415
    from yishenqing.rulebook import read_rulebook  # noqa: PLC0415
    from yishenqing.takeover import model as takeover  # noqa: PLC0415
    from yishenqing.takeover.reading import parse  # noqa: PLC0415

    earlier, customs, held, law = (
        takeover.read_customs(None),
        read_customs(None),
        holding_customs(None),
        read_rulebook().law,
    )
    readers: tuple[tuple[str, Read, list[list[str]], Any], ...] = (
        ("ledger", lambda p: parse(p, earlier, date(2008, 5, 1), DAY), LEDGER, LEDGER_LINE),
        ("precedents", lambda p: read_records(p, customs), PRECEDENTS, PRECEDENT_LINE),
        ("holdings", lambda p: holdings.parse(p, held, law), HOLDINGS, dict(zip(*HOLDINGS, strict=True))),
    )
    for name, read, rows, line in readers:
        yield Target(f"{name}-jsonl", ".jsonl", as_json(line), read, (of_lines, of_lines, spoiled))
        yield Target(f"{name}-csv", ".csv", _csv(rows), read, (spoiled,))
        yield Target(f"{name}-xlsx", ".xlsx", _workbook(rows), read, (rezipped, spoiled))
    yield Target(
        "precedents-docx", ".docx", _word(PRECEDENTS), lambda p: read_records(p, customs), (rezipped, spoiled)
    )
    yield Target(
        "postings-csv",
        ".csv",
        _csv([["文号", "邮件号", "交邮日期"], ["云〔2026〕1号", "1234567890123", "2026-03-24"]]),
        read_postings,
        (spoiled,),
    )


def _rules(folder: Path) -> Iterator[Target]:
    from yishenqing import almanac, rulebook  # noqa: PLC0415
    from yishenqing.advice.reading import read_advice  # noqa: PLC0415
    from yishenqing.archive.order import read_order  # noqa: PLC0415
    from yishenqing.inspection.reading import read_inspection  # noqa: PLC0415
    from yishenqing.routing import read_routing  # noqa: PLC0415
    from yishenqing.settings import read_settings  # noqa: PLC0415

    workflows = shipped("workflows")
    both = (of_yaml, spoiled)

    def at(name: str, read: Callable[[Path], object]) -> Read:
        """Read an office's folder that has the spoiled file at ``name``."""

        def placed(path: Path) -> object:
            home = folder / "home"
            shutil.rmtree(home, ignore_errors=True)
            (home / name).parent.mkdir(parents=True)
            (home / name).write_bytes(path.read_bytes())
            return read(home)

        return placed

    procedure = (workflows / "complaint.yaml").read_bytes()
    yield Target(
        "workflow",
        ".yaml",
        procedure,
        at("workflows/complaint.yaml", lambda h: rulebook.read_rulebook(h, "complaint")),
        both,
    )
    law = sorted((workflows / "law").glob("*.yaml"))[0]
    yield Target("law", ".yaml", law.read_bytes(), at(f"workflows/law/{law.name}", rulebook.statutes), both)
    variant = sorted((workflows / "variants").glob("*.yaml"))[0]
    yield Target(
        "variant",
        ".yaml",
        variant.read_bytes(),
        at(f"workflows/variants/{variant.name}", lambda h: rulebook.read_rulebook(h, variant.stem)),
        both,
    )
    yield Target("calendar", ".yaml", (workflows / "calendar" / "2026.yaml").read_bytes(), almanac.read_year, both)
    yield Target("calendar-holiday-cn", ".json", as_json(HOLIDAY_CN), almanac.read_year, (of_json, spoiled))
    regional = as_yaml({"title": "三月三", "off": [date(2026, 4, 19)]})
    yield Target("calendar-regional", ".yaml", regional, almanac.read_regional, both)
    yield Target(
        "settings", ".yaml", (shipped("samples") / "office.yaml").read_bytes(), at("office.yaml", read_settings), both
    )
    for name, read in (
        ("routing", read_routing),
        ("advice", read_advice),
        ("inspection", read_inspection),
        ("filing", read_order),
    ):
        yield Target(
            name, ".yaml", (workflows / f"{name}.yaml").read_bytes(), at(f"workflows/{name}.yaml", read), both
        )


def _letters(folder: Path) -> Iterator[Target]:
    from yishenqing.core.errors import DataFault  # noqa: PLC0415
    from yishenqing.letters import Letterbook, wordread  # noqa: PLC0415

    def filled(path: Path) -> object:
        own = folder / "letters"
        own.mkdir(exist_ok=True)
        (own / "supplement_notice.html").write_bytes(path.read_bytes())
        book = Letterbook([own, shipped("letters")])
        told = book.prose("supplement_notice", context())
        if faults := book.faults():
            raise DataFault.of(faults)
        return told

    template = (shipped("letters") / "supplement_notice.html").read_bytes()
    yield Target("letter-template", ".html", template, filled, (spoiled, _with_code))
    yield Target("letter-word", ".docx", (folder / "draft.docx").read_bytes(), wordread.read, (rezipped, spoiled))


_CODE = (
    "{{ ''.__class__.__mro__ }}",
    "{{ facts.__init__.__globals__ }}",
    "{{ 'x' * 10**9 }}",
    "{{ 'x'.ljust(10**10) }}",
    "{{ 2 ** 10**9 }}",
    "{% for a in 'x' * 99999999 %}{% endfor %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ '%1000000000d' % 1 }}",
    "{% include '../office.yaml' %}",
    "{% include 'supplement_notice.html' %}",
    "{% import '_letter.html' as x %}",
    "{{ self }}",
    "{{ 'x' | center(10**10) }}",
    "{% set a = facts.defects %}" + "{% set a = a + a %}" * 40,
    "{{ cycler }}",
    "{{ range(10**10) }}",
    "{% set a = '字' * 3 %}",
    "{% set b = 'xxxx' %}" + "{% set b = b ~ b %}" * 40,
    "{{ island.__globals__ }}",
    "{{ case | attr('__class__') }}",
    "".join(f"{{% for a{n} in 'xxxxxxxxxx' %}}" for n in range(9)) + "{% endfor %}" * 9,
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
)


def _with_code(content: bytes, chance: random.Random) -> bytes:
    text = content.decode()
    place = text.rindex("</p>") if chance.random() < 0.7 else chance.randrange(text.index("---", 4) + 4, len(text))
    return (text[:place] + chance.choice(_CODE) + text[place:]).encode()


def _package(folder: Path) -> Target:
    """A sealed package as a zip of its files would stand there: one of them is spoiled."""
    from yishenqing.core.errors import DataFault  # noqa: PLC0415
    from yishenqing.office.verifying import package_faults  # noqa: PLC0415

    whole, names = folder / "package", [""]  # nothing in the spoiled file: the package as it is

    def verified(path: Path) -> object:
        copy = folder / "spoiled"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        if content := path.read_bytes():
            (copy / names[0]).write_bytes(content)
        if faults := package_faults(copy):
            raise DataFault.of(faults)
        return "unchanged"

    def made(_content: bytes, chance: random.Random) -> bytes:
        found = sorted(p.relative_to(whole).as_posix() for p in whole.rglob("*") if p.is_file())
        names[0] = chance.choice(found)
        content = (whole / names[0]).read_bytes()
        with suppress(ValueError):
            if names[0].endswith(".json") and chance.random() < 0.5:
                return of_json(content, chance)
        return spoiled(content, chance)

    return Target("package", ".part", b"", verified, (made,))


def _blank_pdf(_book: object, _kind: str, _context: object, *_more: object) -> bytes:
    import io  # noqa: PLC0415

    from pypdf import PdfWriter  # noqa: PLC0415

    writer, kept = PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(kept)
    return kept.getvalue()


def _worked(folder: Path) -> None:
    """Let an office do what makes files: a Word draft, and a package."""
    from unittest.mock import patch  # noqa: PLC0415

    from offices import APPLICATION, OPENED, USER, Calendar, walked  # noqa: PLC0415

    from yishenqing import Office  # noqa: PLC0415
    from yishenqing.letters import Letterbook  # noqa: PLC0415

    Office.init(folder / "office", USER)
    calendar = Calendar(OPENED)
    with (
        patch.object(Letterbook, "pdf", _blank_pdf),
        Office.open(folder / "office", user=USER, today=calendar) as office,
    ):
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number, "drafted")
        office.letter_docx(number, "reply_granted", folder / "draft.docx")
        walked(office, calendar, number)
        office.archive(number, folder / "package")


def _backup(folder: Path) -> Target:
    from yishenqing.backup import Secret, Writer  # noqa: PLC0415
    from yishenqing.office.safekeeping import inspected  # noqa: PLC0415

    secret = Secret("file", b"k" * 32)
    with (folder / "seed").open("wb") as stream:
        writer = Writer(stream, secret)
        about = dict.fromkeys(("agency", "name", "made_at", "program", "structure", "database", "keys"), "x")
        writer.put_json("about", about)
        writer.put("rows/cases/1", b"a,b\r[1,2]\n" * 5)
        writer.put_json("manifest", {"rows": {"cases": [5, "0"]}})
        writer.finish()
    return Target("backup", ".ysq", (folder / "seed").read_bytes(), lambda p: inspected(p, secret), (spoiled,))
