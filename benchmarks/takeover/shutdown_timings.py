"""How long SIGTERM takes to end a replica, in every state it may be in."""

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from benchmarks.service import STOP_TIMEOUT_SECONDS, BenchmarkError, wait_until_ready
from benchmarks.takeover.takeover_timings import TakeoverBenchmark
from consumer.runtime.failpoints import environment as failpoint_environment
from devstack.stack import Stack

LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "60", "MIGRATION_HEARTBEAT_SECONDS": "10"}
STATE_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ShutdownTiming:
    """How one replica ended."""

    state: str
    seconds: float
    code: int


class ShutdownTimings:
    """Each state with a replica of its own, and no other."""

    def __init__(self, benchmark: TakeoverBenchmark, stack: Stack) -> None:
        self._benchmark = benchmark
        self._stack = stack

    async def measure_all(self) -> list[ShutdownTiming]:
        """One after the other."""
        self._benchmark.replicas.stop()
        return [
            await self._at_start(),
            await self._when_ready("idle"),
            await self._while_held("mid-batch", "batch.recorded=hang@2", self._in_transaction),
            await self._while_held("mid-COPY", "batch.copying=hang@9", self._in_transaction),
            await self._while_held("child busy", "child.chunk=block:120@2", self._has_child),
            await self._while_held("waiting for a lock", "", self._waits_for_lock, self._locked),
            await self._when_ready("Kafka frozen", self._kafka_frozen),
            await self._when_ready("Kafka stopped", self._kafka_stopped),
            await self._when_ready("Postgres stopped, idle", self._postgres_stopped),
            await self._postgres_stopped_mid_batch(),
            await self._second_sigterm(),
        ]

    async def _at_start(self) -> ShutdownTiming:
        process, _, _ = self._benchmark.replicas.launch()
        return await self._terminate("at its start", process)

    async def _when_ready(
        self, state: str, outage: Callable[[], AbstractAsyncContextManager[None]] | None = None
    ) -> ShutdownTiming:
        process = await self._start("")
        async with outage() if outage else nullcontext():
            return await self._terminate(state, process)

    async def _while_held(
        self,
        state: str,
        failpoints: str,
        reached: Callable[[], Awaitable[bool]],
        context: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> ShutdownTiming:
        async with context() if context else nullcontext():
            process = await self._start(failpoints)
            await self._benchmark.request_import()
            await _wait_for(reached, state)
            return await self._terminate(state, process)

    async def _postgres_stopped_mid_batch(self) -> ShutdownTiming:
        process = await self._start("batch.recorded=hang@2")
        await self._benchmark.request_import()
        await _wait_for(self._in_transaction, "a batch")
        async with self._postgres_stopped():
            return await self._terminate("Postgres stopped, mid-batch", process)

    async def _second_sigterm(self) -> ShutdownTiming:
        process, service, log = self._benchmark.replicas.launch(
            **failpoint_environment("shutdown.started=hang")
        )
        await asyncio.to_thread(wait_until_ready, service, process, log)
        process.send_signal(signal.SIGTERM)

        async def asked() -> bool:
            return "shutdown.requested" in log.read_text("utf-8")

        await _wait_for(asked, "a drain")
        return await self._terminate("twice (from the second)", process)

    async def _start(self, failpoints: str) -> subprocess.Popen[bytes]:
        process, service, log = self._benchmark.replicas.launch(
            **failpoint_environment(failpoints), **LONG_LEASE
        )
        await asyncio.to_thread(wait_until_ready, service, process, log)
        return process

    async def _terminate(self, state: str, process: subprocess.Popen[bytes]) -> ShutdownTiming:
        began = time.perf_counter()
        self._benchmark.replicas.signal(process.pid, signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, STOP_TIMEOUT_SECONDS)
        return ShutdownTiming(state, time.perf_counter() - began, code)

    # --- states -----------------------------------------------------------------------------------------

    async def _in_transaction(self) -> bool:
        return await self._batch_backend_is("wait_event = 'ClientRead'")

    async def _waits_for_lock(self) -> bool:
        return await self._batch_backend_is("wait_event_type = 'Lock'")

    async def _batch_backend_is(self, condition: str) -> bool:
        """For a second, so that a passing moment is not taken for it."""
        query = f"""select count(*) from pg_stat_activity where application_name = 'chat-migration batches'
            and xact_start < clock_timestamp() - interval '1 second' and {condition}"""
        return bool(await self._benchmark.database.fetchval(query))

    async def _has_child(self) -> bool:
        """It has stored what came before it was held up."""
        return await self._benchmark.has_idle_job_with_progress()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """On a connection of its own: within a transaction `pg_stat_activity` stands still."""
        holder = await asyncpg.connect(self._benchmark.dsn)
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
            await self._benchmark.reconnect()


async def _wait_for(reached: Callable[[], Awaitable[bool]], what: str) -> None:
    until = time.monotonic() + STATE_TIMEOUT_SECONDS
    while not await reached():
        if time.monotonic() > until:
            raise BenchmarkError(f"a replica never came to this: {what}")
        await asyncio.sleep(0.1)
