import asyncio
import os
import signal

import pytest

from consumer.runtime.shutdown import Shutdown
from tests.support.wait import wait_until_async


@pytest.mark.parametrize("begun_before", [False, True], ids=["a signal", "an error"])
async def test_only_the_second_signal_exits_at_once(
    begun_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    shutdown = Shutdown(60)

    async def stop_requested() -> bool:
        return shutdown._requested

    async def ended() -> bool:
        return bool(exits)

    shutdown.install()
    try:
        if begun_before:
            shutdown.begin()
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_until_async(stop_requested, 5, "the first signal")
        assert shutdown.stop.is_set()
        assert exits == []
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_until_async(ended, 5, "the second signal")
        assert exits == [1]
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
        if shutdown._watchdog is not None:
            shutdown._watchdog.cancel()
