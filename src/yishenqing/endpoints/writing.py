"""Words from the office's own language model: for named places, as plain sentences; nothing of it is trusted here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from yishenqing.endpoints.calling import call
from yishenqing.endpoints.model import Endpoint, Unreachable

_FENCED = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")
_MOST = 2000  # characters that one place may take


def written(endpoint: Endpoint, instruction: str, material: str, places: Mapping[str, str]) -> dict[str, str]:
    """Return the words for each of ``places`` (its name and what is to be said there), empty ones left out.

    Raises:
        Unreachable: the endpoint does not answer, or not with an object of texts.
    """
    asked = "\n".join(f"- {name}：{title}" for name, title in places.items())
    body = {
        "model": endpoint.model,
        "temperature": 0,
        "messages": [
            {"role": "system", "content": instruction},
            {
                "role": "user",
                "content": f"{material}\n\n请为下列各处拟写文字，只返回 JSON 对象（键为代号）：\n{asked}",
            },
        ],
    }
    answer = call(endpoint, "/chat/completions", body)
    try:
        said = str(answer["choices"][0]["message"]["content"])
        found: Any = json.loads(_FENCED.sub("", said))
    except (KeyError, IndexError, TypeError, ValueError):
        raise Unreachable("回答不合格式（应为 JSON 对象）") from None
    if not isinstance(found, dict):
        raise Unreachable("回答不合格式（应为 JSON 对象）")
    return {n: str(found[n])[:_MOST].strip() for n in places if isinstance(found.get(n), str) and found[n].strip()}
