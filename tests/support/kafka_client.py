"""Publishing requests and following events, as any other service would, for acceptance tests."""

import asyncio
import json
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord, Record
from messaging.subscription import Subscription
from schemas.dead_letters import HEADER_REASON
from schemas.status import StatusEvent
from schemas.topics import DEAD_LETTERS, INTAKE_GROUP, MAX_MESSAGE_BYTES, REQUESTS, STATUS

T = TypeVar("T")


class KafkaClient:
    """Kafka from outside. Every method is blocking, with a limit: tests of processes need no loop."""

    def __init__(self, bootstrap: str) -> None:
        self.connection = KafkaConnection(bootstrap)

    def publish(self, body: Mapping[str, Any] | bytes, *, key: str | None = None) -> None:
        """Publish a request; bytes go as they are."""
        value = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send([ProducerRecord(REQUESTS.name, key.encode() if key else None, value)])

    def publish_all(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Publish requests by one producer, each keyed by its id."""
        self.send([to_record(body) for body in bodies])

    def send(self, messages: Sequence[ProducerRecord]) -> None:
        """Publish any messages, in order."""
        _run(self._send(messages))

    async def _send(self, messages: Sequence[ProducerRecord]) -> None:
        producer = Producer(self.connection, client_id="test", max_request_size=MAX_MESSAGE_BYTES)
        try:
            assert all(await producer.publish(messages)), producer.last_error
        finally:
            await producer.close()

    def skip_earlier_requests(self) -> None:
        """Let the service begin behind the requests that other tests have left on the topic."""
        _run(self._skip_earlier_requests())

    async def _skip_earlier_requests(self) -> None:
        consumer = AIOKafkaConsumer(
            **self.connection.options(), group_id=INTAKE_GROUP, enable_auto_commit=False
        )
        await consumer.start()
        try:
            if REQUESTS.name not in await consumer.topics():
                return
            partitions = [TopicPartition(REQUESTS.name, number) for number in range(REQUESTS.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_end(*partitions)
            await consumer.commit({each: await consumer.position(each) for each in partitions})
        except CommitFailedError:
            pass  # a replica is in the group, and has read them
        finally:
            await consumer.stop()

    def start_excel(self, path: str, *, request_id: str | None = None, **more: Any) -> str:
        """Ask for a workbook of the inbox; the request id."""
        source = inbox_source(path)
        if "sheet" in more:
            source["sheet"] = more.pop("sheet")
        return self.start(source, request_id=request_id, **more)

    def start(
        self,
        source: Mapping[str, Any],
        *,
        request_id: str | None = None,
        key: str | None = None,
        **more: Any,
    ) -> str:
        """Ask for any source; the request id, which is the key where no other one is given."""
        request_id = request_id or str(uuid.uuid4())
        self.publish(start_body(request_id, source, **more), key=key or request_id)
        return request_id

    def command(self, action: str, request_id: str, command_id: str | None = None) -> None:
        """Publish cancel or retry."""
        body = {"action": action, "request_id": request_id}
        self.publish(body | ({"command_id": command_id} if command_id else {}), key=request_id)

    def events(
        self, request_id: str, is_last: Callable[[StatusEvent], bool], seconds: float = 90
    ) -> list[StatusEvent]:
        """All events of a request from the first on, up to the first that satisfies `is_last`."""
        return _run(self._events(request_id, is_last), seconds)

    async def _events(self, request_id: str, is_last: Callable[[StatusEvent], bool]) -> list[StatusEvent]:
        found: list[StatusEvent] = []
        async with await Subscription.open(self.connection, STATUS.name, key=request_id) as subscription:
            while True:
                for record in await subscription.poll():
                    found.append(StatusEvent.model_validate_json(record.value or b""))
                    if is_last(found[-1]):
                        return found

    def wait_for_terminal_event(self, request_id: str, *, run: int = 1, seconds: float = 90) -> StatusEvent:
        """The terminal event of a run."""
        return self.events(request_id, lambda e: e.status.terminal and e.run in (run, 0), seconds)[-1]

    def record_count(self, topic: str) -> int:
        """How many records the partitions of a topic have ever taken."""
        return _run(self._record_count(topic))

    async def _record_count(self, topic: str) -> int:
        consumer = AIOKafkaConsumer(topic, **self.connection.options())
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    def wait_for_dead_letter(self, matches: Callable[[Record], bool], seconds: float = 60) -> Record:
        """The first dead letter that matches."""
        return _run(self._wait_for_dead_letter(matches), seconds)

    async def _wait_for_dead_letter(self, matches: Callable[[Record], bool]) -> Record:
        async with await Subscription.open(self.connection, DEAD_LETTERS.name) as subscription:
            while True:
                for record in await subscription.poll():
                    if matches(record):
                        return record


def inbox_source(path: str) -> dict[str, Any]:
    """The source of a request for a workbook of the inbox."""
    return {"type": "excel", "file": {"path": path}}


def start_body(request_id: str, source: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"request_id": request_id, "action": "start", "dataset": "chats", "source": source, **more}


def to_record(body: Mapping[str, Any]) -> ProducerRecord:
    """A request as a message."""
    value = json.dumps(body, ensure_ascii=False).encode()
    return ProducerRecord(REQUESTS.name, str(body["request_id"]).encode(), value)


def dead_letter_reason(record: Record) -> str:
    """Why a message went to the dead letters."""
    return dict(record.headers)[HEADER_REASON].decode()


def _run(work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    async def limited() -> T:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(limited())
