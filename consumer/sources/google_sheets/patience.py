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

from consumer.sources.google_sheets.outcomes import Mishap, QuotaUsedUp

WAITING = "waiting for quota"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits in seconds: of a call as a whole, of connecting and of silence; and the waits in between.

    A used-up quota is waited for without end, at first `shortest`, at last `longest`, unless Google says
    for how long. After a mishap there is another try behind each of `pauses`.
    """

    call: float = 60.0
    connect: float = 5.0
    silence: float = 30.0
    shortest: float = 1.0
    longest: float = 64.0
    pauses: tuple[float, ...] = (1.0, 3.0)


def patiently(call: Callable[[], Answer], patience: Patience, tell: Callable[[str | None], None]) -> Answer:
    """The answer of a call that may raise QuotaUsedUp, which is waited for, or Mishap, a few times.

    `tell` gets what is waited for, and None when that is over. Raises the last Mishap, and whatever else.
    """
    told = False

    def waits(_: RetryCallState) -> None:
        nonlocal told
        told = True
        tell(WAITING)

    quota = Retrying(
        retry=retry_if_exception_type(QuotaUsedUp),
        wait=_QuotaWait(patience),
        before_sleep=waits,
        sleep=time.sleep,
        reraise=True,
    )
    mishaps = Retrying(
        retry=retry_if_exception_type(Mishap),
        wait=wait_chain(*map(wait_fixed, patience.pauses)),
        stop=stop_after_attempt(len(patience.pauses) + 1),
        sleep=time.sleep,
        reraise=True,
    )
    try:
        return mishaps(lambda: quota(call))
    finally:
        if told:
            tell(None)


class _QuotaWait(wait_base):
    """As long as Google says, else twice as long each time, never in step with others."""

    def __init__(self, patience: Patience) -> None:
        self._shortest = patience.shortest
        self._growing = wait_exponential(patience.shortest, patience.longest)
        self._jitter = wait_random(0, patience.shortest)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome and retry_state.outcome.exception()
        if isinstance(error, QuotaUsedUp) and error.seconds is not None:
            return max(error.seconds, self._shortest)
        return self._growing(retry_state) + self._jitter(retry_state)
