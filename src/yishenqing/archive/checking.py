"""Check a package: first that no byte was changed, then that what it says holds together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from yishenqing.archive import bag, catalogue
from yishenqing.archive.anchor import read_points
from yishenqing.archive.catalogue import CASES, ROOT, RULES_FOLDER, Claims
from yishenqing.archive.payload import FORMAT, FORMAT_NUMBER, LEDGER, in_bag
from yishenqing.archive.records import CaseCheck
from yishenqing.core import destroying
from yishenqing.core.errors import DataFault, Fault, NotFound, why
from yishenqing.core.ledger import digest


def verify(package: Path) -> list[Fault]:
    """Return every fault of the package, each naming the file inside it (and the line, where there is one).

    An empty list says: every byte is as its own manifests and ledgers require. Files are hashed in blocks, cases are
    checked one by one. What no check of a package alone can say is whether all of it was forged together; for that,
    compare the Ledger-Head in bag-info.txt, or the checkpoint, with a record kept elsewhere.

    Raises:
        NotFound: there is nothing at ``package``.
        DataFault: what lies there is no package, one of a newer program, or cannot be listed.
    """
    if not package.exists():
        raise NotFound(f"找不到封存包“{package}”。")
    marks = (*bag.TAG_FILES, in_bag(LEDGER))
    if not package.is_dir() or not any((package / mark).exists() for mark in marks):
        raise DataFault.of([Fault("不是封存包：应为含有 bagit.txt 和 data 的文件夹", str(package))])
    try:
        text = _bytes(package / bag.INFO)
        info = bag.read_info(text)
        if _is_newer(info) and bag.content_of(text).sha256.encode() in _bytes(package / bag.TAG_MANIFEST):
            new = f"封存包由较新版本的程序制作（格式{info[FORMAT]}，本程序只认识到{FORMAT_NUMBER}），请使用较新的程序"
            raise DataFault.of([Fault(new, str(package), field=FORMAT)])
        return _Package(package, info).faults()
    except OSError as error:
        raise DataFault.of([Fault(f"无法读取封存包（{why(error)}）", str(package))]) from error


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""


def _is_newer(info: Mapping[str, str]) -> bool:
    return info.get(FORMAT, "").isdecimal() and int(info[FORMAT]) > FORMAT_NUMBER


def ledger_hashes(package: Path) -> list[str]:
    """Return the hashes of the entries of a package that ``verify`` found sound, in order."""
    with (package / in_bag(LEDGER)).open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line)["hash"] for line in lines]


def ended_in(package: Path) -> list[dict[str, str]]:
    """Return the cases of a package whose ledgers say that they were destroyed, each with the day and the list."""
    found = []
    for path in sorted(package.glob(f"{bag.PAYLOAD}/**/{LEDGER}")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            found += [told for line in lines if f'"step":"{destroying.STEP}"' in line if (told := _ended(line))]
    return found


def _ended(line: str) -> dict[str, str] | None:
    """Return what a line says of a destruction; what is no entry is told by ``verify``."""
    try:
        entry = json.loads(line)
        return {"number": entry["number"], "on": entry["on"], "list": json.loads(entry["payload"])["list"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


class _Package:
    """The walk through a package: its seal, and its cases one by one."""

    def __init__(self, root: Path, info: Mapping[str, str]) -> None:
        self._root, self._info = root, info
        self._comparison = bag.Comparison(root / bag.MANIFEST)
        self._walk = bag.Walk(root, self._comparison.knows)
        self._found: list[Fault] = []
        self._missing: list[Fault] = []
        self._claimed: list[Fault] = []
        self._catalogue = catalogue.read(root)
        self._rules: dict[str, str] = {}
        points, broken = read_points(root)
        self._points = {point.n: point for point in points}
        if broken is not None:
            self._found.append(Fault("这一行不是检查点，已被改动", bag.CHECKPOINTS, broken))

    def faults(self) -> list[Fault]:
        """Return what is not as it was sealed, then what the records say against each other."""
        for where, files in self._parts():
            self._check(where, files)
        broken = [*self._walk.faults, *bag.tag_faults(self._root, self._walk, self._comparison)]
        known = {fault.file for fault in broken}
        found = [*(f for f in self._missing if f.file not in known), *self._found]
        # Where anything else is broken, a claim that differs from it is no news of the claim.
        if all(f.file in (bag.INFO, bag.TAG_MANIFEST) for f in (*broken, *found)):
            found += [*self._claimed, *self._totals()]
        return [*broken, *found]

    def _parts(self) -> Iterator[tuple[str, dict[str, bag.Content]]]:
        """Yield the files of each folder of the payload ("" for the payload itself, told at the end)."""
        here: dict[str, bag.Content] = {}
        where, files = "", here
        for name, content in self._walk.payload():
            self._comparison.feed(name, content)
            folder = name.split("/")[1] + "/" if name.count("/") > 1 else ""
            if folder != where:
                if where:
                    yield where, files
                where, files = folder, {} if folder else here
            files[name] = content
        if where:
            yield where, files
        yield "", here

    def _check(self, where: str, files: dict[str, bag.Content]) -> None:
        if where == f"{RULES_FOLDER}/":
            for name in files:
                text = self._rules_text(name)
                if text is not None and name != in_bag(f"{where}{digest('rulebook', text)}.json"):
                    self._found.append(Fault("规则文本与文件名中的哈希值不符，已被改动", name))
            return
        if not where and self._catalogue is not None:
            lost = [name for name in self._catalogue.cases if name not in self._catalogue.seen]
            self._missing += [Fault("封存包缺少该案件的文件夹", in_bag(name.rstrip("/"))) for name in lost]
            self._found += self._catalogue.faults
            return
        claims = Claims.of_info(self._info)
        if self._catalogue is not None:
            self._catalogue.seen.add(where)
            listed = self._catalogue.cases.get(where)
            if listed is None:
                self._found.append(Fault("目录中没有列出的案件", in_bag(where.rstrip("/"))))
                return
            claims = listed
        case = CaseCheck(self._root, where, files, claims, self._rules_text, self._points)
        case.check()
        self._found += case.found
        self._missing += case.missing
        self._claimed += case.claimed

    def _rules_text(self, name: str) -> str | None:
        """Return the text of rules that lie in the package, read once; None (told) where it is no text."""
        if name not in self._rules:
            try:
                self._rules[name] = (self._root / name).read_bytes().decode()
            except UnicodeDecodeError:
                self._found.append(Fault("不是 UTF-8 编码的文本", name))
                return None
        return self._rules[name]

    def _totals(self) -> Iterator[Fault]:
        """What bag-info.txt says of the whole."""
        rights = {"Payload-Oxum": f"{self._comparison.size}.{self._comparison.count}"}
        if self._catalogue is not None:
            rights |= {CASES: str(len(self._catalogue.cases)), ROOT: self._catalogue.root()}
        for key, right in rights.items():
            if self._info.get(key) != right:
                yield Fault(f"与封存包的实际内容（{right}）不符", bag.INFO, field=key)
