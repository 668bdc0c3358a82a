"""Tags change exactly where something did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumer.http.jobs.etag import etag_of, matches
from consumer.store.jobs import Job
from tests.support.job_factories import make_request
from tests.support.jobs import make_pending_job

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def job(**changes: Any) -> Job:
    return make_pending_job(make_request(), **changes)


def test_the_tag_of_the_same_jobs_is_the_same_although_time_passes() -> None:
    assert etag_of([job(now=AT)], 50) == etag_of([job(now=AT + timedelta(seconds=9))], 50)


@pytest.mark.parametrize("changes", [{"sequence": 2}, {"updated_at": AT}, {"cancel_requested": True}])
def test_the_tag_changes_with_the_job(changes: dict[str, Any]) -> None:
    assert etag_of([job()]) != etag_of([job(**changes)])


def test_the_tag_changes_with_what_else_decides_the_response() -> None:
    assert len({etag_of([job()], 1), etag_of([job()], 2), etag_of([]), etag_of([job(), job()])}) == 4


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ('W/"a"', True),
        ('"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ('W/"b"', False),
        ("", False),
        ("a", False),
    ],
)
def test_a_client_is_asked_for_by_its_tags(header: str | None, expected: bool) -> None:
    assert matches(header, 'W/"a"') is expected
