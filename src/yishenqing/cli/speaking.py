"""click in Chinese: help pages, usage errors, and one place where every error becomes words and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click
from click.exceptions import Exit, NoSuchOption

from yishenqing.core.errors import Fault, YishenqingError

_HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}
_USAGE_EXIT = 2
_INTERRUPTED = 130


class _Speaking(click.Command):
    """Help pages with Chinese headings."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        pieces = [
            p.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 …")
            for p in self.collect_usage_pieces(ctx)
        ]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix="用法：")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under a Chinese heading."""
        records = [r for p in self.get_params(ctx) if (r := p.get_help_record(ctx)) is not None]
        if records:
            with formatter.section(_HEADINGS["Options"]):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the help option, explained in Chinese."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示本说明"
        return option


class Command(_Speaking):
    """A command that speaks Chinese."""


class Group(_Speaking, click.Group):
    """A group of commands that speaks Chinese."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under a Chinese heading."""
        names = self.list_commands(ctx)
        found = [(n, c) for n in names if (c := self.get_command(ctx, n)) is not None and not c.hidden]
        if found:
            with formatter.section(_HEADINGS["Commands"]):
                formatter.write_dl([(n, c.get_short_help_str(60)) for n, c in found])

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work, not of the alphabet."""
        return [*self.commands]


Group.group_class = Group


def speak(command: click.Command, arguments: Sequence[str]) -> int:
    """Run ``command``; return the exit code. Every error is said in Chinese, as JSON where JSON was asked for."""
    try:
        code = command.main(args=list(arguments), prog_name="ysq", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except Exit as done:
        return done.exit_code
    except BrokenPipeError:  # the reader of our output has gone (ysq list | head): nothing to say to anybody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except click.Abort:
        sys.stderr.write("已中止。\n")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last stop: said in Chinese, with all that a maintainer needs
        document, text, exit_code = _said(error)
        _say(document, text, as_json="--json" in arguments)
        return exit_code


def _said(error: Exception) -> tuple[dict[str, Any], str, int]:
    """Return an error as JSON, as words, and as exit code."""
    if isinstance(error, YishenqingError):
        return error.as_json(), _words(error), error.exit_code
    if isinstance(error, click.UsageError):
        text = usage_text(error)
        return _plain("usage", text), text + _hint(error), _USAGE_EXIT
    if isinstance(error, OSError):
        text = f"无法读写文件（{error.filename or ''} {error.strerror}），本次没有写入任何内容。"
        return _plain("error", text), text, 1
    traceback.print_exc()
    text = f"程序内部错误（{type(error).__name__}：{error}），请将以上内容发给维护人员。"
    return _plain("error", text), text, 1


def _plain(code: str, text: str) -> dict[str, Any]:
    return {"error": {"code": code, "text": text, "law": [], "permitted": []}}


def _say(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(text + "\n")


def _words(error: YishenqingError) -> str:
    lines = [error.text]
    if laws := [law for law in dict.fromkeys(error.law) if law and law not in error.text]:
        lines.append(f"依据：{'、'.join(laws)}")
    if error.permitted:
        lines.append("现在可以办理：" + "；".join(f"{p.step}（{p.title}）" for p in error.permitted))
    return "\n".join(lines)


def usage_text(error: click.UsageError) -> str:
    """Return a usage error in Chinese."""
    name = getattr(getattr(error, "param", None), "human_readable_name", "") or ""
    if isinstance(error, NoSuchOption):
        close = f"，是否指 {'、'.join(error.possibilities)}？" if error.possibilities else "。"
        return f"没有选项 {error.option_name}{close}"
    if isinstance(error, click.MissingParameter):
        return f"缺少参数 {name}。"
    if isinstance(error, click.BadParameter):
        return f"参数 {name} 有误：{error.message}"
    if isinstance(error, click.BadOptionUsage):
        return f"选项 {error.option_name} 缺少取值或者用法有误。"
    message = error.message
    for english, chinese in (
        ("No such command", "没有命令"),
        ("Missing command", "缺少命令"),
        ("Got unexpected extra argument", "多余的参数"),
        ("Did you mean", "是否指"),
    ):
        message = message.replace(english, chinese)
    return message


def _hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else "ysq"
    return f"\n用法见：{path} --help"


def fault_lines(faults: Sequence[Fault]) -> list[str]:
    """Return faults one a line."""
    return [f"  × {fault}" for fault in faults]
