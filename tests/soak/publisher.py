"""Publishes what a plan contains: starts, repeated starts, cancels, retries, and poison."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from messaging.errors import MessagingError
from messaging.upload import send_file
from tests.soak import poison
from tests.soak.harness import SoakHarness, spreadsheet_id
from tests.soak.log import SoakLog
from tests.soak.plan import Plan, PlannedJob, PoisonMessage
from tests.soak.sources import SoakSource

Action = Callable[[], None]
PUBLISH_ERRORS = (AssertionError, TimeoutError, MessagingError)
"""How publishing ends while Kafka is away: the message may have arrived or not."""

RETRY_INTERVAL_SECONDS = 1.0


class RequestPublisher:
    """Publishes one message after the other, each again and again until Kafka has it."""

    def __init__(self, harness: SoakHarness, sources: Mapping[str, SoakSource], log: SoakLog) -> None:
        self._harness = harness
        self._sources = sources
        self._log = log
        self._bodies: dict[str, bytes] = {}

    def actions(self, plan: Plan) -> list[tuple[float, Action]]:
        """What to do and when, in order."""
        found = [*self._job_actions(plan.jobs), *self._poison_actions(plan)]
        return sorted(found, key=lambda timed: timed[0])

    def _job_actions(self, planned_jobs: tuple[PlannedJob, ...]) -> Iterator[tuple[float, Action]]:
        for planned_job in planned_jobs:
            yield planned_job.at, partial(self._start, planned_job)
            if planned_job.repeat_after is not None:
                yield planned_job.at + planned_job.repeat_after, partial(self._repeat, planned_job)
            if planned_job.cancel_after is not None:
                yield planned_job.at + planned_job.cancel_after, partial(self._command, planned_job, "cancel")
                if planned_job.retry_after is not None:
                    later = planned_job.at + planned_job.cancel_after + planned_job.retry_after
                    yield later, partial(self._command, planned_job, "retry")

    def _poison_actions(self, plan: Plan) -> Iterator[tuple[float, Action]]:
        for message in plan.poisons:
            yield message.at, partial(self._poison, message, plan.jobs[0].request_id)

    def _start(self, planned_job: PlannedJob) -> None:
        source = self._retry_until_accepted(lambda: self._source_spec(planned_job))
        body = {"request_id": planned_job.request_id, "action": "start", "dataset": "chats", "source": source}
        self._bodies[planned_job.request_id] = json.dumps(body, ensure_ascii=False).encode()
        self._publish(
            planned_job.request_id,
            self._bodies[planned_job.request_id],
            f"start, {planned_job.source}, {planned_job.reference}",
        )

    def _repeat(self, planned_job: PlannedJob) -> None:
        self._publish(planned_job.request_id, self._bodies[planned_job.request_id], "the same request again")

    def _command(self, planned_job: PlannedJob, action: str) -> None:
        """A command has an id of its own: published twice it is obeyed once."""
        command = {"request_id": planned_job.request_id, "action": action}
        body = command | {"command_id": f"{planned_job.request_id} {action}"}
        self._publish(planned_job.request_id, json.dumps(body).encode(), action)

    def _poison(self, message: PoisonMessage, known_id: str) -> None:
        key, body = poison.make_message(message.kind, message.request_id, known_id)
        self._publish(key, body, f"poison, {message.kind}")

    def _source_spec(self, planned_job: PlannedJob) -> dict[str, Any]:
        source = self._sources[planned_job.source]
        match planned_job.reference:
            case "path":
                assert source.path is not None
                return {"type": "excel", "file": {"path": source.path.name}}
            case "upload":
                assert source.path is not None
                sent = asyncio.run(send_file(self._harness.kafka.connection, source.path, source.path.name))
                return {"type": "excel", "file": {"upload": sent.model_dump(mode="json")}}
            case "connection":
                return {"type": "database", "connection": "panel", "table": source.name}
            case "link":
                link = f"https://docs.google.com/spreadsheets/d/{spreadsheet_id(source)}/edit"
                return {"type": "google_sheets", "spreadsheet_id": link}
            case _:
                return {"type": "google_sheets", "spreadsheet_id": spreadsheet_id(source)}

    def _publish(self, key: str, body: bytes, kind: str) -> None:
        self._retry_until_accepted(lambda: self._harness.kafka.publish(body, key=key))
        self._log.message_published(kind)

    def _retry_until_accepted(self, send: Callable[[], Any]) -> Any:
        while True:
            try:
                return send()
            except PUBLISH_ERRORS:
                self._log.write("Kafka did not take it: published again")
                time.sleep(RETRY_INTERVAL_SECONDS)
