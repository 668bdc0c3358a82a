"""Claims jobs, runs each as a task, rescues jobs with expired leases, drains."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog

from consumer.runtime import failpoints
from consumer.runtime.aio import WakeEvent, wait_or_cancel
from consumer.runtime.health import Heartbeat
from consumer.store import claims, unclaimable_jobs
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.telemetry.events import JobClaimed, JobRescued
from consumer.worker.context import WorkerContext
from consumer.worker.job_runner import run_job
from consumer.worker.lease_heartbeat import LeaseHeartbeat, StopReason
from messaging.backoff import Backoff
from messaging.timeouts import no_heartbeat
from schemas.new_fields import NEW_FIELDS
from schemas.status import Status

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

POLL_SECONDS = 1.0
"""Between two searches for what no notification announces: delays that are over, expired leases, timeouts.

Notifications wake the worker more often, to claim jobs."""
INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 2.0
"""Between attempts during an outage of Postgres."""
OUTAGE_GRACE_SECONDS = 8.0
"""After an outage of Postgres no job is rescued for this long, while its owner may still write its outcome.

Longer than the owner's backoff."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Owner name on leases, number of jobs at once, timing of leases, and the needs of jobs that it runs."""

    owner: str
    max_running: int
    lease_seconds: float
    heartbeat_seconds: float
    known_needs: Collection[str] = NEW_FIELDS


@dataclass(slots=True)
class _RunningJob:
    job_id: int
    lease_heartbeat: LeaseHeartbeat
    task: asyncio.Task[None]


class Worker:
    """Runs up to `max_running` jobs. It takes them from Postgres only: it knows no message or requester."""

    def __init__(
        self,
        context: WorkerContext,
        config: WorkerConfig,
        heartbeat: Callable[[], None] = no_heartbeat,
        register_heartbeat: Callable[[str], Heartbeat] = Heartbeat,
    ) -> None:
        self._context = context
        self._config = config
        self._register_heartbeat = register_heartbeat
        self._heartbeat = heartbeat
        self._database = context.database.with_heartbeat(self._heartbeat)
        self._wake = WakeEvent()
        # By token: a job can be claimed again before its previous task has ended.
        self._running: dict[int, _RunningJob] = {}
        self._rescue_not_before = 0.0
        self._next_upkeep_at = 0.0

    def on_notify(self, payload: str) -> None:
        """Handle a notification: a job is pending, or there is a command for the job with id `payload`."""
        self._wake.notify()
        for running in self._running.values():
            if str(running.job_id) == payload:
                running.lease_heartbeat.beat_now()

    @property
    def running_jobs(self) -> int:
        """Number of jobs running in this process."""
        return len(self._running)

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and rescue until `stop` is set; running jobs continue until `drain`."""
        backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, jitter=0.1)
        while not stop.is_set():
            self._heartbeat()  # during an outage too: a restart would not help
            try:
                await self._poll_once(stop)
                backoff.reset()
                await self._wake.wait(max(self._next_upkeep_at - asyncio.get_running_loop().time(), 0.0))
            except OUTAGE_ERRORS as error:
                log.warning("worker.retrying", reason=str(error))
                self._rescue_not_before = asyncio.get_running_loop().time() + OUTAGE_GRACE_SECONDS
                await self._wake.wait(backoff.next())

    def request_stop(self) -> None:
        """Request that all jobs stop, without waiting."""
        for running in self._running.values():
            running.lease_heartbeat.stop(StopReason.DRAIN)

    async def drain(self, seconds: float) -> list[asyncio.Task[None]]:
        """Stop all jobs and release them, without consuming attempts; returns the tasks that did not end.

        A job that cannot be released in `seconds`, in an outage of Postgres, is abandoned: its lease expires.
        """
        self.request_stop()
        if tasks := {running.task for running in self._running.values()}:
            log.info("worker.draining", jobs=len(tasks))
        return await wait_or_cancel(tasks, seconds)

    async def _poll_once(self, stop: asyncio.Event) -> None:
        await failpoints.failpoint("worker.poll")
        if asyncio.get_running_loop().time() >= self._next_upkeep_at:
            self._next_upkeep_at = asyncio.get_running_loop().time() + POLL_SECONDS
            await self._upkeep()
        database = self._database
        while not stop.is_set() and len(self._running) < self._config.max_running:
            claimed = await claims.claim(
                database, self._config.owner, self._config.lease_seconds, self._config.known_needs
            )
            if claimed is None:
                break
            await failpoints.failpoint("claim.committed")
            if claimed.status is Status.RUNNING:
                self._start_job(claimed)

    async def _upkeep(self) -> None:
        """Rescue jobs whose lease expired, fail pending ones past their deadline, report unclaimable ones."""
        if asyncio.get_running_loop().time() >= self._rescue_not_before:
            await failpoints.failpoint("rescue.before")
            local = frozenset(running.job_id for running in self._running.values())
            for job in await claims.rescue(self._database, local):
                self._context.emit(JobRescued())
                log.warning("job.rescued", job_id=job.id, status=job.status.value, checkpoint=job.checkpoint)
        # A query in every round: an outage restarts the grace period even while all slots are taken.
        for job in await claims.fail_timed_out(self._database):
            log.warning("job.timed_out", job_id=job.id)
        for job in await unclaimable_jobs.report_unclaimable(self._database, self._config.known_needs):
            log.warning("job.unclaimable", job_id=job.id, needs=list(job.needs))

    def _start_job(self, job: Job) -> None:
        assert job.token is not None, "a running job has one"  # noqa: S101
        self._context.emit(JobClaimed())
        fence = FencingToken(job.id, job.token)
        lease_heartbeat = LeaseHeartbeat(
            self._context.database,
            fence,
            lease_seconds=self._config.lease_seconds,
            heartbeat_seconds=self._config.heartbeat_seconds,
            task_heartbeat=self._register_heartbeat(f"heartbeat of job {job.id}, token {fence.token}"),
        )
        task = asyncio.create_task(run_job(self._context, job, lease_heartbeat, fence), name=f"job {job.id}")
        self._running[fence.token] = _RunningJob(job.id, lease_heartbeat, task)
        task.add_done_callback(lambda done: self._on_job_done(fence, done))

    def _on_job_done(self, fence: FencingToken, task: asyncio.Task[None]) -> None:
        self._running.pop(fence.token).lease_heartbeat.task_heartbeat.unregister()
        self._wake.notify()
        if not task.cancelled() and (error := task.exception()):
            log.error("job.task_crashed", job_id=fence.job_id, exc_info=error)
