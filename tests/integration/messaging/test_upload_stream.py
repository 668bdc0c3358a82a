"""Files of unknown size sent through Kafka: fetched completely, or not at all."""

import asyncio
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.connection import KafkaConnection
from messaging.download import fetch_file
from messaging.errors import KafkaUnavailableError, UploadIncompleteError, UploadRejectedError
from messaging.records import Record
from messaging.subscription import Subscription
from messaging.upload_stream import UploadStream
from schemas.uploads import CHUNK_BYTES, Upload
from tests.integration.messaging.conftest import MakeTopic
from tests.support.wait import wait_until_async

PIECE_BYTES = 64 * 1024


@pytest.fixture
async def topic(make_topic: MakeTopic) -> str:
    return await make_topic()


def _pieces(content: bytes, step: int = PIECE_BYTES) -> Iterator[memoryview]:
    view = memoryview(content)
    return (view[start : start + step] for start in range(0, len(content), step))


async def _stream_upload(connection: KafkaConnection, topic: str, content: bytes, name: str = "f") -> Upload:
    async with await UploadStream.open(connection, topic=topic) as stream:
        for piece in _pieces(content):
            await stream.write(piece)
        return await stream.finish(name)


async def _download(connection: KafkaConnection, topic: str, upload: Upload, folder: Path) -> bytes:
    target = folder / upload.upload_id
    await fetch_file(connection, upload, target, topic=topic)
    return _content(target)


def _content(path: Path) -> bytes:
    return path.read_bytes()


async def _records(connection: KafkaConnection, topic: str) -> list[Record]:
    async with await Subscription.open(connection, topic) as subscription:
        return [record async for record in subscription.read_existing()]


@pytest.mark.parametrize(
    ("size", "chunks"),
    [(1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (6 * CHUNK_BYTES, 6), (7 * CHUNK_BYTES + 3, 8)],
)
async def test_stream_is_fetched_byte_for_byte(
    connection: KafkaConnection, topic: str, tmp_path: Path, size: int, chunks: int
) -> None:
    content = os.urandom(size)
    upload = await _stream_upload(connection, topic, content, "чаты.xlsx")
    assert (upload.size, upload.chunks, upload.name) == (size, chunks, "чаты.xlsx")
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert await _download(connection, topic, upload, tmp_path) == content


async def test_only_the_last_record_of_a_stream_has_the_count(
    connection: KafkaConnection, topic: str
) -> None:
    upload = await _stream_upload(connection, topic, os.urandom(2 * CHUNK_BYTES + 1))
    records = await _records(connection, topic)
    assert [dict(record.headers).get("chunk-count") for record in records] == [None, None, b"3"]
    assert {record.key for record in records} == {upload.upload_id.encode()}


async def test_interleaved_streams_on_one_partition_are_fetched(
    connection: KafkaConnection, topic: str, tmp_path: Path
) -> None:
    contents = [os.urandom(4 * CHUNK_BYTES), os.urandom(5 * CHUNK_BYTES + 1)]
    streams = [await UploadStream.open(connection, topic=topic) for _ in contents]
    # In turns, so that chunks of both streams are interleaved.
    for pieces in zip(*(_pieces(content, CHUNK_BYTES) for content in contents), strict=False):
        for stream, piece in zip(streams, pieces, strict=True):
            await stream.write(piece)
    await streams[1].write(contents[1][4 * CHUNK_BYTES :])
    uploads = [await stream.finish("f") for stream in streams]
    assert uploads[1].first_offset < uploads[0].last_offset
    for upload, content in zip(uploads, contents, strict=True):
        assert upload.last_offset - upload.first_offset >= upload.chunks
        assert await _download(connection, topic, upload, tmp_path) == content


async def test_chunks_are_sent_before_the_end_is_known(connection: KafkaConnection, topic: str) -> None:
    async with await UploadStream.open(connection, topic=topic) as stream:
        await stream.write(bytes(8 * CHUNK_BYTES))

        async def has_all_but_last() -> bool:
            return len(await _records(connection, topic)) == 7

        await wait_until_async(has_all_but_last, 20, "all chunks but the one held back")


async def test_aborted_stream_cannot_be_fetched(
    connection: KafkaConnection, topic: str, tmp_path: Path
) -> None:
    before = asyncio.all_tasks()
    content = os.urandom(4 * CHUNK_BYTES)
    async with await UploadStream.open(connection, topic=topic) as stream:
        await stream.write(content)
        await stream.abort()
        began = time.monotonic()
        await stream.abort()
        assert time.monotonic() - began < 0.1
        with pytest.raises(RuntimeError, match="has ended"):
            await stream.write(b"more")
        with pytest.raises(RuntimeError, match="has ended"):
            await stream.finish("f")
    assert asyncio.all_tasks() <= before
    later_upload = await _stream_upload(connection, topic, b"a later upload, so that there is an end")
    records = await _records(connection, topic)
    aborted = [record for record in records if record.key != later_upload.upload_id.encode()]
    assert len(aborted) < 4
    assert all("chunk-count" not in dict(record.headers) for record in aborted)
    claimed = later_upload.model_copy(
        update={
            "upload_id": (aborted[0].key or b"").decode(),
            "first_offset": 0,
            "chunks": 4,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    )
    with pytest.raises(UploadIncompleteError):
        await fetch_file(connection, claimed, tmp_path / "target", topic=topic)


async def test_cancelled_write_ends_the_stream(connection: KafkaConnection, topic: str) -> None:
    async with await UploadStream.open(connection, topic=topic) as stream:
        writing = asyncio.ensure_future(stream.write(bytes(40 * CHUNK_BYTES)))

        async def begun() -> bool:
            return stream.size > 0

        await wait_until_async(begun, 10, "the write to begin")
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        with pytest.raises(RuntimeError, match="has ended"):
            await stream.finish("f")


async def test_empty_stream_is_rejected(connection: KafkaConnection, topic: str) -> None:
    async with await UploadStream.open(connection, topic=topic) as stream:
        await stream.write(b"")
        with pytest.raises(UploadRejectedError, match="«f» is empty"):
            await stream.finish("f")


@pytest.mark.parametrize("name", ["", " blank", "line\nbreak", "x" * 1_001])
async def test_invalid_file_name_is_rejected(connection: KafkaConnection, topic: str, name: str) -> None:
    async with await UploadStream.open(connection, topic=topic) as stream:
        await stream.write(b"content")
        with pytest.raises(UploadRejectedError, match="1-1,000 printable characters"):
            await stream.finish(name)
    assert await _records(connection, topic) == []


async def test_without_a_broker_opening_fails() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(KafkaUnavailableError):
            await UploadStream.open(KafkaConnection("127.0.0.1:1"))
