"""The worker: claims jobs, runs each as a task of its own, rescues those whose owner is gone, drains."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from consumer.errors import LeaseLost
from consumer.store import claims
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.wake import Wake
from consumer.worker.attempt import Workshop
from consumer.worker.keeper import Intent, Keeper
from consumer.worker.log import log
from consumer.worker.run import run_job
from schemas.status import Status

POLL_SECONDS = 1.0
"""Notifications wake the worker; this finds what they do not tell: waits that are over, expired leases."""
AWAY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Terms:
    """How this replica works: its name on leases, how many jobs at once, how leases are kept."""

    owner: str
    max_running: int
    lease_seconds: float
    beat_seconds: float


@dataclass(slots=True)
class _Running:
    keeper: Keeper
    task: asyncio.Task[None]


class Worker:
    """Runs up to `max_running` jobs. No job knows who asked for it; the worker only knows rows."""

    def __init__(self, shop: Workshop, terms: Terms, alive: Callable[[], None] = lambda: None) -> None:
        self._shop = shop
        self._terms = terms
        self._alive = alive
        self._wake = Wake()
        self._running: dict[int, _Running] = {}

    def hear(self, payload: str) -> None:
        """A notification: a job waits, or something is wanted of one (payload: its id)."""
        self._wake.hint()
        running = self._running.get(int(payload)) if payload.isdigit() else None
        if running is not None:
            running.keeper.look()

    @property
    def running(self) -> int:
        """How many jobs run here now."""
        return len(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and rescue until `stop`; jobs go on until `drain`."""
        while not stop.is_set():
            self._alive()  # in an outage, too: a restart would mend nothing
            try:
                await self._round()
                await self._wake.pause(POLL_SECONDS)
            except (DatabaseUnavailable, Conflict) as error:
                log.warning("worker.waits", reason=str(error))
                await self._wake.pause(AWAY_SECONDS)

    async def drain(self) -> None:
        """Stop every job without failing it: leases are handed back, attempts are not burned."""
        for running in self._running.values():
            running.keeper.stop(Intent.DRAIN)
        if tasks := {running.task for running in self._running.values()}:
            log.info("worker.draining", jobs=len(tasks))
            await asyncio.wait(tasks)

    async def _round(self) -> None:
        database = self._shop.database
        for job in await claims.rescue(database, frozenset(self._running)):
            log.warning("job.rescued", job_id=job.id, status=job.status.value, checkpoint=job.checkpoint)
        while len(self._running) < self._terms.max_running:
            claimed = await claims.claim(database, self._terms.owner, self._terms.lease_seconds)
            if claimed is None:
                break
            if claimed.status is Status.RUNNING:
                self._start(claimed)

    def _start(self, job: Job) -> None:
        if job.token is None:
            raise LeaseLost
        fence = Fence(job.id, job.token)
        keeper = Keeper(
            self._shop.database,
            fence,
            lease_seconds=self._terms.lease_seconds,
            beat_seconds=self._terms.beat_seconds,
        )
        task = asyncio.create_task(run_job(self._shop, job, keeper, fence), name=f"job {job.id}")
        self._running[job.id] = _Running(keeper, task)
        task.add_done_callback(lambda done: self._ended(job.id, done))

    def _ended(self, job_id: int, task: asyncio.Task[None]) -> None:
        del self._running[job_id]
        self._wake.hint()
        if not task.cancelled() and (error := task.exception()):
            log.error("job.task_died", job_id=job_id, exc_info=error)
