"""The AsyncAPI document as values for the page: channels with sender, receiver, messages and examples."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.http.documentation.schema_tables import SchemaTable, build_tables
from schemas.topics import DAY_MS

Json = Mapping[str, Any]
ReadSchema = Callable[[str], Json]
"""Returns the JSON Schema in the file of this name."""

SERVICE, CLIENTS = "the service", "clients"
SETTING_UNITS = {"max.message.bytes": "bytes", "partitions": "", "replicas": ""}


@dataclass(frozen=True, slots=True)
class SchemaView:
    """The tables of a schema; `file` is the name of its file."""

    file: str
    tables: Sequence[SchemaTable]


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message of a channel. Without a payload schema its value is bytes; `examples` are JSON text."""

    name: str
    title: str
    key: str
    content_type: str
    payload: SchemaView | None
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A topic; `headers` are those of all its messages, `settings` are formatted for display."""

    name: str
    topic: str
    description: str
    sender: str
    receiver: str
    settings: Mapping[str, str]
    headers: Sequence[SchemaView]
    messages: Sequence[MessageView]


def channel_views(document: Json, read_schema: ReadSchema) -> list[ChannelView]:
    """All channels, in the order of the document."""
    actions = {
        _reference_name(operation["channel"]["$ref"]): operation["action"]
        for operation in document["operations"].values()
    }
    return [_channel_view(name, actions[name], document, read_schema) for name in document["channels"]]


def _channel_view(name: str, action: str, document: Json, read_schema: ReadSchema) -> ChannelView:
    channel = document["channels"][name]
    messages = {key: document["components"]["messages"][key] for key in channel["messages"]}
    headers = dict.fromkeys(message["headers"]["schema"]["$ref"] for message in messages.values())
    sender, receiver = (CLIENTS, SERVICE) if action == "receive" else (SERVICE, CLIENTS)
    return ChannelView(
        name=name,
        topic=channel["address"],
        description=channel["description"],
        sender=sender,
        receiver=receiver,
        settings=_format_settings(channel["bindings"]["kafka"]),
        headers=[_schema_view(reference, read_schema) for reference in headers],
        messages=[_message_view(key, message, document, read_schema) for key, message in messages.items()],
    )


def _message_view(name: str, definition: Json, document: Json, read_schema: ReadSchema) -> MessageView:
    payload = definition.get("payload")
    return MessageView(
        name=name,
        title=definition["title"],
        key=definition["bindings"]["kafka"]["key"]["description"],
        content_type=definition.get("contentType", document["defaultContentType"]),
        payload=None if payload is None else _schema_view(payload["schema"]["$ref"], read_schema),
        examples=[_to_json(example["payload"]) for example in definition.get("examples", ())],
    )


def _schema_view(reference: str, read_schema: ReadSchema) -> SchemaView:
    """The view of a schema by its reference, `./FILE` or `./FILE#/$defs/NAME`."""
    file, _, pointer = reference.removeprefix("./").partition("#")
    return SchemaView(file, build_tables(read_schema(file), _reference_name(pointer) if pointer else None))


def _format_settings(binding: Json) -> dict[str, str]:
    settings = {name: binding[name] for name in ("partitions", "replicas")} | binding["topicConfiguration"]
    return {name: _format_setting(name, value) for name, value in settings.items()}


def _format_setting(name: str, value: Any) -> str:
    if name.endswith(".ms"):
        days = value // DAY_MS
        return f"{days} day{'s' if days != 1 else ''}"
    if name in SETTING_UNITS:
        return f"{value:,} {SETTING_UNITS[name]}".strip()
    return ", ".join(value) if isinstance(value, list) else str(value)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _reference_name(reference: str) -> str:
    """The last segment of a reference."""
    return reference.rpartition("/")[2]
