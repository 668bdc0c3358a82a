"""Publishes what a plan asks for: starts, the same again, cancels, retries, and what nobody should send."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from messaging.errors import MessagingError
from messaging.uploads import send_file
from tests.soak import poison
from tests.soak.plan import Asked, Plan, Poison
from tests.soak.pool import Source
from tests.soak.story import Story
from tests.soak.world import SoakWorld, spreadsheet_id

Action = Callable[[], None]
NOT_TAKEN = (AssertionError, TimeoutError, MessagingError)
"""How publishing ends while Kafka is away: nobody knows whether it arrived."""

AGAIN_SECONDS = 1.0


class Asking:
    """Publishes one message after the other, each again and again until Kafka has it."""

    def __init__(self, world: SoakWorld, pool: Mapping[str, Source], story: Story) -> None:
        self._world = world
        self._pool = pool
        self._story = story
        self._bodies: dict[str, bytes] = {}

    def actions(self, plan: Plan) -> list[tuple[float, Action]]:
        """What to do and when, in order."""
        found = [*self._of_jobs(plan.asked), *self._of_poisons(plan)]
        return sorted(found, key=lambda one: one[0])

    def _of_jobs(self, asked: tuple[Asked, ...]) -> Iterator[tuple[float, Action]]:
        for one in asked:
            yield one.at, partial(self._start, one)
            if one.again_after is not None:
                yield one.at + one.again_after, partial(self._again, one)
            if one.cancel_after is not None:
                yield one.at + one.cancel_after, partial(self._command, one, "cancel")
                if one.retry_after is not None:
                    later = one.at + one.cancel_after + one.retry_after
                    yield later, partial(self._command, one, "retry")

    def _of_poisons(self, plan: Plan) -> Iterator[tuple[float, Action]]:
        for one in plan.poisons:
            yield one.at, partial(self._poison, one, plan.asked[0].request_id)

    def _start(self, asked: Asked) -> None:
        source = self._until_taken(lambda: self._spec(asked))
        body = {"request_id": asked.request_id, "action": "start", "dataset": "chats", "source": source}
        self._bodies[asked.request_id] = json.dumps(body, ensure_ascii=False).encode()
        self._publish(asked.request_id, self._bodies[asked.request_id], f"start, {asked.source}, {asked.way}")

    def _again(self, asked: Asked) -> None:
        self._publish(asked.request_id, self._bodies[asked.request_id], "the same request again")

    def _command(self, asked: Asked, action: str) -> None:
        """A command has an id of its own: published twice it is obeyed once."""
        command = {"request_id": asked.request_id, "action": action}
        body = command | {"command_id": f"{asked.request_id} {action}"}
        self._publish(asked.request_id, json.dumps(body).encode(), action)

    def _poison(self, one: Poison, known_id: str) -> None:
        key, body = poison.body(one.kind, one.request_id, known_id)
        self._publish(key, body, f"poison, {one.kind}")

    def _spec(self, asked: Asked) -> dict[str, Any]:
        source = self._pool[asked.source]
        match asked.way:
            case "path":
                assert source.path is not None
                return {"type": "excel", "file": {"path": source.path.name}}
            case "upload":
                assert source.path is not None
                sent = asyncio.run(send_file(self._world.line.connection, source.path, source.path.name))
                return {"type": "excel", "file": {"upload": sent.model_dump(mode="json")}}
            case "connection":
                return {"type": "database", "connection": "panel", "table": source.name}
            case "link":
                link = f"https://docs.google.com/spreadsheets/d/{spreadsheet_id(source)}/edit"
                return {"type": "google_sheets", "spreadsheet_id": link}
            case _:
                return {"type": "google_sheets", "spreadsheet_id": spreadsheet_id(source)}

    def _publish(self, key: str, body: bytes, kind: str) -> None:
        self._until_taken(lambda: self._world.line.publish(body, key=key))
        self._story.message(kind)

    def _until_taken(self, send: Callable[[], Any]) -> Any:
        while True:
            try:
                return send()
            except NOT_TAKEN:
                self._story.say("Kafka did not take it: published again")
                time.sleep(AGAIN_SECONDS)
