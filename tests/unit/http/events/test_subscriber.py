"""A subscriber's queue is bounded, in order, and without gaps."""

import asyncio

import pytest

from consumer.http.events.subscriber import MAX_QUEUED_BYTES, FeedEvent, Subscriber
from consumer.store.event_log import StoredEvent


def make_events(*sequences: int, terminal: int = 0, size: int = 10) -> list[FeedEvent]:
    return [FeedEvent(number, f"<{number}>".encode().ljust(size), number == terminal) for number in sequences]


def make_subscriber(after_sequence: int) -> Subscriber:
    return Subscriber(1, after_sequence, lambda: None)


async def drain_sequences(subscriber: Subscriber) -> list[int]:
    """Sequences of the queued events."""
    frames = await subscriber.take(0)
    return [int(frame.strip("< ")) for frame in (frames or b"").decode().split(">") if frame.strip()]


@pytest.mark.parametrize(
    ("after_sequence", "offered", "queued"),
    [
        (0, (1, 2, 3), [1, 2, 3]),
        (2, (1, 2, 3), [3]),
        (3, (1, 2, 3), []),
        (9, (1, 2, 3), []),
        (2, (7, 8), [7, 8]),  # retention deleted the events between
        (2, (), []),
    ],
)
async def test_only_later_events_are_queued(
    after_sequence: int, offered: tuple[int, ...], queued: list[int]
) -> None:
    subscriber = make_subscriber(after_sequence)
    assert subscriber.offer(make_events(*offered)) == bool(queued)
    assert subscriber.last_sequence == (queued[-1] if queued else after_sequence)
    assert await drain_sequences(subscriber) == queued


@pytest.mark.parametrize(
    ("offers", "ended"),
    [
        ([(4,), (5,)], False),
        ([(4, 5), ()], True),
        ([(4, 5), (6,), ()], False),  # followed by a retry
        ([(4, 5, 6), ()], False),
        ([(4, 5), (4, 5)], False),  # read for a subscriber further behind
        ([()], False),
    ],
)
async def test_stream_ends_after_the_terminal_event_once_nothing_follows(
    offers: list[tuple[int, ...]], ended: bool
) -> None:
    subscriber = make_subscriber(3)
    for offered in offers:
        subscriber.offer(make_events(*offered, terminal=5))
    first = await subscriber.take(0)
    assert bool(first) == any(offers)
    assert (await subscriber.take(0) is None) == ended
    assert subscriber.has_capacity != ended


async def test_full_queue_rejects_events_and_continues_without_a_gap() -> None:
    calls = []
    subscriber = Subscriber(1, 0, lambda: calls.append(1))
    size = MAX_QUEUED_BYTES // 4
    assert subscriber.offer(make_events(*range(1, 10), size=size))
    assert (subscriber.last_sequence, subscriber.has_capacity) == (4, False)
    assert not subscriber.offer(make_events(*range(1, 10), size=size))
    assert await drain_sequences(subscriber) == [1, 2, 3, 4]
    assert (calls, subscriber.has_capacity) == ([1], True)
    subscriber.offer(make_events(*range(1, 10), size=size))
    assert await drain_sequences(subscriber) == [5, 6, 7, 8]


async def test_event_larger_than_the_queue_is_queued_alone() -> None:
    subscriber = make_subscriber(0)
    subscriber.offer(make_events(1, 2, size=MAX_QUEUED_BYTES * 2))
    assert subscriber.last_sequence == 1
    assert await drain_sequences(subscriber) == [1]


async def test_queue_that_did_not_overflow_requests_no_events() -> None:
    calls = []
    subscriber = Subscriber(1, 0, lambda: calls.append(1))
    subscriber.offer(make_events(1, 2))
    await subscriber.take(0)
    assert calls == []


async def test_end_comes_after_queued_events() -> None:
    subscriber = make_subscriber(0)
    subscriber.offer(make_events(1))
    subscriber.end()
    assert await drain_sequences(subscriber) == [1]
    assert await subscriber.take(0) is None
    assert await subscriber.take(0) is None


async def test_take_waits_and_returns_nothing_on_timeout() -> None:
    subscriber = make_subscriber(0)
    assert await subscriber.take(0.01) == b""
    waiting = asyncio.create_task(subscriber.take(30))
    await asyncio.sleep(0)
    subscriber.offer(make_events(1))
    assert await waiting
    second = asyncio.create_task(subscriber.take(30))
    await asyncio.sleep(0.05)
    assert not second.done(), "an event that was taken must not end the next wait"
    subscriber.end()
    assert await second is None


def test_stored_event_becomes_a_frame() -> None:
    running = FeedEvent.from_stored(StoredEvent(1, 7, '{"status": "running"}'))
    assert running == FeedEvent(7, b'id: 7\ndata: {"status": "running"}\n\n', terminal=False)
    assert FeedEvent.from_stored(StoredEvent(1, 8, '{"status": "cancelled"}')).terminal
