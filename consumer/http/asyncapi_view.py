"""The AsyncAPI document as its page shows it: channels, who sends and who receives, messages, examples."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.http.schema_tables import Table, tables
from schemas.topics import DAY_MS

Json = Mapping[str, Any]
ReadSchema = Callable[[str], Json]
"""The JSON Schema in a file, by the file's name."""

SERVICE, CLIENTS = "the service", "clients"
COUNTED = {"max.message.bytes": "bytes", "partitions": "", "replicas": ""}


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a schema; `file` is where it stands."""

    file: str
    tables: Sequence[Table]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a channel. Without a payload its value is bytes; `examples` are JSON text."""

    name: str
    title: str
    key: str
    content_type: str
    payload: Schema | None
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic; `headers` are those of all its messages, `settings` are shown as they are."""

    name: str
    topic: str
    description: str
    sender: str
    receiver: str
    settings: Mapping[str, str]
    headers: Sequence[Schema]
    messages: Sequence[Message]


def channels(document: Json, read: ReadSchema) -> list[Channel]:
    """All channels, in the order of the document."""
    actions = {_name(one["channel"]["$ref"]): one["action"] for one in document["operations"].values()}
    return [_channel(name, actions[name], document, read) for name in document["channels"]]


def _channel(name: str, action: str, document: Json, read: ReadSchema) -> Channel:
    about = document["channels"][name]
    found = {one: document["components"]["messages"][one] for one in about["messages"]}
    headers = dict.fromkeys(one["headers"]["schema"]["$ref"] for one in found.values())
    sender, receiver = (CLIENTS, SERVICE) if action == "receive" else (SERVICE, CLIENTS)
    return Channel(
        name=name,
        topic=about["address"],
        description=about["description"],
        sender=sender,
        receiver=receiver,
        settings=_settings(about["bindings"]["kafka"]),
        headers=[_schema(reference, read) for reference in headers],
        messages=[_message(one, message, document, read) for one, message in found.items()],
    )


def _message(name: str, about: Json, document: Json, read: ReadSchema) -> Message:
    payload = about.get("payload")
    return Message(
        name=name,
        title=about["title"],
        key=about["bindings"]["kafka"]["key"]["description"],
        content_type=about.get("contentType", document["defaultContentType"]),
        payload=None if payload is None else _schema(payload["schema"]["$ref"], read),
        examples=[_json(example["payload"]) for example in about.get("examples", ())],
    )


def _schema(reference: str, read: ReadSchema) -> Schema:
    """By its reference, `./FILE` or `./FILE#/$defs/NAME`."""
    file, _, pointer = reference.removeprefix("./").partition("#")
    return Schema(file, tables(read(file), _name(pointer) if pointer else None))


def _settings(binding: Json) -> dict[str, str]:
    shown = {name: binding[name] for name in ("partitions", "replicas")} | binding["topicConfiguration"]
    return {name: _setting(name, value) for name, value in shown.items()}


def _setting(name: str, value: Any) -> str:
    if name.endswith(".ms"):
        days = value // DAY_MS
        return f"{days} day{'s' if days != 1 else ''}"
    if name in COUNTED:
        return f"{value:,} {COUNTED[name]}".strip()
    return ", ".join(value) if isinstance(value, list) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _name(reference: str) -> str:
    """The last part of a reference."""
    return reference.rpartition("/")[2]
