"""Only chunks of the upload itself extend the timeout of a fetch."""

import itertools
import time
from pathlib import Path

import pytest

from messaging.connection import KafkaConnection
from messaging.download import _Download
from messaging.errors import KafkaUnavailableError, UploadIncompleteError
from messaging.records import Record
from messaging.upload_chunks import FileAssembler
from schemas.uploads import Upload

NOWHERE = KafkaConnection("127.0.0.1:1")
UPLOAD = Upload(
    upload_id="own", partition=0, first_offset=0, last_offset=999, chunks=1, size=1, sha256="0" * 64, name="f"
)


class FakePartitionReader:
    """A reader of a partition of 1,000 chunks; each poll returns the next ones."""

    def __init__(self, *, empty: bool) -> None:
        self.offset = 0
        self._empty = empty

    async def partition_count(self) -> int:
        return 1

    async def offset_bounds(self, _partitions: list[int]) -> tuple[dict[int, int], dict[int, int]]:
        return {0: 0}, {0: 1_000}

    def read_from(self, offsets: dict[int, int]) -> None:
        self.offset = offsets[0]

    async def poll(self, _seconds: float) -> list[Record]:
        if self._empty:
            return []
        self.offset += 1
        return [Record("t", 0, self.offset - 1, 0, b"another upload", b"x", ())]


@pytest.mark.parametrize(("empty", "error"), [(False, UploadIncompleteError), (True, KafkaUnavailableError)])
async def test_chunks_of_other_uploads_do_not_extend_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: bool, error: type[Exception]
) -> None:
    """A range full of them is incomplete; a range without any record means that Kafka is unavailable."""
    clock = itertools.count(0, 10)  # each reading is 10 s after the one before
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    topic = FakePartitionReader(empty=empty)
    with (tmp_path / "file").open("wb") as file, pytest.raises(error):
        await _Download(topic, NOWHERE, UPLOAD, FileAssembler(UPLOAD, file)).run()  # type: ignore[arg-type]
    assert topic.offset < 20
