import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from messaging.connection import KafkaConnection
from messaging.download import fetch_file
from messaging.errors import (
    KafkaUnavailableError,
    UploadCorruptError,
    UploadError,
    UploadExpiredError,
    UploadIncompleteError,
    UploadRejectedError,
)
from messaging.producer import Producer
from messaging.records import ProducerRecord, Record
from messaging.subscription import Subscription
from messaging.upload import send_file
from schemas.uploads import Upload
from tests.integration.messaging.conftest import MakeTopic

MEGABYTE = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.xlsx"
    path.write_bytes(os.urandom(3 * MEGABYTE + 5))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder / "fetched.xlsx"


@pytest.fixture
async def topic(make_topic: MakeTopic) -> str:
    return await make_topic()


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def _records(connection: KafkaConnection, topic: str) -> list[Record]:
    async with await Subscription.open(connection, topic) as subscription:
        return [record async for record in subscription.read_existing()]


def _copy_record(record: Record, **changes: bytes) -> ProducerRecord:
    value = changes.get("value", record.value)
    return ProducerRecord(record.topic, changes.get("key", record.key), value, record.headers)


async def _republish(producer: Producer, upload: Upload, messages: list[ProducerRecord]) -> Upload:
    """Publish these messages; return the upload that refers to them as its chunks."""
    assert all(await producer.publish(messages))
    first = upload.last_offset + 1
    return upload.model_copy(update={"first_offset": first, "last_offset": first + len(messages) - 1})


async def test_file_is_fetched_as_it_was_sent(
    connection: KafkaConnection, topic: str, file: Path, target: Path
) -> None:
    progress: list[tuple[int, int]] = []
    upload = await send_file(
        connection, file, "чаты.xlsx", lambda done, total: progress.append((done, total)), topic=topic
    )
    await fetch_file(connection, upload, target, topic=topic)
    content = _content(file)
    assert _content(target) == content
    assert (upload.size, upload.chunks, upload.name) == (len(content), 7, "чаты.xlsx")
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert progress[-1] == (len(content), len(content))
    assert len(progress) == 7


async def test_concurrent_uploads_are_interleaved_and_fetched(
    connection: KafkaConnection, topic: str, file: Path, target: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.xlsx"
    other.write_bytes(os.urandom(2 * MEGABYTE))
    first, second = await asyncio.gather(
        send_file(connection, file, "one", topic=topic), send_file(connection, other, "two", topic=topic)
    )
    await fetch_file(connection, first, target, topic=topic)
    assert _content(target) == _content(file)
    await fetch_file(connection, second, target, topic=topic)
    assert _content(target) == _content(other)


async def test_chunks_of_other_uploads_are_ignored(
    connection: KafkaConnection, topic: str, file: Path, target: Path, producer: Producer
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    chunks = await _records(connection, topic)
    woven = [
        m
        for chunk in chunks
        for m in (_copy_record(chunk, key=b"foreign", value=b"junk"), _copy_record(chunk))
    ]
    await fetch_file(connection, await _republish(producer, upload, woven), target, topic=topic)
    assert _content(target) == _content(file)


async def test_missing_chunk_is_incomplete_and_leaves_no_file(
    connection: KafkaConnection, topic: str, file: Path, target: Path, producer: Producer
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    messages = [_copy_record(chunk) for chunk in await _records(connection, topic)]
    del messages[3]
    with pytest.raises(UploadIncompleteError, match="chunk 4 of 7"):
        await fetch_file(connection, await _republish(producer, upload, messages), target, topic=topic)
    assert list(target.parent.iterdir()) == []


async def test_missing_last_chunk_is_incomplete_at_the_end_of_the_range(
    connection: KafkaConnection, topic: str, file: Path, target: Path, producer: Producer
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    messages = [_copy_record(chunk) for chunk in await _records(connection, topic)]
    with pytest.raises(UploadIncompleteError, match="chunk 7 of 7"):
        await fetch_file(connection, await _republish(producer, upload, messages[:-1]), target, topic=topic)


async def test_damaged_chunk_is_corrupt_and_leaves_no_file(
    connection: KafkaConnection, topic: str, file: Path, target: Path, producer: Producer
) -> None:
    _write(target, b"what was there before")
    upload = await send_file(connection, file, "f", topic=topic)
    messages = [_copy_record(chunk) for chunk in await _records(connection, topic)]
    chunk = messages[5]
    messages[5] = ProducerRecord(chunk.topic, chunk.key, b"x" + (chunk.value or b"")[1:], chunk.headers)
    with pytest.raises(UploadCorruptError, match="chunk 6"):
        await fetch_file(connection, await _republish(producer, upload, messages), target, topic=topic)
    assert _content(target) == b"what was there before"
    assert list(target.parent.iterdir()) == [target]


async def test_wrong_hash_of_the_file_is_corrupt(
    connection: KafkaConnection, topic: str, file: Path, target: Path
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    with pytest.raises(UploadCorruptError):
        await fetch_file(connection, upload.model_copy(update={"sha256": "0" * 64}), target, topic=topic)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("kept_from", [1, 7])
async def test_upload_that_is_no_longer_retained_is_expired(
    connection: KafkaConnection, topic: str, file: Path, target: Path, kept_from: int
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=kept_from)})
    await admin.close()
    with pytest.raises(UploadExpiredError, match="«f» is no longer kept by Kafka"):
        await fetch_file(connection, upload, target, topic=topic)


async def test_unknown_partition_is_incomplete(
    connection: KafkaConnection, topic: str, file: Path, target: Path
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    async with asyncio.timeout(20):
        with pytest.raises(UploadIncompleteError, match="no partition 99"):
            await fetch_file(connection, upload.model_copy(update={"partition": 99}), target, topic=topic)


async def test_offsets_beyond_the_end_are_incomplete(
    connection: KafkaConnection, topic: str, file: Path, target: Path
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    elsewhere = upload.model_copy(update={"first_offset": 1_000, "last_offset": 1_006})
    async with asyncio.timeout(20):
        with pytest.raises(UploadIncompleteError):
            await fetch_file(connection, elsewhere, target, topic=topic)


async def test_range_far_beyond_the_end_is_incomplete_before_reading(
    connection: KafkaConnection, topic: str, file: Path, target: Path
) -> None:
    """Otherwise it would occupy the slot of a job until the timeout of a silent topic."""
    upload = await send_file(connection, file, "f", topic=topic)
    endless = upload.model_copy(update={"last_offset": 2**62, "chunks": 2**30})
    async with asyncio.timeout(20):
        with pytest.raises(UploadIncompleteError, match="chunk 1 of"):
            await fetch_file(connection, endless, target, topic=topic)


async def test_deleted_topic_is_expired(
    connection: KafkaConnection,
    topic: str,
    file: Path,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    monkeypatch.setattr("messaging.clients.REQUEST_TIMEOUT_SECONDS", 1.0)
    with pytest.raises(UploadExpiredError):
        await fetch_file(connection, upload, target, topic="test.never-made")


async def test_empty_file_is_rejected(connection: KafkaConnection, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(UploadRejectedError, match="is empty"):
        await send_file(connection, empty, "empty")


@pytest.mark.parametrize("name", ["", " blank", "line\nbreak", "nul\x00", "x" * 1_001])
async def test_invalid_file_name_is_rejected_before_sending(
    connection: KafkaConnection, file: Path, name: str
) -> None:
    with pytest.raises(UploadRejectedError, match="1-1,000 printable characters"):
        await send_file(connection, file, name)


async def test_file_that_grows_during_the_upload_is_rejected(
    connection: KafkaConnection, topic: str, file: Path
) -> None:
    def grow(done: int, _total: int) -> None:
        if done == 512 * 1024:
            with file.open("ab") as more:
                more.write(b"more")

    with pytest.raises(UploadRejectedError, match="while it was sent"):
        await send_file(connection, file, "f", grow, topic=topic)


async def test_without_a_broker_sending_and_fetching_fail(file: Path, target: Path) -> None:
    nowhere = KafkaConnection("127.0.0.1:1")
    upload = Upload(
        upload_id="1", partition=0, first_offset=0, last_offset=0, chunks=1, size=1, sha256="0" * 64, name="f"
    )
    async with asyncio.timeout(10):
        with pytest.raises(KafkaUnavailableError):
            await send_file(nowhere, file, "f")
        with pytest.raises(KafkaUnavailableError):
            await fetch_file(nowhere, upload, target)
    assert list(target.parent.iterdir()) == []


async def test_cancelled_fetch_leaves_no_file(
    connection: KafkaConnection, topic: str, file: Path, target: Path
) -> None:
    upload = await send_file(connection, file, "f", topic=topic)
    endless = upload.model_copy(update={"last_offset": upload.last_offset + 1, "chunks": upload.chunks + 1})
    fetching = asyncio.ensure_future(fetch_file(connection, endless, target, topic=topic))
    await asyncio.wait({fetching}, timeout=2)
    fetching.cancel()
    with pytest.raises((asyncio.CancelledError, UploadError)):
        await fetching
    assert list(target.parent.iterdir()) == []
