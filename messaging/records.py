"""Kafka messages as plain values: no other package sees types of the client library."""

from dataclasses import dataclass
from typing import Any, Self

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A message as read; `key` and `value` are the bytes received, `timestamp_ms` is Unix time."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @classmethod
    def from_client(cls, raw: Any) -> Self:
        """Convert the client library's record. A header without a value becomes empty."""
        headers = tuple((name, value or b"") for name, value in raw.headers)
        return cls(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, headers)


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Partition and offset of a message; the offset is -1 if the broker no longer knows it."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ProducerRecord:
    """A message to be published; its key decides the partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
