"""Where the next extraction of a job resumes, and which rows it leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.reject_limit import RejectLimit
from consumer.store.connect import Connection
from consumer.store.database_rejections import list_database_rejections
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.rejected_beyond_checkpoint import delete_beyond_checkpoint
from consumer.store.rejected_rows import rejected_positions
from consumer.store.transitions import lock_owned_job


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The job, the last position that its pass has done, and what was rejected up to it.

    `rejected_positions` has 8 bytes for each, big endian and ascending. `is_reread`: all rows of the source
    were checked before, and are read again from the top.
    """

    job: Job
    checkpoint: int | None = None
    rows_done: int = 0
    database_rejections: Mapping[int, str] = field(default_factory=dict)
    rejected_positions: bytes = b""

    @property
    def is_reread(self) -> bool:
        """Whether the pass begins with a source that was checked."""
        reading = self.job.current_pass
        return reading.starts and reading.checked_fingerprint is not None


async def read_resume_point(connection: Connection, fence: FencingToken) -> ResumePoint:
    """Lock the job and read where it resumes; raises LeaseLostError.

    A pass that begins has done no row: the counters, and the rows rejected so far, are of the pass before it.
    """
    job = await lock_owned_job(connection, fence)
    if job.reject_limit != RejectLimit():
        job = await delete_beyond_checkpoint(connection, fence, job)
    if job.current_pass.starts:
        return ResumePoint(job)
    return ResumePoint(
        job,
        job.checkpoint,
        job.rows_done,
        await list_database_rejections(connection, fence),
        await rejected_positions(connection, fence),
    )
