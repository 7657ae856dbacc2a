"""The rules of the house: short files, explained names, no clock in the core, no number of the law in Python."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from yishenqing.articles import article, old_wordings
from yishenqing.cli import cli
from yishenqing.office import anchoring, schema
from yishenqing.rulebook import Rulebook

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "yishenqing"
FILES = sorted(p for p in SOURCE.rglob("*.py"))
TREES = {p: ast.parse(p.read_text(encoding="utf-8")) for p in FILES}
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
CHINESE = re.compile(r"[\u3001-\u3011\u4e00-\u9fff\uff01-\uff1f]")  # its letters or its punctuation
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def named(tree: ast.AST, *, public: bool = True) -> Iterator[Named]:
    """Yield classes, functions and methods; only those whose every name is public, unless asked otherwise."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if public and node.name.startswith("_") and node.name != "__init__":
            continue
        yield node
        if isinstance(node, ast.ClassDef) or not public:
            yield from named(node, public=public)


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 50
    assert sum(1 for tree in TREES.values() for _ in named(tree)) > 300


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    lines = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in FILES}
    assert {name: n for name, n in lines.items() if n > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_page() -> None:
    found = {
        f"{place(path, node)} {node.name}": length
        for path, tree in TREES.items()
        for node in named(tree, public=False)
        if not isinstance(node, ast.ClassDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert found == {}


def test_every_module_and_every_public_name_is_explained() -> None:
    silent = [str(p.relative_to(ROOT)) for p, tree in TREES.items() if not ast.get_docstring(tree)]
    silent += [
        f"{place(p, n)} {n.name}" for p, tree in TREES.items() for n in named(tree) if not ast.get_docstring(n)
    ]
    assert silent == []


ASKS_THE_CLOCK = {"now", "today", "utcnow", "time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime"}


def calls_of_a_clock(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKS_THE_CLOCK:
            yield node


@pytest.mark.parametrize("said", ["date.today()", "datetime.now(UTC)", "datetime.datetime.utcnow()", "time.time()"])
def test_a_call_of_the_clock_is_recognised(said: str) -> None:
    assert [*calls_of_a_clock(ast.parse(f"x = {said}"))]


def test_the_core_never_asks_what_day_it_is() -> None:
    core = {p: t for p, t in TREES.items() if p.is_relative_to(SOURCE / "core")}
    assert len(core) > 8
    assert [place(p, node) for p, tree in core.items() for node in calls_of_a_clock(tree)] == []


# A number of the law may stand in Python in three disguises: counted out in words, handed to something that
# counts days, or compared with or kept under a name that speaks of a period.
PERIOD_WORDS = re.compile(r"(\d+)\s*(?:个工作日|个月|日内|工作日)")
PERIOD_NAMES = re.compile(r"days|term|period|deadline|length|extension|limit|due|workday|until", re.IGNORECASE)
COUNTERS = {"add", "back", "timedelta", "months_later"}


def numbers_of_the_law(rules: Rulebook) -> set[int]:
    # Nought days (confirmed on the day itself) is every program's number, not the law's alone.
    return {value.value for term in rules.law.terms.values() for value in term.values} - {0}


def spoken_of(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield every expression with the name it is kept under, compared with, or handed to."""
    if isinstance(node, ast.Assign):
        yield from ((ast.unparse(target), node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), node.value
    elif isinstance(node, ast.keyword):
        yield node.arg or "", node.value
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        yield from ((ast.unparse(a), b) for a in sides for b in sides if a is not b)
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in COUNTERS:
            yield from (("days", argument) for argument in [*node.args, *(k.value for k in node.keywords)])


def lawful_numbers(tree: ast.AST, forbidden: set[int]) -> Iterator[tuple[ast.AST, object]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            told = {int(n) for n in PERIOD_WORDS.findall(node.value)} & forbidden
            yield from ((node, n) for n in told)
        for name, value in spoken_of(node):
            numbers = {c.value for c in ast.walk(value) if isinstance(c, ast.Constant) and type(c.value) is int}
            if PERIOD_NAMES.search(name):
                yield from ((node, n) for n in numbers & forbidden)


@pytest.mark.parametrize(
    "said",
    [
        "due = workdays.add(start, 20)",
        "due = workdays.add(start, length=15)",
        "last = start + timedelta(days=60)",
        "LENGTH = 20",
        "reply_days: int = 7",
        "late = days_used > 20",
        "Run(extension=20)",
        "text = '自收到之日起20个工作日内答复'",
        "text = f'{start}起6个月内'",
    ],
)
def test_a_number_of_the_law_is_recognised(rules: Rulebook, said: str) -> None:
    assert [*lawful_numbers(ast.parse(said), numbers_of_the_law(rules))]


@pytest.mark.parametrize("said", ["width = 20", "add(x, 3)", "days = 1", "PORT = 60", "text = '第20条'"])
def test_other_numbers_are_left_alone(rules: Rulebook, said: str) -> None:
    assert [*lawful_numbers(ast.parse(said), numbers_of_the_law(rules))] == []


def test_no_number_of_the_law_stands_in_python(rules: Rulebook) -> None:
    forbidden = numbers_of_the_law(rules)
    assert {7, 15, 20, 60} <= forbidden
    looked_at = [p for p in FILES if p.relative_to(SOURCE).parts[0] in {"core", "office", "cli", "store"}]
    found = [f"{place(p, n)} {v}" for p in looked_at for n, v in lawful_numbers(TREES[p], forbidden)]
    assert found == []


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained_in_chinese(name: str) -> None:
    command = COMMANDS[name]
    assert CHINESE.search(command.help or "")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert CHINESE.search(parameter.help or ""), parameter.name
        assert parameter.metavar or isinstance(parameter, click.Option), parameter.name


@pytest.mark.parametrize("name", [name for name, c in COMMANDS.items() if not isinstance(c, click.Group)])
def test_every_command_stands_in_the_chinese_readme(name: str) -> None:
    readme = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape(name)}\b", readme), f"README.zh-CN.md 没有提到 ysq {name}"


def test_every_arrow_between_modules_points_down() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)


# --- imports, and rules set aside --------------------------------------------------------------------------


def at_module_level(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what a module imports as it is imported itself; what stands under TYPE_CHECKING is not."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def test_no_module_imports_a_heavy_library_before_it_is_used() -> None:
    """Ruff sees to it outside the rooms that are entered late themselves; this sees to it everywhere."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    banned = settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]
    heavy = {name for name in banned if not name.startswith("yishenqing.")}
    assert heavy > {"weasyprint", "apscheduler", "jieba", "openpyxl", "pydantic", "jinja2", "pypdf", "docx"}
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path, tree in TREES.items()
        for line, name in at_module_level(tree)
        if name.split(".")[0] in heavy
    ]
    assert found == []


SET_ASIDE = re.compile(r"# (noqa|type: ignore)\b")
WITH_A_REASON = re.compile(r"# noqa: [A-Z0-9, ]+ - \S|# type: ignore\[[a-z-]+\]\s+# (noqa: .* - )?\w")


@pytest.mark.parametrize(
    "mark", ["# noqa", "# noqa: S603", "# noqa: S603 -", "# type: ignore", "# type: ignore[misc]"]
)
def test_a_rule_set_aside_without_a_word_is_recognised(mark: str) -> None:
    assert SET_ASIDE.search(mark)
    assert not WITH_A_REASON.search(mark)


def test_every_rule_set_aside_says_why() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SET_ASIDE.search(line) and not WITH_A_REASON.search(line)
    ]
    assert bare == []


# --- articles of law ---------------------------------------------------------------------------------------

ARTICLE = re.compile(r"第[〇零一二三四五六七八九十百]+条(?!记录)|第\d+条(?!记录)")
# How a citation is written is shown by an example; the help of a command stands before any file is read.
EXAMPLES = {
    "cli/holding.py": 2,
    "cli/searching.py": 1,
    "core/guards.py": 1,
    "holdings/parsing.py": 2,
    "letters/model.py": 2,
    "search/facets.py": 1,
}


def texts_of(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield every text that is no docstring, and the fixed parts of those that are filled in."""
    explained = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    said = {
        id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, explained) and isinstance(n.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node


@pytest.mark.parametrize("said", ['"条例第四十五条"', 'f"{x}（条例第十八条）"', '"依照第36条"'])
def test_an_article_in_a_text_is_recognised(said: str) -> None:
    assert any(ARTICLE.search(str(node.value)) for node in texts_of(ast.parse(f"x = {said}")))


def test_no_article_stands_in_python() -> None:
    """Which article is cited is data (``workflows``): whoever changes it needs no programmer."""
    found: dict[str, int] = {}
    for path, tree in TREES.items():
        if count := sum(1 for node in texts_of(tree) if ARTICLE.search(str(node.value))):
            found[path.relative_to(SOURCE).as_posix()] = count
    assert found == EXAMPLES


def test_every_refusal_names_the_article_that_it_rests_on() -> None:
    calls = [
        (path.relative_to(SOURCE).as_posix(), node)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused"
    ]
    assert calls
    assert [f"{p}:{c.lineno}" for p, c in calls if len(c.args) < 2 and "law" not in {k.arg for k in c.keywords}] == []


def test_what_the_system_says_in_english_is_put_into_words_in_one_place() -> None:
    uses = {
        path.relative_to(SOURCE).as_posix()
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "strerror"
    }
    assert uses == {"core/errors.py"}


def cited_by(tree: ast.Module) -> Iterator[str]:
    """Yield what ``article`` is asked for: said at once, or under a name of the module."""
    known = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "article":
            name = call.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value)
            elif isinstance(name, ast.Name) and name.id in known:
                yield str(known[name.id])


def test_every_article_that_the_program_cites_is_in_the_law_data_and_none_is_left_over() -> None:
    known = yaml.safe_load((ROOT / "workflows/law/citations.yaml").read_text(encoding="utf-8"))["citations"]
    asked = {name for tree in TREES.values() for name in cited_by(tree)}
    assert asked | {old.cited for old in old_wordings()} == set(known)
    for name, told in known.items():
        days = [value["since"] for value in told["values"]]
        assert days == sorted(set(days)), name
        assert article(name, days[0]) == told["values"][0]["law"]
        assert article(name) == told["values"][-1]["law"]


def how_held() -> dict[str, str]:
    """Return what ``docs/archive.md`` says of each table."""
    text = (ROOT / "docs" / "archive.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \| (.*) \|$", text, re.MULTILINE)
    return {name: how for names, how in rows for name in re.findall(r"`([a-z_]+)`", names)}


def test_it_is_said_of_every_table_how_an_audit_holds_it() -> None:
    """A new table must be chained, anchored, recomputed, or owned to be none of it."""
    said = how_held()
    tables = {t.name for t in schema.tables()} | {"search_rows", "search_grams"}
    assert tables - said.keys() == said.keys() - tables == set()
    anchored = {k.table.name for k in anchoring.kept()}
    assert {name for name, how in said.items() if "anchored" in how} >= anchored
    unheld = {name for name, how in said.items() if how.startswith("**not held**")}
    assert not unheld & {*anchored, *schema.never_rewritten()}


def test_what_an_audit_holds_is_harmed_in_the_trials() -> None:
    trials = ast.parse((ROOT / "tests" / "tampering.py").read_text(encoding="utf-8"))
    harmed = {
        text.value
        for node in trials.body
        if isinstance(node, ast.Assign) and {"TABLES", "BESIDE"} & {getattr(t, "id", "") for t in node.targets}
        for text in ast.walk(node)
        if isinstance(text, ast.Constant)
    }
    said = how_held()
    # Of these a part alone is held, and tests of their own harm that part; SQLite itself holds the last.
    partly = {
        "given_keys",
        "exchange_events",
        "reviews",
        "exchange_cases",
        "disposal_removals",
        "search_grams",
        "users",
    }
    held = {name for name, how in said.items() if not how.startswith("**not held**")}
    assert held - partly == harmed
