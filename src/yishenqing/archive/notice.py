"""说明.txt: what lies in a package and how to check it, for an auditor who has never heard of this program."""

from __future__ import annotations

from collections.abc import Sequence

from yishenqing.archive.model import CaseFile
from yishenqing.core.ledger import digest

NOTICE = "说明.txt"


def notice(case: CaseFile, papers: Sequence[tuple[str, str]]) -> str:
    """Return the text of 说明.txt; ``papers`` are title and file name in filing order."""
    listed = "\n".join(f"  {n}. {_one_line(title)}　→ {name}" for n, (title, name) in enumerate(papers, 1))
    text = _TEXT.replace("@number@", _one_line(case.number)).replace("@title@", _one_line(case.title))
    text = text.replace("@agency@", _one_line(case.agency)).replace("@example@", digest("甲", "b"))
    return text.replace("@script@", _SCRIPT).replace("@papers@", listed or "  （无）")


def _one_line(text: str) -> str:
    return " ".join(text.split())


# Standard library only, and deliberately not our own code: the auditor recomputes without us.
_SCRIPT = """\
import hashlib, json

def H(*parts):
    h = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8")
        h.update(len(data).to_bytes(8, "big"))
        h.update(data)
    return h.hexdigest()

A = "ysq1-sha256"
rules = H("rulebook", open("data/rulebook.json", encoding="utf-8", newline="").read())
prev, n = None, 0
for line in open("data/ledger.jsonl", encoding="utf-8", newline="\\n"):
    e, n = json.loads(line), n + 1
    prev = prev or H(A, "genesis", e["agency"], e["number"], rules)
    assert e["seq"] == n and e["prev"] == prev, f"第{n}条记录与前一条不相衔接"
    prev = H(A, e["agency"], e["number"], str(n), e["on"], e["recorded_at"], e["actor"], e["step"],
             "rehearsal" if e["rehearsal"] else "", e["payload"], e["prev"])
    assert e["hash"] == prev, f"第{n}条记录已被改动"
for line in open("data/sealed.jsonl", encoding="utf-8", newline="\\n"):
    s = json.loads(line)
    assert s.get("destroyed") or s["digest"] == H("sealed", s["salt"], s["value"]), "封存值已被改动：" + line
for line in open("data/papers.jsonl", encoding="utf-8", newline="\\n"):
    p = json.loads(line)
    if p.get("destroyed"):
        continue
    assert p["digest"] == H("file", p["salt"], p["sha256"], p["name"]), "文件登记已被改动：" + line
    if p["path"]:
        content = open("data/" + p["path"], "rb").read()
        assert p["sha256"] == hashlib.sha256(content).hexdigest(), "文件已被改动：" + p["path"]
print("台账", n, "条记录相符，末条哈希值", prev)
"""

_TEXT = """\
政府信息公开申请卷宗封存包　说明

案件：@number@　@title@
机关（台账中的标识）：@agency@

一、包内有什么

本封存包按 BagIt 1.0（RFC 8493）制作，是一个普通文件夹，不需要专门软件即可阅读。

  bagit.txt                  封存格式的声明
  bag-info.txt               机关、案号、封存日期、台账条数与末条哈希值
  manifest-sha256.txt        data 文件夹内每个文件的 SHA-256 值
  tagmanifest-sha256.txt     上面三个文件的 SHA-256 值
  data/ledger.jsonl          办理台账：每行一条记录，按办理先后，前后相链
  data/sealed.jsonl          台账中以哈希值代替的个人信息等内容：哈希值、盐、原值
  data/papers.jsonl          台账提到的文件：哈希值、盐、SHA-256、字节数、原名、在 data 中的文件名
                             （path 为 null 的，文件未收入本包）
  data/deadlines.json        各项期限及计算理由、法律依据
  data/rulebook.json         本案适用的办理流程和法律条款全文（立案时的版本）
  data/说明.txt              本说明
  其余                       卷内文件，见第四部分

sealed.jsonl、papers.jsonl 中标有 "destroyed":true 的，原值已按保管期限的规定销毁，台账仍可核验。
本包含有申请人个人信息，请按个人信息保护和档案管理的规定保管。

二、检验文件是否被改动

1. 在本文件夹中运行（Linux、macOS）：
     sha256sum -c manifest-sha256.txt
     sha256sum -c tagmanifest-sha256.txt
   每行显示“OK”或者“成功”即为相符。
2. 装有 Python 的，在上一级文件夹中运行：
     pip install bagit
     python -m bagit --validate 本文件夹的名称
3. 装有依申请（yishenqing）的，运行 ysq archive verify 本文件夹的名称，检验最严：
   任何一个字节的改动、多出或者缺少的文件都会指出。

文件和清单可以一并伪造。要确认本包就是当初封存的那一份，请将 bag-info.txt 中的
Ledger-Head（末条哈希值）与机关另行保存的登记、移交清单核对。

三、检验台账是否被改动

记 H(甲, 乙, …) 为：依次取各部分的 UTF-8 字节，每部分之前先加上它的字节数
（8 个字节，高位在前），全部接起来，求 SHA-256，写成 64 个小写十六进制字符。
例如 H("甲", "b") = @example@

1. 规则文本：规则哈希值 = H("rulebook", rulebook.json 的全文)。
2. 第一条记录的 prev = H("ysq1-sha256", "genesis", agency, number, 规则哈希值)；
   其后每条记录的 prev 等于前一条记录的 hash。
3. 每条记录的 hash = H("ysq1-sha256", agency, number, seq, on, recorded_at, actor, step,
   演练, payload, prev)。各项均取 ledger.jsonl 中的原文；seq 写成十进制数字；
   “演练”一项，rehearsal 为 true 的写 "rehearsal"，为 false 的写空文本 ""。
   payload 是一段 JSON 文本，按原样计算，不得重新排版。
4. 记录中的 {"sealed": 哈希值} 代替 sealed.jsonl 中的一个值：哈希值 = H("sealed", salt, value)，
   salt、value 按原样计算。
5. 记录中的 {"file": 哈希值, "size": 字节数} 代替 papers.jsonl 中的一个文件：
   哈希值 = H("file", salt, sha256, name)，sha256 是文件内容的 SHA-256 值（小写十六进制）。
   文书的记录（letter）中另有 sm3 的：写法相同，两处 SHA-256 都换成 SM3（GB/T 32905）。

下面的程序只用 Python 自带的功能，在本文件夹中运行即可重新计算：

----8<----
@script@----8<----

四、卷内文件（按归档顺序）

@papers@
"""
