"""What an officer reads on the terminal: cases, deadlines with their reasons, lists, drafts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from yishenqing.core.deadline import STATE_TITLES
from yishenqing.core.ledger import in_china
from yishenqing.core.workflow import OWED_BY_TITLES

if TYPE_CHECKING:
    from yishenqing.cli.options import Wishes

Row = Mapping[str, Any]
_HEADING = 2


def document(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def lines(texts: Iterable[str]) -> None:
    """Print lines."""
    for text in texts:
        click.echo(text)


def show(wishes: Wishes, found: object, texts: Iterable[str]) -> None:
    """Print an answer as was wished."""
    if wishes.as_json:
        document(found)
    else:
        lines(texts)


def case(found: Row) -> list[str]:
    """Return a case: where it stands, what is due and why, what may be done, its letters and ledger."""
    out = [f"案件 {found['number']}　{found['stage']}阶段：{found['state_title']}"]
    if found["workflow"]["id"] != "disclosure":
        out.append(f"  流程：{found['workflow']['title']}")
    out += _asked(found["entries"])
    out += [f"  提示：{_with_law(warning)}" for warning in found.get("warnings") or []]
    out += [f"  ！{doubt['text']}" for doubt in found["doubts"]]
    if found["masked"]["kinds"]:
        text = f"您的岗位办理案件不需要看到{'、'.join(found['masked']['kinds'])}，已经遮盖"
        out.append(f"  提示：{_with_law({'text': text, 'law': found['masked']['law']})}")
    out += _ended(found["destroyed"]) if found["destroyed"] else []
    if found["corrected"]:
        out.append("  ！本案先前的答复已被责令重新作出，留卷备查，不得再作为先例")
    if "recognised" in found or "holdings" in found:
        from yishenqing.cli.known import known_lines  # noqa: PLC0415 - an act has nothing of it

        out += known_lines(found)
    out += ["", "期限"]
    for deadline in found["deadlines"]:
        out += deadline_lines(deadline)
    out += _beside(found)
    out += _offers(found)
    out += [*_kept(found["retention"]), *_recalled(found), *_routed(found)]
    if found["letters"]:
        out += ["", "文书"]
        out += [f"  {x['number']}　{x['title']}\n    {x['path'] or '（已销毁）'}" for x in found["letters"]]
    if found["linked"]:
        out += ["", "关联案件"]
        out += [_linked(x) for x in found["linked"]]
    out += ["", "案卷记录"]
    out += [entry(e) for e in found["entries"]]
    return [*out, *_since(found)] if "since" in found else out


def _asked(entries: Sequence[Row]) -> list[str]:
    """Return who applied and what is asked for now, as far as whoever looks may see it."""
    opening = entries[0]["facts"]
    people = [who for name in ("applicant", "joint_applicants") for who in _listed(opening.get(name))]
    names = [str(who.get("name") or "") if isinstance(who, dict) else str(who) for who in people]
    items: Any = next((e["facts"]["items"] for e in reversed(entries) if e["facts"].get("items")), [])
    out = [f"  申请人：{'、'.join(names)}"] if any(names) else []
    return out + [f"  申请内容{n}：{' '.join(item.split())}" for n, item in enumerate(_listed(items), 1)]


def _listed(value: Any) -> list[Any]:
    """Return what was opened as a list: what was destroyed, or is under a key that is not here, is a text."""
    return value if isinstance(value, list) else [value] if value else []


def _ended(told: Row) -> list[str]:
    """Return how a case was destroyed."""
    return [
        f"  ！本案已于{told['on']}依法销毁，只存台账和销毁证明（销毁清册{told['list']}，{told['kept']}）",
        f"    依据：{'、'.join(told['basis'])}　鉴定意见：{told['opinion']}",
        f"    提出人：{told['proposed_by']}　批准人：{told['approved_by']}　销毁{told['items']}项（哈希值见记录）",
    ]


def _offers(found: Row) -> list[str]:
    """Return what may be done now: first by who asks, then by others, each with who takes it."""
    rows, yours = found["permitted"], found["yours"]
    if "as_known" in found:  # of a day gone by nothing can be taken any more
        return []
    if not rows:
        return ["", "现在可以办理", "  （无，案件已终结）"]
    mine = [p for p in rows if yours is None or p["step"] in yours["steps"]]
    others = [p for p in rows if p not in mine]
    out = ["", "现在可以办理", *map(_offer, mine)]
    if others:
        out += [] if mine else [f"  （没有由{yours['name']}办理的）"]
        out += ["由他人办理", *(f"{_offer(p)}　（{yours['by'][p['step']]}）" for p in others)]
    return out


def _kept(told: Row | None) -> list[str]:
    """Return for how long it is proposed to keep the case that may be filed now."""
    if told is None:
        return []
    return [f"      保管期限建议：retention={told['period']}（{told['title']}）：{told['why']}；由档案员确定"]


def _offer(found: Row) -> str:
    return f"  {found['step']}　{found['title']}" + (f"（用 ysq {found['verb']} 办理）" if found.get("verb") else "")


def _linked(found: Row) -> str:
    """Return a linked case, or the one that this case hangs on."""
    result = f"　结果：{found['result_title']}" if found["result_title"] else ""
    return f"  {found['number']}　{found['title']}　{found['state_title']}{result}"


def _beside(found: Row) -> list[str]:
    """Return the proceedings that run beside the stage."""
    still = [b for b in found["beside"] if b["open"]]
    if not still:
        return []
    named = ((f"（{b['id']}）" if b["id"] else "", b) for b in still)
    return ["", "并行的程序", *(f"  {b['title']}{which}　{b['state_title']}" for which, b in named)]


def _recalled(found: Row) -> list[str]:
    """Return what earlier entries say to the steps at hand."""
    out = []
    for recall in found["recalls"] if "as_known" not in found else ():
        if recall["missing"]:
            out.append(f"  办理“{recall['title']}”之前，尚未“{'、'.join(recall['missing'])}”")
        for e in recall["entries"]:
            said = "；".join(f"{title}：{value}" for title, value in e["facts"].items())
            out.append(f"  {e['on']}{e['title']}——{said}")
    return ["", "办理前请看", *dict.fromkeys(out)] if out else []


def _routed(found: Row) -> list[str]:
    """Return what the routing table proposes."""
    rows = found["routing"] if "as_known" not in found else []
    return ["", "分办参考（由办理的人决定）", *routes(rows)] if rows else []


def routes(rows: Iterable[Row]) -> list[str]:
    """Return the proposals of the routing table."""
    out = []
    for r in rows:
        who = f"本机关{r['department']}承办" if r["department"] else f"由{r['organ']}负责公开（{r['contact']}）"
        out.append(
            f"  第{r['item']}项　{r['topic']}·{r['stage']}：{who}（{r['law']}）　依据词：{'、'.join(r['matched'])}"
        )
        out += [f"      告知用语：{r['sentence']}"] if r["sentence"] else []
    return out


def _since(found: Row) -> list[str]:
    """Return what has changed since the day that a case was shown as known on."""
    since = found["since"]
    out = ["", f"以上为{found['as_known']}时已知的情况。此后："]
    for entry in since["entries"]:
        written = f"{in_china(entry['recorded_at']):%Y-%m-%d}"
        out.append(f"  第{entry['seq']}条记录　{entry['on']}{entry['title']}（{written}记入）")
    for moved in since["deadlines"]:
        out.append(f"  {moved['title']}：{moved['then'] or '（当时没有）'} → {moved['now']}")
        out += [f"    · {_with_law(why)}" for why in moved["why"]]
    return out if len(out) > _HEADING else [*out, "  没有变化。"]


def deadline_lines(deadline: Row) -> list[str]:
    """Return one deadline with its reasons."""
    state = STATE_TITLES[deadline["state"]]
    provisional = "（暂定）" if deadline["provisional"] else ""
    owed = OWED_BY_TITLES[deadline["owed_by"]]
    out = [f"  {deadline['title']}　{deadline['due']}{provisional}　{state}　由{owed}履行"]
    out += [f"    · {_with_law(reason)}" for reason in deadline["reasons"]]
    out += [f"    另一种算法：{a['due']}，{a['why']}" for a in deadline["alternatives"]]
    return out


def entry(found: Row) -> str:
    """Return one entry of the ledger."""
    rehearsal = "　【演练】" if found["rehearsal"] else ""
    place = f"  {found['seq']:>3}　{found['on']}　{found['title']}"
    return f"{place}　办理人：{found['actor_name']}　{found['hash'][:12]}{rehearsal}"


def due(found: Row) -> list[str]:
    """Return the due list, the most urgent first."""
    if not found["cases"]:
        return ["没有待办的期限。"]
    return [
        "　".join(
            (
                x["number"],
                x["state_title"],
                f"{x['title']}：{x['due']}{'（暂定）' if x['provisional'] else ''}",
                STATE_TITLES[x["clock_state"]],
                left(x["working_days_left"]),
                f"待{OWED_BY_TITLES[x['owed_by']]}",
            )
        )
        for x in found["cases"]
    ] + (["（其后还有；用 --limit 指定列出多少项）"] if found.get("more") else [])


def left(days: int) -> str:
    """Return how many working days are left, or how many it is over."""
    return f"还剩{days}个工作日" if days >= 0 else f"已超{-days}个工作日"


def cases(found: Row) -> list[str]:
    """Return the list of cases."""
    if not found["cases"]:
        return ["还没有案件；用 ysq register 登记第一件申请。"]
    return [
        f"{x['number']}　{x['state_title']}"
        + (f"　{x['title']}：{x['due']}　{left(x['working_days_left'])}" if x["due"] else "")
        for x in found["cases"]
    ] + ([f"（其后还有；用 --after {found['cases'][-1]['number']} 接着列）"] if found.get("more") else [])


_MADE_BY = {"program": "程序或者其程序库的版本", "templates": "文书模板", "fonts": "字体", "style": "文书格式的设置"}


def again(found: Row) -> list[str]:
    """Return how a letter made again compares with the one that was issued."""
    head = f"{found['title']}　{found['number']}"
    signed = _signature(found["signature"]) if "signature" in found else []
    if found["identical"]:
        return [f"{head}　重新印制的结果与原件完全一致", f"SHA-256 {found['sha256']}", *signed]
    changed = "、".join(_MADE_BY[name] for name in found["changed"])
    same = "所用的程序、模板、字体、格式都没有变，变的可能是机关设置（名称、地址等）或者工作日安排，请查明"
    told = f"出具以后变了的：{changed}" if changed else same
    out = [f"{head}　重新印制的结果与原件不一致（原件仍与记录相符）", told]
    if not found["lines"]:
        return [*out, "文字完全相同，只是版面或者文件内部的写法不同。", *signed]
    return [*out, "文字的差别（- 原件，+ 重新印制）：", *(f"  {line}" for line in found["lines"]), *signed]


def _signature(found: Row) -> list[str]:
    """Return what the electronic signature was found to be."""
    begins = "以原件逐字节开头" if found["begins_with_letter"] else "不以原件开头，已被改动"
    out = [f"已签名的文件：{begins}；SHA-256 {found['sha256']}"]
    if not found["examined"]:
        return [*out, "  本机没有 pyHanko，不能核验签名；请运行：pip install 'yishenqing[sign]'"]
    if not found["signatures"]:
        out.append("  文件中没有本程序读得出的签名")
    for one in found["signatures"]:
        if not one["readable"]:
            out.append("  签名不是本程序能核验的种类（如国密 SM2），请用签章系统核验")
            continue
        state = "有效，签名以后没有改动" if one["intact"] and one["whole"] else "无效：签名以后有改动"
        trust = (
            "证书可信"
            if one["trusted"]
            else "证书是否可信未核（letters.sign.trust 没有写明或者不能到达可信的根证书）"
        )
        out.append(f"  签名人 {one['by']}，签名时间 {one['at']}：{state}；{trust}")
    return out


def word(found: Row) -> list[str]:
    """Return what a Word file changes, and the commands that record it."""
    if not found["islands"]:
        return [f"《{found['title']}》：没有改动。"]
    out = [f"《{found['title']}》　可改的内容有{len(found['islands'])}处改动"]
    for island in found["islands"]:
        out += ["", f"{island['title']}（{island['fact']}）", *(f"  {text}" for text in island["diff"])]
    if found["taken"]:
        return [*out, "", f"已记入案卷：{'、'.join(a['title'] for a in found['acts'])}。现为{found['state_title']}。"]
    out += ["", "尚未记入案卷。记入的办法：" + ("依次办理" if len(found["acts"]) > 1 else "办理")]
    for act in found["acts"]:
        facts = [f"{n}={v}" for n, value in act["facts"].items() for v in _each(value)]
        out.append(f"  ysq act {found['number']} {act['step']} {shlex.join(facts)}".rstrip())
        out += [f"      （{n} 的文件另行指明）" for n in act["files"]]
    if found["missing"]:
        return [*out, "  还须写明：" + "、".join(f"{m['field']}（{m['title']}）" for m in found["missing"])]
    return [*out, "  或者在同一命令后加 --take，由程序一并记入（仅限答复）。"]


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else (value,)


def match_lines(matches: Iterable[Row]) -> list[str]:
    """Return search hits, each with why it was found."""
    out = []
    for match in matches:
        bearing = f"［{match['bearing']}］" if "bearing" in match else ""
        out.append(f"  {match['id']}　{match['title']}{bearing}　{match['score']:.2f}")
        if "passage" in match:
            out.append(f"      {match['passage']['field']}：{_marked(match['passage'])}")
        out += [f"      {why}" for why in match["why"]]
    return out


def _marked(passage: Row) -> str:
    """Return a passage with the places that say what was asked between signs, and bold where that can be shown."""
    text, out, end = str(passage["text"]), "", 0
    for a, b in passage["marks"]:
        out += text[end:a] + click.style(f"【{text[a:b]}】", bold=True)
        end = b
    return out + text[end:]


def check(found: Row) -> list[str]:
    """Return what the check found: every citation, then the faults."""
    out = ["流程和文书所引条文"] if found["citations"] else []
    for citation in found["citations"]:
        mark = "✓" if citation["resolved"] else "×"
        out.append(f"  {mark} {citation['law']}　{citation['text']}")
        out.append(f"      用于：{'、'.join(citation['places'])}")
    out += _readings(found["readings"])
    years = found["calendar"]
    if years:
        out.append(f"工作日安排：{years[0]}年至{years[-1]}年")
    out += [
        f"流程：{flow['id']}　{flow['title']}" + (f"（{flow['extends']}的变体）" if flow["extends"] else "")
        for flow in found["workflows"]
    ]
    out += [
        f"  ？尚未由人核对的期限数值：{term['title']}　{term['value']}（{term['law']}）"
        for term in found["unchecked"]
    ]
    out += [f"  ？尚未由人核对的款、项数目：《{title}》" for title in found["unchecked_parts"]]
    for proof in found["proof"]:
        out.append(f"“{proof['title']}”的不变量")
        out += [f"  {'✓' if one['proved'] else '×'} {one['title']}（{one['law']}）" for one in proof["invariants"]]
        explored = f"{proof['configurations']}种情形、{proof['transitions']}次转移"
        out.append(f"  穷尽了{explored}；同一种并行程序同时至多{proof['bound']}项")
    if found["faults"]:
        out.append(f"发现{len(found['faults'])}处错误：")
        out += [f"  × {f['text']}" for f in found["faults"]]
    else:
        out.append(f"检查通过：共引用{len(found['citations'])}处条文，全部可以核对。")
    return out


def _readings(readings: Iterable[Row]) -> list[str]:
    """Return how each contested point is read, and by whose choice."""
    out = ["有争议的读法（可在 office.yaml 的 readings 中另选）"] if readings else []
    for reading in readings:
        whose = "默认" if reading["default"] else "本机关选用"
        out.append(f"  {reading['reading']}　{reading['title']}")
        out.append(f"      {whose}：{reading['taken']}　{reading['taken_title']}（{reading['law']}）")
        out.append(f"      理由：{reading['why']}（{reading['source']}）")
        out += [f"      可另选：{word}　{title}" for word, title in reading["others"].items()]
    return out


def _with_law(reason: Row) -> str:
    return f"{reason['text']}（{reason['law']}）" if reason.get("law") else str(reason["text"])


def line(value: object) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def precedent_lines(found: Row) -> list[str]:
    """Return one precedent, field by field."""
    ends = {True: "原处理结果已被撤销、确认违法或者纠正，不得照搬", False: "原处理结果得到维持或者未被纠正"}
    fate = ends.get(found["overturned"], "结局不详")
    rows = (
        ("案情", found["facts"]),
        ("申请内容", found["request"]),
        ("要旨", found["holding"]),
        ("可参考的表述", found["reply"]),
        ("依据", "、".join(found["legal_basis"])),
        ("结局", "；".join(x for x in (fate, found.get("fate")) if x)),
        ("时间", found["decided_on"]),
        ("来源", found["source"]),
        ("层级", "市级（省级）共享" if found.get("level") == "city" else ""),
        ("核对情况", found.get("verification")),
        ("提示", "".join([found.get("law_note") or "", *found.get("marks", ())])),
    )
    return [f"{found['id']}　{found['title']}", *(f"  {name}：{text}" for name, text in rows if text)]
