"""A client of Server-Sent Events that records events with their time of arrival."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.support.wait import wait_until_async


@dataclass(frozen=True, slots=True)
class SseEvent:
    """An event: its id, its data as JSON, and its time of arrival (`time.perf_counter()`)."""

    sequence: int
    data: dict[str, Any]
    at: float


class SseClient:
    """Reads a stream in the background within its context."""

    def __init__(self, client: httpx.AsyncClient, path: str, last_event_id: int | str | None = None) -> None:
        self.events: list[SseEvent] = []
        self.comments = 0
        self.retries: list[str] = []
        self.status = 0
        self.headers = httpx.Headers()
        self.body = b""
        self._client = client
        self._path = path
        self._headers = {} if last_event_id is None else {"last-event-id": str(last_event_id)}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        await self.wait_until(lambda: bool(self.status), "a response")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.disconnect()

    @property
    def sequences(self) -> list[int]:
        return [event.sequence for event in self.events]

    @property
    def ended(self) -> bool:
        """Whether the service has ended the stream."""
        return self._task is not None and self._task.done()

    async def disconnect(self) -> None:
        """Close the connection."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def wait_until(self, condition: Any, what: str, seconds: float = 15) -> None:
        """Wait until a condition on the received events is true; `what` names it in the error."""

        async def is_true() -> bool:
            if self.ended and self._task is not None and not condition():
                self._task.result()
            return bool(condition())

        await wait_until_async(is_true, seconds, what)

    async def wait_for_event(self, sequence: int, seconds: float = 15) -> None:
        """Wait for an event."""
        await self.wait_until(lambda: sequence in self.sequences, f"event {sequence}", seconds)

    async def wait_for_end(self, seconds: float = 15) -> None:
        """Wait for the service to end the stream."""
        await self.wait_until(lambda: self.ended, "the end of the stream", seconds)

    async def _read(self) -> None:
        async with self._client.stream("GET", self._path, headers=self._headers) as response:
            self.headers, self.status = response.headers, response.status_code
            if response.status_code != 200:
                self.body = await response.aread()
                return
            fields: dict[str, str] = {}
            async for line in response.aiter_lines():
                self._on_line(line, fields)

    def _on_line(self, line: str, fields: dict[str, str]) -> None:
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            self.comments += 1
        elif name == "retry":
            self.retries.append(value)
        elif line:
            assert name in {"id", "data"}, line
            assert name not in fields, "the data of an event is one line"
            fields[name] = value
        elif fields:
            self.events.append(SseEvent(int(fields["id"]), json.loads(fields["data"]), time.perf_counter()))
            fields.clear()
