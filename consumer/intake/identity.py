"""Ids for messages that carry none: derived from where the message lies, so a redelivery has the same."""

from uuid import UUID, uuid5

from messaging.records import Record

NAMESPACE = UUID("0f3c7c5e-6d0a-5c1e-9a55-5b0a3f6f2d11")


def deterministic_id(record: Record, topic_id: str) -> str:
    """A UUID of topic id, partition, offset and timestamp: a topic made anew counts its offsets anew."""
    place = f"{topic_id}/{record.partition}/{record.offset}/{record.timestamp_ms}"
    return str(uuid5(NAMESPACE, place))
