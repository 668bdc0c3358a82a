"""The id of one topic for those who ask often: remembered for a minute, since each asking is a connection."""

import time
from collections.abc import Callable

from messaging.connection import KafkaConnection
from messaging.metadata import topic_ids

TOPIC_ID_TTL_SECONDS = 60.0
"""A topic that is made anew has another id: this long the old one may still be told."""


class CachedTopicId:
    """Asks for the id of a topic. `clock` gives seconds, monotonic."""

    def __init__(
        self, connection: KafkaConnection, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = connection
        self._name = name
        self._clock = clock
        self._cached_id: str | None = None
        self._expires_at = 0.0

    async def __call__(self) -> str:
        """The id, at most a minute old; raises TopicsMissing, KafkaUnavailable."""
        if self._cached_id is None or self._clock() >= self._expires_at:
            self._cached_id = (await topic_ids(self._connection, [self._name]))[self._name]
            self._expires_at = self._clock() + TOPIC_ID_TTL_SECONDS
        return self._cached_id
