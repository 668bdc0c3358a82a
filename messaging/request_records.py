"""Turns a request into a Kafka record: JSON keyed by the request id, CloudEvents attributes in headers."""

import uuid
from datetime import UTC, datetime

from messaging.records import ProducerRecord
from schemas.cloudevents import TYPE_REQUEST, encode
from schemas.requests import CancelRequest, RetryRequest, StartRequest, dump_request
from schemas.topics import REQUESTS


def request_record(
    request: StartRequest | CancelRequest | RetryRequest, *, source: str, traceparent: str | None = None
) -> ProducerRecord:
    """Build the record to publish. `source` names the publisher: a URI reference (CloudEvents `source`)."""
    request_id = request.request_id or ""
    headers = encode(
        event_id=str(uuid.uuid4()),
        source=source,
        event_type=TYPE_REQUEST,
        time=datetime.now(UTC),
        subject=request_id,
        traceparent=traceparent,
    )
    return ProducerRecord(REQUESTS.name, request_id.encode(), dump_request(request), headers)
