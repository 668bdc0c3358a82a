"""Uploads whose broker is frozen, killed or restarted: every wait ends, and a restart is waited out."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from devstack.server import Server
from devstack.stack import Stack
from messaging import clients, producer_session, upload_stream
from messaging.connection import KafkaConnection
from messaging.download import fetch_file
from messaging.errors import KafkaUnavailableError
from messaging.upload_stream import UploadStream
from schemas.uploads import CHUNK_BYTES
from tests.integration.messaging.conftest import topic_when_broker_is_ready
from tests.support.freeze import freeze


@pytest.fixture
def dedicated_connection(dedicated_stack: Stack) -> KafkaConnection:
    return KafkaConnection(dedicated_stack.bootstrap_servers)


@pytest.fixture
async def dedicated_topic(broker: Server, dedicated_connection: KafkaConnection) -> str:
    return await topic_when_broker_is_ready(dedicated_connection, 1)


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """All timeouts ten times shorter, in the same order."""
    monkeypatch.setattr(clients, "REQUEST_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(producer_session, "SEND_TIMEOUT_SECONDS", 1.5)
    monkeypatch.setattr(producer_session, "ACK_TIMEOUT_SECONDS", 4.5)
    monkeypatch.setattr(upload_stream, "ACK_TIMEOUT_SECONDS", 4.5)


@pytest.mark.usefixtures("short_timeouts")
async def test_write_to_frozen_broker_is_bounded(
    broker: Server, dedicated_connection: KafkaConnection, dedicated_topic: str
) -> None:
    before = asyncio.all_tasks()
    async with await UploadStream.open(dedicated_connection, topic=dedicated_topic) as stream:
        await stream.write(bytes(2 * CHUNK_BYTES))
        freeze(broker)
        began = time.monotonic()
        with pytest.raises(KafkaUnavailableError, match="could not be sent"):
            await stream.write(bytes(20 * CHUNK_BYTES))
        assert time.monotonic() - began < 15
    assert time.monotonic() - began < 25
    assert asyncio.all_tasks() <= before


@pytest.mark.usefixtures("short_timeouts")
async def test_finish_after_broker_death_is_bounded(
    broker: Server, dedicated_connection: KafkaConnection, dedicated_topic: str
) -> None:
    async with await UploadStream.open(dedicated_connection, topic=dedicated_topic) as stream:
        await stream.write(bytes(2 * CHUNK_BYTES))
        await asyncio.to_thread(broker.kill)
        began = time.monotonic()
        with pytest.raises(KafkaUnavailableError, match="could not be sent"):
            await stream.finish("f")
        assert time.monotonic() - began < 15
    assert time.monotonic() - began < 25


async def test_upload_survives_broker_restart(
    broker: Server, dedicated_connection: KafkaConnection, dedicated_topic: str, tmp_path: Path
) -> None:
    content = os.urandom(8 * CHUNK_BYTES)
    async with await UploadStream.open(dedicated_connection, topic=dedicated_topic) as stream:
        await stream.write(content[: 2 * CHUNK_BYTES])
        await asyncio.to_thread(broker.stop)
        writing = asyncio.ensure_future(stream.write(content[2 * CHUNK_BYTES :]))
        await asyncio.to_thread(broker.start)
        await writing
        upload = await stream.finish("f")
    await fetch_file(dedicated_connection, upload, tmp_path / "fetched", topic=dedicated_topic)
    assert (tmp_path / "fetched").read_bytes() == content
