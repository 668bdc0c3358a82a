"""The latest events of jobs, those published last first, from the end of the status topic."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter

from messaging.backward_reader import Window, read_backwards
from messaging.connection import KafkaConnection
from messaging.records import Record
from producer_cli.events import ReceivedEvent, read_event
from producer_cli.kafka import CLIENT_ID
from schemas.json_text import parse_json
from schemas.topics import STATUS


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event, and when its record was published (Unix time in milliseconds, by the broker's clock).

    The windows are bounded by the same clock. `occurred_at` is another one: a relay that catches up publishes
    events long after they occurred.
    """

    received: ReceivedEvent
    timestamp_ms: int


async def latest_of_all(connection: KafkaConnection) -> AsyncGenerator[list[ReceivedEvent], None]:
    """The latest event of each request, in pieces; within one the last published comes first.

    Only keys are remembered. Raises KafkaUnavailable, TopicsMissing.
    """
    known: set[bytes | None] = set()
    async with aclosing(read_backwards(connection, STATUS.name, client_id=CLIENT_ID)) as windows:
        async for window in windows:
            yield [one.received for one in _newest_first(_latest_unseen(window, known))]


async def last_published(connection: KafkaConnection, limit: int) -> tuple[list[ReceivedEvent], bool]:
    """The requests whose latest event was published last, at most `limit`, and whether there are more.

    Raises KafkaUnavailable, TopicsMissing.
    """
    known: set[bytes | None] = set()
    best: list[PublishedEvent] = []
    async with aclosing(read_backwards(connection, STATUS.name, client_id=CLIENT_ID)) as windows:
        async for window in windows:
            best = _newest_first([*best, *_latest_unseen(window, known)])[: limit + 1]
            since = window.complete_from_ms
            if since is not None and len(best) > limit and best[-1].timestamp_ms >= since:
                break
    return [one.received for one in best[:limit]], len(best) > limit


def _latest_unseen(window: Window, seen_keys: set[bytes | None]) -> Iterator[PublishedEvent]:
    """The latest events of requests not met before: the last record of a key is its latest.

    A key without any event that can be read is not met: the windows before this one may hold one.
    """
    found: dict[bytes | None, list[tuple[int, Record]]] = {}
    for record in reversed(window.records):
        if record.key not in seen_keys and (sequence := _parse_sequence(record.value)) >= 0:
            found.setdefault(record.key, []).append((sequence, record))
    for key, numbered in found.items():
        if latest := _latest_readable(numbered):
            seen_keys.add(key)
            yield latest


def _latest_readable(candidates: list[tuple[int, Record]]) -> PublishedEvent | None:
    """The event of the highest number among those that are one; of equal numbers, the first in the list."""
    for _, record in sorted(candidates, key=itemgetter(0), reverse=True):
        if sighting := read_event(record.value):
            return PublishedEvent(sighting, record.timestamp_ms)
    return None


def _newest_first(found: Iterable[PublishedEvent]) -> list[PublishedEvent]:
    """Of those published in one millisecond, the last that occurred comes first."""
    return sorted(found, key=lambda one: (one.timestamp_ms, one.received.event.occurred_at), reverse=True)


def _parse_sequence(value: bytes | None) -> int:
    """The number alone: there may be hundreds of events to each one that is shown."""
    try:
        body = parse_json(value or b"").body
    except ValueError:
        return -1
    sequence = body.get("sequence") if isinstance(body, dict) else None
    return sequence if isinstance(sequence, int) else -1
