"""The jobs published last, from windows of the status topic read backwards."""

import json
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from messaging.backward_reader import Window
from messaging.connection import KafkaConnection
from messaging.records import Record
from producer_cli.events import ReceivedEvent
from producer_cli.kafka import latest_events
from producer_cli.kafka.latest_events import PublishedEvent, last_published, latest_of_all
from producer_cli.render.jobs_table import jobs_table
from producer_cli.render.summary import details
from tests.support.status_event_factories import make_event

NOWHERE = KafkaConnection("127.0.0.1:1")
ExpectedEvent = tuple[str, int, int]
"""Request id, sequence, and the minute in which it was published."""
OCCURRED = datetime(2026, 10, 1, 9, tzinfo=UTC)
"""Hours before it was published, as events are that a relay has to catch up with."""


def time_at(at: int) -> datetime:
    return datetime.fromisoformat(f"2026-10-01T12:{at:02}:00Z")


def record(name: str, sequence: int, at: int, **other: Any) -> Record:
    """An event as published; `other` are fields of its JSON, which need not be valid."""
    event = make_event("running", sequence, request_id=name, occurred_at=OCCURRED)
    return raw_record(name, at, event.model_dump(mode="json") | other)


def raw_record(name: str, at: int, body: object) -> Record:
    stamp = int(time_at(at).timestamp() * 1000)
    return Record("t", 0, 0, stamp, name.encode(), json.dumps(body).encode())


def make_window(complete_from: int | None, *events: ExpectedEvent) -> Window:
    since = None if complete_from is None else int(time_at(complete_from).timestamp() * 1000)
    return Window([record(*event) for event in events], since)


class FakeTopicWindows:
    """Windows, and how many of them were read."""

    def __init__(self, *windows: Window) -> None:
        self.windows = windows
        self.reads = 0

    async def read(
        self,
        _connection: KafkaConnection,
        _topic: str,
        *,
        client_id: str,
    ) -> AsyncGenerator[Window, None]:
        for window in self.windows:
            self.reads += 1
            yield window


def patch_reader(monkeypatch: pytest.MonkeyPatch, *windows: Window) -> FakeTopicWindows:
    topic = FakeTopicWindows(*windows)
    monkeypatch.setattr(latest_events, "read_backwards", topic.read)
    return topic


def request_ids_and_sequences(found: list[ReceivedEvent]) -> list[tuple[str, int]]:
    return [(received.event.request_id, received.event.sequence) for received in found]


async def test_job_is_listed_once_with_highest_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    patch_reader(
        monkeypatch,
        make_window(5, ("a", 3, 9), ("a", 2, 8), ("b", 1, 7)),
        make_window(None, ("a", 1, 4), ("c", 1, 3)),
    )
    pieces = [request_ids_and_sequences(piece) async for piece in latest_of_all(NOWHERE)]
    assert pieces == [[("a", 3), ("b", 1)], [("c", 1)]]
    found, has_more = await last_published(NOWHERE, 5)
    assert (request_ids_and_sequences(found), has_more) == ([("a", 3), ("b", 1), ("c", 1)], False)


async def test_reading_stops_when_no_unread_event_can_be_newer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = patch_reader(
        monkeypatch,
        make_window(
            8, ("a", 1, 9), ("b", 1, 5), ("c", 1, 4)
        ),  # something unread may have been published at 12:07
        make_window(3, ("d", 1, 7), ("e", 1, 3)),
        make_window(None, ("f", 1, 1)),
    )
    found, has_more = await last_published(NOWHERE, 2)
    assert (request_ids_and_sequences(found), has_more, topic.reads) == ([("a", 1), ("d", 1)], True, 2)


async def test_foreign_records_and_tombstones_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = [Record("t", 0, 1, 0, b"x", value) for value in (None, b"no json", b"[]", b'{"sequence": 1}')]
    patch_reader(monkeypatch, Window(foreign, None))
    assert await last_published(NOWHERE, 5) == ([], False)


INVALID_EVENTS: list[dict[str, Any]] = [
    {"sequence": 99},
    {"sequence": True},
    make_event("running", 99, request_id="a").model_dump(mode="json") | {"status": "paused"},
]
"""Under the key of a job: published by other software or by a release that knows more states."""


@pytest.mark.parametrize("body", INVALID_EVENTS)
@pytest.mark.parametrize("in_older_window", [False, True], ids=["same window", "window before"])
async def test_invalid_event_does_not_hide_job(
    monkeypatch: pytest.MonkeyPatch, body: object, in_older_window: bool
) -> None:
    event, invalid = record("a", 3, 8), raw_record("a", 9, body)
    windows = (
        [Window([invalid], 0), Window([event], None)] if in_older_window else [Window([event, invalid], None)]
    )
    patch_reader(monkeypatch, *windows)
    found, has_more = await last_published(NOWHERE, 5)
    assert (request_ids_and_sequences(found), has_more) == ([("a", 3)], False)
    assert [request_ids_and_sequences(piece) async for piece in latest_of_all(NOWHERE)][-1] == [("a", 3)]


async def test_same_publish_time_is_ordered_by_occurred_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A time without a zone is UTC: comparing it with others raises TypeError otherwise."""
    times = {"a": "2026-10-01T12:00:00Z", "b": "2026-10-01T12:00:02", "c": "2026-10-01T15:00:01+03:00"}
    patch_reader(
        monkeypatch, Window([record(name, 1, 9, occurred_at=at) for name, at in times.items()], None)
    )
    found, _ = await last_published(NOWHERE, 5)
    assert request_ids_and_sequences(found) == [("b", 1), ("c", 1), ("a", 1)]
    assert jobs_table([received.event for received in found], OCCURRED, wide=True).row_count == 3
    assert all(list(details(received.event)) for received in found)


async def test_only_jobs_that_may_be_shown_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their events would take hundreds of megabytes where many jobs have to be looked at."""
    windows = [make_window(0, *((f"{at}-{n}", 1, at) for n in range(100))) for at in range(59, 40, -1)]
    topic = patch_reader(monkeypatch, *windows, Window([], None))
    kept: list[int] = []
    newest_first = latest_events._newest_first

    def record_kept(found: Iterable[PublishedEvent]) -> list[PublishedEvent]:
        listed = list(found)
        kept.append(len(listed))
        return newest_first(listed)

    monkeypatch.setattr(latest_events, "_newest_first", record_kept)
    monkeypatch.setattr(latest_events, "read_backwards", with_unread_windows(topic).read)
    found, has_more = await last_published(NOWHERE, 50)
    assert (len(found), has_more) == (50, True)
    assert max(kept) == 51 + 100


def with_unread_windows(topic: FakeTopicWindows) -> FakeTopicWindows:
    """The same windows where something unread may be the youngest of all, until there is none."""
    late = int(time_at(59).timestamp() * 1000) + 1
    return FakeTopicWindows(
        *(replace(window, complete_from_ms=late) for window in topic.windows[:-1]), topic.windows[-1]
    )
