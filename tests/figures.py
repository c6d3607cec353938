"""Figures that tests measured, shown at the end of the run, whichever process ran them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Figure = Callable[[str], None]
NAME = "figure"


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Prints a line below the run's results."""
    return lambda line: record_property(NAME, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = {
        report.nodeid: [line for name, line in report.user_properties if name == NAME]
        for report in reports
        if getattr(report, "when", "") == "call"
    }
    if any(told.values()):
        terminalreporter.section("figures")
    for nodeid, lines in sorted(told.items()):
        for line in lines:
            terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}: {line}")
