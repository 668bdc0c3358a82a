"""Metadata v12, a request that aiokafka lacks: it returns topic ids and creates no topics.

Field names and order are those of Kafka's `MetadataRequest.json` and `MetadataResponse.json`.
"""

import uuid
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

UUID_BYTES = 16
NO_TOPIC_ID = uuid.UUID(int=0)
TAGGED_FIELDS = ("tags", TaggedFields)


class Uuid(AbstractType):  # type: ignore[misc] # the library has no types
    """Kafka's `uuid`: sixteen bytes."""

    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        """The sixteen bytes."""
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        """Read the next sixteen bytes."""
        return uuid.UUID(bytes=data.read(UUID_BYTES))


class MetadataResponse12(Response):  # type: ignore[misc]
    """Brokers, and topics with their ids."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                TAGGED_FIELDS,
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition_index", Int32),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("replica_nodes", CompactArray(Int32)),
                        ("isr_nodes", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        TAGGED_FIELDS,
                    ),
                ),
                ("topic_authorized_operations", Int32),
                TAGGED_FIELDS,
            ),
        ),
        TAGGED_FIELDS,
    )


class MetadataRequest12(RequestStruct):  # type: ignore[misc]
    """Asks for topics by name, without creating those that are missing."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = MetadataResponse12
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", CompactString("utf-8")), TAGGED_FIELDS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        TAGGED_FIELDS,
    )


class TopicMetadataRequest(Request[MetadataRequest12]):  # type: ignore[misc]
    """The request in the version that the connection negotiates; brokers support v12 from Kafka 3.1 on."""

    API_KEY = 3

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def build(self, request_struct_class: Any) -> Any:
        """Build the request structure."""
        return request_struct_class([(NO_TOPIC_ID, name, {}) for name in self._names], False, False, {})
