"""Follows one job until it ends, is refused, or patience does; knows nothing of Kafka or screens."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from producer_cli.events import Fold, Sighting

PATIENCE_SECONDS = 15.0
"""After so long without any answer a person is told that nobody has answered yet."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The service put our request among the dead letters."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Reached:
    """What was waited for has come: the end of the awaited run, mostly."""

    last: Sighting


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The waiting ended, the job did not."""

    seconds: float


Outcome = Reached | Refusal | TimedOut

Next = Callable[[float], Awaitable[Sighting | Refusal | None]]
"""Waits so many seconds at the most (perhaps `inf`) for what comes next; None when nothing came."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whom to tell."""

    show: Callable[[Sighting], None]
    silent: Callable[[], None]


async def follow(
    following: Next,
    fold: Fold,
    watcher: Watcher,
    *,
    until: Callable[[Fold], Sighting | None] = Fold.end,
    limit: float | None = None,
    patience: float = PATIENCE_SECONDS,
    now: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Show what is news until what is waited for has come, a refusal, or `limit` seconds have passed."""
    start = now()
    deadline = math.inf if limit is None else start + limit
    silent_at = start + patience
    while not (there := until(fold)):
        came = await following(max(0.0, min(deadline, silent_at) - now()))
        if isinstance(came, Refusal):
            return came
        if came is not None and fold.take(came):
            watcher.show(came)
            silent_at = math.inf
        elif now() >= deadline:
            return TimedOut(limit or 0.0)
        elif now() >= silent_at:
            watcher.silent()
            silent_at = math.inf
    return Reached(there)
