"""Waits for rows that another process writes; one query serves all waiters."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from consumer.runtime.aio import WakeEvent
from consumer.store.errors import OUTAGE_ERRORS

V = TypeVar("V")

POLL_INTERVAL = 0.1
"""Between two queries without a notification: some are lost, and those of other replicas come late."""


class SharedLookup(Generic[V]):
    """Looks keys up in Postgres until each is found or its waiter times out.

    `look_up` receives the keys that are waited for and returns those it found. During an outage of Postgres
    the waiters continue to wait, each within its own timeout.
    """

    def __init__(self, look_up: Callable[[Sequence[str]], Awaitable[Mapping[str, V]]]) -> None:
        self._look_up = look_up
        self._waiting: defaultdict[str, set[asyncio.Future[V]]] = defaultdict(set)
        self._wake_event = WakeEvent()
        self._polling: asyncio.Task[None] | None = None

    def notify(self) -> None:
        """Rows were written: query now."""
        if self._waiting:
            self._wake_event.notify()

    async def wait_for_key(self, key: str, timeout: float) -> V | None:
        """The value of a key as soon as it is found, or None after `timeout` seconds."""
        waiter: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting[key].add(waiter)
        self._ensure_polling()
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except TimeoutError:
            return None
        finally:
            self._remove_waiter(key, waiter)

    def _remove_waiter(self, key: str, waiter: "asyncio.Future[V]") -> None:
        self._waiting[key].discard(waiter)
        if not self._waiting[key]:
            del self._waiting[key]

    def _ensure_polling(self) -> None:
        self._wake_event.notify()
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="shared lookup")

    async def _poll(self) -> None:
        """Poll until no waiter is left."""
        while self._waiting:
            await self._wake_event.wait(POLL_INTERVAL)
            try:
                values = await self._look_up(list(self._waiting))
            except OUTAGE_ERRORS:
                continue
            except Exception as error:  # noqa: BLE001 – a defect is raised in the waiters, not in this task
                self._fail_all(error)
                return
            for key, value in values.items():
                self._resolve(key, value)

    def _resolve(self, key: str, value: V) -> None:
        for waiter in self._waiting.get(key, ()):
            if not waiter.done():
                waiter.set_result(value)

    def _fail_all(self, error: Exception) -> None:
        for waiters in self._waiting.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
