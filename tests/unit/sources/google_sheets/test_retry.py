"""Rate-limited calls are retried without end, failed calls a few times, and waiting is reported."""

from collections.abc import Callable

import pytest

from consumer.sources.google_sheets.errors import RateLimitedError, RetryableError
from consumer.sources.google_sheets.retry import RetryPolicy, with_retries
from consumer.waiting import WAITING_FOR_QUOTA

RETRY_POLICY = RetryPolicy()


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def responses(*given: Exception | str) -> Callable[[], str]:
    rest = list(given)

    def call() -> str:
        answer = rest.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def test_success_reports_no_waiting(sleeps: list[float]) -> None:
    details: list[str | None] = []
    assert with_retries(responses("good"), RETRY_POLICY, details.append) == "good"
    assert (sleeps, details) == ([], [])


def test_rate_limit_backoff_is_exponential_without_end(sleeps: list[float]) -> None:
    details: list[str | None] = []
    call = responses(*[RateLimitedError()] * 500, "good")
    assert with_retries(call, RETRY_POLICY, details.append) == "good"
    assert len(sleeps) == 500
    for number, seconds in enumerate(sleeps[:6]):
        assert 2**number <= seconds <= 2**number + 1
    assert all(64 <= seconds <= 65 for seconds in sleeps[6:])
    assert details == [*[WAITING_FOR_QUOTA] * 500, None]


def test_backoff_has_jitter(sleeps: list[float]) -> None:
    for _ in range(5):
        with_retries(responses(RateLimitedError(), "good"), RETRY_POLICY, lambda _: None)
    assert len(set(sleeps)) > 1


def test_retry_after_is_used(sleeps: list[float]) -> None:
    with_retries(
        responses(RateLimitedError(17.0), RateLimitedError(0.0), "good"), RETRY_POLICY, lambda _: None
    )
    assert sleeps == [17.0, RETRY_POLICY.min_quota_wait]


def test_error_is_tried_three_times(sleeps: list[float]) -> None:
    assert (
        with_retries(
            responses(RetryableError("a"), RetryableError("b"), "good"), RETRY_POLICY, lambda _: None
        )
        == "good"
    )
    assert sleeps == [1.0, 3.0]
    with pytest.raises(RetryableError, match="c"):
        with_retries(
            responses(RetryableError("a"), RetryableError("b"), RetryableError("c"), "good"),
            RETRY_POLICY,
            lambda _: None,
        )


def test_rate_limit_does_not_count_as_an_error(sleeps: list[float]) -> None:
    quota, mishap = RateLimitedError(1.0), RetryableError("x")
    call = responses(quota, mishap, quota, quota, mishap, quota, "good")
    assert with_retries(call, RETRY_POLICY, lambda _: None) == "good"


def test_end_of_waiting_is_reported_after_failure(sleeps: list[float]) -> None:
    details: list[str | None] = []
    with pytest.raises(ZeroDivisionError):
        with_retries(responses(RateLimitedError(), ZeroDivisionError()), RETRY_POLICY, details.append)
    assert details == [WAITING_FOR_QUOTA, None]
