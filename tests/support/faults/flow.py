"""Requests that go on and on while something else happens; each makes a job that is refused at once."""

import asyncio
import json
import threading
import uuid
from typing import Self

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import Outgoing
from schemas.topics import REQUESTS
from tests.support.rows import Rows
from tests.support.wait import until

SOURCE = {"type": "database", "connection": "unheard-of"}


class Flow:
    """Publishes within its context, one request after another; `sent` are their ids."""

    def __init__(self, bootstrap: str, every_seconds: float) -> None:
        self.sent: list[str] = []
        self._connection = KafkaConnection(bootstrap)
        self._every_seconds = every_seconds
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def until_each_is_one_job(self, rows: Rows) -> None:
        """Wait until every request has its job; no job of this kind is there without one."""
        found = "select request_id from migration.jobs where source_identifier like 'unheard-of/%'"
        until(
            lambda: {(one,) for one in self.sent} <= set(rows.ask(found)), 60, "every request to have a job"
        )
        assert len(rows.ask(found)) == len(self.sent) > 0

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001 - raised again where somebody hears it
            self._error = error

    async def _send(self) -> None:
        producer = Producer(self._connection, client_id="flow")
        try:
            while not self._over.is_set():
                request_id = str(uuid.uuid4())
                assert await producer.publish([_message(request_id)]) == [True], producer.problem
                self.sent.append(request_id)
                await asyncio.sleep(self._every_seconds)
        finally:
            await producer.close()


def _message(request_id: str) -> Outgoing:
    body = {"request_id": request_id, "action": "start", "dataset": "chats", "source": SOURCE}
    return Outgoing(REQUESTS.name, request_id.encode(), json.dumps(body).encode())
