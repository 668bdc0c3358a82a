"""What a job that lacks a required column keeps: columns to map, in its events and for those who see rows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from consumer.ipc import Frame, FrameType
from consumer.lifecycle import Fail
from consumer.store import commands, header_samples, transitions
from consumer.store.claims import claim
from consumer.store.database import Database
from consumer.store.job_progress import start_load
from consumer.store.leases import FencingToken
from consumer.worker.batch_ingest import BatchIngest
from consumer.worker.extraction_failures import ExtractionFailedError
from consumer.worker.extractor_process import ExtractorProcess
from schemas.requests import RetryRequest
from tests.support.job_factories import (
    execute,
    fencing_token,
    get_job,
    make_running_job,
    outbox_events,
)

SAMPLE: dict[str, Any] = {
    "row": 3,
    "missing": [{"field": "url", "nearest": "Ссылка MAX"}],
    "columns": [
        {"column": "B", "header": "Ссылка MAX", "field": None, "samples": ["https://max.ru/1"]},
    ],
    "left_out": 0,
}
FAILED = {"code": "missing_column", "message": "…", "nearest": {"url": "Ссылка MAX"}, "sample": SAMPLE}


class FailingExtractor:
    """Sends one FAILED frame."""

    def __init__(self, header: dict[str, Any]) -> None:
        self._header = header

    async def frames(self) -> AsyncIterator[Frame]:
        yield Frame(FrameType.FAILED, self._header, b"")


async def fail_extraction(database: Database, fence: FencingToken, **header: Any) -> None:
    """What an attempt does with a FAILED frame: store what came with it, then the outcome."""
    extractor = cast("ExtractorProcess", FailingExtractor(FAILED | header))
    ingest = BatchIngest(extractor, cast("Any", None), database, fence, None)
    with pytest.raises(ExtractionFailedError) as failed:
        await ingest.run()
    async with database.transaction() as connection:
        failure = Fail(failed.value.code, failed.value.message)
        await transitions.apply(connection, fence.job_id, fence.token, failure)


async def sample_of(client: httpx.AsyncClient, job_id: int) -> dict[str, Any]:
    answer = await client.get(f"/migration/jobs/{job_id}/columns")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_columns_come_with_the_job_and_its_event(database: Database, client: httpx.AsyncClient) -> None:
    job, fence = await make_running_job(database, "r-1")
    await fail_extraction(database, fence)
    assert await sample_of(client, job.id) == SAMPLE
    (*_, event) = await outbox_events(database, job.id)
    assert event["error"]["columns"] == {"Ссылка MAX": "url"}
    assert (await client.get("/migration/jobs/r-1")).json()["error"]["columns"] == {"Ссылка MAX": "url"}
    assert "max.ru" not in (await client.get("/migration/jobs/r-1")).text


async def test_error_without_a_near_column_has_no_member_columns(
    database: Database, client: httpx.AsyncClient
) -> None:
    job, fence = await make_running_job(database, "r-1")
    await fail_extraction(database, fence, nearest={"url": None}, sample=None)
    (*_, event) = await outbox_events(database, job.id)
    assert event["error"] == {"code": "missing_column", "message": "…"}
    assert (await sample_of(client, job.id))["row"] is None


async def test_header_with_a_phone_is_not_in_events(database: Database) -> None:
    job, fence = await make_running_job(database, "r-1")
    await fail_extraction(database, fence, nearest={"url": "Ссылка +7 912 345-67-89", "inn": "ИНН вуза"})
    (*_, event) = await outbox_events(database, job.id)
    assert event["error"]["columns"] == {"ИНН вуза": "inn"}


async def test_other_failure_of_a_retry_hides_the_columns(
    database: Database, client: httpx.AsyncClient
) -> None:
    job, fence = await make_running_job(database, "r-1")
    await fail_extraction(database, fence)
    fence = await retry(database)
    await fail_extraction(database, fence, code="no_rows", nearest=None, sample=None)
    (*_, event) = await outbox_events(database, job.id)
    assert event["error"] == {"code": "no_rows", "message": "…"}
    assert (await sample_of(client, job.id))["columns"] == []


async def test_new_load_clears_the_columns(database: Database) -> None:
    job, fence = await make_running_job(database, "r-1")
    await fail_extraction(database, fence)
    fence = await retry(database)
    async with database.transaction() as connection:
        await start_load(connection, fence, "fingerprint", None, {})
        stored = await connection.fetchval("select header_sample from migration.jobs where id = $1", job.id)
    assert stored is None
    assert (await get_job(database, "r-1")).suggested_columns is None


async def test_values_are_deleted_after_their_retention(
    database: Database, client: httpx.AsyncClient
) -> None:
    async def between_chunks() -> None:
        pass

    job, fence = await make_running_job(database, "r-1")
    await fail_extraction(database, fence)
    day = timedelta(days=1)
    assert await header_samples.prune_header_samples(database, day, between_chunks) == 0
    await execute(database, "update migration.jobs set completed_at = now() - interval '2 days'")
    assert await header_samples.prune_header_samples(database, day, between_chunks) == 1
    assert (await sample_of(client, job.id))["columns"] == []
    assert (await get_job(database, "r-1")).suggested_columns == {"Ссылка MAX": "url"}


async def test_unknown_job_has_no_columns(client: httpx.AsyncClient) -> None:
    assert (await client.get("/migration/jobs/r-9/columns")).json()["code"] == "job_not_found"


async def retry(database: Database) -> FencingToken:
    """Retry the job r-1 and claim it; returns the token of its new owner."""
    request = RetryRequest(action="retry", request_id="r-1")
    async with database.transaction() as connection:
        assert await commands.apply_command(connection, "c-1", request) is None
    claimed = await claim(database, "owner", 60)
    assert claimed is not None
    return fencing_token(claimed)
