"""The topics, and how each is kept. Nobody relies on auto-creation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY_MS = 86_400_000
MAX_MESSAGE_BYTES = 1_048_588
"""Kafka's own default for the largest record batch."""
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
"""What is kept for how long is counted from its arrival: a sender's clock may be wrong, and a record from
more than an hour ahead would be refused."""
UNCOMPRESSED = {"compression.type": "uncompressed"}
"""What senders compress the brokers unpack: `max.message.bytes` then bounds what a reader has to hold."""
DEAD_LETTER_HEADROOM = 64 * 1024
"""What a dead letter may add to the message: its headers."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic with the settings it is made with; replication is 3, or as many as there are brokers."""

    name: str
    config: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 6


REQUESTS = Topic(
    "migration.requests",
    {
        **LOG_APPEND_TIME,
        **UNCOMPRESSED,
        "retention.ms": str(7 * DAY_MS),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    },
)
STATUS = Topic(
    "migration.status",
    {
        **LOG_APPEND_TIME,
        "cleanup.policy": "compact,delete",
        "min.compaction.lag.ms": str(DAY_MS),
        "retention.ms": str(30 * DAY_MS),
    },
)
DEAD_LETTERS = Topic(
    "migration.requests.dlq",
    {
        **LOG_APPEND_TIME,
        "retention.ms": str(30 * DAY_MS),
        "max.message.bytes": str(MAX_MESSAGE_BYTES + DEAD_LETTER_HEADROOM),
    },
)
UPLOADS = Topic("migration.uploads", {**LOG_APPEND_TIME, **UNCOMPRESSED, "retention.ms": str(7 * DAY_MS)})

INTAKE_GROUP = "chat-migration"
"""The consumer group that reads REQUESTS: what it has committed is recorded or a dead letter."""

ALL_TOPICS = (REQUESTS, STATUS, DEAD_LETTERS, UPLOADS)
