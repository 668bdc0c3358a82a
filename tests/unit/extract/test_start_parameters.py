"""The orders of a child: how many rows go into one batch."""

from typing import Any

import pytest

from consumer.datasets.registry import find
from consumer.extract.start_parameters import StartParameters

HEADER: dict[str, Any] = {
    "dataset": "chats",
    "credits": 3,
    "checkpoint": None,
    "database_rejections": {},
    "fingerprint": None,
    "today": "2026-03-01",
    "low_memory": False,
    "memory_bytes": 2**30,
    "cpu_seconds": 60,
    "service_pid": 1,
    "temp_dir": "/tmp/scratch",
    "inbox": "/tmp/inbox",
    "max_inflated_bytes": 2**30,
    "secrets": {},
    "state": None,
    "rows_done": 0,
    "run": 1,
}


@pytest.mark.parametrize(
    ("source_type", "asked", "low_memory", "rows"),
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
    source_type: str, asked: int | None, low_memory: bool, rows: int
) -> None:
    header = HEADER | {"source": {"type": source_type}, "chunk_rows": asked, "low_memory": low_memory}
    start = StartParameters.from_frame(header, b"")
    assert (
        start.source_config(find("chats").column_spec, None, lambda _: None, lambda: None).chunk_rows == rows
    )
