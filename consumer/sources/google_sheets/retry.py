"""Timeouts and retries of calls to Google."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_chain,
    wait_exponential,
    wait_fixed,
    wait_random,
)
from tenacity.wait import wait_base

from consumer.sources.google_sheets.errors import RateLimitedError, RetryableError
from consumer.waiting import WAITING_FOR_QUOTA

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Timeouts of a call and delays between calls, all in seconds.

    A rate-limited call is retried without end, after `min_quota_wait` up to `max_quota_wait` unless Google
    sends Retry-After. Other errors are retried once after each of `retry_delays`.
    """

    call_timeout: float = 60.0
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    min_quota_wait: float = 1.0
    max_quota_wait: float = 64.0
    retry_delays: tuple[float, ...] = (1.0, 3.0)


def with_retries(
    call: Callable[[], T], policy: RetryPolicy, report_waiting: Callable[[str | None], None]
) -> T:
    """Call, and retry after RateLimitedError without end, after RetryableError a few times.

    `report_waiting` gets WAITING_FOR_QUOTA before a wait for the quota, and None at the end. Raises the last
    RetryableError, and any other exception of the call at once.
    """
    has_reported = False

    def before_wait(_: RetryCallState) -> None:
        nonlocal has_reported
        has_reported = True
        report_waiting(WAITING_FOR_QUOTA)

    retry_rate_limited = Retrying(
        retry=retry_if_exception_type(RateLimitedError),
        wait=_QuotaWait(policy),
        before_sleep=before_wait,
        sleep=time.sleep,
        reraise=True,
    )
    retry_failed = Retrying(
        retry=retry_if_exception_type(RetryableError),
        wait=wait_chain(*map(wait_fixed, policy.retry_delays)),
        stop=stop_after_attempt(len(policy.retry_delays) + 1),
        sleep=time.sleep,
        reraise=True,
    )
    try:
        return retry_failed(lambda: retry_rate_limited(call))
    finally:
        if has_reported:
            report_waiting(None)


class _QuotaWait(wait_base):
    """Retry-After if Google sends it, at least `min_quota_wait`; else exponential backoff with jitter."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._minimum = policy.min_quota_wait
        self._backoff = wait_exponential(policy.min_quota_wait, policy.max_quota_wait)
        self._jitter = wait_random(0, policy.min_quota_wait)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome and retry_state.outcome.exception()
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return max(error.retry_after, self._minimum)
        return self._backoff(retry_state) + self._jitter(retry_state)
