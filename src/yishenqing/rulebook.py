"""Reads ``workflows/`` into the core's types: the procedure and the law it cites.

What a case was opened under is kept as a snapshot (canonical JSON named by its digest), so that a later edit of
the files changes no case that is already open.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from yishenqing import articles
from yishenqing.core import soundness
from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.core.law import Cited, FeeScale, Law, Remedy, Statute, Term
from yishenqing.core.ledger import digest
from yishenqing.core.plain import plain_of, read_back
from yishenqing.core.workflow import Workflow
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from yishenqing.documents import Document


class Rulebook(Struct, frozen=True, eq=False, dict=True, forbid_unknown_fields=True):
    """One version of a procedure with the law it rests on."""

    workflow: Workflow
    law: Law

    def snapshot(self) -> str:
        """Return the whole rulebook as the one text that is stored beside the cases, steps in the files' order."""
        return self._text

    @cached_property
    def _text(self) -> str:
        data = {"workflow": plain_of(self.workflow), "law": plain_of(self.law)}
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=date.isoformat)


def snapshot_digest(text: str) -> str:
    """Return the name of a stored rulebook."""
    return digest("rulebook", text)


def from_snapshot(text: str) -> Rulebook:
    """Return the rulebook that ``text`` holds.

    Raises:
        DataFault: this program no longer understands rules stored so.
    """
    try:
        return read_back(Rulebook, text)
    except ValueError as error:
        fault = Fault(f"立案时存下的流程与法律数据不能由本版本程序读取（{error}）")
        raise DataFault.of([fault]) from None


DEFAULT = "disclosure"
DISCLOSURE, CORRECTION = "disclosure", "correction"  # what is applied for
_VARIANTS = "variants"
_PROCEDURE = re.compile(rb"(?m)^(steps|extends)\s*:")


def read_rulebook(own: Path | None = None, name: str = DEFAULT) -> Rulebook:
    """Read the procedure ``name`` and all law files, single files of the office's own folder first.

    Raises:
        NotFound: there is no such procedure.
        DataFault: every fault of the files at once, with file and line.
    """
    folders = layered("workflows", own)
    return _read_once(tuple(folders), name, _stamp(folders))


@lru_cache(maxsize=16)
def _read_once(folders: tuple[Path, ...], name: str, _stamp: str) -> Rulebook:
    """Read the files when they say something new: strict reading costs a registration more than all its work."""
    return _read(list(folders), name, _read_law(list(folders)))


def _stamp(folders: list[Path]) -> str:
    """Return a name for what the files of procedures and law say now."""
    found = hashlib.sha256()
    for place in (folder / part for folder in folders for part in ("", _VARIANTS, "law")):
        for path in sorted(place.glob("*.yaml")):
            try:
                content = path.read_bytes()
            except OSError:  # whoever needs this file says what is wrong with it
                content = b""
            found.update(f"{path}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def procedures(own: Path | None = None) -> list[str]:
    """Return the names of all procedures and variants, the default first."""
    found = _names(layered("workflows", own))
    return sorted(found, key=lambda name: (name != DEFAULT, name))


def openable(own: Path | None = None) -> list[str]:
    """Return the procedures under which an application for disclosure can be registered.

    Raises:
        DataFault: the law files have faults.
    """
    return [name for name, rules in read_all(own)[0].items() if rules.workflow.opens(DISCLOSURE)]


def read_all(own: Path | None = None) -> tuple[dict[str, Rulebook], list[Fault]]:
    """Return every procedure that can be read, by its name, and the faults of those that cannot.

    Raises:
        DataFault: the law files have faults, on which every procedure rests.
    """
    folders = layered("workflows", own)
    law = _read_law(folders)
    found: dict[str, Rulebook] = {}
    faults: list[Fault] = []
    for name in procedures(own):
        try:
            found[name] = _read(folders, name, law)
        except DataFault as fault:  # a variant repeats the faults of what it extends
            faults += [f for f in fault.faults if f not in faults]
    return found, faults


def _read(folders: list[Path], name: str, law: Law) -> Rulebook:
    from yishenqing.documents import read
    from yishenqing.overlay import EXTENDS, blamed, is_overlay, merged

    document = read(_file(folders, name))
    if not is_overlay(document):
        return Rulebook(_judged(document, name, law), law)
    base = _extended(folders, document)
    _judged(base, str(document.data[EXTENDS]), law)
    try:
        return Rulebook(_judged(merged(base, document), name, law), law)
    except DataFault as fault:
        raise DataFault.of([blamed(f, document) for f in fault.faults]) from None


def _extended(folders: list[Path], overlay: Document) -> Document:
    """Return the procedure that an overlay is laid over: one of the whole files, not another overlay."""
    from yishenqing.documents import read
    from yishenqing.overlay import EXTENDS

    wanted = overlay.data[EXTENDS]
    whole = {p.stem: p for folder in reversed(folders) for p in folder.glob("*.yaml")}
    if not isinstance(wanted, str) or wanted not in whole:
        text = f"没有流程“{wanted}”可供扩展；可以写：{'、'.join(sorted(whole))}"
        raise DataFault.of([overlay.fault(text, (EXTENDS,))])
    return read(whole[wanted])


def _judged(document: Document, name: str, law: Law) -> Workflow:
    """Return the procedure of ``document``, which must be without fault and bear the name of its file."""
    from yishenqing.documents import validated

    document = _with_groups(_with_python_names(document))
    workflow: Workflow = validated(_adapter(Workflow), document)
    faults = [document.fault(f.text, _place(f.field), f.law) for f in soundness.faults(workflow, law, document.file)]
    if workflow.id != name:
        faults.append(document.fault(f"代号“{workflow.id}”应与文件名“{name}.yaml”一致", ("id",)))
    if faults:
        raise DataFault.of(faults)
    return workflow


def statutes(own: Path | None = None) -> dict[str, Statute]:
    """Return the statutes of the law data alone, each remembered: who looks something up needs no procedure read.

    Raises:
        DataFault: a file has faults, with lines.
    """
    files = _law_files(layered("workflows", own))
    none = {*_PARTS, articles.FILE}
    return {n: remembered(Statute, path, own, _read_statute) for n, path in files.items() if n not in none}


def _read_statute(path: Path) -> Statute:
    from yishenqing.documents import read, validated

    found: Statute = validated(_adapter(Statute), read(path))
    return found


def _read_law(folders: list[Path]) -> Law:
    from yishenqing.documents import read, validated

    parts: dict[str, dict[str, Any]] = {"statutes": {}, "terms": {}, "remedies": {}, "fees": {}}
    cited: Mapping[str, Cited] = {}
    for name, path in _law_files(folders).items():
        document = read(path)
        part = document.data.get(name) if isinstance(document.data, dict) else None
        if name == articles.FILE:
            cited = validated(_adapter(dict[str, Cited]), _under(document, name, part))
        elif name in _PARTS:
            parts[name] = validated(_adapter(_PARTS[name]), _under(document, name, part))
        else:
            parts["statutes"][name] = validated(_adapter(Statute), document)
    law = Law(**parts)
    faults = [
        Fault(problem, "workflows/law", field=name, law=citation)
        for name, citation in _law_citations(law)
        if (problem := law.unresolved(citation))
    ]
    faults += [
        Fault("程序自己所引的条文随程序提供，不由机关改写；请删去这一文件", str(path))
        for folder in folders[:-1]
        if (path := folder / "law" / f"{articles.FILE}.yaml").exists()
    ]
    faults += [
        Fault(problem, f"workflows/law/{articles.FILE}.yaml", field=name, law=source.law)
        for name, told in cited.items()
        for source in told.values
        if (problem := law.unresolved(source.law, source.since))
    ]
    faults += [
        Fault(f"没有救济途径“{part}”", "workflows/law", field=f"remedies.{name}")
        for name, remedy in law.remedies.items()
        for part in remedy.parts
        if part not in law.remedies
    ]
    if faults:
        raise DataFault.of(faults)
    return law


def _law_citations(law: Law) -> Iterator[tuple[str, str]]:
    for name, term in law.terms.items():
        yield from ((f"terms.{name}", v.law) for v in term.values)
        if term.rolls:
            yield f"terms.{name}", term.rolls
    yield from ((f"fees.{name}", scale.law) for name, scale in law.fees.items())
    for name, remedy in law.remedies.items():
        yield from ((f"remedies.{name}", c) for c in remedy.law)


def _under(document: Document, name: str, part: object) -> Document:
    if not isinstance(part, dict):
        raise DataFault.of([document.fault(f"缺少“{name}”")])
    lines = {place[1:]: line for place, line in document.lines.items() if place[:1] == (name,)}
    return replace(document, data=part, lines=lines)


def _law_files(folders: list[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder in reversed(folders):  # the office's own files replace the shipped ones of the same name
        files |= {p.stem: p for p in sorted((folder / "law").glob("*.yaml"))}
    # What the program itself cites goes with the program; no office replaces it.
    files[articles.FILE] = folders[-1] / "law" / f"{articles.FILE}.yaml"
    return files


def _file(folders: list[Path], name: str) -> Path:
    """Return the file of a procedure: whole ones lie in ``workflows``, variants one folder below."""
    for folder in folders:
        for path in (folder / f"{name}.yaml", folder / _VARIANTS / f"{name}.yaml"):
            if path.is_file():
                return path
    raise NotFound(f"找不到流程文件“{name}.yaml”；现有：{'、'.join(sorted(_names(folders)))}。")


def _names(folders: list[Path]) -> set[str]:
    """Return the names of the procedures; other tables (分办表) lie in the same folder."""
    files = (p for folder in folders for place in (folder, folder / _VARIANTS) for p in place.glob("*.yaml"))
    return {p.stem for p in files if _PROCEDURE.search(p.read_bytes())}


def _with_python_names(document: Document) -> Document:
    """``from`` is a word of the workflow files and a keyword of Python: rename it, keeping its line."""
    data = document.data
    steps = data.get("steps") if isinstance(data, dict) else None
    if not isinstance(steps, dict):
        return document
    renamed = {
        name: {("from_" if k == "from" else k): v for k, v in step.items()} if isinstance(step, dict) else step
        for name, step in steps.items()
    }
    lines = {
        tuple("from_" if p == "from" and place[:1] == ("steps",) else p for p in place): line
        for place, line in document.lines.items()
    }
    return replace(document, data={**data, "steps": renamed}, lines=lines)


def _with_groups(document: Document) -> Document:
    """Facts that several steps share stand once under ``groups``; a step takes them in by ``shares``."""
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("steps"), dict):
        return document
    groups = data.get("groups", {})
    steps, lines, faults = {}, dict(document.lines), []
    for name, step in data["steps"].items():
        shared = step.get("shares", []) if isinstance(step, dict) else []
        may = dict(step.get("may") or {}) if shared else {}
        for group in shared:
            if not isinstance(groups, dict) or not isinstance(groups.get(group), dict):
                faults.append(document.fault(f"没有共用的事实“{group}”", ("steps", name, "shares")))
                continue
            may |= {field: known for field, known in groups[group].items() if field not in step.get("needs", {})}
            lines |= {
                ("steps", name, "may", *place[2:]): line
                for place, line in document.lines.items()
                if place[:2] == ("groups", group)
            }
        steps[name] = {**{k: v for k, v in step.items() if k != "shares"}, "may": may} if shared else step
    if faults:
        raise DataFault.of(faults)
    return replace(document, data={**{k: v for k, v in data.items() if k != "groups"}, "steps": steps}, lines=lines)


def _place(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


_PARTS: Mapping[str, Any] = {
    "terms": dict[str, Term],
    "remedies": dict[str, Remedy],
    "fees": dict[str, FeeScale],
}
