"""What a template may not: reach the machine, the network or a file, or spend more than a letter needs."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yishenqing.core.errors import DataFault
from yishenqing.letters import Letterbook, bounds, printer
from yishenqing.shipped import shipped

pytest_plugins = ["letters_sample"]

Sample = Callable[[], dict[str, Any]]
KIND = "supplement_notice"


def book_with(folder: Path, code: str) -> Letterbook:
    """Return the letters with ``code`` inside the first paragraph of one."""
    (folder / "letters").mkdir(exist_ok=True)
    text = (shipped("letters") / f"{KIND}.html").read_text(encoding="utf-8")
    at = text.index("</s>")
    (folder / "letters" / f"{KIND}.html").write_text(text[:at] + code + text[at:], encoding="utf-8")
    return Letterbook([folder / "letters", shipped("letters")])


ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ facts.__init__.__globals__ }}",
    "{{ facts | attr('__class__') }}",
    "{{ island.__globals__ }}",
    "{{ island.__wrapped__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ '{0.__class__}'.format(facts) }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ lipsum() }}",
    "{% include '../office.yaml' %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'form.css' %}",
    "{% import '_letter.html' as x %}",
    "{% from '_letter.html' import body %}",
]
TOO_MUCH = [
    "{{ 'x' * 10**9 }}",
    "{{ [0] * 10**9 }}",
    "{{ 2 ** 10**9 }}",
    "{{ 'x'.ljust(10**10) }}",
    "{{ 'x' | center(10**10) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ range(10**10) }}",
    "{% set a = facts.defects %}" + "{% set a = a + a %}" * 40,
    "{% set b = 'xxxx' %}" + "{% set b = b ~ b %}" * 40,
    "{% set b = 'xxxx' %}" + "{% set b = [b, b] | join(b) %}" * 40,
    "".join(f"{{% for a{n} in 'xxxxxxxxxx' %}}" for n in range(9)) + "{% endfor %}" * 9,
    "".join(f"{{% for a{n} in facts.reason %}}" for n in range(9)) + "{% endfor %}" * 9,
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    f"{{% include '{KIND}.html' %}}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{% set t = facts.reason * 1 %}",
]


@pytest.mark.parametrize("code", [*ESCAPES, *TOO_MUCH], ids=lambda code: code[:40])
def test_is_refused_with_file_and_at_once(code: str, sample: Sample, tmp_path: Path) -> None:
    began = time.process_time()
    with pytest.raises(DataFault) as told:
        book_with(tmp_path, code).prose(KIND, sample())
    assert time.process_time() - began < 5
    assert KIND in str(told.value)
    assert told.value.exit_code == 6


def test_what_letters_do_is_still_done(sample: Sample, tmp_path: Path) -> None:
    code = (
        "{% set n = facts.defects | length %}{{ n * 2 + 1 }}{{ 7 % 4 }}{{ 'a' + 'b' }}"
        "{% for d in facts.defects %}{{ loop.index }}{% if not loop.last %}、{% endif %}{% endfor %}"
        "{{ facts.defects | map('bare') | join('；') }}"
    )
    assert "53ab1、2未写明所需信息的名称；未提供身份证明" in book_with(tmp_path, code).prose(KIND, sample())


def test_the_budget_is_enough_for_the_longest_list_that_is_printed(sample: Sample) -> None:
    given = sample()
    given["papers"] = [{**given["papers"][0], "title": f"材料{n}"} for n in range(300)]
    assert "材料299" in Letterbook([shipped("letters")]).prose("file_contents", given)


def test_a_letter_that_takes_too_long_ends(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_SECONDS", 0.0)
    with pytest.raises(DataFault, match="填写超过"):
        Letterbook([shipped("letters")]).prose(KIND, sample())


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that notes every call; nothing may call it."""
    called: list[str] = []

    class Noting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", called
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="{http}/a.png">',
        '<img src="file://{file}">',
        '<img src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E">',
        "<style>@import '{http}/a.css';</style>",
        "<style>@import url(file://{file});</style>",
        "<style>@font-face {{ font-family: x; src: url({http}/x.ttf) }} p {{ font-family: x }}</style>",
        "<style>p {{ background: url({http}/b.png) }}</style>",
        "<style>li {{ list-style-image: url(file://{file}) }}</style><ul><li>x</li></ul>",
        '<link rel="stylesheet" href="{http}/c.css">',
        '<link rel="attachment" href="file://{file}">',
        '<object data="{http}/e.svg"></object>',
        '<embed src="file://{file}">',
        '<base href="{http}/"><img src="f.png">',
    ],
)
def test_printing_asks_for_no_file_and_no_address(
    markup: str, listener: tuple[str, list[str]], tmp_path: Path
) -> None:
    http_, called = listener
    secret = tmp_path / "geheim.css"
    secret.write_text("p { color: red }")
    body = markup.format(http=http_, file=secret)
    html = printer.document(f"<p>正文</p>{body}", title="试", author="试", day=None)
    with pytest.raises(DataFault, match="不得引用外部文件或者网址"):
        printer.to_pdf(html, shipped("letters") / "form.css")
    assert called == []


def test_a_drawing_inside_a_page_asks_for_nothing(listener: tuple[str, list[str]]) -> None:
    """The renderer leaves a drawing away that it cannot complete; it is told nothing either."""
    http_, called = listener
    named = "http://www.w3.org"
    for inside in (f'<image xlink:href="{http_}/d.png" width="9" height="9"/>', f'<use href="{http_}/e.svg#x"/>'):
        drawing = (
            f'<svg xmlns="{named}/2000/svg" xmlns:xlink="{named}/1999/xlink" width="9" height="9">{inside}</svg>'
        )
        html = printer.document(f"<p>正文</p>{drawing}", title="试", author="试", day=None)
        try:
            printer.to_pdf(html, shipped("letters") / "form.css")
        except DataFault as refused:
            assert "不得引用" in str(refused)  # noqa: PT017 - either is right, a call is not
        assert called == []


def test_attributes_of_python_are_not_told(sample: Sample, tmp_path: Path) -> None:
    told = book_with(tmp_path, "{{ ['x'] | map(attribute='__class__') | list }}").prose(KIND, sample())
    assert "class" not in told


def test_a_style_sheet_asks_for_nothing_either(listener: tuple[str, list[str]], tmp_path: Path) -> None:
    http_, called = listener
    css = tmp_path / "own.css"
    css.write_text(f"@import '{http_}/a.css'; p {{ color: red }}")
    with pytest.raises(DataFault):
        printer.to_pdf(printer.document("<p>正文</p>", title="试", author="试", day=None), css)
    assert called == []
