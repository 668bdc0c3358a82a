"""Follows one job until it ends, is refused, or patience does; knows nothing of Kafka or screens."""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from producer_cli.events import ReceivedEvent, RunTracker

NO_RESPONSE_NOTICE_SECONDS = 15.0
"""Seconds without an event after which `on_no_response` is called."""


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The service put our request among the dead letters."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Committed:
    """The service has committed our message, and every dead letter up to then has been read.

    So no dead letter of it can follow. `uncertainty` is the reason if the commit cannot be observed.
    """

    uncertainty: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was waited for has come: the end of the awaited run, mostly."""

    last: ReceivedEvent
    uncertainty: str | None = None
    """Why it is not known whether our message was refused, where it is not."""


@dataclass(frozen=True, slots=True)
class WaitTimedOut:
    """The waiting ended, the job did not; or it did, and our message was `unread` all the same."""

    seconds: float
    uncommitted: bool = False


Outcome = Done | DeadLettered | WaitTimedOut

StreamItem = ReceivedEvent | DeadLettered | Committed
NextItem = Callable[[float], Awaitable[StreamItem | None]]
"""Waits so many seconds at the most (perhaps `inf`) for what comes next; None when nothing came."""


def _noop() -> None:
    """Default callback."""


@dataclass(frozen=True, slots=True)
class FollowCallbacks:
    """Whom to tell: of news, of silence, and of an end that came while our message was not read."""

    on_event: Callable[[ReceivedEvent], None]
    on_no_response: Callable[[], None]
    on_uncommitted: Callable[[], None] = _noop


async def follow(
    next_item: NextItem,
    tracker: RunTracker,
    callbacks: FollowCallbacks,
    *,
    until: Callable[[RunTracker], ReceivedEvent | None] = RunTracker.end_of_run,
    await_commit: bool = False,
    timeout: float | None = None,
    notice_after: float = NO_RESPONSE_NOTICE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Show what is news until what is waited for has come, a refusal, or `limit` seconds have passed.

    With `published`, a message of ours went before: what is waited for may be the doing of another one with
    the same id, so it is neither believed nor shown before Passed.
    """
    start = clock()
    deadline = math.inf if timeout is None else start + timeout
    tell_at = start + notice_after
    passed = None if await_commit else Committed()
    held: list[ReceivedEvent] = []
    while not ((there := until(tracker)) and passed):
        came = await next_item(max(0.0, min(deadline, tell_at) - clock()))
        match came:
            case DeadLettered():
                return came
            case Committed():
                passed = came
            case ReceivedEvent() if tracker.accept(came):
                held.append(came)
                tell_at = clock() + notice_after if until(tracker) else math.inf
            case _ if clock() >= deadline:
                return WaitTimedOut(timeout or 0.0, uncommitted=there is not None)
            case _ if clock() >= tell_at:
                (callbacks.on_uncommitted if there else callbacks.on_no_response)()
                tell_at = math.inf
        if passed or not until(tracker):
            _flush(held, callbacks)
    return Done(there, passed.uncertainty)


def _flush(held: list[ReceivedEvent], callbacks: FollowCallbacks) -> None:
    for sighting in held:
        callbacks.on_event(sighting)
    held.clear()
