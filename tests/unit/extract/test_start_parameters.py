"""START frame: number of rows in one batch."""

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
    "check_only": False,
    "reread": False,
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
    ("source_type", "chunk_rows", "low_memory", "rows"),
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
def test_batch_rows_depend_on_source_and_settings(
    source_type: str, chunk_rows: int | None, low_memory: bool, rows: int
) -> None:
    header = HEADER | {"source": {"type": source_type}, "chunk_rows": chunk_rows, "low_memory": low_memory}
    parameters = StartParameters.from_frame(header, b"")
    config = parameters.source_config(find("chats").column_spec, None, lambda _: None, lambda: None)
    assert config.chunk_rows == rows


@pytest.mark.parametrize("flag", [True, False])
def test_source_that_was_checked_is_read_again_from_the_top(flag: bool) -> None:
    header = HEADER | {"source": {"type": "excel"}, "chunk_rows": None, "reread": flag, "check_only": flag}
    parameters = StartParameters.from_frame(header, b"")
    config = parameters.source_config(find("chats").column_spec, None, lambda _: None, lambda: None)
    assert (config.reread, parameters.check_only, parameters.resume.has_progress) == (flag, flag, False)
