"""Every kind of source is a stream: ten times the rows take hardly more memory."""

import pytest

from tests.integration.sources.conformance.kinds import KINDS, Kind, name_of
from tests.support.places import Place
from tests.support.source_child import Load, Start, reading
from tests.support.workbooks import HEADER, data_rows

FEW = 15_000
TIMES = 10


def peak(place: Place, start: Start, rows: int) -> int:
    """The most memory a child takes to read so many rows."""
    place.put([HEADER, *data_rows(rows)])
    larger = Start(place, start.inbox, start.scratch, {**start.others, "chunk_rows": 5_000})
    found = 0
    with reading(larger, Load()) as process:
        while (frame := process.step()) is not None:
            found = max(found, process.peak_bytes())
            process.grant()
            last = frame
        assert last.header == {"rows": rows}
    return found


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_ten_times_the_rows_take_hardly_more_memory(kind: Kind, place: Place, start: Start) -> None:
    few, many = (peak(place, start, rows) for rows in (FEW, FEW * TIMES))
    print(f"{few >> 20} MiB for {FEW:,} rows, {many >> 20} MiB for {FEW * TIMES:,}")
    assert many - few <= kind.growth_bytes
