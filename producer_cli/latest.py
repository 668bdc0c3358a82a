"""The latest events of jobs, those first that changed last, from the end of the status topic."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from messaging.backwards import Window, read_backwards
from messaging.connection import KafkaConnection
from messaging.records import Record
from producer_cli.events import Sighting, read_event
from schemas.json_text import parse_json
from schemas.topics import STATUS

CLIENT_ID = "migration-cli"


async def latest_of_all(connection: KafkaConnection) -> AsyncGenerator[list[Sighting], None]:
    """The latest event of each request, in pieces; within one the last to change comes first.

    Only keys are remembered. Raises KafkaUnavailable, TopicsMissing.
    """
    known: set[bytes | None] = set()
    async with aclosing(read_backwards(connection, STATUS.name, client_id=CLIENT_ID)) as windows:
        async for window in windows:
            yield _newest_first(_fresh(window, known))


async def last_changed(connection: KafkaConnection, most: int) -> tuple[list[Sighting], bool]:
    """The requests that changed last, at most so many, and whether there may be more."""
    known: set[bytes | None] = set()
    found: list[Sighting] = []
    async with aclosing(read_backwards(connection, STATUS.name, client_id=CLIENT_ID)) as windows:
        async for window in windows:
            found += _fresh(window, known)
            since = window.complete_from_ms
            if since is not None and sum(_changed_ms(one) >= since for one in found) > most:
                break
    return _newest_first(found)[:most], len(found) > most


def _fresh(window: Window, known: set[bytes | None]) -> list[Sighting]:
    """The latest events of requests not met before: the last record of a key is its latest."""
    latest: dict[bytes | None, tuple[int, Record]] = {}
    for record in window.records:
        if record.key not in known and (sequence := _sequence(record.value)) >= 0:
            latest[record.key] = max(latest.get(record.key, (-1, record)), (sequence, record), key=_number)
    known.update(latest)
    sightings = (read_event(record.value) for _, record in latest.values())
    return [sighting for sighting in sightings if sighting]


def _number(numbered: tuple[int, Record]) -> int:
    return numbered[0]


def _newest_first(found: Iterable[Sighting]) -> list[Sighting]:
    return sorted(found, key=lambda seen: seen.event.occurred_at, reverse=True)


def _changed_ms(sighting: Sighting) -> float:
    return sighting.event.occurred_at.timestamp() * 1000


def _sequence(value: bytes | None) -> int:
    """The number alone: there may be hundreds of events to each one that is shown."""
    try:
        body = parse_json(value or b"").body
    except ValueError:
        return -1
    sequence = body.get("sequence") if isinstance(body, dict) else None
    return sequence if isinstance(sequence, int) else -1
