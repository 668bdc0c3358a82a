"""The orders of a child: how many rows go into one batch."""

from typing import Any

import pytest

from consumer.datasets.find import find
from consumer.extract.start import Start

HEADER: dict[str, Any] = {
    "dataset": "chats",
    "grants": 3,
    "checkpoint": None,
    "refused": {},
    "fingerprint": None,
    "today": "2026-03-01",
    "frugal": False,
    "memory_bytes": 2**30,
    "cpu_seconds": 60,
    "service_pid": 1,
    "scratch": "/tmp/scratch",
    "inbox": "/tmp/inbox",
    "max_inflated_bytes": 2**30,
    "secrets": {},
    "state": None,
    "stored": 0,
    "run": 1,
}


@pytest.mark.parametrize(
    ("source_type", "asked", "frugal", "rows"),
    [
        ("excel", None, False, 10_000),
        ("google_sheets", None, False, 10_000),
        ("database", None, False, 25_000),
        ("database", 7, False, 7),
        ("database", None, True, 100),
        ("database", 7, True, 7),
        ("excel", None, True, 10_000),
        ("excel", 7, True, 7),
    ],
)
def test_a_batch_has_as_many_rows_as_suit_its_source_or_as_the_settings_say(
    source_type: str, asked: int | None, frugal: bool, rows: int
) -> None:
    header = HEADER | {"source": {"type": source_type}, "chunk_rows": asked, "frugal": frugal}
    start = Start.from_frame(header, b"")
    assert start.reading(find("chats").fields, None, lambda _: None, lambda: None).chunk_rows == rows
