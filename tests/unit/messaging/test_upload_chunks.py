import hashlib
import io
import os
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from messaging.errors import UploadCorruptError, UploadError, UploadIncompleteError, UploadRejectedError
from messaging.records import Record
from messaging.upload import read_chunks
from messaging.upload_chunks import FileAssembler, FileChunker, UploadChunk
from schemas.uploads import CHUNK_BYTES, Upload

CONTENT = bytes(range(256)) * (CHUNK_BYTES // 256) * 2 + b"the end"
KEY = b"upload-1"
UPLOAD = Upload(
    upload_id=KEY.decode(),
    partition=0,
    first_offset=10,
    last_offset=20,
    chunks=3,
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    name="чаты.xlsx",
)


def _record(offset: int, chunk: UploadChunk, key: bytes = KEY) -> Record:
    return Record("uploads", 0, offset, 0, key, chunk.value, chunk.headers)


def _chunks(written: Iterable[bytes | memoryview]) -> list[UploadChunk]:
    chunker = FileChunker()
    chunks = [chunk for data in written for chunk in chunker.add(data)]
    last = chunker.last()
    assert last is not None
    return [*chunks, last]


def _sent_records() -> list[Record]:
    return [_record(10 + number, chunk) for number, chunk in enumerate(_chunks([CONTENT]))]


def _assemble(records: list[Record], upload: Upload = UPLOAD) -> bytes:
    file = io.BytesIO()
    assembly = FileAssembler(upload, file)
    for record in records:
        assembly.add(record)
    assembly.verify()
    return file.getvalue()


def _with_header(record: Record, name: str, value: bytes) -> Record:
    return replace(record, headers=tuple({**dict(record.headers), name: value}.items()))


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (1, [1]),
        (CHUNK_BYTES - 1, [CHUNK_BYTES - 1]),
        (CHUNK_BYTES, [CHUNK_BYTES]),
        (CHUNK_BYTES + 1, [CHUNK_BYTES, 1]),
        (3 * CHUNK_BYTES, [CHUNK_BYTES] * 3),
    ],
)
@pytest.mark.parametrize("step", [7_001, 64 * 1024, CHUNK_BYTES, 10 * CHUNK_BYTES])
def test_all_chunks_but_the_last_are_full(size: int, sizes: list[int], step: int) -> None:
    content = os.urandom(size)
    chunker = FileChunker()
    written = [memoryview(content)[start : start + step] for start in range(0, size, step)]
    chunks = [chunk for data in written for chunk in chunker.add(data)]
    last = chunker.last()
    assert last is not None
    chunks.append(last)
    assert [len(chunk.value) for chunk in chunks] == sizes
    assert b"".join(chunk.value for chunk in chunks) == content
    assert (chunker.size, chunker.chunk_count) == (size, len(sizes))
    assert chunker.sha256 == hashlib.sha256(content).hexdigest()


def test_only_the_last_chunk_has_the_count() -> None:
    headers = [dict(chunk.headers) for chunk in _chunks([CONTENT])]
    assert [header["chunk-index"] for header in headers] == [b"0", b"1", b"2"]
    assert [header.get("chunk-count") for header in headers] == [None, None, b"3"]
    assert headers[2]["chunk-sha256"].decode() == hashlib.sha256(b"the end").hexdigest()


def test_chunker_copies_its_input() -> None:
    chunker = FileChunker()
    given = bytearray(b"content")
    assert list(chunker.add(memoryview(given))) == []
    given[:] = b"changed"
    last = chunker.last()
    assert last is not None
    assert last.value == b"content"


def test_empty_file_has_no_chunk() -> None:
    chunker = FileChunker()
    assert list(chunker.add(b"")) == []
    assert chunker.last() is None


def test_file_with_the_count_on_every_chunk_is_assembled() -> None:
    """The format of senders that know the size in advance."""
    assert _assemble([_with_header(record, "chunk-count", b"3") for record in _sent_records()]) == CONTENT


def test_file_without_any_count_is_assembled() -> None:
    first, second, third = _sent_records()
    headers = tuple(header for header in third.headers if header[0] != "chunk-count")
    assert _assemble([first, second, replace(third, headers=headers)]) == CONTENT


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("count", [b"2", b"4", b"three"])
def test_wrong_count_on_any_chunk_is_corrupt(number: int, count: bytes) -> None:
    records = _sent_records()
    records[number] = _with_header(records[number], "chunk-count", count)
    with pytest.raises(UploadCorruptError, match="number"):
        _assemble(records)


def test_chunks_are_assembled_to_the_file() -> None:
    assert _assemble(_sent_records()) == CONTENT


def test_other_and_repeated_chunks_are_ignored() -> None:
    first, second, third = _sent_records()
    foreign = replace(first, key=b"upload-2", value=b"not ours")
    assert _assemble([foreign, first, foreign, first, second, third, foreign]) == CONTENT


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_missing_chunk_is_named_by_number(missing: int) -> None:
    records = _sent_records()
    del records[missing]
    with pytest.raises(UploadIncompleteError, match=f"chunk {missing + 1} of 3 is missing"):
        _assemble(records)


Corrupt = Callable[[Record], Record]


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: replace(record, value=b"other bytes"),
        lambda record: replace(record, value=None),
        lambda record: replace(record, headers=()),
        lambda record: _with_header(record, "chunk-index", b"one"),
        lambda record: _with_header(record, "chunk-index", b"9" * 5_000),
        lambda record: _with_header(record, "chunk-count", b"4"),
        lambda record: _with_header(record, "chunk-sha256", b"0" * 64),
    ],
)
def test_damaged_chunk_is_corrupt(damage: Corrupt) -> None:
    first, second, third = _sent_records()
    with pytest.raises(UploadCorruptError, match="«чаты"):
        _assemble([first, damage(second), third])


@pytest.mark.parametrize(
    "wrong", [{"sha256": "0" * 64}, {"size": len(CONTENT) + 1}, {"size": len(CONTENT) - 1}, {"size": 1}]
)
def test_file_that_differs_from_the_request_is_corrupt(wrong: dict[str, object]) -> None:
    with pytest.raises(UploadCorruptError):
        _assemble(_sent_records(), UPLOAD.model_copy(update=wrong))


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_file_that_changes_while_it_is_sent_is_rejected(size: int) -> None:
    with pytest.raises(UploadRejectedError, match="while it was sent"):
        list(read_chunks(io.BytesIO(CONTENT), size))


def test_every_error_has_advice() -> None:
    with pytest.raises(UploadError, match="Send the file again"):
        _assemble([])
