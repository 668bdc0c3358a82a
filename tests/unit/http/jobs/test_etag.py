"""An entity tag changes exactly when the jobs change."""

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


def test_tag_does_not_depend_on_the_time() -> None:
    assert etag_of([job(now=AT)], 50) == etag_of([job(now=AT + timedelta(seconds=9))], 50)


@pytest.mark.parametrize("changes", [{"sequence": 2}, {"updated_at": AT}, {"cancel_requested": True}])
def test_tag_changes_with_the_job(changes: dict[str, Any]) -> None:
    assert etag_of([job()]) != etag_of([job(**changes)])


def test_tag_changes_with_the_other_values() -> None:
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
def test_if_none_match_is_compared_weakly(header: str | None, expected: bool) -> None:
    assert matches(header, 'W/"a"') is expected
