"""Topics, producers and a breakable broker, as in the integration tests of messaging."""

from tests.integration.messaging.conftest import (
    broker,
    connection,
    group_id,
    make_topic,
    producer,
    publish,
    tracked_consumers,
)

__all__ = ["broker", "connection", "group_id", "make_topic", "producer", "publish", "tracked_consumers"]
