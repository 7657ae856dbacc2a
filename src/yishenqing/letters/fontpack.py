"""The built fonts as one file with their licences, for offices without the internet: packed here, unpacked there."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import tempfile
from pathlib import Path

from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.letters import fonts

FILE = "yishenqing-fonts.tar.gz"
_MANIFEST = "manifest.json"
_NAME = re.compile(r"(?:licences/)?[A-Za-z0-9][A-Za-z0-9._-]*")  # nothing of a package may leave its folder
_REQUIRED = ("metrics.json", "fonts.conf")
_LARGEST = 200_000_000  # bytes of all files together; the fonts have 30 MB


def pack(target: Path) -> Path:
    """Write the built fonts and their licences to ``target``; the same fonts give the same bytes.

    Raises:
        DataFault: the fonts have not been built, or the file cannot be written.
    """
    source = fonts.built()
    files = {p.relative_to(source).as_posix(): p for p in sorted(source.rglob("*")) if p.is_file()}
    contents = {name: path.read_bytes() for name, path in files.items() if _NAME.fullmatch(name)}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = json.dumps({"recipe": fonts.recipe(), "files": sums}, indent=1, sort_keys=True).encode()
    unfinished = target.with_name(f".{target.name}-unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            unfinished.open("wb") as out,
            gzip.GzipFile("", "wb", 6, out, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for name, content in [(_MANIFEST, manifest), *contents.items()]:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise DataFault.of([Fault(f"字体包写不出来（{why(error)}）", str(target))]) from None
    return target


def install(package: Path, target: Path | None = None) -> Path:
    """Unpack a font package to where this machine looks for its fonts; whole or not at all.

    Raises:
        DataFault: the file is no font package, is damaged, or was made by another version of the program.
    """
    target = target or fonts.folder()
    contents = _read(package)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ysq-fonts-", dir=target.parent) as scratch:
        made = Path(scratch) / "made"
        for name, content in contents.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            made.rename(target)
        except OSError as error:
            if not (target / "metrics.json").is_file():
                text = f"字体放不到“{target}”（{why(error)}），请移开该文件夹后重试"
                raise DataFault.of([Fault(text, str(package))]) from None
    return target


def _read(package: Path) -> dict[str, bytes]:
    """Return the files of a package by name, each held against the manifest."""
    try:
        with tarfile.open(package, "r:gz") as tar:
            contents = _members(tar, package)
    except (OSError, EOFError, tarfile.TarError) as error:
        reason = why(error) if isinstance(error, OSError) and error.errno else "已损坏，或者不是字体包"
        raise DataFault.of([Fault(f"字体包读不出来（{reason}）", str(package))]) from None
    try:
        manifest = json.loads(contents.pop(_MANIFEST))
        recipe, sums = manifest["recipe"], manifest["files"]
    except (KeyError, TypeError, ValueError):
        raise DataFault.of([Fault("不是字体包：缺少清单", str(package))]) from None
    if recipe != fonts.recipe():
        text = f"字体包是另一版程序制作的（{recipe}，本机需要{fonts.recipe()}）；请用同一版程序运行 ysq fonts pack"
        raise DataFault.of([Fault(text, str(package))])
    known = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    if known != sums or any(name not in contents for name in _REQUIRED):
        raise DataFault.of([Fault("字体包不完整，或者内容与清单不符", str(package))])
    return contents


def _members(tar: tarfile.TarFile, package: Path) -> dict[str, bytes]:
    found, room = {}, _LARGEST
    for member in tar:
        stream = tar.extractfile(member) if member.isfile() and _NAME.fullmatch(member.name) else None
        if stream is None or member.size > room:
            raise DataFault.of([Fault(f"字体包中有不应有的内容“{member.name[:80]}”", str(package))])
        room -= member.size
        found[member.name] = stream.read()
    return found
