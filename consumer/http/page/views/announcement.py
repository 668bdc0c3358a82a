"""What a screen reader says when a live part has changed: short, and the same text until something matters.

The script says a text only if it differs from the last one, so numbers are rounded to what is worth saying.
"""

from collections.abc import Iterable

from consumer.http.page.formatting import Formatter
from consumer.http.page.texts.catalog import Texts
from consumer.http.page.views.waiting import waiting_text
from consumer.store.jobs import Job
from schemas.status import Status

PERCENT_STEP = 10


def announce_job(job: Job, texts: Texts, fmt: Formatter) -> str:
    """The state of one job, in steps of ten percent while it runs."""
    source = job.source_identifier
    match job.status:
        case Status.COMPLETED:
            key = "ui.live.checked" if job.dry_run else "ui.live.completed"
            return texts(key, source=source, rejected=fmt.number(job.failed))
        case Status.FAILED:
            code = job.error_code or ""
            return texts("ui.live.failed", source=source, title=texts.get(f"error.{code}.title", code))
        case Status.CANCELLED:
            return texts("ui.live.cancelled", source=source)
        case Status.RUNNING if job.detail is None and not job.cancel_requested:
            return _running(job, texts, fmt)
        case _:
            return texts("ui.live.waiting", source=source, waiting=_waiting(job, texts))


def announce_list(jobs: Iterable[Job], texts: Texts) -> str:
    """How many jobs of a list run and wait."""
    statuses = [job.status for job in jobs]
    return texts(
        "ui.live.list", running=statuses.count(Status.RUNNING), waiting=statuses.count(Status.PENDING)
    )


def _running(job: Job, texts: Texts, fmt: Formatter) -> str:
    if not job.total:
        return texts("ui.live.running_without_total", source=job.source_identifier)
    steps = PERCENT_STEP * job.rows_done // job.total
    return texts(
        "ui.live.running",
        source=job.source_identifier,
        percent=fmt.percent(min(steps, PERCENT_STEP), PERCENT_STEP),
    )


def _waiting(job: Job, texts: Texts) -> str:
    if job.cancel_requested:
        return texts("ui.job.cancelling")
    if job.detail is not None:
        return waiting_text(job.detail, texts)
    return texts("waiting.next_attempt" if job.error_code else "ui.job.waits_for_replica")
