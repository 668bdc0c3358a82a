"""What corrections have done with the rejected rows of a job, and whether they can do more."""

from collections.abc import Sequence

from consumer.http.page.views.rejected import Facet
from consumer.store.jobs import Job
from consumer.store.rejected_pages import RowState
from schemas.status import Phase


def can_be_corrected(job: Job) -> bool:
    """Whether the page takes a corrected file for this job: it has ended, and rejected rows that it loaded.

    Of a check nothing is stored: there the source is corrected. Rows that a correction has rejected are
    corrected through it.
    """
    return job.status.terminal and job.failed > 0 and job.phase is Phase.LOAD


def state_facets(job: Job) -> Sequence[Facet]:
    """The states of rejected rows with their numbers; empty until a correction has changed one."""
    counts = job.corrections
    if counts is None or not (counts.corrected or counts.dismissed):
        return []
    return [
        Facet(RowState.OPEN, counts.open),
        Facet(RowState.CORRECTED, counts.corrected),
        Facet(RowState.DISMISSED, counts.dismissed),
    ]
