"""The part of a START frame that comes from the job."""

from datetime import UTC
from typing import Any

from consumer.store.corrected_jobs import CorrectedJob, start_parameters
from consumer.store.resume_point import ResumePoint
from schemas.status import Phase

MAX_INFLIGHT_BATCHES = 3
"""Batches an extractor may send before one is stored: it validates while Postgres merges."""


def job_start_parameters(
    resume: ResumePoint, *, low_memory: bool, corrected: CorrectedJob | None = None
) -> dict[str, Any]:
    """What to read and where to resume; `consumer.extract` describes the keys."""
    job = resume.job
    return {
        "dataset": job.dataset,
        "source": dict(job.source),
        "checkpoint": resume.checkpoint,
        "fingerprint": job.fingerprint,
        "today": job.now.astimezone(UTC).date().isoformat(),
        "state": job.source_state,
        "rows_done": resume.rows_done,
        "run": job.run,
        "check_only": job.current_pass.phase is Phase.CHECK,
        "reread": resume.is_reread,
        "database_rejections": {
            str(position): state for position, state in resume.database_rejections.items()
        },
        "low_memory": low_memory,
        "credits": MAX_INFLIGHT_BATCHES,
        "cpu_seconds": job.timeout_seconds,
        "corrects": None if corrected is None else start_parameters(corrected),
    }
