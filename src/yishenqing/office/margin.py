"""A draft as a page: the letter on the left, where each sentence comes from in the margin on the right."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from yishenqing.office.casework import Row

_STYLE = (
    "body{font:16px/1.8 FangSong,serif;max-width:60em;margin:2em auto;color:#222}"
    "h1{font-size:22px;text-align:center}table{width:100%;border-collapse:collapse}"
    "td{vertical-align:top;padding:.35em .6em;border-top:1px solid #ddd}"
    "td+td{width:34%;font-size:13px;line-height:1.5;color:#555;border-left:3px solid #bbb}"
    ".law td+td{border-color:#1d4f91}.entry td+td{border-color:#3a7d44}.precedent td+td{border-color:#b8860b}"
    ".officer td+td,.model td+td{border-color:#b03030}h2{font-size:17px;margin-top:1.5em}li{margin:.2em 0}"
)


def page(answer: Row, organ: str) -> str:
    """Return the page; it needs nothing but itself."""
    title = f"《{answer['title']}》草稿（{answer['number']}）"
    rows = "".join(_row(s) for s in answer["sentences"])
    lists = "".join(_list(head, list(texts)) for head, texts in _lists(answer))
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>{escape(organ)}　办理结果：{escape(answer['outcome_title'])}"
        f"（{escape(answer['chosen_by']['title'])}）</p><table>{rows}</table>{lists}</html>\n"
    )


def _row(sentence: Row) -> str:
    kind = sentence["source"].partition(":")[0]
    whose = "；".join([sentence["from"], *sentence.get("basis", [])])
    return f'<tr class="{escape(kind)}"><td>{escape(sentence["text"])}</td><td>{escape(whose)}</td></tr>'


def _lists(answer: Row) -> Iterator[tuple[str, Iterator[str]]]:
    yield "还需由承办人填写", (f"{m['field']}　{m['title']}" for m in answer["missing"])
    yield "须先办理", (f"{u['text']}（{u['law']}）{u['command']}" for u in answer["unmet"])
    yield "已不成立", (f"{s['was'] or s['text']}——{'、'.join(s['because'])}" for s in answer["stale"])
    yield "与此前答复不同", (d["text"] for d in answer["differing"])
    yield "发出前的检查：错误", (f"{f['title']}：{f['text']}（{f['law']}）" for f in answer["faults"] or ())
    yield "发出前的检查：提示", (f"{f['title']}：{f['text']}（{f['law']}）" for f in answer["warnings"] or ())
    yield (
        "相近案例",
        (f"［{p['bearing']}，{p['fate']}］{p['id']}　{p['title']}：{p['holding']}" for p in answer["precedents"]),
    )


def _list(head: str, texts: list[str]) -> str:
    items = "".join(f"<li>{escape(t)}</li>" for t in texts)
    return f"<h2>{head}</h2><ul>{items}</ul>" if items else ""
