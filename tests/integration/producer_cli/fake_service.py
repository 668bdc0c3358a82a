"""Plays the service's part over a real Kafka, and drives the command as a process of its own."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord, Record
from messaging.subscription import Subscription
from schemas.topics import DEAD_LETTERS, REQUESTS, STATUS
from tests.support.faults import consumer_group
from tests.support.status_event_factories import make_event

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 30.0
"""Seconds; nothing here takes longer unless it never comes."""


class FakeService:
    """Reads requests and says what a service would say."""

    def __init__(
        self, connection: KafkaConnection, requests: Subscription, offset_committer: AIOKafkaConsumer
    ) -> None:
        self.connection = connection
        self._requests = requests
        self._offset_committer = offset_committer
        self._producer = Producer(connection, client_id="test-service")

    @classmethod
    @asynccontextmanager
    async def started(cls, connection: KafkaConnection) -> AsyncIterator[Self]:
        async with (
            await Subscription.open(connection, REQUESTS.name, start="end") as requests,
            consumer_group.offset_committer(connection.bootstrap_servers) as outside,
        ):
            service = cls(connection, requests, outside)
            try:
                yield service
            finally:
                await service._producer.close()

    async def next_request(self, request_id: str) -> Record:
        """Return the next message with this key, after committing it."""
        record = await self.next_unread_request(request_id)
        await self.commit(record)
        return record

    async def next_unread_request(self, request_id: str) -> Record:
        """Return the next message with this key, without committing it."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for record in self._requests:
                if record.key == request_id.encode():
                    return record
        raise AssertionError("the subscription ended")

    async def commit(self, request: Record) -> None:
        """Commit the offset of a message, as the service does once it is recorded or a dead letter."""
        await self._offset_committer.commit(
            {TopicPartition(REQUESTS.name, request.partition): request.offset + 1}
        )

    async def publish_status(self, request_id: str, status: str, sequence: int, **other: Any) -> bytes:
        """Publish a status event and return its bytes."""
        value = (
            make_event(status, sequence, **({"request_id": request_id} | other)).model_dump_json().encode()
        )
        await self.publish(ProducerRecord(STATUS.name, request_id.encode(), value))
        return value

    async def publish_dead_letter(self, request: Record, reason: str, message: str) -> None:
        """Publish a request as a dead letter, unchanged."""
        headers = (("dlq-reason", reason.encode()), ("dlq-message", message.encode()), ("dlq-topic", b"x"))
        await self.publish(ProducerRecord(DEAD_LETTERS.name, request.key, request.value, headers))

    async def publish(self, *messages: ProducerRecord) -> None:
        assert all(await self._producer.publish(messages))

    async def all_requests(self, request_id: str) -> list[dict[str, Any]]:
        """Return every message with this key that is now in the topic."""
        async with await Subscription.open(self.connection, REQUESTS.name, key=request_id) as topic:
            return [json.loads(record.value or b"") async for record in topic.read_existing()]


@dataclass(frozen=True)
class CliRunner:
    """Runs the command with its own environment."""

    environment: dict[str, str]
    folder: Path

    async def start(self, *arguments: str) -> "CliProcess":
        """Start it with pipes."""
        process = await asyncio.create_subprocess_exec(
            *cli_command(arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return CliProcess(process)

    async def run(self, *arguments: str) -> "CliResult":
        """Start it and wait for its end."""
        return await (await self.start(*arguments)).wait()


def cli_command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "producer_cli", *arguments]


def cli_environment(bootstrap: str, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
    }


@dataclass(frozen=True)
class CliResult:
    exit_code: int
    stdout_lines: list[str]
    stderr: str


class CliProcess:
    """A command that runs, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: list[str] = []

    async def read_line(self) -> str:
        """The next line of standard output."""
        assert self._process.stdout is not None
        async with asyncio.timeout(TIMEOUT_SECONDS):
            text = (await self._process.stdout.readline()).decode().rstrip("\n")
        self._lines.append(text)
        return text

    async def read_stderr_until(self, part: str) -> str:
        """Standard error up to the line that holds `part`."""
        assert self._process.stderr is not None
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                line = (await self._process.stderr.readline()).decode()
                assert line, f"standard error ended without {part!r}"
                if part in line:
                    return line

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def close_stdout(self) -> None:
        """Close our end of its standard output, as `head -1` does."""
        transport = self._process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()

    async def wait(self) -> CliResult:
        """Its end; it is killed when it does not come."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                out, err = await self._process.communicate()
        except TimeoutError:
            self._process.kill()
            out, err = await self._process.communicate()
            raise AssertionError(f"it did not end: {out!r} {err!r}") from None
        assert b"Traceback" not in err, err.decode()
        code = self._process.returncode
        assert code is not None
        return CliResult(code, self._lines + out.decode().splitlines(), err.decode())


def new_request_id() -> str:
    return f"test-{uuid.uuid4()}"
