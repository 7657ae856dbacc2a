#!/usr/bin/env python3
"""封存包独立核验程序：只用 Python 自带的功能（3.8 以上），不依赖制作本包的程序；签名用 openssl 核验。

用法：python3 verify.py [--sm3]        在封存包文件夹中运行；或者 python3 verify.py 封存包文件夹
退出码：0 相符；7 不符；2 用法有误。
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Callable, Iterator  # noqa: UP035 - an auditor's Python may be 3.8

ALGORITHM = "ysq1-sha256"
NEEDED = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "sm3.txt", "verify.py"}
ALLOWED = NEEDED | {"checkpoints.jsonl"}
BLOCK = 1 << 20
Tell = Callable[[str, str], None]


def day_in_china(moment: str) -> str:
    """Return the day in China of a recording time, which is written in UTC."""
    told = datetime.strptime(moment.rstrip("Z").partition(".")[0], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - UTC, as written
    return (told + timedelta(hours=8)).date().isoformat()


def canonical(value: Any) -> str:
    """Return the one JSON text that is hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def H(*parts: str) -> str:  # noqa: N802 - as 说明.txt writes it
    """Return the SHA-256 over the parts, each preceded by its length."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8")
        state.update(len(data).to_bytes(8, "big") + data)
    return state.hexdigest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a Merkle node (RFC 6962)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def leaf(*told: Any) -> bytes:
    """Return the hash of a Merkle leaf."""
    return hashlib.sha256(b"\0" + canonical(list(told)).encode("utf-8")).digest()


def root_of(leaves: list[bytes]) -> str:
    """Return the Merkle root."""
    level = leaves
    while len(level) > 1:
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0].hex() if level else hashlib.sha256(b"").hexdigest()


def climb(start: bytes, index: int, size: int, path: list[str]) -> str:
    """Return the root that an audit path leads to; empty where it cannot be one."""
    found, last, rest = start, size - 1, [bytes.fromhex(p) for p in path]
    while last > 0:
        if index & 1 or index < last:
            if not rest:
                return ""
            other = rest.pop(0)
            found = node(other, found) if index & 1 else node(found, other)
        index, last = index >> 1, last >> 1
    return "" if rest else found.hex()


def hashed(path: Path, name: str) -> str:
    """Return the hash of a file, read in blocks."""
    state = hashlib.new(name)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            state.update(block)
    return state.hexdigest()


def walk(root: Path, folder: Path, tell: Tell) -> Iterator[tuple[str, Path]]:
    """Yield every file in the order of the manifest."""
    for item in sorted(folder.iterdir(), key=lambda p: p.name + "/" * p.is_dir()):
        name = item.relative_to(root).as_posix()
        if item.is_symlink() or not (item.is_dir() or item.is_file()):
            tell(name, "是链接或者特殊文件，不是封存时的文件")
        elif item.is_dir():
            yield from walk(root, item, tell)
            if not any(item.iterdir()):
                tell(name, "多出的文件夹，封存时没有")
        else:
            yield name, item


def check_seal(root: Path, tell: Tell, *, sm3: bool) -> None:
    """Hold files and manifests against each other, byte for byte."""
    tags, line = {}, 0
    with (root / "manifest-sha256.txt").open("rb") as manifest, (root / "sm3.txt").open("rb") as sm3_list:
        for name, path in walk(root, root, tell):
            if "/" not in name:
                tags[name] = path
                continue
            line += 1
            if manifest.readline() != f"{hashed(path, 'sha256')}  {name}\n".encode():
                tell(name, f"与 manifest-sha256.txt 第{line}行不符（内容已被改动，或者文件多出、缺少）")
                return
            if sm3 and sm3_list.readline() != f"{hashed(path, 'sm3')}  {name}\n".encode():
                tell(name, f"与 sm3.txt 第{line}行不符")
                return
        if manifest.readline():
            tell("manifest-sha256.txt", f"第{line + 1}行所列的文件不在封存包中")
    listed = "".join(f"{hashed(tags[n], 'sha256')}  {n}\n" for n in sorted(tags) if n != "tagmanifest-sha256.txt")
    if (root / "tagmanifest-sha256.txt").read_bytes() != listed.encode():
        tell("tagmanifest-sha256.txt", "与所列的文件不符，其中有文件或者清单已被改动")
    for name in sorted(tags.keys() - ALLOWED):
        tell(name, "多出的文件，封存时没有")
    for name in sorted(NEEDED - tags.keys()):
        tell(name, "封存包缺少该文件")


def rows(path: Path) -> Iterator[Any]:
    """Yield the lines of a JSON-lines file."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line)


def rules_of(data: Path) -> list[str]:
    """Return the digests of the rules that lie in the package."""
    paths = [*sorted(data.glob("rules/*.json")), *sorted(data.glob("rulebook*.json"))]
    return [H("rulebook", p.read_bytes().decode("utf-8")) for p in paths]


def check_ledger(folder: Path, where: str, rules: list[str], tell: Tell) -> dict[int, Any]:
    """Recompute the chain of one case; return its entries."""
    entries: dict[int, Any] = {}
    prev = ""
    place = f"data/{where}ledger.jsonl"
    for n, e in enumerate(rows(folder / "ledger.jsonl"), 1):
        if n == 1:
            starts = [H(ALGORITHM, "genesis", e["agency"], e["number"], r) for r in rules]
            prev = e["prev"] if e["prev"] in starts else ""
        flag = "rehearsal" if e["rehearsal"] else ""
        told = [e["on"], e["recorded_at"], e["actor"], e["step"], flag, e["payload"], e["prev"]]
        if e["seq"] != n or e["prev"] != prev:
            tell(place, f"第{n}条记录与前一条（或者立案时的规则）不相衔接")
        if e["hash"] != H(ALGORITHM, e["agency"], e["number"], str(n), *told):
            tell(place, f"第{n}条记录已被改动")
        prev, entries[n] = e["hash"], e
    return entries


def destroyed(entries: dict[int, Any]) -> set[str]:
    """Return the digests that the ledger says were destroyed at the end of their retention."""
    named = [json.loads(e["payload"])["destroyed"] for e in entries.values() if e["step"] == "destroyed"]
    return set(named[-1]) if named else set()


def check_values(folder: Path, where: str, gone: set[str], tell: Tell) -> None:
    """Recompute the digests of the side store and of the papers; what is not there must have been destroyed."""
    for n, s in enumerate(rows(folder / "sealed.jsonl"), 1):
        if s.get("destroyed"):
            if s["digest"] not in gone:
                tell(f"data/{where}sealed.jsonl", f"第{n}行列为已销毁，台账中却没有销毁它的记录")
        elif s["digest"] != H("sealed", s["salt"], s["value"]):
            tell(f"data/{where}sealed.jsonl", f"第{n}行的封存值已被改动")
    for n, p in enumerate(rows(folder / "papers.jsonl"), 1):
        if p.get("destroyed"):
            if p["digest"] not in gone:
                tell(f"data/{where}papers.jsonl", f"第{n}行列为已销毁，台账中却没有销毁它的记录")
            continue
        if p["digest"] != H("file", p["salt"], p["sha256"], p["name"]):
            tell(f"data/{where}papers.jsonl", f"第{n}行的文件登记已被改动")
        if p["path"] and hashed(folder / p["path"], "sha256") != p["sha256"]:
            tell(f"data/{where}{p['path']}", "内容与登记的不符")


def check_anchor(root: Path, where: str, entries: dict[int, Any], points: dict[int, Any], tell: Tell) -> int:
    """Climb from the entry that the latest checkpoint holds to its root; return 1 where there is such a proof."""
    path = root / "data" / where / "anchor.json"
    if not path.is_file():
        return 0
    a = json.loads(path.read_text("utf-8"))
    entry, point = entries.get(a["seq"]), points.get(a["checkpoint"])
    if entry is None or entry["hash"] != a["hash"]:
        tell(f"data/{where}anchor.json", f"检查点所固定的第{a['seq']}条记录不在台账中，或者已被改动")
    elif point is None or point["size"] != a["size"]:
        tell(f"data/{where}anchor.json", f"封存包中没有所指的第{a['checkpoint']}号检查点")
    else:
        start = leaf(entry["agency"], entry["number"], a["seq"], a["hash"])
        if climb(start, a["leaf"], a["size"], a["path"]) != point["root"]:
            tell(f"data/{where}anchor.json", f"推算不出第{a['checkpoint']}号检查点的根")
    return 1


def check_points(root: Path, tell: Tell) -> tuple[dict[int, Any], str]:
    """Check the signatures; return the checkpoints by number, and what is to be said of the key."""
    path = root / "checkpoints.jsonl"
    if not path.is_file():
        return {}, "封存包中没有检查点"
    points = {c["n"]: c for c in rows(path)}
    openssl = shutil.which("openssl")
    if openssl is None:
        return points, "没有找到 openssl，检查点的签名未核验"
    said = []
    for n, c in points.items():
        text = canonical({k: v for k, v in c.items() if k != "signature"})
        if not signed(openssl, c["key"], text.encode("utf-8"), bytes.fromhex(c["signature"])):
            tell("checkpoints.jsonl", f"第{n}号检查点的签名不符")
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        digests = f"第{n}号检查点 {day_in_china(c['made_at'])} 核对值 {digest}"
        said.append(f"{digests}\n签名相符，公钥 {c['key']}（核对值、公钥请与会议纪要或者机关公布的核对）")
    return points, "\n".join(said)


def signed(openssl: str, public: str, text: bytes, signature: bytes) -> bool:
    """Tell whether openssl takes the Ed25519 signature for genuine."""
    der = base64.b64encode(bytes.fromhex("302a300506032b6570032100" + public)).decode()
    with tempfile.TemporaryDirectory() as folder:
        key, told, mark = Path(folder, "key"), Path(folder, "text"), Path(folder, "signature")
        key.write_text(f"-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n", "ascii")
        told.write_bytes(text)
        mark.write_bytes(signature)
        command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin", "-in", str(told)]
        done = subprocess.run([*command, "-sigfile", str(mark)], capture_output=True, check=False)  # noqa: S603 - no shell
    return done.returncode == 0


def check_cases(root: Path, points: dict[int, Any], tell: Tell) -> str:
    """Check every case; return what was found to agree."""
    info = dict(re.findall(r"^([^:\n]+): (.*)$", (root / "bag-info.txt").read_text("utf-8"), re.M))
    catalogue = root / "data" / "cases.jsonl"
    claims = list(rows(catalogue)) if catalogue.is_file() else [{"folder": "", "head": info.get("Ledger-Head")}]
    listed = {claim["folder"] for claim in claims} | {"rules"}
    for name in sorted(p.name for p in (root / "data").iterdir() if p.is_dir() and p.name not in listed):
        tell(f"data/{name}", "目录中没有列出的案件")
    rules, total, anchored, leaves = rules_of(root / "data"), 0, 0, []
    for claim in claims:
        where = claim["folder"] + "/" if claim["folder"] else ""
        folder = root / "data" / where
        entries = check_ledger(folder, where, rules, tell)
        check_values(folder, where, destroyed(entries), tell)
        total += len(entries)
        last = entries.get(len(entries), {"hash": "", "agency": "", "number": ""})
        if last["hash"] != claim["head"] or claim.get("entries", len(entries)) != len(entries):
            tell(f"data/{where}ledger.jsonl", "末条记录与目录（或者 bag-info.txt）登记的不符")
        leaves.append(leaf(last["agency"], last["number"], len(entries), last["hash"]))
        anchored += check_anchor(root, where, entries, points, tell)
    if catalogue.is_file() and root_of(leaves) != info.get("Ledger-Root"):
        tell("bag-info.txt", "Ledger-Root 与各案台账的末条记录不符")
    return f"{len(claims)}件案件的{total}条记录相符，其中{anchored}件由检查点固定；末条哈希值 " + (
        info.get("Ledger-Root") or info.get("Ledger-Head") or ""
    )


def main(words: list[str]) -> int:
    """Check a package and say what was found."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    given = [w for w in words if w != "--sm3"]
    root = Path(given[0]) if given else Path(__file__).resolve().parent
    if len(given) > 1 or not (root / "bagit.txt").is_file():
        sys.stdout.write(f"{__doc__}\n不是封存包：{root}\n")
        return 2
    faults: list[str] = []

    def tell(name: str, text: str) -> None:
        faults.append(f"  × {name}：{text}")

    said: list[str] = []
    try:
        check_seal(root, tell, sm3="--sm3" in words)
        points, about_key = check_points(root, tell)
        said += [check_cases(root, points, tell), about_key]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        faults.append(f"  × 有文件缺失或者无法读取：{type(error).__name__} {error}")
    sys.stdout.write("\n".join(["核验未通过：", *faults] if faults else ["核验通过：封存包完整，没有改动。", *said]))
    sys.stdout.write(os.linesep if os.name != "nt" else "\n")
    return 7 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
