"""Uploads under a request id that is recorded already."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database
from consumer.store.recorded_requests import RecordedRequest
from schemas.requests import StartRequest
from tests.integration.http.app_server import app_client
from tests.support.http_app import make_read_only_app
from tests.support.job_factories import execute, record_request

FILE = b"of a workbook"
BOUNDARY = "b"
FORM = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="chats.xlsx"\r\n\r\n'.encode()
    + FILE
    + f"\r\n--{BOUNDARY}--\r\n".encode()
)


def make_upload_request() -> StartRequest:
    """The request that this upload results in."""
    upload = {
        "upload_id": "u-1",
        "partition": 0,
        "first_offset": 0,
        "last_offset": 0,
        "chunks": 1,
        "size": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
        "name": "chats.xlsx",
    }
    source = {"type": "excel", "file": {"upload": upload}}
    return StartRequest.model_validate({"action": "start", "dataset": "chats", "source": source})


async def test_slow_repeated_upload_returns_the_current_state_of_the_job(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record_request(database, "r-1", make_upload_request())
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "idempotency-key": "r-1"}
    looked_up, resume = asyncio.Event(), asyncio.Event()
    find = RequestSubmitter.find_recorded

    async def find_and_signal(self: RequestSubmitter, request_id: str) -> RecordedRequest | None:
        recorded = await find(self, request_id)
        looked_up.set()
        return recorded

    monkeypatch.setattr(RequestSubmitter, "find_recorded", find_and_signal)

    async def body() -> AsyncIterator[bytes]:
        yield FORM[:-20]
        await resume.wait()
        yield FORM[-20:]

    async with app_client(make_read_only_app(database)) as client:
        post = asyncio.create_task(client.post("/migration/excel", content=body(), headers=headers))
        await asyncio.wait_for(looked_up.wait(), 10)
        await execute(database, "update migration.jobs set detail = 'as it is now' where request_id = 'r-1'")
        resume.set()
        response = await post
    assert response.status_code == 200, response.text
    assert response.json()["detail"] == "as it is now"
