"""Peer review: a draw that anybody can repeat, and the sheet that reviewers score the drawn cases on."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, YishenqingError, why
from yishenqing.core.written import Written
from yishenqing.office.casework import Casework
from yishenqing.remembered import remembered
from yishenqing.settings import Settings
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_FILE = "review.yaml"
_FULL = 100
_HEADS = 3  # the row of the headings
_WIDTHS = (16, 12, 14, 30, 12)


class Item(Written, frozen=True):
    """One thing that is scored, with the most points it can have and what to look at."""

    title: str
    points: int
    law: str
    look: str


class Review(Written, frozen=True):
    """The score sheet of an office."""

    title: str
    law: tuple[str, ...]
    items: tuple[Item, ...]


def read_review(home: Path | None) -> Review:
    """Return the office's score sheet, or the one that ships with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Review, path, home, _read)


def _read(path: Path) -> Review:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    review = validated(TypeAdapter(Review), document)
    if (total := sum(item.points for item in review.items)) != _FULL:
        raise DataFault.of([document.fault(f"分值合计应为{_FULL}，现为{total}", ("items",))])
    return review


def drawn(numbers: Sequence[str], n: int, seed: str) -> list[str]:
    """Return ``n`` of the cases: those whose SHA-256 with the seed comes first. Anybody can repeat it."""
    ranked = sorted(numbers, key=lambda number: hashlib.sha256(f"{seed}\n{number}".encode()).digest())
    return sorted(ranked[:n])


def safe(seed: str) -> str:
    """Return the seed as a part of a file name."""
    return re.sub(r"[^\w-]", "_", seed)[:40]


class Sheet:
    """The workbook of one draw."""

    def __init__(self, settings: Settings, year: int, seed: str, of: int, home: Path) -> None:
        """Score by the office's own sheet."""
        self._settings, self._year, self._seed, self._of = settings, year, seed, of
        self._review = read_review(home)

    def write(self, path: Path, cases: Sequence[Casework]) -> None:
        """Write the workbook, whole or not at all.

        Raises:
            YishenqingError: the disk refuses.
        """
        from openpyxl import Workbook

        book = Workbook()
        first = book.create_sheet("评分表", 0)
        del book[book.sheetnames[-1]]
        self._scores(first, cases)
        self._standards(book.create_sheet("评分标准"))
        unfinished = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            book.save(unfinished)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise YishenqingError(f"{path}：评分表无法写入（{why(error)}）") from error

    def _scores(self, sheet: Worksheet, cases: Sequence[Casework]) -> None:
        from openpyxl.utils import get_column_letter

        items = self._review.items
        sheet.append([f"{self._settings.name}　{self._year}年{self._review.title}"])
        how = "按 SHA-256（种子、换行、案件编号）由小到大取"
        sheet.append([f"从{self._of}件中抽取{len(cases)}件，种子“{self._seed}”：{how}。"])
        heads = ("案件编号", "收到日期", "现在状态", "办理结果", "答复日期")
        sheet.append(
            [*heads, *(f"{item.title}（{item.points}分）" for item in items), "合计", "发现的问题", "评查人"]
        )
        first, last = get_column_letter(len(heads) + 1), get_column_letter(len(heads) + len(items))
        for row, case in enumerate(cases, 4):
            total = f"=SUM({first}{row}:{last}{row})"
            sheet.append([*_facts(case), *(None for _ in items), total, None, None])
        for text in (cell for line in sheet.iter_rows(min_row=4, max_col=len(heads)) for cell in line):
            text.data_type = "s"  # a case number is text, whatever it begins with
        self._checked(sheet, len(heads), len(cases))
        _dressed(sheet, [*_WIDTHS, *(11 for _ in items), 8, 40, 12])

    def _checked(self, sheet: Worksheet, before: int, cases: int) -> None:
        """Let nobody give more points than an item has."""
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.datavalidation import DataValidation

        for n, item in enumerate(self._review.items, before + 1):
            rule = DataValidation(type="decimal", operator="between", formula1="0", formula2=str(item.points))
            rule.error, rule.errorTitle = f"应在 0 至 {item.points} 之间", "分值有误"
            rule.add(f"{get_column_letter(n)}4:{get_column_letter(n)}{cases + 3}")
            sheet.add_data_validation(rule)

    def _standards(self, sheet: Worksheet) -> None:
        sheet.append([f"评分标准（依据：{'、'.join(self._review.law)}）"])
        sheet.append(["评的是本次抽取的案卷；没有发生的环节（如没有补正）记满分。"])
        sheet.append(["项目", "分值", "依据", "看什么"])
        for item in self._review.items:
            sheet.append([item.title, item.points, item.law, item.look])
        _dressed(sheet, [24, 8, 20, 80])


def _facts(case: Casework) -> Iterator[str]:
    outcome = case.workflow.outcomes.get(case.outcome or "")
    replied = [entry.on.isoformat() for entry in case.entries if entry.step == "replied"]
    yield case.row.number
    yield case.row.opened_on.isoformat()
    yield case.workflow.states[case.standing.state].title
    yield outcome.title if outcome else ""
    yield replied[-1] if replied else ""


def _dressed(sheet: Worksheet, widths: Sequence[int]) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    thin = Side(style="thin")
    for row in sheet.iter_rows(min_row=3):
        for cell in row:
            cell.border = Border(thin, thin, thin, thin)
            cell.alignment = Alignment(
                wrap_text=True, vertical="center", horizontal="center" if cell.row == _HEADS else None
            )
    for cell in (*sheet[1], *sheet[3]):
        cell.font = Font(bold=True, size=14 if cell.row == 1 else 11)
    for n, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(n)].width = width
    sheet.freeze_panes = "B4"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
