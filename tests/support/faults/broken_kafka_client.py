"""The service, with a Kafka client that falls ill: each SIGUSR1 brings the next illness of its environment.

`KAFKA_CLIENT_FAULTS=fetch=dies,fetch=hangs` names an inner task of the client library and what becomes of it.
"""

import asyncio
import os
import signal
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer

from consumer.__main__ import main
from messaging import consumer

INNER_TASKS: dict[str, Callable[[AIOKafkaConsumer], tuple[object, str]]] = {
    "fetch": lambda client: (client._fetcher, "_fetch_task"),
    "coordination": lambda client: (client._coordinator, "_coordination_task"),
    "heartbeat": lambda client: (client._coordinator, "_heartbeat_task"),
    "metadata": lambda client: (client._client, "_sync_task"),
}
"""Where the library keeps each of its inner tasks."""


class LatestConsumer(AIOKafkaConsumer):  # type: ignore[misc] # the library has no types
    """The consumer that was built last can be found."""

    latest: "LatestConsumer"

    def __init__(self, *topics: str, **options: object) -> None:
        super().__init__(*topics, **options)
        LatestConsumer.latest = self


async def _fail() -> None:
    raise RuntimeError("an unexpected error in the library")


def break_inner_task(fault: str) -> None:
    """Put a task that fails, or hangs for ever, in the place of an inner task."""
    name, _, kind = fault.partition("=")
    holder, attribute = INNER_TASKS[name](LatestConsumer.latest)
    original = getattr(holder, attribute)
    setattr(holder, attribute, asyncio.ensure_future(_fail() if kind == "dies" else asyncio.Event().wait()))
    original.cancel()


if __name__ == "__main__":
    faults = iter(os.environ["KAFKA_CLIENT_FAULTS"].split(","))
    vars(consumer)["AIOKafkaConsumer"] = LatestConsumer
    signal.signal(signal.SIGUSR1, lambda *_: break_inner_task(next(faults)))
    main()
