"""What the office hands over for a letter: ``pytest_plugins = ["letters_sample"]``, then ask for ``sample``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest


@pytest.fixture(scope="session")
def sample() -> Callable[[], dict[str, Any]]:
    """A fresh context at each call; tests may change it."""
    return context


def context() -> dict[str, Any]:
    return {
        "organ": {
            "name": "清江市清河区人民政府办公室",
            "mark": "清政公",
            "office": "清河区政务公开办公室",
            "address": "清江市清河区人民路1号",
            "postcode": "223001",
            "phone": "0517-80001234",
        },
        "case": {
            "number": "2026-0007",
            "arrived_on": date(2026, 3, 2),
            "received_on": date(2026, 3, 2),
            "matter": "政府信息公开申请",
            "channel_title": "平常信函",
            "items": ["2025年老旧小区改造项目竣工验收备案表"],
            "form_title": "纸质",
            "delivery_title": "邮寄",
            "opened_on": date(2026, 3, 2),
            "closed_on": date(2026, 3, 27),
        },
        "applicant": {"name": "王小明", "kind_title": "公民", "agent": None},
        "letter": {"number": "清政公〔2026〕7号", "date": date(2026, 3, 5), "draft": False},
        "facts": {
            "defects": ["未写明所需信息的名称", "未提供身份证明。"],
            "guidance": "可以写明项目名称和形成年份",
            "until": date(2026, 3, 25),
            "reason": "需要逐卷调取档案核对",
            "days": 20,
            "approved_by": "李某",
            "provided": ["《竣工验收备案表》"],
            "method": "邮寄",
            "form_title": "纸质",
        },
        "due": {"reply": {"date": date(2026, 3, 30), "days": 20, "provisional": False}},
        "remedy": {
            "text": "如对本答复不服，可以自收到本告知书之日起60日内向清江市人民政府申请行政复议，"
            "或者自收到本告知书之日起6个月内直接向清江市中级人民法院提起行政诉讼。",
            "law": ["行政复议法第二十条", "行政诉讼法第四十六条"],
        },
        "search": [],
        "islands": {},
        "attachments": [],
        "file": {
            "fonds": "清江市清河区人民政府办公室",
            "year": 2026,
            "retention": "10年",
            "code": "Z109-WS·2026-D10-ZWGK-0007",
            "title": "王小明申请公开2025年老旧小区改造项目竣工验收备案表",
            "pages": 23,
            "count": 5,
        },
        "papers": [
            {"no": n, "title": "政府信息予以公开告知书", "number": "清政公〔2026〕7号", "author": "清河区政府办公室",
             "date": date(2026, 3, 27), "pages": 2, "note": ""} for n in (1, 2)
        ],
        "note": {"filed_by": "赵某", "checked_by": "钱某", "filed_on": date(2026, 4, 1), "text": "无其他情况。"},
        "destruction": {
            "id": "X2037-001",
            "opinion": "保管期限已满，无继续保存的价值，同意销毁。",
            "proposed_by": "赵某",
            "proposed_on": date(2037, 1, 4),
            "approved_by": "钱某",
            "on": date(2037, 1, 12),
            "law": ["档案法实施条例第二十四条"],
            "cases": [
                {"n": n, "number": f"2026-{n:04d}", "code": f"Z109-WS·2026-D10-ZWGK-{n:04d}", "period": "10年",
                 "filed_on": date(2026, 4, 1), "kept_until": date(2036, 12, 31), "values": 7, "papers": 5,
                 "digest": f"{n:x}f" * 32, "head": f"{n:x}a" * 32} for n in (7, 8, 9)
            ],
        },
    }  # fmt: skip
