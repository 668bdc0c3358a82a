"""Measures how long a replica takes to end after SIGTERM, in every state that it can be in."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from benchmarks.takeover.takeover_timings import TakeoverBenchmark
from consumer.runtime.failpoints import environment as failpoint_environment
from devstack.service import ServiceProcess
from devstack.stack import Stack
from devstack.waiting import wait_until_async

LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "60", "MIGRATION_HEARTBEAT_SECONDS": "10"}
STATE_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ShutdownTiming:
    """State at SIGTERM, seconds from the signal to the end, exit code."""

    state: str
    seconds: float
    code: int


class ShutdownTimings:
    """Measures each state with a single new replica."""

    def __init__(self, benchmark: TakeoverBenchmark, stack: Stack) -> None:
        self._benchmark = benchmark
        self._stack = stack

    async def measure_all(self) -> list[ShutdownTiming]:
        """Measure all states in turn. Jobs of the takeovers end first: they could take all slots."""
        await self._benchmark.wait_until_idle()
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
        return await self._terminate("at its start", self._benchmark.replicas.launch())

    async def _when_ready(
        self, state: str, outage: Callable[[], AbstractAsyncContextManager[None]] | None = None
    ) -> ShutdownTiming:
        replica = await self._start("")
        async with outage() if outage else nullcontext():
            return await self._terminate(state, replica)

    async def _while_held(
        self,
        state: str,
        failpoints: str,
        reached: Callable[[], Awaitable[bool]],
        context: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> ShutdownTiming:
        async with context() if context else nullcontext():
            replica = await self._start(failpoints)
            await self._benchmark.request_import()
            await wait_until_async(reached, STATE_TIMEOUT_SECONDS, state)
            return await self._terminate(state, replica)

    async def _postgres_stopped_mid_batch(self) -> ShutdownTiming:
        replica = await self._start("batch.recorded=hang@2")
        await self._benchmark.request_import()
        await wait_until_async(self._in_transaction, STATE_TIMEOUT_SECONDS, "a batch")
        async with self._postgres_stopped():
            return await self._terminate("Postgres stopped, mid-batch", replica)

    async def _second_sigterm(self) -> ShutdownTiming:
        replica = await self._start("shutdown.started=hang")
        replica.signal(signal.SIGTERM)

        async def draining() -> bool:
            return "shutdown.requested" in replica.log.read_text("utf-8")

        await wait_until_async(draining, STATE_TIMEOUT_SECONDS, "a drain")
        return await self._terminate("twice (from the second)", replica)

    async def _start(self, failpoints: str) -> ServiceProcess:
        replica = self._benchmark.replicas.launch(**failpoint_environment(failpoints), **LONG_LEASE)
        return await asyncio.to_thread(replica.wait_until_ready)

    async def _terminate(self, state: str, replica: ServiceProcess) -> ShutdownTiming:
        started = time.perf_counter()
        self._benchmark.replicas.end(replica.pid, signal.SIGTERM)
        code = await asyncio.to_thread(replica.wait)
        return ShutdownTiming(state, time.perf_counter() - started, code)

    # --- states -----------------------------------------------------------------------------------------

    async def _in_transaction(self) -> bool:
        return await self._batch_backend_is("wait_event = 'ClientRead'")

    async def _waits_for_lock(self) -> bool:
        return await self._batch_backend_is("wait_event_type = 'Lock'")

    async def _batch_backend_is(self, condition: str) -> bool:
        """Whether the transaction of a batch has been in this state for a second, not only in passing."""
        query = f"""select count(*) from pg_stat_activity where application_name = 'chat-migration batches'
            and xact_start < clock_timestamp() - interval '1 second' and {condition}"""
        return bool(await self._benchmark.database.fetchval(query))

    async def _has_child(self) -> bool:
        """Whether the job has stored batches and now waits for the extractor."""
        return await self._benchmark.has_idle_job_with_progress()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Lock a target table on another connection: in a transaction `pg_stat_activity` does not change."""
        connection = await asyncpg.connect(self._benchmark.dsn)
        try:
            async with connection.transaction():
                await connection.execute("lock table directory.chats in access exclusive mode")
                yield
        finally:
            await connection.close()

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
