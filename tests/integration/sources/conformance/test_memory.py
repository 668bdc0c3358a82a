"""Every kind of source is streamed: memory does not grow with the number of rows."""

import pytest

from tests.integration.sources.conformance.source_kinds import KINDS, SourceKind, kind_id
from tests.support.source_extractor import AttemptConfig, StoredLoad, start_reading
from tests.support.source_fixtures import SourceFixture
from tests.support.workbooks import HEADER, data_rows

FEW_ROWS = 15_000
FACTOR = 10


def peak_bytes(fixture: SourceFixture, start: AttemptConfig, rows: int) -> int:
    """The peak memory of a child that reads `count` rows, in bytes."""
    fixture.write_rows([HEADER, *data_rows(rows)])
    larger = AttemptConfig(fixture, start.inbox, start.scratch, {**start.overrides, "chunk_rows": 5_000})
    found = 0
    with start_reading(larger, StoredLoad()) as process:
        while (frame := process.step_frame()) is not None:
            found = max(found, process.peak_bytes())
            process.send_credit()
            last = frame
        assert last.header == {"rows": rows}
    return found


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_memory_is_independent_of_row_count(
    kind: SourceKind, source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    few, many = (peak_bytes(source_fixture, attempt_config, rows) for rows in (FEW_ROWS, FEW_ROWS * FACTOR))
    print(f"{few >> 20} MiB for {FEW_ROWS:,} rows, {many >> 20} MiB for {FEW_ROWS * FACTOR:,}")
    assert many - few <= kind.max_growth_bytes
