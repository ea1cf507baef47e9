"""The hooks of pytest that collect evidence, run the guard, and print the summary at the end."""

from collections.abc import Generator
from typing import Any

import pytest

from properties.evidence import KEY, MARKER, collected, excess, recording, table


def tolerated(item: pytest.Item) -> float:
    """The share of undecided or rejected cases that a test declares; none where it declares nothing."""
    marker = item.get_closest_marker(MARKER)
    return 0.0 if marker is None else float(marker.kwargs["at_most"])


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Record the cases of one test; a test that passes with too many open cases fails here."""
    with recording() as recorder:
        try:
            result = yield
        finally:
            if recorder.tallies:
                pyfuncitem.user_properties.append((KEY, recorder.content()))
    complaint = excess(recorder.tallies, tolerated(pyfuncitem))
    if complaint:
        pytest.fail(complaint, pytrace=False)
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was tried, decided and left open: in the controller, whatever the number of workers."""
    reports = [
        r for group in terminalreporter.stats.values() for r in group if isinstance(r, pytest.TestReport)
    ]
    tallies = collected(reports)
    if tallies:
        terminalreporter.section("evidence")
        for line in table(tallies):
            terminalreporter.write_line(line)
