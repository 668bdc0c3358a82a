"""Messages as plain values, so that nobody outside this room sees the client library's types."""

from dataclasses import dataclass
from typing import Any, Self

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One message as read; `key` and `value` are bytes as they came, `timestamp_ms` is Unix time."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @classmethod
    def from_client(cls, raw: Any) -> Self:
        """From the client library's record. A header without a value reads as empty."""
        headers = tuple((name, value or b"") for name, value in raw.headers)
        return cls(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, headers)


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where a message lies in its topic; the offset is -1 where the broker no longer knows it."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class ProducerRecord:
    """One message to be published; the key decides the partition."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
