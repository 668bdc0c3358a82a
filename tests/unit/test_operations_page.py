"""The operations page lists exactly the log events and metrics of the code."""

import re
from collections import Counter
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from consumer.http.routers.metrics import DatabaseCollector
from consumer.store.queue_stats import QueueStats
from consumer.telemetry.metrics import GaugeSources, Metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
EVENT = re.compile(r"""\blog\.(?:debug|info|warning|error|exception|critical)\(\s*f?["']([^"':]+)""")
CALL = re.compile(r"\blog\.(?:debug|info|warning|error|exception|critical)\(")
METRIC = re.compile(r"^# HELP (\w+) ", re.MULTILINE)


def _sources() -> list[str]:
    files = [path for folder in ("consumer", "messaging") for path in (ROOT / folder).rglob("*.py")]
    return [path.read_text(encoding="utf-8") for path in files]


def _rows(heading: str) -> list[str]:
    """The names in the first column of all tables below a heading."""
    section = re.split(r"^## ", PAGE.split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE)


def test_log_events_are_listed_once() -> None:
    events = {name for text in _sources() for name in EVENT.findall(text)}
    assert Counter(_rows("The log")) == Counter(events)


def test_names_of_log_events_are_constants() -> None:
    for text in _sources():
        assert len(CALL.findall(text)) == len(EVENT.findall(text))
        assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in EVENT.findall(text))


def test_metrics_are_listed_once() -> None:
    stored = CollectorRegistry()
    stored.register(DatabaseCollector(QueueStats({"pending": 0}, 0, 0.0)))
    counted = Metrics(GaugeSources(lambda: 0, lambda: 0.0, dict, lambda: 0.0)).registry
    exported = METRIC.findall((generate_latest(counted) + generate_latest(stored)).decode())
    assert Counter(_rows("The numbers")) == Counter(exported)


def test_links_of_the_page_have_targets() -> None:
    titles = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    assert "docs/operations.md" in (ROOT / "README.md").read_text(encoding="utf-8")
