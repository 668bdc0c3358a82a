"""No decision depends on the wall clock of a replica: it may be an hour off, and jump."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("consumer", "messaging")
WALL_CLOCK_NAMES = frozenset(
    {
        *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.asctime"),
        *("time.strftime", "time.clock_gettime", "time.clock_gettime_ns"),
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
        "processors.TimeStamper",
    }
)
"""Functions that read the wall clock, by their last two names."""
ALLOWED = {
    (
        "consumer/telemetry/logs.py",
        "processors.TimeStamper",
    ): "the time of a log line is for people, and decides nothing",
    (
        "consumer/http/auth/token_file.py",
        "time.time",
    ): "compared with the time stamp of a file on the same machine; a wrong one costs one more reading",
    (
        "consumer/http/auth/authenticator.py",
        "time.time",
    ): "the end of a session of the page: its cookie outlives the process and passes between replicas, which "
    "share no monotonic clock; a wrong one ends sessions early or late, and changes no job",
    (
        "consumer/sources/file_fetch.py",
        "time.time",
    ): "compared with the time stamp of a file; a wrong one reads a damaged file once more, or once less",
    (
        "messaging/request_records.py",
        "datetime.now",
    ): "`ce_time` of a request tells when its sender published it; intake does not read it",
}


def wall_clock_uses(tree: ast.AST) -> Iterator[str]:
    """Every mention of the wall clock, called or handed on, and names that would hide one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = (
                node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            )
            if f"{owner}.{node.attr}" in WALL_CLOCK_NAMES:
                yield f"{owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (
                f"time.{alias.name}" for alias in node.names if f"time.{alias.name}" in WALL_CLOCK_NAMES
            )
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"{alias.name} as {alias.asname}" for alias in node.names if _shadows_clock(alias))


def _shadows_clock(alias: ast.alias) -> bool:
    return alias.asname is not None and alias.name in {"time", "datetime", "date"}


def find_uses() -> set[tuple[str, str]]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    trees = ((str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in files)
    return {(file, name) for file, tree in trees for name in wall_clock_uses(tree)}


def test_wall_clock_is_used_only_where_allowed() -> None:
    """No lease, no timeout and no event depends on the wall clock of the process."""
    assert find_uses() == ALLOWED.keys()


def test_every_use_of_wall_clock_is_found() -> None:
    source = """
import time, datetime
import time as clock
from time import time_ns
from datetime import datetime as moment
datetime.datetime.now(UTC); time.time(); date.today(); field(default_factory=datetime.utcnow)
"""
    assert set(wall_clock_uses(ast.parse(source))) == {
        *("time as clock", "time.time_ns", "datetime as moment"),
        *("datetime.now", "time.time", "date.today", "datetime.utcnow"),
    }
