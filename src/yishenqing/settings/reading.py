"""``office.yaml`` in the office's folder: read strictly, written whole."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.remembered import remembered
from yishenqing.settings.model import FILE, Settings
from yishenqing.shipped import shipped

if TYPE_CHECKING:
    from yishenqing.documents import Document


def read_settings(home: Path) -> Settings:
    """Read the settings of the office in ``home``.

    Raises:
        NotFound: there is no office in this folder.
        DataFault: the settings have faults; all of them, with lines.
    """
    path = home / FILE
    if not path.is_file():
        raise NotFound(f"“{home}”中没有机关设置（{FILE}）；请先运行 ysq init，或者用 --home 指定文件夹。")
    return remembered(Settings, path, home, _validated)


def _validated(path: Path) -> Settings:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated
    from yishenqing.settings.faults import faults_of

    document = _with_python_names(read(path))
    settings = validated(TypeAdapter(Settings), document)
    if faults := faults_of(settings, document):
        raise DataFault.of(faults)
    return settings


def _with_python_names(document: Document) -> Document:
    """``from`` is a word of the settings and a keyword of Python."""
    data = document.data
    mail = data.get("mail") if isinstance(data, dict) else None
    if not isinstance(mail, dict) or "from" not in mail:
        return document
    return replace(document, data={**data, "mail": {("from_" if k == "from" else k): v for k, v in mail.items()}})


def write_settings(home: Path, user: str, workflow: str = "", database: str = "") -> Path:
    """Write the sample settings, giving ``user`` every role; existing settings are left alone.

    Raises:
        DataFault: there are settings already, and they name another ``workflow`` or ``database`` than is wished.
    """
    path = home / FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        text = (shipped("samples") / FILE).read_text(encoding="utf-8")
        quoted = json.dumps(user, ensure_ascii=False)  # a YAML string too, whatever the user is called
        text = text.replace("__USER__", quoted)
        if workflow:
            text = re.sub(r"(?m)^workflow: \w+", lambda _: f"workflow: {workflow}", text)
        if database:
            text = _with_database(text, database)
        _write_whole(path, text)
        return path
    if workflow and (known := read_settings(home).workflow) != workflow:
        text = f"机关设置已经存在，所用流程是“{known}”；要改用“{workflow}”，请修改其中的 workflow"
        raise DataFault.of([Fault(text, str(path), field="workflow")])
    if database and read_settings(home).database != database:
        text = (
            "机关设置已经存在，数据库不是这一个；已有案件要迁到 PostgreSQL 的，请用 ysq move-database --to 地址，"
            "还没有办过案件的，请直接修改其中的 database"
        )
        raise DataFault.of([Fault(text, str(path), field="database")])
    return path


def change_database(home: Path, database: str) -> None:
    """Name another database in the office's settings; every other line stays as it is.

    Raises:
        DataFault: the settings have no line for the database where one is looked for.
    """
    path = home / FILE
    text = path.read_text(encoding="utf-8")
    changed = _with_database(text, database)
    if changed == text:
        changed = f"{text.rstrip()}\ndatabase: {json.dumps(database)}\n"
    _write_whole(path, changed)
    if read_settings(home).database != database:
        raise DataFault.of([Fault("请把 database 改成新的地址", str(path), field="database")])


def _with_database(text: str, database: str) -> str:
    return re.sub(r"(?m)^database:.*$", lambda _: f"database: {json.dumps(database)}", text)


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)  # whole or not at all
