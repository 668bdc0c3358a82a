from collections.abc import Awaitable, Callable

from producer_cli.events import RunTracker
from producer_cli.follow import (
    Committed,
    DeadLettered,
    Done,
    FollowCallbacks,
    StreamItem,
    WaitTimedOut,
    follow,
)
from tests.support.status_event_factories import make_received_event

Arrival = StreamItem | None


class ManualClock:
    """Time advances only during waits."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time


def scripted_arrivals(
    clock: ManualClock, *steps: tuple[float, Arrival]
) -> Callable[[float], Awaitable[Arrival]]:
    """Return each step after its delay in seconds, then nothing."""
    left = list(steps)

    async def following(seconds: float) -> Arrival:
        after = left[0][0] if left else float("inf")
        if after > seconds:
            clock.time += seconds
            if left:
                left[0] = (after - seconds, left[0][1])
            return None
        clock.time += after
        return left.pop(0)[1]

    return following


class RecordedCallbacks:
    def __init__(self) -> None:
        self.shown: list[int] = []
        self.silences: list[float] = []
        self.unread: list[float] = []

    def callbacks(self, clock: ManualClock) -> FollowCallbacks:
        return FollowCallbacks(
            lambda received: self.shown.append(received.event.sequence),
            lambda: self.silences.append(clock.now() - 100),
            lambda: self.unread.append(clock.now() - 100),
        )


async def test_new_events_are_shown_until_end() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(
        clock,
        (1, make_received_event("pending", 1)),
        (1, make_received_event("running", 2)),
        (1, make_received_event("pending", 1)),
        (1, make_received_event("completed", 3)),
    )
    outcome = await follow(steps, RunTracker(), recorded.callbacks(clock), clock=clock.now)
    assert isinstance(outcome, Done)
    assert recorded.shown == [1, 2, 3]
    assert recorded.silences == []


async def test_silence_is_reported_once_and_wait_continues() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(clock, (100, make_received_event("completed", 1)))
    outcome = await follow(steps, RunTracker(), recorded.callbacks(clock), clock=clock.now)
    assert isinstance(outcome, Done)
    assert recorded.silences == [15]


async def test_new_event_stops_silence_detection() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(
        clock, (14, make_received_event("pending", 1)), (500, make_received_event("failed", 2))
    )
    await follow(steps, RunTracker(), recorded.callbacks(clock), clock=clock.now)
    assert recorded.silences == []


async def test_stale_event_does_not_count_as_response() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(
        clock, (10, make_received_event("failed", 4)), (10, make_received_event("pending", 5, run=2))
    )
    tracker = RunTracker.for_next_run(make_received_event("failed", 4))
    outcome = await follow(steps, tracker, recorded.callbacks(clock), timeout=30, clock=clock.now)
    assert outcome == WaitTimedOut(30)
    assert recorded.silences == [15]


async def test_dead_letter_ends_follow() -> None:
    clock = ManualClock()
    dead_letter = DeadLettered("request_id_reused", "This id belongs to another request.")
    steps = scripted_arrivals(clock, (1, make_received_event("running", 5)), (1, dead_letter))
    assert (
        await follow(steps, RunTracker(), RecordedCallbacks().callbacks(clock), clock=clock.now)
        == dead_letter
    )


async def test_timeout_applies_while_events_arrive() -> None:
    clock = ManualClock()
    steps = scripted_arrivals(
        clock, *((1, make_received_event("running", number)) for number in range(1, 100))
    )
    outcome = await follow(
        steps, RunTracker(), RecordedCallbacks().callbacks(clock), timeout=10, clock=clock.now
    )
    assert outcome == WaitTimedOut(10)
    assert clock.now() == 110


async def test_already_finished_job_ends_follow_at_once() -> None:
    clock = ManualClock()
    tracker = RunTracker()
    tracker.accept(make_received_event("completed", 8))
    assert isinstance(
        await follow(
            scripted_arrivals(clock), tracker, RecordedCallbacks().callbacks(clock), clock=clock.now
        ),
        Done,
    )


async def test_end_is_held_until_message_is_committed() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    end = make_received_event("completed", 2)
    steps = scripted_arrivals(clock, (1, make_received_event("running", 1)), (1, end), (4, Committed()))
    outcome = await follow(steps, RunTracker(), recorded.callbacks(clock), await_commit=True, clock=clock.now)
    assert outcome == Done(end)
    assert clock.now() == 106
    assert recorded.shown == [1, 2]
    assert recorded.unread == []


async def test_end_after_commit_is_returned_at_once() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(clock, (1, Committed("it is hidden")), (1, make_received_event("completed", 2)))
    outcome = await follow(steps, RunTracker(), recorded.callbacks(clock), await_commit=True, clock=clock.now)
    assert isinstance(outcome, Done)
    assert outcome.uncertainty == "it is hidden"
    assert recorded.shown == [2]


async def test_dead_letter_overrides_held_end() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    dead_letter = DeadLettered("request_id_reused", "This id belongs to another request.")
    steps = scripted_arrivals(
        clock, (1, make_received_event("completed", 2)), (1, dead_letter), (1, Committed())
    )
    assert (
        await follow(steps, RunTracker(), recorded.callbacks(clock), await_commit=True, clock=clock.now)
        == dead_letter
    )
    assert recorded.shown == []


async def test_uncommitted_message_is_reported_once_and_wait_continues() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(clock, (10, make_received_event("completed", 2)), (100, Committed()))
    outcome = await follow(steps, RunTracker(), recorded.callbacks(clock), await_commit=True, clock=clock.now)
    assert isinstance(outcome, Done)
    assert recorded.unread == [25]
    assert recorded.silences == []


async def test_wait_for_commit_times_out() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(clock, (1, make_received_event("completed", 2)))
    outcome = await follow(
        steps, RunTracker(), recorded.callbacks(clock), await_commit=True, timeout=10, clock=clock.now
    )
    assert outcome == WaitTimedOut(10, uncommitted=True)
    assert clock.now() == 110
    assert recorded.shown == []


async def test_held_end_is_shown_when_next_run_starts() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(
        clock,
        (1, make_received_event("failed", 2)),
        (1, make_received_event("pending", 3, run=2)),
        (1, make_received_event("completed", 4, run=2)),
        (1, Committed()),
    )
    assert isinstance(
        await follow(steps, RunTracker(), recorded.callbacks(clock), await_commit=True, clock=clock.now), Done
    )
    assert recorded.shown == [2, 3, 4]


async def test_silence_is_reported_after_commit() -> None:
    clock, recorded = ManualClock(), RecordedCallbacks()
    steps = scripted_arrivals(clock, (1, Committed()), (100, make_received_event("completed", 2)))
    await follow(steps, RunTracker(), recorded.callbacks(clock), await_commit=True, clock=clock.now)
    assert recorded.silences == [15]
