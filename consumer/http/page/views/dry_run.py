"""What follows on a dry run: its import, or why there is none."""

from dataclasses import dataclass

from consumer.http.requests.dry_run_import import is_upload_kept
from consumer.store.jobs import Job
from schemas.status import Status


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """The end of a dry run. `imported` is its import, None until one was started.

    `expired`: the uploaded file is no longer kept, so it has to be sent again.
    """

    imported: Job | None
    expired: bool


def dry_run_result(job: Job, imported: Job | None) -> DryRunResult | None:
    """The result of a job; None unless it is a completed dry run."""
    if not job.dry_run or job.status is not Status.COMPLETED:
        return None
    return DryRunResult(imported, not is_upload_kept(job))
