"""The topics and their settings; they are created explicitly, never by auto-creation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY_MS = 86_400_000
MAX_MESSAGE_BYTES = 1_048_588
"""Default of Kafka for `max.message.bytes`, the size of a record batch."""
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
"""Retention counts from the arrival of a record: the clock of a sender may be wrong, and brokers refuse
timestamps more than an hour ahead."""
UNCOMPRESSED = {"compression.type": "uncompressed"}
"""Brokers decompress the batches of senders, so `max.message.bytes` limits the memory that a reader needs."""
DEAD_LETTER_HEADROOM = 64 * 1024
"""Bytes that the headers of a dead letter may add to the rejected message."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the settings it is created with; replication factor 3, or as many as there are brokers."""

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
"""The consumer group that reads REQUESTS; every committed message is a job, a command or a dead letter."""

ALL_TOPICS = (REQUESTS, STATUS, DEAD_LETTERS, UPLOADS)
