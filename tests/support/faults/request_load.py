"""Requests that go on and on while something else happens; each makes a job that is refused at once."""

import asyncio
import json
import threading
import uuid
from typing import Self

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord
from schemas.topics import REQUESTS
from tests.support.database_inspector import DatabaseInspector
from tests.support.wait import wait_until

UNKNOWN_SOURCE = {"type": "database", "connection": "unheard-of"}


class RequestLoad:
    """Publishes within its context, one request after another; `sent` are their ids."""

    def __init__(self, bootstrap: str, interval_seconds: float) -> None:
        self.request_ids: list[str] = []
        self._connection = KafkaConnection(bootstrap)
        self._interval_seconds = interval_seconds
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def wait_until_one_job_each(self, db: DatabaseInspector) -> None:
        """Wait until every request has its job; no job of this kind is there without one."""
        found = "select request_id from migration.jobs where source_identifier like 'unheard-of/%'"
        wait_until(
            lambda: {(request_id,) for request_id in self.request_ids} <= set(db.fetch(found)),
            60,
            "every request to have a job",
        )
        assert len(db.fetch(found)) == len(self.request_ids) > 0

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the test
            self._error = error

    async def _send(self) -> None:
        producer = Producer(self._connection, client_id="flow")
        try:
            while not self._stop.is_set():
                request_id = str(uuid.uuid4())
                assert await producer.publish([_message(request_id)]) == [True], producer.last_error
                self.request_ids.append(request_id)
                await asyncio.sleep(self._interval_seconds)
        finally:
            await producer.close()


def _message(request_id: str) -> ProducerRecord:
    body = {"request_id": request_id, "action": "start", "dataset": "chats", "source": UNKNOWN_SOURCE}
    return ProducerRecord(REQUESTS.name, request_id.encode(), json.dumps(body).encode())
