"""Follows one job until it ends, its request is rejected, or the wait times out.

Independent of Kafka and of the output.
"""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from producer_cli.events import ReceivedEvent, RunTracker

NO_RESPONSE_NOTICE_SECONDS = 15.0
"""Seconds without an event after which `on_no_response` is called."""


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The service published our message as a dead letter."""

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
    """The awaited event has arrived, by default the end of the awaited run."""

    last: ReceivedEvent
    uncertainty: str | None = None
    """Why it is unknown whether our message was rejected; None if it is known."""


@dataclass(frozen=True, slots=True)
class WaitTimedOut:
    """The wait timed out; `uncommitted`: the awaited event has arrived, but our message was not committed."""

    seconds: float
    uncommitted: bool = False


Outcome = Done | DeadLettered | WaitTimedOut

StreamItem = ReceivedEvent | DeadLettered | Committed
NextItem = Callable[[float], Awaitable[StreamItem | None]]
"""Waits at most the given seconds (may be `inf`) for the next item; None after a timeout."""


def _noop() -> None:
    """Default callback."""


@dataclass(frozen=True, slots=True)
class FollowCallbacks:
    """Called for new events, when no event arrives, and when the awaited event arrives before the commit."""

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
    """Report new events until `until` returns one, a dead letter arrives, or `timeout` seconds have passed.

    With `await_commit` a message of ours was published. Another message with the same request id may have
    caused the awaited event, so that is neither reported nor returned before Committed.
    """
    start = clock()
    deadline = math.inf if timeout is None else start + timeout
    notice_at = start + notice_after
    committed = None if await_commit else Committed()
    unreported: list[ReceivedEvent] = []
    while not ((awaited := until(tracker)) and committed):
        item = await next_item(max(0.0, min(deadline, notice_at) - clock()))
        match item:
            case DeadLettered():
                return item
            case Committed():
                committed = item
            case ReceivedEvent() if tracker.accept(item):
                unreported.append(item)
                notice_at = clock() + notice_after if until(tracker) else math.inf
            case _ if clock() >= deadline:
                return WaitTimedOut(timeout or 0.0, uncommitted=awaited is not None)
            case _ if clock() >= notice_at:
                (callbacks.on_uncommitted if awaited else callbacks.on_no_response)()
                notice_at = math.inf
        if committed or not until(tracker):
            _report(unreported, callbacks)
    return Done(awaited, committed.uncertainty)


def _report(events: list[ReceivedEvent], callbacks: FollowCallbacks) -> None:
    for received in events:
        callbacks.on_event(received)
    events.clear()
