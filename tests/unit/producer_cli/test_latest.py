"""Which jobs are the last to have changed, from windows of the status topic that go backwards."""

from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from messaging.backwards import Window
from messaging.connection import KafkaConnection
from messaging.records import Record
from producer_cli import latest
from producer_cli.events import Sighting
from producer_cli.latest import last_changed, latest_of_all
from tests.unit.producer_cli.making import make_event

NOWHERE = KafkaConnection("127.0.0.1:1")
Told = tuple[str, int, int]
"""Request id, sequence, and the minute in which it changed."""


def minute(at: int) -> datetime:
    return datetime.fromisoformat(f"2026-10-01T12:{at:02}:00Z")


def record(name: str, sequence: int, at: int) -> Record:
    event = make_event("running", sequence, request_id=name, occurred_at=minute(at))
    stamp = int(minute(at).timestamp() * 1000)
    return Record("t", 0, sequence, stamp, name.encode(), event.model_dump_json().encode())


def window(complete_from: int | None, *told: Told) -> Window:
    since = None if complete_from is None else int(minute(complete_from).timestamp() * 1000)
    return Window([record(*one) for one in told], since)


class Topic:
    """Windows, and how many of them were asked for."""

    def __init__(self, *windows: Window) -> None:
        self.windows = windows
        self.asked = 0

    async def read(
        self,
        _connection: KafkaConnection,
        _topic: str,
        *,
        client_id: str,
    ) -> AsyncGenerator[Window, None]:
        for one in self.windows:
            self.asked += 1
            yield one


def reading(monkeypatch: pytest.MonkeyPatch, *windows: Window) -> Topic:
    topic = Topic(*windows)
    monkeypatch.setattr(latest, "read_backwards", topic.read)
    return topic


def plain(found: list[Sighting]) -> list[tuple[str, int]]:
    return [(one.event.request_id, one.event.sequence) for one in found]


async def test_a_job_is_shown_once_by_its_highest_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    reading(
        monkeypatch, window(5, ("a", 3, 9), ("a", 2, 8), ("b", 1, 7)), window(None, ("a", 1, 4), ("c", 1, 3))
    )
    pieces = [plain(piece) async for piece in latest_of_all(NOWHERE)]
    assert pieces == [[("a", 3), ("b", 1)], [("c", 1)]]
    found, has_more = await last_changed(NOWHERE, 5)
    assert (plain(found), has_more) == ([("a", 3), ("b", 1), ("c", 1)], False)


async def test_reading_ends_when_none_unread_can_have_changed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = reading(
        monkeypatch,
        window(8, ("a", 1, 9), ("b", 1, 5), ("c", 1, 4)),  # something unread may have changed at 12:07
        window(3, ("d", 1, 7), ("e", 1, 3)),
        window(None, ("f", 1, 1)),
    )
    found, has_more = await last_changed(NOWHERE, 2)
    assert (plain(found), has_more, topic.asked) == ([("a", 1), ("d", 1)], True, 2)


async def test_strangers_and_tombstones_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = [Record("t", 0, 1, 0, b"x", value) for value in (None, b"no json", b"[]", b'{"sequence": 1}')]
    reading(monkeypatch, Window(strange, None))
    assert await last_changed(NOWHERE, 5) == ([], False)
