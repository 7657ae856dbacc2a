"""Metadata of a file and its papers by the names of DA/T 46-2009, as JSON and as XML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from yishenqing.core.ledger import Entry
from yishenqing.core.version import __version__
from yishenqing.core.workflow import Workflow

NAMES = ("metadata.json", "metadata.xml")


def metadata(block: Mapping[str, Any], papers: Sequence[Mapping[str, Any]], acts: Sequence[Mapping[str, str]]) -> Any:
    """Return what is said of the file: where it comes from, its code, content, form, papers, and what was done."""
    told = block["file"]
    return {
        "聚合层次": "案卷",
        "来源": {"全宗名称": block["organ"]["name"], "立档单位名称": block["organ"]["name"]},
        "档号": {
            "档号": told["code"],
            "全宗号": told["fonds_code"],
            "年度": str(told["year"]),
            "保管期限": told["retention"],
            "件号": told["item"],
        },
        "内容描述": {
            "题名": told["title"],
            "文件编号": block["case"]["number"],
            "责任者": block["organ"]["name"],
            "日期": f"{told['opened_on']}/{told['closed_on']}",
            "密级": "",
        },
        "形式特征": {"件数": str(told["count"]), "页数": str(told["pages"]), "语种": "汉语"},
        "电子属性": {"信息系统描述": f"依申请 yishenqing {__version__}"},
        "卷内文件": [_paper(paper) for paper in papers],
        "业务行为": list(acts),
    }


def _paper(paper: Mapping[str, Any]) -> dict[str, str]:
    names = ("序号", "题名", "文件编号", "责任者", "日期", "页数", "计算机文件名", "计算机文件大小", "格式信息")
    keys = ("no", "title", "number", "author", "date", "pages", "file", "size", "format")
    return {name: str(paper[key]) for name, key in zip(names, keys, strict=True)}


def acts_of(entries: Sequence[Entry], workflow: Workflow, people: Mapping[str, str]) -> list[dict[str, str]]:
    """Return what was done in the case: act, day, by whom, on which ground."""
    found = []
    for entry in entries:
        step = workflow.steps[entry.step]
        found.append(
            {
                "业务行为": step.title,
                "行为时间": entry.on.isoformat(),
                "记录时间": entry.recorded_at,
                "机构人员名称": people.get(entry.actor, entry.actor),
                "行为依据": "、".join(step.law),
            }
        )
    return found


def as_files(told: Any) -> dict[str, str]:
    """Return the metadata as the files of a package."""
    root = Element("电子文件元数据", {"标准": "DA/T 46-2009"})
    _grow(root, told)
    indent(root)
    xml = tostring(root, encoding="unicode")
    text = json.dumps(told, ensure_ascii=False, indent=2)
    return dict(zip(NAMES, (f"{text}\n", f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'), strict=True))


def _grow(parent: Element, told: Mapping[str, Any]) -> None:
    for name, value in told.items():
        for item in value if isinstance(value, list) else [value]:
            child = SubElement(parent, name)
            if isinstance(item, Mapping):
                _grow(child, item)
            else:
                child.text = _allowed(str(item))


def _allowed(text: str) -> str:
    """XML has no way to write most control characters."""
    return "".join(c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in text)
