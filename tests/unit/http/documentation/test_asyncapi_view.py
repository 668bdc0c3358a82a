"""The AsyncAPI document as values for its page."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumer.http.documentation.asyncapi_view import ChannelView, channel_views
from schemas import asyncapi
from schemas.requests import CancelRequest, RetryRequest, StartRequest
from schemas.status import StatusEvent
from schemas.topics import ALL_TOPICS

FOLDER = Path(__file__).parents[4] / "schemas"


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def channels_by_name() -> dict[str, ChannelView]:
    return {channel.name: channel for channel in channel_views(asyncapi.document(), read)}


def test_every_topic_has_its_sender_and_receiver(
    channels_by_name: dict[str, ChannelView],
) -> None:
    assert {channel.topic for channel in channels_by_name.values()} == {topic.name for topic in ALL_TOPICS}
    assert {name: (channel.sender, channel.receiver) for name, channel in channels_by_name.items()} == {
        "requests": ("clients", "the service"),
        "status": ("the service", "clients"),
        "deadLetters": ("the service", "clients"),
        "uploads": ("clients", "the service"),
    }


def test_settings_are_formatted_for_people(channels_by_name: dict[str, ChannelView]) -> None:
    assert channels_by_name["requests"].settings["retention.ms"] == "7 days"
    assert channels_by_name["requests"].settings["max.message.bytes"] == "1,048,588 bytes"
    assert channels_by_name["requests"].settings["partitions"] == "6"
    assert channels_by_name["status"].settings["cleanup.policy"] == "compact, delete"
    assert channels_by_name["status"].settings["min.compaction.lag.ms"] == "1 day"


@pytest.mark.parametrize(
    ("channel", "message", "model"),
    [
        ("requests", 0, StartRequest),
        ("requests", 1, CancelRequest),
        ("requests", 2, RetryRequest),
        ("status", 0, StatusEvent),
    ],
)
def test_every_field_of_a_message_is_in_its_table(
    channels_by_name: dict[str, ChannelView], channel: str, message: int, model: type[Any]
) -> None:
    payload = channels_by_name[channel].messages[message].payload
    assert payload is not None
    assert [field.name for field in payload.tables[0].fields] == list(model.model_fields)


def test_every_object_in_a_start_has_its_table(channels_by_name: dict[str, ChannelView]) -> None:
    start = channels_by_name["requests"].messages[0]
    assert start.payload is not None
    assert {table.title for table in start.payload.tables} == {
        *("StartRequest", "ExcelSource", "DatabaseSource", "GoogleSheetsSource"),
        *("Options", "UploadedFile", "InboxFile", "Upload", "CorrectedJob"),
    }
    titles = {table.title for table in start.payload.tables}
    linked = {
        type_name.table
        for table in start.payload.tables
        for field in table.fields
        for type_name in field.types
    }
    assert linked - {None} == titles - {"StartRequest"}


def test_examples_and_headers_are_included(channels_by_name: dict[str, ChannelView]) -> None:
    assert len(channels_by_name["requests"].messages[0].examples) == 7
    assert json.loads(channels_by_name["status"].messages[0].examples[0])["status"] == "running"
    assert [headers.file for headers in channels_by_name["requests"].headers] == ["cloudevents-headers.json"]
    assert "dlq-reason" in {
        field.name for field in channels_by_name["deadLetters"].headers[0].tables[0].fields
    }


def test_message_of_bytes_has_no_tables(channels_by_name: dict[str, ChannelView]) -> None:
    [chunk] = channels_by_name["uploads"].messages
    assert (chunk.payload, chunk.content_type, chunk.key) == (None, "application/octet-stream", "upload id")
