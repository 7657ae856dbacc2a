"""The commands of a case's road, and those that look after the office."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Day, Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command
from yishenqing.core.errors import IntegrityFault

_FILE = click.Path(path_type=Path)


@click.command(cls=Command, help="建立机关文件夹：设置、数据库、案例库（可以重复运行；也用于升级数据库）。")
@click.option(
    "--workflow", default="", metavar="流程", help="按哪个流程办理（如 township、city_legal，默认 disclosure）"
)
@click.option(
    "--db", default="", metavar="地址", help="PostgreSQL 的地址，如 postgresql+psycopg://用户@主机/库名（不含口令）"
)
@click.option(
    "--roles",
    type=click.Choice(["print", "apply"]),
    metavar="print|apply",
    help="数据库角色：print 打印授权语句交数据库管理员执行，apply 直接执行（须以属主身份连接）",
)
@global_options
def init(wishes: Wishes, workflow: str, db: str, roles: str | None) -> None:
    """Make an office's folder."""
    from yishenqing.office import Office  # noqa: PLC0415 - `--help` opens no office

    existed, key = (wishes.folder / "office.yaml").exists(), wishes.folder / "secrecy.key"
    keyed = key.exists()
    settings = Office.init(wishes.folder, wishes.user, workflow, db)
    with Office.open(wishes.folder, user=wishes.user) as office:
        encrypted = office.keys()
    if roles:
        statements = Office.roles(wishes.folder, apply=roles == "apply")
        told = [f"{s};" for s in statements] if roles == "print" else [f"已执行{len(statements)}条授权语句。"]
        _show(wishes, {"statements": statements, "applied": roles == "apply"}, told)
        return
    text = [f"机关文件夹已就绪：{wishes.folder}"]
    if not existed:
        text.append(f"设置文件：{settings}（现为示例机关“云溪县自然资源局”，正式使用前请改成本机关的）")
        text.append("当前登录用户已有全部岗位；可在设置文件中另行分配。")
    if not existed or not encrypted["encrypted"] or (key.exists() and not keyed):
        from yishenqing.cli.secrecy import told_at_first  # noqa: PLC0415 - once in the life of an office

        text += told_at_first(encrypted)
    _show(wishes, {"home": str(wishes.folder), "settings": str(settings), "created": not existed}, text)


@click.command(cls=Command, help="将数据库升级到本版本程序所用的结构（不改动任何记录）。")
@click.option("--db", default="", metavar="地址", help="以此地址（如数据库属主的）连接，不改动 office.yaml")
@global_options
def upgrade(wishes: Wishes, db: str) -> None:
    """Bring the database to the newest version."""
    from yishenqing.office import Office  # noqa: PLC0415 - `--help` opens no office

    version = Office.upgrade(wishes.folder, db)
    with Office.open(wishes.folder, user=wishes.user) as office:
        encrypted = office.keys()
    text = [f"数据库结构已是最新（{version}）。"]
    if not encrypted["encrypted"]:
        from yishenqing.cli.secrecy import told_at_first  # noqa: PLC0415 - once in the life of an office

        text += told_at_first(encrypted)
    _show(wishes, {"version": version}, text)


@click.command(cls=Command, help="登记一件申请（JSON 或者 YAML 文件），给出编号和期限。")
@click.argument("file", type=_FILE, metavar="申请文件")
@global_options
def register(wishes: Wishes, file: Path) -> None:
    """Open a case."""
    with wishes.office() as office:
        found = dict(office.register(file, on=wishes.on))
    _show(wishes, found, printing.case(found))


@click.command("list", cls=Command, help="列出全部案件，或者从某个编号之后的若干件。")
@click.option("--limit", type=click.IntRange(1), metavar="件数", help="最多列出多少件（默认全部）")
@click.option("--after", default="", metavar="案件编号", help="从这个编号之后列起")
@global_options
def list_cases(wishes: Wishes, limit: int | None, after: str) -> None:
    """List the cases."""
    with wishes.office_as_seen() as office:
        found = office.cases(limit=limit, after=after)
    _show(wishes, found, printing.cases(found))


@click.command(cls=Command, help="查看一件案件：记录、状态、期限及其理由、可以办理的步骤、文书。")
@click.argument("case", metavar="案件编号")
@click.option("--as-known", type=Day(), metavar="日期", help="按当日已知的情况显示，并说明与现在的差别")
@click.option("--calendar", "drawn", is_flag=True, help="另画出逐周日历，标明计入、扣除和休息的日子，便于数日子")
@global_options
def show(wishes: Wishes, case: str, as_known: date | None, *, drawn: bool) -> None:
    """Show one case."""
    with wishes.office_as_seen() as office:
        found = dict(office.show(case, as_known=as_known))
    _show(wishes, found, printing.case(found))
    if drawn and not wishes.as_json:
        from yishenqing.cli.weeks import drawings

        printing.lines(drawings(found["deadlines"], wishes.place, as_known))


@click.command(cls=Command, help="列出将要届满的期限，最急的在前。")
@click.option("--limit", type=click.IntRange(1), metavar="项数", help="只列出最急的多少项（默认全部）")
@global_options
def due(wishes: Wishes, limit: int | None) -> None:
    """Show what falls due."""
    with wishes.office_as_seen() as office:
        found = office.due(limit=limit)
    _show(wishes, found, printing.due(found))


@click.command(cls=Command, help="办理一个步骤，如：ysq act 2026-0001 accepted handler=征地管理科")
@click.argument("case", metavar="案件编号")
@click.argument("step", metavar="步骤")
@click.argument("facts", nargs=-1, metavar="[事实=内容]…")
@click.option("--expect", type=int, metavar="序号", help="您所见的最后一条记录的序号；其后有变化则不办理")
@global_options
def act(wishes: Wishes, case: str, step: str, facts: tuple[str, ...], expect: int | None) -> None:
    """Take a step."""
    given = read_facts(facts)
    with wishes.office() as office:
        found = dict(office.act(case, step, given, on=wishes.on, expect=expect))
    _show(wishes, found, printing.case(found))


def read_facts(words: tuple[str, ...]) -> dict[str, Any]:
    """Return KEY=VALUE words as facts; a key given twice is a list."""
    facts: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"“{word}”应写作 事实=内容，如 days=10")
        key = key.strip()
        if key in facts:
            earlier = facts[key] if isinstance(facts[key], list) else [facts[key]]
            facts[key] = [*earlier, value]
        else:
            facts[key] = value
    return facts


@click.command(cls=Command, help="取得已出具的文书；尚未出具的，印制草稿供查看，或者导出 Word 填写说理部分再读回。")
@click.argument("case", metavar="案件编号")
@click.argument("kind", metavar="文书种类")
@click.option("--again", is_flag=True, help="按记录重新印制已出具的文书，与原件逐字节比对（不写入任何内容）")
@click.option("--docx", is_flag=False, flag_value="", metavar="[文件]", help="导出 Word 草稿：只有承办人的话可以改")
@click.option(
    "--read-docx", type=_FILE, metavar="文件", help="读回填写过的 Word 草稿，列出改动；锁定的内容改了则拒绝"
)
@click.option("--take", is_flag=True, help="与 --read-docx 合用：将改动记入案卷（退回、重新拟制答复）")
@global_options
def letter(
    wishes: Wishes, case: str, kind: str, docx: str | None, read_docx: Path | None, *, again: bool, take: bool
) -> int:
    """Return an issued letter, or a draft for reading; or send a draft to Word and read it back."""
    if (docx is not None) + (read_docx is not None) + again > 1 or (take and read_docx is None):
        raise click.UsageError("--again、--docx 和 --read-docx 不能合用；--take 须与 --read-docx 合用")
    if again:
        with wishes.office() as office:
            found = office.letter_again(case, kind)
        _show(wishes, found, printing.again(found))
        holds = found["identical"] and found.get("signature", {}).get("holds", True)
        return 0 if holds else IntegrityFault.exit_code
    with wishes.office() as office:
        if read_docx is not None:
            read = office.read_docx(case, kind, read_docx, take=take, on=wishes.on)
            _show(wishes, read, printing.word(read))
            return 0
        found = (
            office.letter(case, kind)
            if docx is None
            else office.letter_docx(case, kind, Path(docx) if docx else None)
        )
    issued = f"已出具　{found['number']}" if found["number"] else "卷宗用表（不编号）"
    status = "草稿（没有编号，不得发出）" if found["draft"] else issued
    signed = [f"已签名　{found['signed']['path']}"] if "signed" in found else []
    _show(wishes, found, [f"{found['title']}　{status}", str(found["path"]), *signed])
    return 0


@click.command(cls=Command, help="核对流程、法律数据和文书模板，列出所引条文。")
@global_options
def check(wishes: Wishes) -> int:
    """Verify workflows, law and letters."""
    from yishenqing.office.checking import check as check_files

    found = check_files(wishes.folder)
    _show(wishes, found, printing.check(found))
    return 6 if found["faults"] else 0


@click.command(cls=Command, help="绘制依申请公开流程图：公众用的和办理用的（SVG 和 Mermaid）。")
@click.option("--to", "folder", type=_FILE, metavar="文件夹", default=Path(), help="写到哪个文件夹（默认当前文件夹）")
@click.option("--workflow", default="", metavar="流程", help="画哪个流程（如 reconsideration，默认 disclosure）")
@global_options
def diagram(wishes: Wishes, folder: Path, workflow: str) -> None:
    """Draw the flow chart."""
    from yishenqing.office.checking import diagrams

    found = diagrams(wishes.folder, folder, workflow)
    lines = [f"流程图：{found['svg']}", f"Mermaid：{found['mermaid']}"]
    if found["full_svg"] != found["svg"]:
        lines = [f"公众用{lines[0]}", f"公众用{lines[1]}"]
        lines += [f"办理用流程图：{found['full_svg']}", f"办理用Mermaid：{found['full_mermaid']}"]
    _show(wishes, found, lines)


@click.command(cls=Command, help="演示：用示例申请走完登记到归档的全过程，并核验卷宗。")
@click.option("--to", "folder", type=_FILE, metavar="文件夹", help="演示文件放在哪里（默认 ./demo-output）")
@global_options
def demo(wishes: Wishes, folder: Path | None) -> None:
    """Run one case through all six stages."""
    from yishenqing.cli.demo import walk

    found = walk(folder or Path("demo-output"), say=(lambda _: None) if wishes.as_json else click.echo)
    if wishes.as_json:
        printing.document(found)


ALL: tuple[click.Command, ...] = (
    init,
    demo,
    register,
    list_cases,
    show,
    due,
    act,
    letter,
    check,
    diagram,
    upgrade,
)
