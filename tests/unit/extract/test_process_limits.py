"""Limit of processor time of an extractor."""

import pytest

from consumer.extract.process_limits import cpu_limit_seconds


@pytest.mark.parametrize(
    ("used", "rows", "expected"),
    [
        (0, 0, 30),  # before the first row
        (12.2, 10_000, 43),  # 30 s until the next row
        (45, 1, 61),  # 60 s, and 2 ms per row
        (2_000, 1_000_000, 2_030),
        (2_050, 1_000_000, 2_060),
        (61, 10, 61),
    ],
)
def test_cpu_limit_grows_with_rows(used: float, rows: int, expected: int) -> None:
    assert cpu_limit_seconds(used, rows) == expected
