"""How many tests are done, of how many, and the time left: `pytest --progress` shows it instead of dots."""

import time
from collections.abc import Iterable
from typing import Any

import pytest

WEIGHTS = {
    "tests/unit": 0.02,
    "tests/integration": 0.5,
    "tests/acceptance/faults": 15.0,
    "tests/acceptance": 6.0,
}
"""Seconds that a test of a folder takes on average, for the estimate of the time left."""
LINE_SECONDS = 10.0
"""How often a line is written where the output is no terminal."""
REWRITE_SECONDS = 0.2
MIN_SHARE = 0.01
"""Before so much of the work is done no time left is shown."""


def weight(node_id: str) -> float:
    """The seconds a test is expected to take, by its folder."""
    return next((seconds for folder, seconds in WEIGHTS.items() if node_id.startswith(folder)), 1.0)


class Progress:
    """Counts finished tests. Failures are named as they happen; `-ra` and the summary stay pytest's."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._started = time.monotonic()
        self._last_shown = 0.0
        self._remaining: dict[str, float] = {}
        self._total = 0
        self._weight = 0.0
        self._failed = 0
        reporter.showfspath = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        if not self._remaining and not self._total:
            self._expect(ids)

    def _expect(self, ids: Iterable[str]) -> None:
        self._remaining = {node_id: weight(node_id) for node_id in ids}
        self._started = time.monotonic()
        self._total, self._weight = len(self._remaining), sum(self._remaining.values())

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show nothing for tests that pass."""
        return ("passed", "", "") if report.passed and report.when == "call" else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed += 1
            self._reporter.ensure_newline()
            self._reporter.write_line(f"FAILED {report.nodeid} ({report.when})", red=True)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._remaining.pop(nodeid, None)
        now = time.monotonic()
        interval = REWRITE_SECONDS if self._reporter.isatty else LINE_SECONDS
        if now - self._last_shown >= interval or not self._remaining:
            self._last_shown = now
            self._show(self._line(now, nodeid))

    def _show(self, line: str) -> None:
        if self._reporter.isatty:
            self._reporter.rewrite(line, erase=True)
        else:
            self._reporter.write_line(line)

    def _line(self, now: float, nodeid: str) -> str:
        left = sum(self._remaining.values())
        done = self._weight - left
        seconds = int((now - self._started) * left / done) if done else 0
        remaining = f", {seconds // 60}:{seconds % 60:02} left" if done > MIN_SHARE * self._weight else ""
        failed = f", {self._failed} failed" if self._failed else ""
        count = f"{self._total - len(self._remaining):,}/{self._total:,}"
        return f"{count}{failed}{remaining}  {nodeid.partition('::')[0]}"
