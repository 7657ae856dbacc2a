"""The verbs of the library: take records in, open one, withdraw, share, and count what they are of use for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.office.casework import Row
from yishenqing.office.ended import check_whole
from yishenqing.office.entitled import EntitledVerbs
from yishenqing.store.vault import write_whole

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.precedents import Noted, Precedent, Shelf
    from yishenqing.precedents.customs import Customs

_JSON_LINES = (".jsonl", ".ndjson")


class LibraryVerbs(EntitledVerbs):
    """What is done with precedents."""

    def import_precedents(self, path: Path | str, *, level: str = "", by: str | None = None) -> Row:
        """Take the precedents of a file (JSON lines, CSV, XLSX, Word) into the library; all or none.

        Answers ``imported`` (``new`` and ``changed`` together), ``unchanged``, and ``personal``: records that look as
        if they held somebody's number or home. ``level`` is the level of records that do not say it.

        Raises:
            DataFault: the file has faults; all of them, with lines. Nothing was taken in.
        """
        from yishenqing.precedents.reading import read_records

        records = read_records(Path(path), self._library_customs)
        if level:
            code = self._level(level)
            records = [replace(r, level=code) for r in records]
        personal = _personal(records)
        _refuse_shared(records, personal, str(path))
        noted = self._noted(by, None, None, f"导入{Path(path).name}")
        with self._transactions.writing() as connection:
            kept = self._shelf(connection).keep(records, noted)
        return {
            "imported": len(kept.new) + len(kept.changed),
            "new": kept.new,
            "changed": kept.changed,
            "unchanged": kept.unchanged,
            "personal": personal,
        }

    def precedent(self, name: str) -> Precedent:
        """Return one precedent; that it was opened is counted.

        Raises:
            NotFound: there is none of that id.
        """
        from yishenqing.precedents import Library
        from yishenqing.precedents.uses import OPENED

        with self._transactions.reading() as connection:
            found = Library(connection, self.settings.agency).get(name)
        self._count(OPENED, [name])
        return found

    def precedent_history(self, name: str) -> Row:
        """Return the versions of a precedent, and what people did with it.

        Raises:
            NotFound: there never was one of that id.
        """
        with self._transactions.reading() as connection:
            shelf = self._shelf(connection)
            versions, acts = shelf.history(name), shelf.acts(name)
        if not versions and not acts:
            raise NotFound(f"案例库中没有编号为“{name}”的案例。")
        return {"id": name, "versions": versions, "acts": acts}

    def withdraw_precedent(
        self, name: str, reason: str, *, erase: bool = False, on: date | None = None, by: str | None = None
    ) -> Row:
        """Take a precedent out of the library; with ``erase`` the texts of its versions are destroyed too.

        Raises:
            NotFound: there is none of that id.
            Refused: the actor is no adviser.
            DataFault: the reason is missing.
        """
        noted = self._noted(by, on, self._library_customs.review_by, "撤下案例")
        if not reason.strip():
            raise DataFault.of([Fault("请写明撤下的理由", field="reason")])
        with self._transactions.writing() as connection:
            shelf = self._shelf(connection)
            shelf.remove(name, erase=erase)
            shelf.note(name, "withdrawn", noted, {"reason": reason.strip(), "erased": erase})
        return {"id": name, "state": "withdrawn", "erased": erase}

    def use_precedents(self, number: str, names: Sequence[str], *, by: str | None = None) -> Row:
        """Note that these precedents were used in the draft of a case.

        Raises:
            NotFound: there is no such case, or no such precedent.
            Refused: the case was destroyed.
        """
        from yishenqing.precedents import Library
        from yishenqing.precedents.uses import DRAFTED

        self._noted(by, None, None, "")
        with self._transactions.reading() as connection:
            check_whole(self._load(connection, number))
            for name in names:
                Library(connection, self.settings.agency).get(name)
        self._count(DRAFTED, names, number)
        return {"number": number, "used": sorted(set(names))}

    def export_precedents(self, path: Path | str, level: str = "") -> Row:
        """Write the precedents of a level (or all of the office's own and the city's) as JSON lines for others.

        Raises:
            DataFault: there is no such level; the file is there already, or is to be of another kind.
        """
        from yishenqing.precedents import Library

        target = Path(path)
        if target.suffix.lower() not in _JSON_LINES:
            raise DataFault.of([Fault("写出的是 JSON 行，请写作以 .jsonl 结尾的文件", str(target))])
        if target.exists():
            raise DataFault.of([Fault("已经有这个文件，不覆盖；请换一个文件名", str(target))])
        code = self._level(level) if level else ""
        with self._transactions.reading() as connection:
            found = [p for p in Library(connection, self.settings.agency).all() if not code or p.level == code]
        lines = [
            json.dumps({k: v for k, v in p.as_json().items() if k != "marks"}, ensure_ascii=False) for p in found
        ]
        write_whole(target, "".join(f"{line}\n" for line in lines).encode())
        return {"path": str(path), "precedents": len(found)}

    # ---- what the verbs share

    def _stock(self, connection: Connection) -> None:
        """Give a new library what ships with the program and what others share; mark what is there anew."""
        from yishenqing.precedents import Noted, shipped_library

        shelf = self._shelf(connection)
        noted = Noted("", self.today, self._moments.now(), self._rehearsal, "随程序发布")
        if shelf.library.count() == 0:
            shelf.keep(shipped_library(), noted)
        else:
            shelf.restock(shipped_library(), noted)
            shelf.renew(replace(noted, source="所依法律的注明更新"))
        shelf.take_shared(replace(noted, source="其他机关共享"))

    @cached_property
    def _library_customs(self) -> Customs:
        from yishenqing.precedents.customs import read_customs

        return read_customs(self.home)

    def _shelf(self, connection: Connection) -> Shelf:
        from yishenqing.precedents import Shelf

        return Shelf(connection, self.settings.agency, self._library_customs)

    def _level(self, word: str) -> str:
        code = self._library_customs.level(word)
        if code is None:
            titles = "、".join(f"{c}（{known.title}）" for c, known in self._library_customs.levels.items())
            raise DataFault.of([Fault(f"“{word}”不是层级，应为{titles}之一", field="level")])
        return code

    def _count(self, kind: str, names: Collection[str], number: str = "") -> None:
        from yishenqing.precedents.uses import Uses

        if names and not self._only_audits:  # how useful a precedent is, those who handle cases show
            with self._transactions.writing() as connection:
                Uses(connection, self.settings.agency).count(kind, names, self.today, number)

    def _noted(self, by: str | None, on: date | None, roles: Collection[str] | None, what: str) -> Noted:
        """Return who acts; with ``roles`` the actor must hold one of them."""
        from yishenqing.precedents import Noted

        day = on or self.today
        user = self._entitled(by, roles, day, what, [self._library_customs.law])
        return Noted(user, day, self._moments.now(), self._rehearsal, what)


def _refuse_shared(records: Sequence[Precedent], personal: Sequence[Row], path: str) -> None:
    """What every agency will see must not hold anybody's number or home."""
    shared = {r.id for r in records if r.level == "city"}
    faults = [
        Fault(
            f"案例“{p['id']}”中像有个人信息（{'、'.join(p['kinds'])}），遮盖后才能共享",
            path,
            law=article("third_party"),
        )
        for p in personal
        if p["id"] in shared
    ]
    if faults:
        raise DataFault.of(faults)


def _personal(records: Sequence[Precedent]) -> list[Row]:
    """Return which records look as if they held numbers or homes of persons, by kind."""
    from yishenqing.core.masking import KINDS, numbers  # noqa: PLC0415 - its patterns are many

    found = []
    for record in records:
        texts = [v for v in asdict(record).values() if isinstance(v, str)]
        kinds = Counter(KINDS[s.kind] for text in texts for s in numbers(text) if s.sure)
        if kinds:
            found.append({"id": record.id, "kinds": dict(kinds)})
    return found
