"""CloudEvents 1.0 in Kafka's binary mode: the attributes are headers, the value is plain JSON."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

SPEC_VERSION = "1.0"
JSON_CONTENT_TYPE = "application/json"
TYPE_REQUEST = "migration.request.v1"
TYPE_STATUS = "migration.status.v1"
"""`ce_type` of requests and status events; each publisher has its own `ce_source`, as `/migration-cli`."""

TRACEPARENT = "traceparent"
SHORTENED_HEADER = "ce_shortened"
"""Extension attribute: the event was too large for a message, so its texts were shortened."""
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
"""Kafka headers in order; values are bytes."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The attributes of one message as text; None for those that a received message lacks."""

    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    subject: str | None = None
    content_type: str | None = JSON_CONTENT_TYPE
    traceparent: str | None = None
    specversion: str | None = SPEC_VERSION

    def headers(self) -> Headers:
        """Kafka headers in UTF-8 of the attributes that are set."""
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
    """Headers of a message to be published; `time` must have a time zone, `subject` is the request id."""
    stamp = time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    trace = valid_traceparent(traceparent)
    return CloudEvent(event_id, source, event_type, stamp, subject, traceparent=trace).headers()


def decode(headers: Iterable[tuple[str, bytes | None]]) -> CloudEvent:
    """Attributes of a received message: None if missing or not UTF-8; the last of repeated headers wins."""
    texts = {name: _text(value) for name, value in headers}
    attributes = {name: texts.get(header) for name, header in _HEADERS.items()}
    attributes["traceparent"] = valid_traceparent(texts.get(TRACEPARENT) or texts.get("ce_traceparent"))
    return CloudEvent(**attributes)


def valid_traceparent(value: str | None) -> str | None:
    """The value if it is a W3C `traceparent`, otherwise None: no other text is passed on."""
    return value if value and _TRACEPARENT_PATTERN.fullmatch(value) else None


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None
