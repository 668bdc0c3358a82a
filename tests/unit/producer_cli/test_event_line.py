from datetime import timedelta
from typing import Any

import pytest

from producer_cli.render.event_line import event_line
from producer_cli.render.formatting import (
    format_age,
    format_count,
    format_duration,
    format_percent,
    format_size,
    warning_text,
)
from producer_cli.text import strip_control_chars
from tests.support.status_event_factories import make_event


def line_without_clock(status: str, **other: Any) -> str:
    """The line without its clock, which depends on the zone of the machine."""
    return event_line(make_event(status, **other)).split(" ", 1)[1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (line_without_clock("pending"), "pending"),
        (line_without_clock("pending", detail="waiting for quota"), "pending waiting for quota"),
        (line_without_clock("running"), "running"),
        (line_without_clock("running", processed=3000), "running 3,000 rows"),
        (
            line_without_clock(
                "running",
                total=155_000,
                processed=95_997,
                failed=3,
                rows_per_second=41_200.4,
                eta_seconds=1.4,
            ),
            "running 61 % 95,997 / 155,000 rows, failed 3, 41,200 rows/s, 0:01 left",
        ),
        (
            line_without_clock("pending", attempt=2, error={"code": "source_unavailable", "message": "x"}),
            "pending attempt 2 after source_unavailable",
        ),
        (line_without_clock("completed"), "completed 100 % 1,000 / 1,000 rows, took 0:04"),
        (
            line_without_clock("completed", dry_run=True, phase="check", failed=3),
            "completed 100 % 1,000 / 1,000 rows, failed 3, dry run, took 0:04",
        ),
        (line_without_clock("running", phase="check"), "running check before the load"),
        (
            line_without_clock("failed", attempt=2),
            "failed workbook_damaged: The workbook is damaged; save it again., took 0:04",
        ),
        (line_without_clock("cancelled", total=10, processed=1), "cancelled 10 % 1 / 10 rows, took 0:04"),
    ],
)
def test_event_is_formatted_as_one_line(text: str, wanted: str) -> None:
    assert text == wanted


def test_control_characters_in_message_are_stripped() -> None:
    error = {"code": "x", "message": "bad\x1b[2Jthing\nnext"}
    assert line_without_clock("failed", error=error).startswith("failed x: bad [2Jthing next")


@pytest.mark.parametrize(
    ("done", "total", "wanted"),
    [
        (0, 10, "0 %"),
        (999, 1000, "99 %"),
        (1000, 1000, "100 %"),
        (12, 10, "100 %"),
        (5, None, None),
        (0, 0, None),
    ],
)
def test_percents_are_rounded_down(done: int, total: int | None, wanted: str | None) -> None:
    assert format_percent(done, total) == wanted


def test_numbers_and_durations_are_human_readable() -> None:
    assert format_count(155_000) == "155,000"
    assert [format_duration(seconds) for seconds in (-3, 0, 62, 3723.4)] == [
        "0:00",
        "0:00",
        "1:02",
        "1:02:03",
    ]
    assert [format_size(octets) for octets in (12, 2048, 15 * 2**20, 3 * 2**30)] == [
        "12 bytes",
        "2.0 KB",
        "15.0 MB",
        "3.0 GB",
    ]
    assert [format_age(timedelta(seconds=s)) for s in (-1, 59, 61, 7200, 200_000)] == [
        "0 s",
        "59 s",
        "1 min",
        "2 h",
        "2 d",
    ]
    assert strip_control_chars("a\tb\x07") == "a b "
    assert warning_text("never_heard_of") == ""
