"""Line coverage, for the law: which articles set a period, and how many rows of the tables exercise each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from yishenqing.rulebook import Rulebook, read_rulebook


@pytest.fixture(scope="session")
def setting_periods(rules: Rulebook) -> set[str]:
    """Return what ``provisions`` returns of the shipped rules."""
    return provisions(rules)


def provisions(rules: Rulebook) -> set[str]:
    """Return every provision that a term, a clock, an effect on a clock, or a contested reading cites.

    Of the terms those that this procedure names: the linked procedures have tables of their own (``linked``).
    """
    workflow, law = rules.workflow, rules.law
    named = {clock.term for clock in workflow.clocks.values()}
    named |= {start.term for step in workflow.steps.values() for start in step.starts}
    named |= {guard.term for step in workflow.steps.values() for guard in step.guards}
    terms = [law.terms[name] for name in named if name]
    found = {value.law for term in terms for value in term.values}
    found |= {term.rolls for term in terms if term.rolls}
    found |= {clock.law for clock in workflow.clocks.values()}
    found |= {channel.law for channel in workflow.channels.values()}
    found |= {effect.law for step in workflow.steps.values() for _, effect in step.effects()}
    found |= {option.law for reading in workflow.readings.values() for option in reading.options.values()}
    return found


def table(rules: Rulebook, cited: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the report: each provision with how many rows exercise it; ``cited`` is what each row's reasons cite."""
    rows = Counter(law for of_row in cited for law in set(of_row))
    wanted = sorted(provisions(rules))
    yield from (f"{rows[law]:>5}  {law}" for law in wanted)
    seen = sum(rows[law] > 0 for law in wanted)
    yield f"规定期限的条文共{len(wanted)}处，用例验算到{seen}处（{100 * seen // len(wanted)}%）"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count over the rows that held; their citations come with the reports, from whichever process ran them."""
    reports = [r for r in terminalreporter.getreports("passed") if r.when == "call"]
    cited = [value for report in reports for name, value in report.user_properties if name == "cited"]
    if cited:
        terminalreporter.section(f"条文覆盖：{len(cited)}条用例")
        for line in table(read_rulebook(), cited):
            terminalreporter.write_line(line)
