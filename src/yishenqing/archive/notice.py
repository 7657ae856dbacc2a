"""说明.txt: what lies in a package and how to check it, for an auditor who has never heard of this program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yishenqing.archive.model import CaseFile
from yishenqing.core import destroying
from yishenqing.core.ledger import digest

NOTICE = "说明.txt"


def notice(case: CaseFile, papers: Sequence[tuple[str, str]]) -> str:
    """Return the text of 说明.txt; ``papers`` are title and file name in filing order."""
    listed = "\n".join(f"  {n}. {_one_line(title)}　→ {name}" for n, (title, name) in enumerate(papers, 1))
    text = _TEXT.replace("@number@", _one_line(case.number)).replace("@title@", _one_line(case.title))
    text = text.replace("@agency@", _one_line(case.agency)).replace("@ended@", _ended(case))
    return _explained(text).replace("@papers@", listed or "  （无）")


def _ended(case: CaseFile) -> str:
    """Say of a destroyed case that it was destroyed, where everybody reads it first."""
    entry = destroying.destruction(case.entries)
    if entry is None:
        return ""
    text = (
        f"本案已于{entry.on}依法销毁：封存的个人信息、申请材料、文书、附件的内容不再存在，只存台账和销毁证明；"
        f"销毁的依据、提出人、批准人和所销毁内容的哈希值，见台账第{entry.seq}条记录。\n"
    )
    return f"\n{text}"


def volume_notice(agency: str, title: str, cases: int, left_out: Sequence[Mapping[str, str]]) -> str:
    """Return the text of 说明.txt of a volume; ``left_out`` are cases that are not in it, and why."""
    listed = "\n".join(f"  {_one_line(case['number'])}　{_one_line(case['why'])}" for case in left_out)
    text = _VOLUME.replace("@agency@", _one_line(agency)).replace("@title@", _one_line(title))
    text = _explained(text.replace("@cases@", str(cases)))
    return text.replace("@left_out@", listed or "  （无）")


def _explained(text: str) -> str:
    text = text.replace("@checking@", _CHECKING).replace("@chain@", _CHAIN)
    return text.replace("@example@", digest("甲", "b"))


def _one_line(text: str) -> str:
    return " ".join(text.split())


_TEXT = """\
政府信息公开申请卷宗封存包　说明

案件：@number@　@title@
机关（台账中的标识）：@agency@
@ended@
一、包内有什么

本封存包按 BagIt 1.0（RFC 8493）制作，是一个普通文件夹，不需要专门软件即可阅读。

  bagit.txt                  封存格式的声明
  bag-info.txt               机关、案号、档号、封存日期、台账条数与末条哈希值
  manifest-sha256.txt        data 文件夹内每个文件的 SHA-256 值
  sm3.txt                    data 文件夹内每个文件的 SM3 值（GB/T 32905）
  tagmanifest-sha256.txt     与本表同级的其他文件的 SHA-256 值
  verify.py                  独立核验程序，只需要 Python
  checkpoints.jsonl          固定本案台账的检查点及其签名（机关设有检查点的）
  data/ledger.jsonl          办理台账：每行一条记录，按办理先后，前后相链
  data/sealed.jsonl          台账中以哈希值代替的个人信息等内容：哈希值、盐、原值
  data/papers.jsonl          台账提到的文件：哈希值、盐、SHA-256、字节数、原名、在 data 中的文件名
                             （path 为 null 的，文件未收入本包）
  data/deadlines.json        各项期限及计算理由、法律依据
  data/metadata.json、.xml   案卷和各件文件的元数据（DA/T 46）
  data/anchor.json           本案台账在检查点中的位置和推算路径（机关设有检查点的）
  data/rulebook.json         本案适用的办理流程和法律条款全文（立案时的版本；其后转用的另存为 rulebook-2.json 等）
  data/说明.txt              本说明
  其余                       卷内文件，见第四部分

sealed.jsonl、papers.jsonl 中标有 "destroyed":true 的，原值已按保管期限的规定销毁，台账仍可核验。
本包含有申请人个人信息，请按个人信息保护和档案管理的规定保管。

@checking@
@chain@
四、卷内文件（按归档顺序）

@papers@
"""

_VOLUME = """\
政府信息公开申请卷宗封存包　说明

@title@　共@cases@件
机关（台账中的标识）：@agency@

一、包内有什么

本封存包按 BagIt 1.0（RFC 8493）制作，是一个普通文件夹，不需要专门软件即可阅读。

  bagit.txt                  封存格式的声明
  bag-info.txt               机关、封存日期、案件数、各案台账末条哈希值的总根（Ledger-Root）
  manifest-sha256.txt        data 文件夹内每个文件的 SHA-256 值
  sm3.txt                    data 文件夹内每个文件的 SM3 值（GB/T 32905）
  tagmanifest-sha256.txt     与本表同级的其他文件的 SHA-256 值
  verify.py                  独立核验程序，只需要 Python
  checkpoints.jsonl          固定各案台账的检查点及其签名（机关设有检查点的）
  data/cases.jsonl           案件目录：每行一件，文件夹、案号、档号、题名、台账条数与末条哈希值、所依据的规则
  data/rules/                各案适用的办理流程和法律条款全文，文件名是其规则哈希值
  data/说明.txt              本说明
  data/其余文件夹            每件案件一个，卷内文件按归档顺序编号，另有：
    ledger.jsonl             办理台账：每行一条记录，按办理先后，前后相链
    sealed.jsonl             台账中以哈希值代替的个人信息等内容：哈希值、盐、原值
    papers.jsonl             台账提到的文件：哈希值、盐、SHA-256、字节数、原名、在本案文件夹中的文件名
    deadlines.json           各项期限及计算理由、法律依据
    metadata.json、.xml      案卷和各件文件的元数据（DA/T 46）
    anchor.json              本案台账在检查点中的位置和推算路径（机关设有检查点的）

sealed.jsonl、papers.jsonl 中标有 "destroyed":true 的，原值已按保管期限的规定销毁，台账仍可核验。
本包含有申请人个人信息，请按个人信息保护和档案管理的规定保管。

@checking@
@chain@
四、按选取的条件应当收入、但没有收入本包的案件

@left_out@
"""

_CHECKING = """\
二、检验文件是否被改动

1. 装有 Python 的，在本文件夹中运行（不需要安装其他软件；签名用 openssl 核验）：
     python3 verify.py
   加上 --sm3 的，另按 SM3 值核对一遍。
2. 没有 Python 的，在本文件夹中运行（Linux、macOS）：
     sha256sum -c manifest-sha256.txt
     sha256sum -c tagmanifest-sha256.txt
   每行显示“OK”或者“成功”即为相符。
3. 用 BagIt 工具的，在上一级文件夹中运行：
     pip install bagit
     python -m bagit --validate 本文件夹的名称
4. 装有依申请（yishenqing）的，运行 ysq archive verify 本文件夹的名称，检验最严：
   任何一个字节的改动、多出或者缺少的文件都会指出。

文件和清单可以一并伪造。要确认本包就是当初封存的那一份，请将 bag-info.txt 中的 Ledger-Head（或者 Ledger-Root）
与机关另行保存的登记、移交清单核对；有检查点的，将其核对值与会议纪要等处记载的核对，公钥（key）与机关公布的核对。
"""

_CHAIN = """\
三、检验台账是否被改动（verify.py 即照此计算）

记 H(甲, 乙, …) 为：依次取各部分的 UTF-8 字节，每部分之前先加上它的字节数
（8 个字节，高位在前），全部接起来，求 SHA-256，写成 64 个小写十六进制字符。
例如 H("甲", "b") = @example@

1. 规则文本：规则哈希值 = H("rulebook", 规则文件的全文)。
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
6. 检查点：叶 = SHA-256(0x00 ‖ 文本)，文本是 ["agency","number",seq,"hash"] 写成的 JSON（无空格）；
   结点 = SHA-256(0x01 ‖ 左 ‖ 右)，树形依 RFC 6962；anchor.json 的 path 从叶到根逐级列出相邻的结点。
   检查点的核对值，是 checkpoints.jsonl 的一行去掉 signature 后的 JSON（键按顺序，无空格）的 SHA-256 值；
   签名（Ed25519，公钥为 key）所签的就是这段 JSON。
   Ledger-Root 是以各案末条记录为叶、按 cases.jsonl 的次序求得的根。
"""
