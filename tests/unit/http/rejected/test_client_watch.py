"""Work for a client ends when the client disconnects."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from consumer.http.rejected.client_watch import run_while_connected

Receive = Callable[[], Awaitable[dict[str, Any]]]
REQUEST = {"type": "http.request", "body": b"", "more_body": False}


def connected_until(disconnect: asyncio.Event) -> Receive:
    """What a server passes to an app: the request, then the disconnect when it happens."""
    messages = [REQUEST]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await disconnect.wait()
        return {"type": "http.disconnect"}

    return receive


async def test_result_is_returned_while_the_client_is_connected() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await run_while_connected(connected_until(asyncio.Event()), work()) == 7


async def test_work_is_cancelled_and_ended_before_the_disconnect_is_raised() -> None:
    disconnect, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            disconnect.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    with pytest.raises(ClientDisconnect):
        await run_while_connected(connected_until(disconnect), work())
    assert ended.is_set()


async def test_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await run_while_connected(connected_until(asyncio.Event()), work())


async def test_cancelled_request_ends_the_work() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    request = asyncio.create_task(run_while_connected(connected_until(asyncio.Event()), work()))
    await started.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert ended.is_set()
