"""How long is waited for Google, and how often it is asked again."""

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

WAITING_DETAIL = "waiting for quota"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits in seconds: of a call as a whole, of connecting and of silence; and the waits in between.

    A used-up quota is waited for without end, at first `min_quota_wait`, at last `longest`, unless Google says
    for how long. After a mishap there is another try behind each of `retry_delays`.
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
    """The answer of a call that may raise RateLimitedError, which is waited for, or Mishap, a few times.

    `report_waiting` gets what is waited for, and None when that is over. Raises the last Mishap, and whatever else.
    """
    told = False

    def waits(_: RetryCallState) -> None:
        nonlocal told
        told = True
        report_waiting(WAITING_DETAIL)

    quota = Retrying(
        retry=retry_if_exception_type(RateLimitedError),
        wait=_QuotaWait(policy),
        before_sleep=waits,
        sleep=time.sleep,
        reraise=True,
    )
    mishaps = Retrying(
        retry=retry_if_exception_type(RetryableError),
        wait=wait_chain(*map(wait_fixed, policy.retry_delays)),
        stop=stop_after_attempt(len(policy.retry_delays) + 1),
        sleep=time.sleep,
        reraise=True,
    )
    try:
        return mishaps(lambda: quota(call))
    finally:
        if told:
            report_waiting(None)


class _QuotaWait(wait_base):
    """As long as Google says, else twice as long each time, never in step with others."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._shortest = policy.min_quota_wait
        self._growing = wait_exponential(policy.min_quota_wait, policy.max_quota_wait)
        self._jitter = wait_random(0, policy.min_quota_wait)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome and retry_state.outcome.exception()
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return max(error.retry_after, self._shortest)
        return self._growing(retry_state) + self._jitter(retry_state)
