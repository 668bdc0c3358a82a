"""A job is completed only if every row of its source is accounted for."""

import pytest

from consumer.worker.end_of_pass import row_count_failure
from tests.support.jobs import make_job


@pytest.mark.parametrize(
    ("rows", "code"), [(10, None), (0, "no_rows"), (9, "short_read"), (11, "short_read")]
)
def test_rows_of_the_source_are_those_of_the_job(rows: int, code: str | None) -> None:
    failure = row_count_failure(make_job(processed=7, inserted=7, failed=3), rows)
    assert (failure.code if failure else None) == code
