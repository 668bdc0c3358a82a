"""CloudEvents 1.0 in Kafka's binary mode: attributes ride in headers, the value stays plain JSON."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

SPEC_VERSION = "1.0"
JSON_CONTENT_TYPE = "application/json"
TYPE_REQUEST = "migration.request.v1"
TYPE_STATUS = "migration.status.v1"
"""Types of what is published here; the sources (`/migration-cli`, …) are the publishers' own."""

TRACEPARENT = "traceparent"
SHORTENED_HEADER = "ce_shortened"
"""An extension: the event was too large for a message and has lost a part of its texts."""
_TRACEPARENT_PATTERN = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_HEADERS = {
    "id": "ce_id",
    "source": "ce_source",
    "type": "ce_type",
    "specversion": "ce_specversion",
    "time": "ce_time",
    "subject": "ce_subject",
    "content_type": "content-type",
    "traceparent": TRACEPARENT,
}

Headers = tuple[tuple[str, bytes], ...]
"""Kafka headers in their order, values as bytes."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The attributes of one message as text; on what we read each of them may be missing."""

    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    subject: str | None = None
    content_type: str | None = JSON_CONTENT_TYPE
    traceparent: str | None = None
    specversion: str | None = SPEC_VERSION

    def headers(self) -> Headers:
        """What is known, as Kafka headers in UTF-8."""
        values = ((header, getattr(self, name)) for name, header in _HEADERS.items())
        return tuple((header, value.encode()) for header, value in values if value is not None)


def encode(
    *,
    event_id: str,
    source: str,
    event_type: str,
    time: datetime,
    subject: str | None = None,
    traceparent: str | None = None,
) -> Headers:
    """Headers of a message that we publish; `time` must know its zone, `subject` is the request id."""
    stamp = time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    trace = valid_traceparent(traceparent)
    return CloudEvent(event_id, source, event_type, stamp, subject, traceparent=trace).headers()


def decode(headers: Iterable[tuple[str, bytes | None]]) -> CloudEvent:
    """The attributes that a message carries; what is missing or no text is None, the last of two counts."""
    found = {name: _text(value) for name, value in headers}
    attributes = {name: found.get(header) for name, header in _HEADERS.items()}
    attributes["traceparent"] = valid_traceparent(found.get(TRACEPARENT) or found.get("ce_traceparent"))
    return CloudEvent(**attributes)


def valid_traceparent(value: str | None) -> str | None:
    """A W3C `traceparent`, or None for anything else: what is passed on must not carry other text."""
    return value if value and _TRACEPARENT_PATTERN.fullmatch(value) else None


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
