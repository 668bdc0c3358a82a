"""The worker: claims jobs, runs each as a task of its own, rescues those whose owner is gone, drains."""

import asyncio
from dataclasses import dataclass

from consumer import faults
from consumer.ending import end_in_time
from consumer.happenings import JobClaimed, JobRescued
from consumer.pulse import Pulses, unwatched
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
"""Notifications wake the worker; this finds what they do not tell: waits that are over, expired leases.

What only time brings about is looked for no more often than this, however many notifications there are."""
AWAY_SECONDS = 2.0
OUTAGE_GRACE_SECONDS = 8.0
"""After an outage of Postgres living owners write their ends first; longer than they wait between tries."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How this replica works: its name on leases, how many jobs at once, how leases are kept."""

    owner: str
    max_running: int
    lease_seconds: float
    beat_seconds: float


@dataclass(slots=True)
class _Running:
    job_id: int
    keeper: Keeper
    task: asyncio.Task[None]


class Worker:
    """Runs up to `max_running` jobs. No job knows who asked for it; the worker only knows rows."""

    def __init__(self, shop: Workshop, terms: Terms, pulses: Pulses = unwatched) -> None:
        self._shop = shop
        self._terms = terms
        self._pulses = pulses
        self._alive = pulses("worker").alive
        self._database = shop.database.reporting(self._alive)
        self._wake = Wake()
        self._running: dict[int, _Running] = {}  # by token: a job can come back before its old task has ended
        self._rescue_from = 0.0
        self._upkeep_from = 0.0

    def hear(self, payload: str) -> None:
        """A notification: a job waits, or something is wanted of one (payload: its id)."""
        self._wake.hint()
        for running in self._running.values():
            if str(running.job_id) == payload:
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
                await self._round(stop)
                await self._wake.pause(max(self._upkeep_from - asyncio.get_running_loop().time(), 0.0))
            except (DatabaseUnavailable, Conflict) as error:
                log.warning("worker.waits", reason=str(error))
                self._rescue_from = asyncio.get_running_loop().time() + OUTAGE_GRACE_SECONDS
                await self._wake.pause(AWAY_SECONDS)

    def interrupt(self) -> None:
        """Tell every job to stop, without waiting for it."""
        for running in self._running.values():
            running.keeper.stop(Intent.DRAIN)

    async def drain(self, seconds: float) -> list[asyncio.Task[None]]:
        """Stop every job without failing it: leases are handed back, attempts are not burned.

        What cannot be handed back in that time, since Postgres is away, is left: its lease runs out.
        """
        self.interrupt()
        if tasks := {running.task for running in self._running.values()}:
            log.info("worker.draining", jobs=len(tasks))
        return await end_in_time(tasks, seconds)

    async def _round(self, stop: asyncio.Event) -> None:
        await faults.reach("worker.round")
        if asyncio.get_running_loop().time() >= self._upkeep_from:
            self._upkeep_from = asyncio.get_running_loop().time() + POLL_SECONDS
            await self._upkeep()
        database = self._database
        while not stop.is_set() and len(self._running) < self._terms.max_running:
            claimed = await claims.claim(database, self._terms.owner, self._terms.lease_seconds)
            if claimed is None:
                break
            await faults.reach("claim.committed")
            if claimed.status is Status.RUNNING:
                self._start(claimed)

    async def _upkeep(self) -> None:
        """Rescue jobs whose owner is gone, and end waiting ones whose time is over."""
        if asyncio.get_running_loop().time() >= self._rescue_from:
            await faults.reach("rescue.before")
            ours = frozenset(running.job_id for running in self._running.values())
            for job in await claims.rescue(self._database, ours):
                self._shop.count(JobRescued())
                log.warning("job.rescued", job_id=job.id, status=job.status.value, checkpoint=job.checkpoint)
        # Asks Postgres each time, so an outage begins the grace anew also where every place is taken.
        for job in await claims.end_overdue(self._database):
            log.warning("job.overdue", job_id=job.id)

    def _start(self, job: Job) -> None:
        assert job.token is not None, "a running job has one"  # noqa: S101
        self._shop.count(JobClaimed())
        fence = Fence(job.id, job.token)
        keeper = Keeper(
            self._shop.database,
            fence,
            lease_seconds=self._terms.lease_seconds,
            beat_seconds=self._terms.beat_seconds,
            pulse=self._pulses(f"heartbeat of job {job.id}, token {fence.token}"),
        )
        task = asyncio.create_task(run_job(self._shop, job, keeper, fence), name=f"job {job.id}")
        self._running[fence.token] = _Running(job.id, keeper, task)
        task.add_done_callback(lambda done: self._ended(fence, done))

    def _ended(self, fence: Fence, task: asyncio.Task[None]) -> None:
        self._running.pop(fence.token).keeper.pulse.ended()
        self._wake.hint()
        if not task.cancelled() and (error := task.exception()):
            log.error("job.task_died", job_id=fence.job_id, exc_info=error)
