"""How long SIGTERM takes to end a replica, in every state it may be in."""

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from benchmarks.service import STOP_SECONDS, BenchFailed, wait_ready
from benchmarks.takeover.takes import Bench
from devstack.stack import Stack

LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "60", "MIGRATION_HEARTBEAT_SECONDS": "10"}
HELD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How one replica ended."""

    state: str
    seconds: float
    code: int


class Exits:
    """Each state with a replica of its own, and no other."""

    def __init__(self, bench: Bench, stack: Stack) -> None:
        self._bench = bench
        self._stack = stack

    async def all(self) -> list[Exit]:
        """One after the other."""
        self._bench.replicas.stop()
        return [
            await self._at_start(),
            await self._ready("idle"),
            await self._held("mid-batch", "batch.recorded=hang@2", self._in_transaction),
            await self._held("mid-COPY", "batch.copying=hang@9", self._in_transaction),
            await self._held("child busy", "child.chunk=block:120@2", self._has_child),
            await self._held("waiting for a lock", "", self._waits_for_lock, self._locked),
            await self._ready("Kafka frozen", self._kafka_frozen),
            await self._ready("Kafka stopped", self._kafka_stopped),
            await self._ready("Postgres stopped, idle", self._postgres_stopped),
            await self._postgres_stopped_mid_batch(),
            await self._twice(),
        ]

    async def _at_start(self) -> Exit:
        process, _, _ = self._bench.replicas.launch()
        return await self._end("at its start", process)

    async def _ready(
        self, state: str, broken: Callable[[], AbstractAsyncContextManager[None]] | None = None
    ) -> Exit:
        process = await self._start("")
        async with broken() if broken else nullcontext():
            return await self._end(state, process)

    async def _held(
        self,
        state: str,
        fault: str,
        there: Callable[[], Awaitable[bool]],
        around: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> Exit:
        async with around() if around else nullcontext():
            process = await self._start(fault)
            await self._bench.ask()
            await _until(there, state)
            return await self._end(state, process)

    async def _postgres_stopped_mid_batch(self) -> Exit:
        process = await self._start("batch.recorded=hang@2")
        await self._bench.ask()
        await _until(self._in_transaction, "a batch")
        async with self._postgres_stopped():
            return await self._end("Postgres stopped, mid-batch", process)

    async def _twice(self) -> Exit:
        process, service, log = self._bench.replicas.launch(MIGRATION_FAULTS="shutdown.begun=hang")
        await asyncio.to_thread(wait_ready, service, process, log)
        process.send_signal(signal.SIGTERM)

        async def asked() -> bool:
            return "shutdown.asked" in log.read_text("utf-8")

        await _until(asked, "a drain")
        return await self._end("twice (from the second)", process)

    async def _start(self, faults: str) -> subprocess.Popen[bytes]:
        process, service, log = self._bench.replicas.launch(MIGRATION_FAULTS=faults, **LONG_LEASE)
        await asyncio.to_thread(wait_ready, service, process, log)
        return process

    async def _end(self, state: str, process: subprocess.Popen[bytes]) -> Exit:
        began = time.perf_counter()
        self._bench.replicas.signal(process.pid, signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, STOP_SECONDS)
        return Exit(state, time.perf_counter() - began, code)

    # --- states -----------------------------------------------------------------------------------------

    async def _in_transaction(self) -> bool:
        return await self._sees("wait_event = 'ClientRead'")

    async def _waits_for_lock(self) -> bool:
        return await self._sees("wait_event_type = 'Lock'")

    async def _sees(self, what: str) -> bool:
        """For a second, so that a passing moment is not taken for it."""
        query = f"""select count(*) from pg_stat_activity where application_name = 'chat-migration batches'
            and xact_start < clock_timestamp() - interval '1 second' and {what}"""
        return bool(await self._bench.database.fetchval(query))

    async def _has_child(self) -> bool:
        """It has stored what came before it was held up."""
        return await self._bench.stored_a_batch()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """On a connection of its own: within a transaction `pg_stat_activity` stands still."""
        holder = await asyncpg.connect(self._bench.dsn)
        try:
            async with holder.transaction():
                await holder.execute("lock table directory.chats in access exclusive mode")
                yield
        finally:
            await holder.close()

    @asynccontextmanager
    async def _kafka_frozen(self) -> AsyncIterator[None]:
        [broker] = self._stack.brokers
        broker.pause()
        try:
            yield
        finally:
            broker.resume()

    @asynccontextmanager
    async def _kafka_stopped(self) -> AsyncIterator[None]:
        [broker] = self._stack.brokers
        await asyncio.to_thread(broker.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(broker.start)

    @asynccontextmanager
    async def _postgres_stopped(self) -> AsyncIterator[None]:
        assert self._stack.postgres is not None
        await asyncio.to_thread(self._stack.postgres.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self._stack.postgres.start)
            await self._bench.reconnect()


async def _until(there: Callable[[], Awaitable[bool]], what: str) -> None:
    until = time.monotonic() + HELD_SECONDS
    while not await there():
        if time.monotonic() > until:
            raise BenchFailed(f"a replica never came to this: {what}")
        await asyncio.sleep(0.1)
