"""Compares corrections with their reference: counts, rejected rows, marks and what is open."""

from typing import Any

from tests.support.database_inspector import DatabaseInspector
from tests.support.reference_corrections import (
    CORRECTED,
    DISMISSED,
    OPEN,
    ExpectedCorrection,
    RejectedRows,
)
from tests.support.reference_workbook import ExpectedLoad

STATES = f"""
select e.row_number, case when e.corrected_by is not null then '{CORRECTED}'
  when e.dismissed_at is not null then '{DISMISSED}' else '{OPEN}' end
from migration.migration_errors e join migration.jobs j on j.id = e.job_id and j.load = e.load
where j.request_id = $1
"""
REJECTED_AGAIN = """
select e.shown_row_number, (select array_agg(distinct field order by field)
  from jsonb_array_elements(e.errors) error, coalesce(error->>'field', '') field)
from migration.migration_errors e join migration.jobs j on j.id = e.job_id and j.load = e.load
where j.request_id = $1
"""


def correction_counts(job: dict[str, Any]) -> dict[str, int]:
    """The counters of a correction's row in `migration.jobs`, as `ExpectedCorrection.counts` names them."""
    return {name: job[name] for name in ExpectedCorrection(ExpectedLoad()).counts}


def assert_correction(db: DatabaseInspector, request_id: str, expected: ExpectedCorrection) -> None:
    """The correction counts what it should, and has rejected the rows that it should."""
    assert correction_counts(db.job(request_id)) == expected.counts
    assert dict(db.fetch(REJECTED_AGAIN, request_id)) == {
        number: sorted(set(fields)) for number, fields in expected.load.rejected.items()
    }


def assert_marks(db: DatabaseInspector, corrected: str, expected: RejectedRows) -> None:
    """Each rejected row of the corrected job is marked as it should, and the job counts the marks."""
    assert dict(db.fetch(STATES, corrected)) == expected.states
    job = db.job(corrected)
    assert (job["rows_corrected"], job["rows_dismissed"]) == (
        expected.count(CORRECTED),
        expected.count(DISMISSED),
    )
    assert job["failed"] == len(expected.states)
