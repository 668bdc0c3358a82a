import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from messaging.chunks import Assembly, Chunk, count_of, cut
from messaging.errors import UploadCorrupt, UploadError, UploadIncomplete, UploadRefused
from messaging.records import Record
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


def _record(offset: int, chunk: Chunk, key: bytes = KEY) -> Record:
    return Record("uploads", 0, offset, 0, key, chunk.value, chunk.headers)


def _sent() -> list[Record]:
    return [
        _record(10 + number, chunk) for number, chunk in enumerate(cut(io.BytesIO(CONTENT), len(CONTENT)))
    ]


def _assembled(records: list[Record], upload: Upload = UPLOAD) -> bytes:
    file = io.BytesIO()
    assembly = Assembly(upload, file)
    for record in records:
        assembly.take(record)
    assembly.finish()
    return file.getvalue()


def _with_header(record: Record, name: str, value: bytes) -> Record:
    return replace(record, headers=tuple({**dict(record.headers), name: value}.items()))


@pytest.mark.parametrize(
    ("size", "chunks"), [(1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (15_000_000, 29)]
)
def test_a_file_has_as_many_chunks_as_it_fills(size: int, chunks: int) -> None:
    assert count_of(size) == chunks


def test_chunks_make_the_file_again() -> None:
    assert _assembled(_sent()) == CONTENT


def test_chunks_of_others_and_repeated_ones_are_passed_over() -> None:
    first, second, third = _sent()
    foreign = replace(first, key=b"upload-2", value=b"not ours")
    assert _assembled([foreign, first, foreign, first, second, third, foreign]) == CONTENT


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_chunk_is_told_by_its_number(missing: int) -> None:
    records = _sent()
    del records[missing]
    with pytest.raises(UploadIncomplete, match=f"chunk {missing + 1} of 3 is missing"):
        _assembled(records)


Damage = Callable[[Record], Record]


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
def test_a_damaged_chunk_is_corrupt(damage: Damage) -> None:
    first, second, third = _sent()
    with pytest.raises(UploadCorrupt, match="«чаты"):
        _assembled([first, damage(second), third])


@pytest.mark.parametrize(
    "told", [{"sha256": "0" * 64}, {"size": len(CONTENT) + 1}, {"size": len(CONTENT) - 1}, {"size": 1}]
)
def test_a_file_that_is_not_what_the_request_says_is_corrupt(told: dict[str, object]) -> None:
    with pytest.raises(UploadCorrupt):
        _assembled(_sent(), UPLOAD.model_copy(update=told))


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_file_that_changes_while_it_is_sent_is_refused(size: int) -> None:
    with pytest.raises(UploadRefused):
        list(cut(io.BytesIO(CONTENT), size))


def test_every_sentence_says_what_to_do() -> None:
    with pytest.raises(UploadError, match="Send the file again"):
        _assembled([])
