"""What is derived from the rows of a job agrees with them: counts of rejected rows, and the attempts."""

from tests.support.database_inspector import DatabaseInspector

REQUEUED = ("released", "retrying", "lost")
ENDED_WHILE_PENDING = ("failed", "cancelled")

COUNT_MISMATCHES_SQL = """
select coalesce(c.job_id, e.job_id), coalesce(c.code, e.code), coalesce(c.field, e.field), c.rows, e.rows
from migration.rejected_counts c full join (
  select job_id, error->>'code' as code, coalesce(error->>'field', '') as field,
         count(distinct row_number) as rows
  from migration.migration_errors join (select id as job_id, load from migration.jobs) j using (job_id, load)
  cross join jsonb_array_elements(errors) error group by 1, 2, 3
) e using (job_id, code, field)
where c.rows is distinct from e.rows order by 1, 2, 3
"""


def count_mismatches(db: DatabaseInspector) -> list[str]:
    """The counts by code and field are those of the rejected rows."""
    return [
        f"job {job_id} counts {kept} rows of {code} in {field or 'the whole row'} where {stored} are rejected"
        for job_id, code, field, kept, stored in db.fetch(COUNT_MISMATCHES_SQL)
    ]


CORRECTION_MISMATCHES_SQL = """
select j.id, j.rows_corrected, j.rows_dismissed, m.corrected, m.dismissed
from migration.jobs j cross join lateral (
  select count(corrected_by) as corrected, count(dismissed_at) as dismissed, count(*) as stored
  from migration.migration_errors e where e.job_id = j.id and e.load = j.load) m
where stored = j.failed and (j.rows_corrected, j.rows_dismissed) <> (m.corrected, m.dismissed)
"""
CORRECTED_ROWS_SQL = """
select c.id, c.processed, count(e.*)
from migration.jobs c
join migration.jobs j on j.request_id = c.corrects ->> 'request_id'
  and j.load = (c.source_state ->> 'load')::bigint
left join migration.migration_errors e on e.job_id = j.id and e.load = j.load and e.corrected_by = c.id
where c.status = 'completed' group by c.id, c.processed having c.processed <> count(e.*)
"""


def correction_mismatches(db: DatabaseInspector) -> list[str]:
    """A job counts the marks of its rejected rows; a correction has stored the rows that it has marked."""
    return [
        f"job {job_id} counts {(corrected, dismissed)} corrected and dismissed rows where {marks} are marked"
        for job_id, corrected, dismissed, *marks in db.fetch(CORRECTION_MISMATCHES_SQL)
    ] + [
        f"correction {job_id} has stored {processed} rows and marked {marked}"
        for job_id, processed, marked in db.fetch(CORRECTED_ROWS_SQL)
    ]


ATTEMPT_HISTORY_SQL = """
select j.id, j.status, a.run = j.run, coalesce(a.outcome, 'open'), array_agg(coalesce(b.outcome, 'open')),
       coalesce(bool_or((b.run, b.started_at) > (a.run, a.started_at)), false)
from migration.jobs j join lateral (
  select * from migration.attempts where job_id = j.id order by token desc limit 1) a on true
join migration.attempts b on b.job_id = j.id
where j.completed_at is not null group by j.id, a.run, a.outcome
"""


def attempt_mismatches(db: DatabaseInspector) -> list[str]:
    """Every claim of an ended job has its end; the one with the highest token is the last, and fits it."""
    found = []
    for job_id, status, of_last_run, last, outcomes, later in db.fetch(ATTEMPT_HISTORY_SQL):
        if "open" in outcomes:
            found.append(f"job {job_id} is {status}, and an attempt of it is open")
        if later:
            found.append(f"job {job_id} has attempts behind the one with the highest token")
        if of_last_run and not _outcome_matches_status(last, status):
            found.append(f"job {job_id} is {status} behind an attempt that was {last}")
    return found


def _outcome_matches_status(outcome: str, status: str) -> bool:
    """A job that was put back to wait may be cancelled or time out before it is claimed again."""
    return outcome == status or (outcome in REQUEUED and status in ENDED_WHILE_PENDING)
