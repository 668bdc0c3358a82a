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
class Passed:
    """The service has read our message: from now on nothing can be heard of a refusal that was not heard yet.

    Where that cannot be seen, `doubt` says why.
    """

    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What was waited for has come: the end of the awaited run, mostly."""

    last: Sighting
    doubt: str | None = None
    """Why it is not known whether our message was refused, where it is not."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The waiting ended, the job did not; or it did, and our message was `unread` all the same."""

    seconds: float
    unread: bool = False


Outcome = Reached | Refusal | TimedOut

News = Sighting | Refusal | Passed
Next = Callable[[float], Awaitable[News | None]]
"""Waits so many seconds at the most (perhaps `inf`) for what comes next; None when nothing came."""


def _nobody() -> None:
    """Nobody wants to hear of it."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whom to tell: of news, of silence, and of an end that came while our message was not read."""

    show: Callable[[Sighting], None]
    silent: Callable[[], None]
    unread: Callable[[], None] = _nobody


async def follow(
    following: Next,
    fold: Fold,
    watcher: Watcher,
    *,
    until: Callable[[Fold], Sighting | None] = Fold.end,
    published: bool = False,
    limit: float | None = None,
    patience: float = PATIENCE_SECONDS,
    now: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Show what is news until what is waited for has come, a refusal, or `limit` seconds have passed.

    With `published`, a message of ours went before: what is waited for may be the doing of another one with
    the same id, so it is neither believed nor shown before Passed.
    """
    start = now()
    deadline = math.inf if limit is None else start + limit
    tell_at = start + patience
    passed = None if published else Passed()
    held: list[Sighting] = []
    while not ((there := until(fold)) and passed):
        came = await following(max(0.0, min(deadline, tell_at) - now()))
        match came:
            case Refusal():
                return came
            case Passed():
                passed = came
            case Sighting() if fold.take(came):
                held.append(came)
                tell_at = now() + patience if until(fold) else math.inf
            case _ if now() >= deadline:
                return TimedOut(limit or 0.0, unread=there is not None)
            case _ if now() >= tell_at:
                (watcher.unread if there else watcher.silent)()
                tell_at = math.inf
        if passed or not until(fold):
            _show(held, watcher)
    return Reached(there, passed.doubt)


def _show(held: list[Sighting], watcher: Watcher) -> None:
    for sighting in held:
        watcher.show(sighting)
    held.clear()
