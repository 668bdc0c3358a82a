"""Builds the AsyncAPI 3.0 document: the four topics, their messages, and who sends and receives them."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas import examples
from schemas.topics import DEAD_LETTERS, REQUESTS, STATUS, UPLOADS, Topic

JsonObject = dict[str, Any]

REPLICAS = 3
BINDING = {"bindingVersion": "0.5.0"}
JSON_SCHEMA = "application/schema+json;version=draft-07"
"""Every keyword of the documents means the same in this draft, so parsers need not support a later one."""

CHANNELS: Mapping[str, tuple[Topic, str, tuple[str, ...]]] = {
    "requests": (
        REQUESTS,
        "Requests of clients: start, cancel, retry a migration.",
        ("start", "cancel", "retry"),
    ),
    "status": (
        STATUS,
        "The state of each job. In order of `sequence` per request, at least once: keep the highest.",
        ("status",),
    ),
    "deadLetters": (
        DEAD_LETTERS,
        "Requests that were rejected, byte for byte as received; the headers give the reason.",
        ("deadLetter",),
    ),
    "uploads": (
        UPLOADS,
        "Files in chunks of 512 KiB; all chunks of a file are in one partition.",
        ("chunk",),
    ),
}


def document(version: str = "1.0.0") -> JsonObject:
    """The document as plain dicts and lists; payloads refer to the JSON Schema files in the same folder."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Chat migration",
            "version": version,
            "description": (
                "Publish a request, then follow its status events. Operations are those of the service: "
                "it receives requests and chunks, and sends status events and dead letters."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {name: _channel(*channel) for name, channel in CHANNELS.items()},
        "operations": {
            "receiveRequests": _operation("receive", "requests"),
            "sendStatus": _operation("send", "status"),
            "sendDeadLetters": _operation("send", "deadLetters"),
            "receiveUploads": _operation("receive", "uploads"),
        },
        "components": {"messages": _messages()},
    }


def _server() -> JsonObject:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "Kafka 3.1 or later.",
        "variables": {"bootstrap": {"default": "localhost:9092", "description": "KAFKA_BOOTSTRAP_SERVERS"}},
    }


def _channel(topic: Topic, description: str, messages: Sequence[str]) -> JsonObject:
    binding = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "replicas": REPLICAS,
        "topicConfiguration": {name: _setting(name, value) for name, value in sorted(topic.config.items())},
        **BINDING,
    }
    return {
        "address": topic.name,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": binding},
    }


def _setting(name: str, value: str) -> Any:
    if name == "cleanup.policy":
        return value.split(",")
    return int(value) if value.isdigit() else value


def _operation(action: str, channel: str) -> JsonObject:
    messages = CHANNELS[channel][2]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _messages() -> JsonObject:
    key, request = "request_id", "migration-request.json#/$defs"
    cloud = "cloudevents-headers.json"
    return {
        "start": _message("Start a migration", key, f"{request}/StartRequest", cloud, examples.STARTS),
        "cancel": _message("Cancel a job", key, f"{request}/CancelRequest", cloud, [examples.CANCEL]),
        "retry": _message("Run a job again", key, f"{request}/RetryRequest", cloud, examples.RETRIES),
        "status": _message("Status of a job", key, "migration-status.json", cloud, [examples.STATUS]),
        "deadLetter": {
            **_message("A rejected request", "the key as received", None, "dead-letter-headers.json"),
            "contentType": "application/octet-stream",
        },
        "chunk": {
            **_message("A chunk of a file", "upload id", None, "upload-headers.json"),
            "contentType": "application/octet-stream",
        },
    }


def _message(
    title: str,
    key: str,
    payload: str | None,
    headers: str,
    example_payloads: Sequence[Mapping[str, Any]] = (),
) -> JsonObject:
    message: JsonObject = {"title": title, "headers": _schema(headers)}
    if payload:
        message["payload"] = _schema(payload)
    if example_payloads:
        message["examples"] = [{"payload": dict(payload)} for payload in example_payloads]
    return {**message, "bindings": {"kafka": {"key": {"type": "string", "description": key}, **BINDING}}}


def _schema(reference: str) -> JsonObject:
    return {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"./{reference}"}}
