"""What an officer, or somebody else, does to a Word file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BODY = "word/document.xml"


def edited(path: Path, change: Callable[[Any], None]) -> Path:
    """Open ``path`` as a word processor would, change it and save it beside."""
    document = docx.Document(str(path))
    change(document)
    target = path.with_name(f"改-{path.name}")
    document.save(str(target))
    return target


def controls(document: Any) -> dict[str, Any]:
    """Return the open islands by name."""
    found = {}
    for control in document.element.body.iter(W + "sdt"):
        tag = control.find(f"{W}sdtPr/{W}tag")
        if tag is not None:
            found[tag.get(W + "val").split(":")[1]] = control
    return found


def filled(path: Path, **words: str) -> Path:
    """Write words on islands; a dot in a name is written as two underscores."""

    def fill(document: Any) -> None:
        for name, text in words.items():
            control = controls(document)[name.replace("__", ".")]
            for hint in control.findall(f"{W}sdtPr/{W}showingPlcHdr"):
                hint.getparent().remove(hint)
            first, *others = control.iter(W + "t")
            first.text = text
            for other in others:
                other.getparent().remove(other)

    return edited(path, fill)


def rewritten(path: Path, changes: dict[str, Callable[[bytes], bytes]], more: dict[str, bytes] | None = None) -> Path:
    """Change parts of the package as bytes, and add others."""
    target = path.with_name(f"坏-{path.name}")
    stream = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, lambda content: content)(old.read(name)))  # type: ignore[no-untyped-call]
        for name, content in (more or {}).items():
            new.writestr(name, content)
    target.write_bytes(stream.getvalue())
    return target
