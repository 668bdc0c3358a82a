"""A disk without room for the whole of a file is an outage of ours, and never a damaged workbook."""

import resource
from pathlib import Path

import pytest

from consumer.ipc import FrameType
from tests.support.extractor_driver import ExtractorDriver, make_start_header


@pytest.mark.parametrize("missing", [1, 100, 1 << 30], ids=["a byte", "a little", "all"])
def test_a_file_that_does_not_fit_is_told_as_an_outage(workbook: Path, scratch: Path, missing: int) -> None:
    """What the last write leaves out is told by its count alone."""
    room = max(workbook.stat().st_size - missing, 0)
    process = ExtractorDriver("tests.support.tiny_extractor")
    try:
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (room, room))
        process.send(FrameType.START, make_start_header(workbook, scratch))
        [failed] = process.read_all()
    finally:
        process.close()
    assert (failed.header["code"], failed.header["internal"]) == ("source_unavailable", True)
    assert "full" in failed.header["message"]
