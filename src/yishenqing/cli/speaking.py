"""click in Chinese: help pages, usage errors, and one place where every error becomes words and an exit code."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click
from click.exceptions import Exit, NoSuchCommand, NoSuchOption

from yishenqing.core.errors import Fault, YishenqingError, why

_HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}
_USAGE_EXIT = 2
_INTERRUPTED = 130


class _Speaking(click.Command):
    """Help pages with Chinese headings."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        pieces = [
            p.replace("[OPTIONS]", "[选项]")
            .replace("[COMMAND] [ARGS]...", "[命令 …]")
            .replace("COMMAND [ARGS]...", "命令 …")
            for p in self.collect_usage_pieces(ctx)
        ]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix="用法：")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under a Chinese heading."""
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        found = [r for p in options if (r := p.get_help_record(ctx)) is not None]
        records = [(name, _EXTRA.sub(_extra, text)) for name, text in found]
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


_EXTRA = re.compile(r"\[((?:default|required|\d)[^\]]*)\]$")
_RANGE = re.compile(r"(\d+)<=x<=(\d+)")


def _extra(found: re.Match[str]) -> str:
    """Say in Chinese what click adds in brackets: the default, the range, that an option is required."""
    text = found.group(1).replace("default: ", "默认 ").replace("required", "必填").replace("; ", "，")
    return f"［{_RANGE.sub(_RANGE_IN_CHINESE, text)}］"


_RANGE_IN_CHINESE = r"\1 至 \2"


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
                formatter.write_dl([(n, _in_short(c.help or "")) for n, c in found])

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work, not of the alphabet."""
        return [*self.commands]


Group.group_class = Group

_SHORT = 60


def _in_short(text: str) -> str:
    """Return the first sentence, or as many of its clauses as fit: click cuts at spaces, which Chinese lacks."""
    first = "".join(text.strip().partition("\n\n")[0].split("\n"))
    sentence = first.partition("。")[0].partition("，如")[0]
    if len(sentence) <= _SHORT:
        return f"{sentence}。"
    ends = [m.start() for m in re.finditer("[，；：]", sentence[:_SHORT])]
    whole = [end for end in ends if sentence[:end].count("（") == sentence[:end].count("）")]
    return f"{sentence[: whole[-1] if whole else _SHORT]}……"


def speak(command: click.Command, arguments: Sequence[str]) -> int:
    """Run ``command``; return the exit code. Every error is said in Chinese, as JSON where JSON was asked for."""
    for stream in (sys.stdout, sys.stderr):  # a character that the terminal lacks must not end a command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        _refuse_broken(arguments)
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


def _refuse_broken(arguments: Sequence[str]) -> None:
    """Bytes that are no text arrive as lone surrogates; they could neither be recorded nor printed."""
    if any("\ud800" <= c <= "\udfff" for word in arguments for c in word):
        raise click.UsageError("命令行中有不是 UTF-8 编码的文字，请改正后重试。")


def _said(error: Exception) -> tuple[dict[str, Any], str, int]:
    """Return an error as JSON, as words, and as exit code."""
    if isinstance(error, YishenqingError):
        return error.as_json(), _words(error), error.exit_code
    if isinstance(error, click.UsageError):
        text = usage_text(error)
        return _plain("usage", text), text + _hint(error), _USAGE_EXIT
    if isinstance(error, OSError):
        text = f"无法读写文件（{error.filename or ''} {why(error)}），本次没有写入任何内容。"
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
        mine = [p for p in error.permitted if p.mine is not False]
        others = [p for p in error.permitted if p.mine is False]
        for heading, offers in (("现在可以办理：", mine), ("由他人办理：", others)):
            if offers:
                lines.append(heading + "；".join(f"{p.step}（{p.title}）" for p in offers))
    return "\n".join(lines)


def usage_text(error: click.UsageError) -> str:
    """Return a usage error in Chinese."""
    if isinstance(error, NoSuchOption):
        return f"没有选项 {error.option_name}{_close(error.possibilities)}"
    if isinstance(error, NoSuchCommand):
        return f"没有命令 {error.command_name}{_close(error.possibilities)}"
    if isinstance(error, click.MissingParameter):
        return f"缺少{_parameter(error.param)}。"
    if isinstance(error, click.BadParameter):
        return f"{_parameter(error.param)}有误：{_translated(error.message)}"
    if isinstance(error, click.BadOptionUsage):
        return f"选项 {error.option_name} 缺少取值或者用法有误。"
    return _translated(error.message)


def _close(names: Sequence[str] | None) -> str:
    return f"，是否指 {'、'.join(names)}？" if names else "。"


def _parameter(parameter: click.Parameter | None) -> str:
    if parameter is None:
        return "参数"
    if isinstance(parameter, click.Option):
        return f"选项 {parameter.opts[0]} "
    return f"参数“{(parameter.metavar or parameter.human_readable_name).strip('[]…')}”"


# What click says in English, and the same in Chinese.
_TRANSLATIONS = (
    (re.compile(r"^Missing command\.$"), r"缺少命令。"),
    (re.compile(r"^Got unexpected extra arguments? \((.*)\)$", re.DOTALL), r"多余的参数：\1"),
    (re.compile(r"^(.*) is not a valid integer(?: range)?\.$", re.DOTALL), r"\1 不是整数。"),
    (re.compile(r"^(.*) is not in the range (\d+)<=x<=(\d+)\.$", re.DOTALL), r"\1 应在 \2 至 \3 之间。"),
    (re.compile(r"^(.*) is not one of (.*)\.$", re.DOTALL), r"\1 只能是 \2 之一。"),
)


def _translated(message: str) -> str:
    for english, chinese in _TRANSLATIONS:
        if english.match(message):
            return english.sub(chinese, message)
    return message


def _hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else "ysq"
    return f"\n用法见：{path} --help"


def fault_lines(faults: Sequence[Fault]) -> list[str]:
    """Return faults one a line."""
    return [f"  × {fault}" for fault in faults]
