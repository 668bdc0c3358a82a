"""A listener's position and queue: bounded, in order, without a gap."""

import asyncio

import pytest

from consumer.http.events.subscriber import MAX_QUEUED_BYTES, FeedEvent, Subscriber
from consumer.store.event_log import StoredEvent


def make_events(*sequences: int, terminal: int = 0, size: int = 10) -> list[FeedEvent]:
    return [FeedEvent(number, f"<{number}>".encode().ljust(size), number == terminal) for number in sequences]


def listener(position: int) -> Subscriber:
    return Subscriber(1, position, lambda: None)


async def drain_sequences(one: Subscriber) -> list[int]:
    """Sequences of what is queued now."""
    frames = await one.take(0)
    return [int(frame.strip("< ")) for frame in (frames or b"").decode().split(">") if frame.strip()]


@pytest.mark.parametrize(
    ("position", "offered", "queued"),
    [
        (0, (1, 2, 3), [1, 2, 3]),
        (2, (1, 2, 3), [3]),
        (3, (1, 2, 3), []),
        (9, (1, 2, 3), []),
        (2, (7, 8), [7, 8]),  # retention deleted the events between
        (2, (), []),
    ],
)
async def test_only_what_follows_the_position_is_queued(
    position: int, offered: tuple[int, ...], queued: list[int]
) -> None:
    one = listener(position)
    assert one.offer(make_events(*offered)) == bool(queued)
    assert one.last_sequence == (queued[-1] if queued else position)
    assert await drain_sequences(one) == queued


@pytest.mark.parametrize(
    ("offers", "ended"),
    [
        ([(4,), (5,)], False),
        ([(4, 5), ()], True),
        ([(4, 5), (6,), ()], False),  # a retry came right behind
        ([(4, 5, 6), ()], False),
        ([(4, 5), (4, 5)], False),  # read for somebody further behind
        ([()], False),
    ],
)
async def test_stream_ends_behind_the_terminal_event_once_nothing_follows(
    offers: list[tuple[int, ...]], ended: bool
) -> None:
    one = listener(3)
    for offered in offers:
        one.offer(make_events(*offered, terminal=5))
    first = await one.take(0)
    assert bool(first) == any(offers)
    assert (await one.take(0) is None) == ended
    assert one.has_capacity != ended


async def test_full_queue_refuses_and_goes_on_where_it_stopped() -> None:
    asked = []
    one = Subscriber(1, 0, lambda: asked.append(1))
    size = MAX_QUEUED_BYTES // 4
    assert one.offer(make_events(*range(1, 10), size=size))
    assert (one.last_sequence, one.has_capacity) == (4, False)
    assert not one.offer(make_events(*range(1, 10), size=size))
    assert await drain_sequences(one) == [1, 2, 3, 4]
    assert (asked, one.has_capacity) == ([1], True)
    one.offer(make_events(*range(1, 10), size=size))
    assert await drain_sequences(one) == [5, 6, 7, 8]


async def test_an_event_larger_than_the_queue_is_taken_alone() -> None:
    one = listener(0)
    one.offer(make_events(1, 2, size=MAX_QUEUED_BYTES * 2))
    assert one.last_sequence == 1
    assert await drain_sequences(one) == [1]


async def test_a_full_queue_of_everything_asks_for_nothing() -> None:
    asked = []
    one = Subscriber(1, 0, lambda: asked.append(1))
    one.offer(make_events(1, 2))
    await one.take(0)
    assert asked == []


async def test_end_comes_behind_what_is_queued() -> None:
    one = listener(0)
    one.offer(make_events(1))
    one.end()
    assert await drain_sequences(one) == [1]
    assert await one.take(0) is None
    assert await one.take(0) is None


async def test_take_waits_and_gives_nothing_when_nothing_comes() -> None:
    one = listener(0)
    assert await one.take(0.01) == b""
    waiting = asyncio.create_task(one.take(30))
    await asyncio.sleep(0)
    one.offer(make_events(1))
    assert await waiting
    again = asyncio.create_task(one.take(30))
    await asyncio.sleep(0.05)
    assert not again.done(), "an event that was taken does not cut the next wait short"
    one.end()
    assert await again is None


def test_stored_event_becomes_a_frame() -> None:
    running = FeedEvent.from_stored(StoredEvent(1, 7, '{"status": "running"}'))
    assert running == FeedEvent(7, b'id: 7\ndata: {"status": "running"}\n\n', terminal=False)
    assert FeedEvent.from_stored(StoredEvent(1, 8, '{"status": "cancelled"}')).terminal
