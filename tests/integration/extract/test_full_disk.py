"""A full disk is an internal outage, not a damaged workbook."""

import resource
from pathlib import Path

import pytest

from consumer.ipc import FrameType
from tests.support.extractor_driver import ExtractorDriver, make_start_header


@pytest.mark.parametrize("missing", [1, 100, 1 << 30], ids=["a byte", "a little", "all"])
def test_full_disk_is_an_internal_outage(workbook: Path, scratch: Path, missing: int) -> None:
    """A short last write is reported by its return value only."""
    available = max(workbook.stat().st_size - missing, 0)
    process = ExtractorDriver("tests.support.tiny_extractor")
    try:
        resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (available, available))
        process.send(FrameType.START, make_start_header(workbook, scratch))
        [failed] = process.read_all()
    finally:
        process.close()
    assert (failed.header["code"], failed.header["internal"]) == ("source_unavailable", True)
    assert "full" in failed.header["message"]
