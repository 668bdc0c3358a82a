"""The columns of a job are listed once in Python, as fields of Job: table and views agree with them."""

from dataclasses import fields

from consumer.http.jobs.responses import JobView
from consumer.store.database import Database
from consumer.store.jobs import EVENT_FIELDS_OF_JOB, JOB_COLUMNS, Job
from schemas.status import StatusEvent
from tests.support.job_factories import fetch

SQL_ONLY_COLUMNS = {"last_event_at", "pruned_before_load", "source_columns", "header_sample"}
"""Columns that only statements use."""
COMPUTED_FIELDS = {"now"}
EVENT_FIELDS_OF_OTHER_NAMES = {"schema_version", "event_id", "job_id", "occurred_at"}
JOB_FIELDS = {field.name for field in fields(Job)}
COLUMNS = """
select column_name::text from information_schema.columns
where table_schema = 'migration' and table_name = 'jobs'
"""


async def test_every_column_of_jobs_is_a_field_or_used_by_sql_only(database: Database) -> None:
    columns = {name for (name,) in await fetch(database, COLUMNS)}
    assert not SQL_ONLY_COLUMNS & JOB_FIELDS
    assert columns == JOB_FIELDS - COMPUTED_FIELDS | SQL_ONLY_COLUMNS


async def test_job_columns_are_selected_in_order_of_fields(database: Database) -> None:
    async with database.read_transaction() as connection:
        statement = await connection.prepare(f"select {JOB_COLUMNS} from migration.jobs")
        selected = [column.name for column in statement.get_attributes()]
    assert selected == [field.name for field in fields(Job)]


def test_status_event_and_job_view_have_only_fields_of_job() -> None:
    assert set(StatusEvent.model_fields) == EVENT_FIELDS_OF_JOB | EVENT_FIELDS_OF_OTHER_NAMES
    assert all(hasattr(Job, name) for name in EVENT_FIELDS_OF_JOB)
    assert all(hasattr(Job, name) for name in JobView.model_fields)


def test_job_view_has_every_field_of_events() -> None:
    assert set(JobView.model_fields) >= EVENT_FIELDS_OF_JOB
    assert all(
        JobView.model_fields[name].annotation == StatusEvent.model_fields[name].annotation
        for name in EVENT_FIELDS_OF_JOB
        - {"source_identifier", "source_type", "dataset", "started_at", "completed_at"}
    )
